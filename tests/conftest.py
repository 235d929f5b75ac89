"""Settings of all tests.

Tests are one package with absolute imports only: `from tests.support.scripted_server import ScriptedServer`. So no folder
can shadow a library of the same name.
"""

from hypothesis import HealthCheck, settings

from tests.support.postgres import postgres_server, postgres_url
from tests.support.valkey import valkey, valkey_server

__all__ = ["postgres_server", "postgres_url", "valkey", "valkey_server"]

# A busy machine can make any example slow.
settings.register_profile("no-deadline", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("no-deadline")
