"""Many processes share one login, through a real Valkey."""

import time
from collections.abc import AsyncIterator
from typing import Any

import attrs
import pytest

from tests.support.counting_campus import PASSWORD, CountingCampus
from tests.support.fleet import Fleet
from tests.support.scripted_server import ScriptedServer
from tests.support.valkey import Valkey


@attrs.frozen
class Setup:
    """A campus that counts, and the settings of the workers' clients."""

    campus: CountingCampus
    settings: dict[str, Any]


@pytest.fixture
async def setup(valkey: Valkey) -> AsyncIterator[Setup]:
    """A campus, and an empty Valkey."""
    campus = CountingCampus()
    async with ScriptedServer(campus) as server:
        yield Setup(campus, {"base_url": server.url, "password": PASSWORD, "redis_url": valkey.url})


async def test_processes_started_at_once_make_one_login(setup: Setup) -> None:
    """16 processes with 3 concurrent calls each: one login, and every call succeeds."""
    setup.campus.login_seconds = 0.3
    async with Fleet(16, **setup.settings) as fleet:
        results = await fleet.all("call", count=3, at=time.monotonic() + 0.2)
    assert {result["succeeded"] for result in results} == {3}
    assert setup.campus.logins == 1
