"""A rate limit for many processes, through a real Valkey."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest
import redis.asyncio

from nexport_campus import ConfigurationError, NexportCampus, RateLimiter, StaticToken
from nexport_campus.redis import RedisRateLimiter
from tests.support.counting_campus import PASSWORD, CountingCampus, most_in_a_second
from tests.support.fleet import Fleet
from tests.support.scripted_server import ScriptedServer, json_response
from tests.support.spec import SOME_ID
from tests.support.valkey import Valkey

MakeLimiter = Callable[[float], RedisRateLimiter]


@pytest.fixture
async def make_limiter(valkey: Valkey) -> AsyncIterator[MakeLimiter]:
    """Return a function that makes limiters, each with separate connections, as another process has."""
    async with AsyncExitStack() as stack:

        def make(per_second: float) -> RedisRateLimiter:
            limiter = RedisRateLimiter.from_url(valkey.url, per_second=per_second)
            stack.push_async_exit(limiter)
            return limiter

        yield make


async def take(limiter: RateLimiter, starts: list[tuple[str, float]], name: str = "") -> None:
    """Take a turn, and note the time."""
    await limiter.acquire()
    starts.append((name, time.monotonic()))


async def test_the_limit_holds_for_the_fleet(valkey: Valkey) -> None:
    """Over any second, 4 processes send at most the limit and a tenth, counted at the server; each gets its share.

    Logins count too. Half of the processes have wrong clocks.
    """
    campus = CountingCampus()
    async with ScriptedServer(campus) as server:
        common = {"base_url": server.url, "password": PASSWORD, "redis_url": valkey.url, "per_second": 20}
        async with Fleet(2, **common) as fleet, Fleet(2, clock_offset=200, **common) as wrong:
            workers = [*fleet.workers, *wrong.workers]
            succeeded: list[int] = []
            # Where the machine stops a process for a moment, requests pile up on their way, but not every time.
            for _ in range(3):
                campus.arrivals.clear()
                campus.calls.clear()
                end = time.monotonic() + 3
                succeeded = await fleet.all("call_until", workers=workers, at=end, concurrent=6)
                if most_in_a_second(campus.arrivals) <= 22:
                    break
            assert await fleet.all("warnings", workers=workers) == [[]] * 4
    assert most_in_a_second(campus.arrivals) <= 22
    assert sum(succeeded) == len(campus.calls)
    assert min(succeeded) >= sum(succeeded) / 4 / 2


@pytest.mark.full
async def test_retry_after_pauses_all_processes(valkey: Valkey) -> None:
    """One process gets a 429: until its Retry-After is over, none of them sends."""
    campus = CountingCampus()
    async with ScriptedServer(campus) as server:
        settings = {"base_url": server.url, "password": PASSWORD, "redis_url": valkey.url, "per_second": 40}
        async with Fleet(3, **settings) as fleet:
            first, *others = fleet.workers
            await fleet.all("call")
            campus.limited.append(json_response({}, 429, {"Retry-After": "3"}))
            (error,) = (await first.do("call"))["errors"]
            assert error["type"] == "RateLimitError"
            paused_at, before = time.monotonic(), len(campus.arrivals)
            results = await fleet.all("call", workers=others)
            assert [result["succeeded"] for result in results] == [1, 1]
    # Valkey counts whole milliseconds, and the response took some.
    assert min(campus.arrivals[before:]) - paused_at > 2.5


async def test_turns_come_in_the_order_of_arrival(make_limiter: MakeLimiter, valkey: Valkey) -> None:
    """Across limiters, and however long each of them waits."""
    limiters = [make_limiter(5) for _ in range(3)]
    starts: list[tuple[str, float]] = []
    names = [f"{number}" for number in range(8)]
    for limiter in limiters:
        await limiter.pause(1)
    with valkey.client() as client:
        async with asyncio.TaskGroup() as tasks:
            for number, name in enumerate(names):
                tasks.create_task(take(limiters[number * number % 3], starts, name))
                async with asyncio.timeout(10):
                    while client.zcard("nexport-campus:{rate}:queue") + len(starts) <= number:  # noqa: ASYNC110 -- likewise
                        await asyncio.sleep(0.01)
    assert [name for name, _ in starts] == names


async def test_a_cancelled_waiter_loses_no_turn(make_limiter: MakeLimiter, valkey: Valkey) -> None:
    """If callers are cancelled, here or in another process, the others move up: no second passes without a turn."""
    limiters = [make_limiter(2) for _ in range(2)]
    starts: list[tuple[str, float]] = []
    await take(limiters[0], starts)
    waiting = [asyncio.create_task(take(limiters[number % 2], starts)) for number in range(20)]
    with valkey.client() as client:
        async with asyncio.timeout(10):
            while client.zcard("nexport-campus:{rate}:queue") + len(starts) < len(waiting):  # noqa: ASYNC110 -- likewise
                await asyncio.sleep(0.01)
    for task in waiting[:18]:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert len(starts) == 3
    # 2 turns at 2 a second, instead of 20.
    assert starts[-1][1] - starts[0][1] < 5


async def test_a_turn_that_arrives_too_late_is_returned(
    make_limiter: MakeLimiter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A caller that is cancelled while its turn is on the way gives it back."""
    limiter = make_limiter(0.02)
    run = limiter._run

    given, cancelled = asyncio.Event(), asyncio.Event()

    async def delayed(command: str, argument: str) -> tuple[bool, float]:
        result = await run(command, argument)
        if command == "poll":
            given.set()
            await cancelled.wait()
        return result

    monkeypatch.setattr(limiter, "_run", delayed)
    task = asyncio.create_task(limiter.acquire())
    await given.wait()
    task.cancel()
    cancelled.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(20):
        await make_limiter(0.02).acquire()


