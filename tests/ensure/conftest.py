"""A small campus that a test may change."""

from collections.abc import AsyncIterator

import pytest

from nexport_campus import NexportCampus, PasswordAuth
from nexport_campus.sandbox import Samples, Sandbox


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """Return a small campus that a test may change."""
    async with Sandbox(seed=11, enrollments=4000) as sandbox:
        yield sandbox


@pytest.fixture
async def campus(sandbox: Sandbox) -> AsyncIterator[NexportCampus]:
    """Return a client of that campus."""
    async with NexportCampus(
        PasswordAuth(sandbox.username, sandbox.password), base_url=sandbox.url
    ) as campus:
        yield campus


@pytest.fixture
async def samples(sandbox: Sandbox) -> Samples:
    """Return the ids of sample records."""
    return await sandbox.samples()
