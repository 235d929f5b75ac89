"""Hypothesis profiles for fuzzing: seconds by default, minutes with `scripts/test --full`."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.fuzz.fake_campus import FakeCampus

_COMMON = settings(
    deadline=None,  # a busy machine is not a failure
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,
    ],
)
settings.register_profile("short", _COMMON, max_examples=10, derandomize=True, database=None)
settings.register_profile("full", _COMMON, max_examples=200, print_blob=True)


def pytest_configure(config: pytest.Config) -> None:
    """Load the profile before the tests are imported: hypothesis reads it when they are decorated."""
    settings.load_profile("full" if config.option.markexpr == "full or not full" else "short")


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeCampus]:
    """Yield a campus in this process with its event loop."""
    with FakeCampus() as campus:
        yield campus
