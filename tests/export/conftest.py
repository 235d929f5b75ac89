"""Fixtures of the export tests."""

import pytest

from nexport_campus.sandbox import Samples, Sandbox


@pytest.fixture
async def samples(nexport_sandbox: Sandbox) -> Samples:
    """Return sample ids of the sandbox."""
    return await nexport_sandbox.samples()
