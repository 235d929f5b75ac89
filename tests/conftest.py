"""Settings of all tests.

Tests are one package with absolute imports only: `from tests.support.scripted_server import ScriptedServer`. So no folder
can shadow a library of the same name.
"""

from hypothesis import HealthCheck, settings

# How long an example takes, to make or to run, depends on what else the machine does.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")
