"""Invalid response headers: clear lines and the usual exit codes."""

import asyncio
import json
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from tests.cli.conftest import Nexport
from tests.cli.test_doctor import minimal_campus, no_proxy_of_this_machine
from tests.faults.test_headers import DATES, HEADERS, response_with_header
from tests.support.scripted_server import TOKEN, ScriptedServer

ID = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"
__all__ = ["no_proxy_of_this_machine"]

READ = ("call", "learning.get_section_description", "--section-id", ID)
CODES = {"Content-Length": {11}, "Content-Encoding": {13}, "Transfer-Encoding": {11}}
ABSURD = [
    pytest.param(name, value, id=f"{name}: {value[:20]}") for name in HEADERS for value in HEADERS[name]
]


@pytest.mark.sampled(40)
@pytest.mark.parametrize(("name", "value"), ABSURD)
@pytest.mark.parametrize("status", [200, 429])
async def test_calls_survive_any_header(nexport: Nexport, status: int, name: str, value: str) -> None:
    """A call ends with its result, or with one line and the exit code of its kind of error."""
    async with ScriptedServer([response_with_header(status, name, value)] * 9) as server:
        env = {"NEXPORT_BASE_URL": server.url, "NEXPORT_ACCESS_TOKEN": TOKEN}
        done = await asyncio.to_thread(nexport, *READ, env=env)
    expected = {0} if status == 200 else {8}
    assert done.exit_code in expected | CODES.get(name, set())
    assert (done.stderr.count("\n"), bool(done.stdout)) == ((0, True) if done.exit_code == 0 else (1, False))
    assert "Error:" not in done.stderr.replace("RemoteProtocolError:", "")


@pytest.mark.parametrize("date", DATES)
async def test_the_doctors_clock(nexport: Nexport, date: str) -> None:
    """A `Date` that isn't a date skips the clock check, one from another age fails it, and the other checks run."""
    async with ScriptedServer(minimal_campus(Date=date)) as server:
        env = {"NEXPORT_BASE_URL": server.url, "NEXPORT_ACCESS_TOKEN": TOKEN}
        done = await asyncio.to_thread(nexport, "doctor", "--json", env=env)
    assert done.stderr == ""
    findings = {finding["check"]: finding for finding in json.loads(done.stdout)}
    assert findings["token"]["status"] == "ok"
    clock = findings["clock"]
    if "0001 00:00:00" in date:
        assert (done.exit_code, clock["status"]) == (1, "failed")
        assert " days " in clock["message"]
    else:
        assert clock["status"] == "skipped"


async def test_a_clock_that_is_a_day_off(nexport: Nexport) -> None:
    """The message has the difference and the server's time."""
    now = datetime.now(UTC)
    date = format_datetime(now.replace(year=now.year + 1, day=1), usegmt=True)
    async with ScriptedServer(minimal_campus(Date=date)) as server:
        env = {"NEXPORT_BASE_URL": server.url, "NEXPORT_ACCESS_TOKEN": TOKEN}
        done = await asyncio.to_thread(nexport, "doctor", env=env)
    assert f"days behind the server's, {now.year + 1}-" in done.stdout
