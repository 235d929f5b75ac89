"""What holds for all tests."""

from hypothesis import HealthCheck, settings

# How long an example takes, to make or to run, depends on what else the machine does.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")
