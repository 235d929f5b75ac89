"""What tests of exports share."""

import pytest

from nexport_campus.sandbox import Samples, Sandbox


@pytest.fixture
async def samples(nexport_sandbox: Sandbox) -> Samples:
    """Ids worth trying."""
    return await nexport_sandbox.samples()
