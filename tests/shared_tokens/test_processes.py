"""Many processes share one login through a real Valkey, whatever happens to it and to them."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest
from cryptography.fernet import Fernet

from tests.support.counting_campus import PASSWORD, USERNAME, CountingCampus
from tests.support.fleet import Fleet
from tests.support.scripted_server import ScriptedServer
from tests.support.valkey import Valkey

#: Seconds a renewed token lives where a test counts logins, so that a slow machine can't cause another one.
LASTING = 3600


@attrs.frozen
class Setup:
    """A campus that counts, its server, and the settings of the workers' clients."""

    campus: CountingCampus
    server: ScriptedServer
    settings: dict[str, Any]

    @asynccontextmanager
    async def fleet(self, size: int, **settings: Any) -> AsyncIterator[Fleet]:
        """Start some processes, each with a client."""
        async with Fleet(size, **self.settings | settings) as fleet:
            yield fleet


@pytest.fixture
async def setup(valkey: Valkey) -> AsyncIterator[Setup]:
    """A campus, and an empty Valkey."""
    campus = CountingCampus()
    async with ScriptedServer(campus) as server:
        settings = {"base_url": server.url, "password": PASSWORD, "redis_url": valkey.url}
        yield Setup(campus, server, settings)


async def assert_calls_succeed(fleet: Fleet, count: int = 3) -> None:
    """Make some calls in each process."""
    for result in await fleet.all("call", count=count):
        assert result == {"succeeded": count, "errors": []}


async def warnings_of(fleet: Fleet) -> list[list[str]]:
    """Return what each process has warned about."""
    return await fleet.all("warnings")


async def test_processes_started_at_once_make_one_login(setup: Setup) -> None:
    """16 processes with 3 concurrent calls each: one login, and every call succeeds."""
    setup.campus.login_seconds = 0.3
    async with setup.fleet(16) as fleet:
        results = await fleet.all("call", count=3, at=time.monotonic() + 0.2)
        assert await warnings_of(fleet) == [[]] * 16
    assert {result["succeeded"] for result in results} == {3}
    assert setup.campus.logins == 1


async def test_an_aging_token_is_renewed_once(setup: Setup) -> None:
    """While all processes make calls, the token is renewed by one of them, and no call notices."""
    setup.campus.lifetime = 4
    async with setup.fleet(6) as fleet:
        await assert_calls_succeed(fleet)
        setup.campus.lifetime = LASTING
        while setup.campus.logins == 1:
            await assert_calls_succeed(fleet)
            await asyncio.sleep(0.05)
        await assert_calls_succeed(fleet)
    assert setup.campus.logins == 2


async def test_one_login_after_a_revocation(setup: Setup) -> None:
    """The token is revoked with 50 calls under way in each process: one login, and every call succeeds."""
    campus = setup.campus
    async with setup.fleet(4, max_concurrency=50) as fleet:
        await assert_calls_succeed(fleet)
        before = len(setup.server.requests)
        campus.gate = asyncio.Event()
        calls = asyncio.create_task(fleet.all("call", count=50))
        await setup.server.wait_for_requests(before + 200)
        campus.revoke()
        campus.gate.set()
        assert [result["succeeded"] for result in await calls] == [50] * 4
    assert campus.logins == 2
    assert campus.rejections == 200


@pytest.mark.full
async def test_a_killed_holder_of_the_lock_costs_at_most_its_lease(setup: Setup) -> None:
    """A process is killed while it logs in. The others wait for its lease, and one of them logs in."""
    setup.campus.login_seconds = 60
    async with setup.fleet(4) as fleet:
        holder, *others = fleet.workers
        doomed = asyncio.create_task(holder.do("call"))
        await setup.server.wait_for_requests(1)
        setup.campus.login_seconds = 0
        waiting = asyncio.create_task(fleet.all("call", workers=others))
        holder.kill()
        with pytest.raises((EOFError, ConnectionError)):
            await doomed
        assert [result["succeeded"] for result in await waiting] == [1] * 3
        assert await fleet.all("warnings", workers=others) == [[]] * 3
    assert setup.campus.logins == 2


async def test_an_unreachable_valkey(setup: Setup, valkey: Valkey) -> None:
    """Each process logs in by itself, no call fails, and each process warns once."""
    valkey.stop()
    async with setup.fleet(3) as fleet:
        await assert_calls_succeed(fleet)
        setup.campus.revoke()
        await assert_calls_succeed(fleet)
        warnings = await warnings_of(fleet)
    assert setup.campus.logins == 6
    assert [len(each) for each in warnings] == [1] * 3
    assert warnings[0][0].startswith("the token store failed (ConnectionError: ")
    assert warnings[0][0].endswith("): this process logs in by itself")


async def test_a_valkey_that_does_not_respond(setup: Setup, valkey: Valkey) -> None:
    """A frozen Valkey is a second's delay for each login, and one warning for each process."""
    async with setup.fleet(3) as fleet:
        valkey.freeze()
        await assert_calls_succeed(fleet)
        warnings = await warnings_of(fleet)
        valkey.thaw()
    assert setup.campus.logins == 3
    assert [len(each) for each in warnings] == [1] * 3


