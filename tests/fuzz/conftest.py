"""The campus in this process that the fuzz tests use."""

from collections.abc import Iterator

import pytest

from tests.fuzz.fake_campus import FakeCampus


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeCampus]:
    """Yield a campus in this process with its event loop."""
    with FakeCampus() as campus:
        yield campus