@pytest.mark.full
async def test_a_killed_process_delays_no_other(valkey: Valkey) -> None:
    """The places in the queue of a process that was killed are dropped."""
    campus = CountingCampus()
    async with ScriptedServer(campus) as server:
        settings = {"base_url": server.url, "password": PASSWORD, "redis_url": valkey.url, "per_second": 5}
        async with Fleet(2, **settings) as fleet:
            doomed, other = fleet.workers
            await fleet.all("call")
            waiting = asyncio.create_task(doomed.do("call", count=100))
            await server.wait_for_requests(len(server.requests) + 1)
            doomed.kill()
            with pytest.raises((EOFError, ConnectionError)):
                await waiting
            async with asyncio.timeout(15):
                assert (await other.do("call"))["succeeded"] == 1


async def test_a_fast_limit_is_used(make_limiter: MakeLimiter) -> None:
    """At 200 a second, turns don't wait for one another's round trips."""
    limiters = [make_limiter(200) for _ in range(4)]
    starts: list[tuple[str, float]] = []
    await asyncio.gather(*(take(limiters[number % 4], starts) for number in range(200)))
    times = [at for _, at in starts]
    assert most_in_a_second(times) <= 220
    assert max(times) - min(times) < 10


async def test_without_valkey_the_local_limit_holds(valkey: Valkey, caplog: pytest.LogCaptureFixture) -> None:
    """Calls continue at the same rate in this process, and one warning says so."""
    campus = CountingCampus()
    campus.issued[SOME_ID] = float("inf")
    async with (
        ScriptedServer(campus) as server,
        RedisRateLimiter.from_url(valkey.url, per_second=20) as limiter,
        NexportCampus(StaticToken(SOME_ID), base_url=server.url, rate_limit=limiter) as client,
    ):
        await client.learning.get_section_description(section_id=SOME_ID)
        valkey.stop()
        calls = (client.learning.get_section_description(section_id=SOME_ID) for _ in range(31))
        await asyncio.gather(*calls)
        # 30 turns at 20 a second; a busy machine may delay the first ones a little.
        assert campus.arrivals[-1] - campus.arrivals[1] > 1.3
    (warning,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert warning.startswith("the rate limiter failed (ConnectionError: ")
    assert warning.endswith("): 20 requests per second in this process meanwhile")


async def test_a_client_that_was_passed_in(valkey: Valkey) -> None:
    """It stays open when the limiter is closed; it may decode responses. The keys begin with the prefix."""
    client = redis.asyncio.from_url(valkey.url, decode_responses=True)
    async with RedisRateLimiter(client, per_second=1000, prefix="other:") as limiter:
        await limiter.acquire()
        await limiter.pause(0.01)
        assert {str(key).partition(":")[0] for key in await client.keys("*")} == {"other"}
    assert await client.ping()
    await client.aclose()


async def test_nothing_stays_in_valkey(make_limiter: MakeLimiter, valkey: Valkey) -> None:
    """All keys expire."""
    limiter = make_limiter(50)
    await asyncio.gather(*(limiter.acquire() for _ in range(3)))
    waiting = [asyncio.create_task(make_limiter(0.1).acquire()) for _ in range(3)]
    with valkey.client() as client:
        async with asyncio.timeout(10):
            while len(keys := client.keys("*")) < 3:  # noqa: ASYNC110 -- Valkey sends no event
                await asyncio.sleep(0.01)
        assert all(client.pttl(key) > 0 for key in keys)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"url": "http://localhost", "per_second": 20}, "from_url: the URL or an option is invalid"),
        ({"url": 7, "per_second": 20}, "from_url: the URL must be a string"),
        ({"url": "redis://:hidden@localhost", "per_second": 0}, "per_second must be greater than 0"),
        ({"url": "redis://localhost", "per_second": 20, "prefix": ""}, "prefix must be a non-empty string"),
        ({"url": "redis://:hidden@localhost", "per_second": 20, "no_option": 1}, "an option is invalid"),
    ],
    ids=["scheme", "type", "rate", "prefix", "option"],
)
def test_arguments_that_cannot_work(arguments: dict[str, object], message: str) -> None:
    """They raise at once, and the URL isn't shown, because it may hold a password."""
    with pytest.raises(ConfigurationError, match=message) as caught:
        RedisRateLimiter.from_url(**arguments)  # type: ignore[arg-type]  # that is the point
    assert "hidden" not in str(caught.value)


def test_a_synchronous_client_is_refused(valkey: Valkey) -> None:
    """The message says which client is needed."""
    with valkey.client() as client, pytest.raises(ConfigurationError, match=r"redis\.asyncio\.Redis"):
        RedisRateLimiter(client, per_second=20)