@pytest.mark.full
async def test_a_valkey_that_is_flushed(setup: Setup, valkey: Valkey) -> None:
    """Calls continue without a login, and a process that starts afterwards logs in for all."""
    async with setup.fleet(3) as fleet, setup.fleet(1) as late:
        await assert_calls_succeed(fleet)
        with valkey.client() as client:
            client.flushall()
        await assert_calls_succeed(fleet)
        assert setup.campus.logins == 1
        await assert_calls_succeed(late)
        setup.campus.revoke()
        await assert_calls_succeed(fleet)
        assert [*await warnings_of(fleet), *await warnings_of(late)] == [[]] * 4
    assert setup.campus.logins == 3


async def test_a_valkey_that_is_restarted(setup: Setup, valkey: Valkey) -> None:
    """While it is away, each process logs in by itself; afterwards one login is for all again."""
    async with setup.fleet(3) as fleet:
        await assert_calls_succeed(fleet)
        valkey.stop()
        await assert_calls_succeed(fleet)
        assert setup.campus.logins == 1
        setup.campus.revoke()
        await assert_calls_succeed(fleet)
        assert setup.campus.logins == 4
        valkey.start()
        setup.campus.revoke()
        await assert_calls_succeed(fleet)
        assert setup.campus.logins == 5
        assert [len(each) for each in await warnings_of(fleet)] == [1] * 3


@pytest.mark.full
async def test_clocks_that_differ(setup: Setup) -> None:
    """Processes whose clocks are minutes apart share a token that lives for seconds, and its renewal."""
    setup.campus.lifetime = 4
    async with (
        setup.fleet(2) as right,
        setup.fleet(2, clock_offset=-300) as slow,
        setup.fleet(2, clock_offset=300) as fast,
    ):
        fleets = (slow, right, fast)
        await assert_calls_succeed(right)
        setup.campus.lifetime = LASTING
        while setup.campus.logins == 1:
            await asyncio.gather(*map(assert_calls_succeed, fleets))
            await asyncio.sleep(0.05)
        await asyncio.gather(*map(assert_calls_succeed, fleets))
    assert setup.campus.logins == 2


async def test_a_refused_login_holds_back_all_processes(setup: Setup) -> None:
    """4 processes with a wrong password: one login, and equal errors. A corrected password works at once."""
    async with setup.fleet(4, password="a wrong password") as fleet:
        results = await fleet.all("call", count=5)
        errors = [error for result in results for error in result["errors"]]
        assert (len(errors), setup.campus.logins) == (20, 1)
        assert {error["type"] for error in errors} == {"AuthenticationError"}
        assert all(50 < error["retry_after"] <= 60 for error in errors)
        expected = "AdminApi_Authenticate: Wrong password (HTTP 403, code 4"
        assert all(error["text"].startswith(expected) for error in errors)
        async with setup.fleet(2) as corrected:
            await assert_calls_succeed(corrected)
    assert (setup.campus.logins, setup.campus.refusals) == (2, 1)


async def test_a_restarted_process_is_held_back_too(setup: Setup) -> None:
    """A process that starts after the refusal makes no login with the same password."""
    for _ in range(2):
        async with setup.fleet(1, password="a wrong password") as fleet:
            (result,) = await fleet.all("call")
            assert result["errors"][0]["type"] == "AuthenticationError"
    assert setup.campus.logins == 1


async def test_an_encrypted_token_is_seen_nowhere(setup: Setup, valkey: Valkey) -> None:
    """It is in no command that Valkey receives, no key, no value and no log, and neither is the password or the user."""
    key = Fernet.generate_key().decode()
    with valkey.client() as client, client.monitor() as monitor:
        async with setup.fleet(2, encryption_keys=[key]) as fleet:
            await assert_calls_succeed(fleet)
            setup.campus.revoke()
            await assert_calls_succeed(fleet)
            logs = await fleet.all("log_lines")
        with valkey.client() as other:
            keys = other.keys("*")
            shown = [*map(str, keys), *(str(other.get(name)) for name in keys)]
            other.echo("the end")
        while "the end" not in (command := monitor.next_command()["command"]):
            shown.append(command)
    assert setup.campus.logins == 2
    assert any("SET" in line for line in shown)
    assert len(keys) == 1
    for secret in (*setup.campus.tokens, PASSWORD, USERNAME, key):
        assert not [line for line in shown if secret in line]
    for secret in (*setup.campus.tokens, PASSWORD, key):
        assert not [line for log in logs for line in log if secret in line]


@pytest.mark.full
async def test_keys_rotate_without_a_login(setup: Setup) -> None:
    """A new key in front, then the old one removed after a renewal: no process logs in because of that."""
    old, new = (Fernet.generate_key().decode() for _ in range(2))
    async with (
        setup.fleet(1, encryption_keys=[old]) as first,
        setup.fleet(1, encryption_keys=[new, old]) as second,
    ):
        await assert_calls_succeed(first)
        await assert_calls_succeed(second)
        assert setup.campus.logins == 1
        setup.campus.revoke()
        await assert_calls_succeed(second)
        async with setup.fleet(1, encryption_keys=[new]) as third:
            await assert_calls_succeed(third)
            assert [*await warnings_of(second), *await warnings_of(third)] == [[], []]
    assert setup.campus.logins == 2
