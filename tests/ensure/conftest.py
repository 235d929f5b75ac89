"""A campus that a test may change, fresh for each test."""

import pytest

from nexport_campus.sandbox import Samples, Sandbox


@pytest.fixture
def sandbox(nexport_sandbox: Sandbox) -> Sandbox:
    """Return the campus."""
    return nexport_sandbox


@pytest.fixture
async def samples(sandbox: Sandbox) -> Samples:
    """Return the ids of sample records."""
    return await sandbox.samples()
