"""How long the fuzzing takes: moments as a rule, minutes with `scripts/test --full`."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.fuzz.fake_campus import FakeCampus

_COMMON = settings(
    deadline=None,  # a machine that is busy makes no answer wrong
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,
    ],
)
settings.register_profile("short", _COMMON, max_examples=10, derandomize=True, database=None)
settings.register_profile("full", _COMMON, max_examples=200, print_blob=True)


def pytest_configure(config: pytest.Config) -> None:
    """Choose before the tests are read: hypothesis takes the profile as it is then."""
    settings.load_profile("full" if config.option.markexpr == "full or not full" else "short")


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeCampus]:
    """A campus in this process, with an event loop of its own."""
    with FakeCampus() as campus:
        yield campus
