"""Rate limits of one process: what counts, pauses, and limiters that fail."""

import asyncio
import logging
import threading
from typing import Any

import attrs
import pytest

from nexport_campus import (
    ConfigurationError,
    LocalRateLimiter,
    NexportCampus,
    PasswordAuth,
    RateLimiter,
    RateLimitError,
    RequestTimeoutError,
    RetryPolicy,
    ServerError,
    StaticToken,
)
from tests.support.clients import campus_of, campus_with
from tests.support.manual_clock import ManualClock, campus_on
from tests.support.scripted_server import (
    Request,
    Response,
    ScriptedServer,
    error_entity,
    json_response,
    with_login,
)
from tests.support.spec import SOME_ID

GOOD = json_response({"description": "Safety first"} | error_entity())
RETRIES = RetryPolicy(max_attempts=4, initial_delay=0.001)


@attrs.define
class CountingLimiter:
    """Counts the requests, and delays none."""

    acquired: int = 0
    pauses: list[float] = attrs.field(factory=list)

    async def acquire(self) -> None:
        self.acquired += 1

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)


async def call(campus: NexportCampus) -> None:
    """Make a call, which succeeds."""
    assert (await campus.learning.get_section_description(section_id=SOME_ID)).description == "Safety first"


async def respond_well(_: Request) -> Response:
    """Respond to a call."""
    return GOOD


async def test_every_request_counts() -> None:
    """A login, a rejected token, a retry: one turn for each HTTP request, and no more."""
    unavailable, rejected = json_response({}, 503), json_response(error_entity(4, "No"), 401)
    login = json_response({"access_token": SOME_ID, "token_type": "bearer"} | error_entity())
    script = [unavailable, login, unavailable, GOOD, rejected, login, GOOD, GOOD]
    limiter = CountingLimiter()
    auth = PasswordAuth("ada", "secret")
    async with campus_with(*script, auth=auth, rate_limit=limiter, retry=RETRIES) as (campus, server):
        await call(campus)
        await call(campus)
        await campus.with_options(timeout=5.0).learning.get_section_description(section_id=SOME_ID)
        assert len(server.requests) == limiter.acquired == len(script)


@pytest.mark.parametrize("status", [429, 503])
async def test_a_response_with_retry_after_pauses(status: int) -> None:
    """The limiter gets the seconds, whether the call is retried or not."""
    limiter = CountingLimiter()
    busy = json_response({}, status, {"Retry-After": "0.25"})
    async with campus_with(busy, GOOD, busy, rate_limit=limiter, retry=RETRIES) as (campus, _):
        await call(campus)
        with pytest.raises((RateLimitError, ServerError)):
            await call(campus.with_options(retry=RetryPolicy(max_attempts=1)))
    assert limiter.pauses == [0.25, 0.25]


async def test_a_login_that_is_limited_pauses_too() -> None:
    """A login's 429 is like any other."""
    limiter = CountingLimiter()
    busy = json_response({}, 429, {"Retry-After": "0.1"})
    login = json_response({"access_token": SOME_ID, "token_type": "bearer"} | error_entity())
    auth = PasswordAuth("ada", "secret")
    async with campus_with(busy, login, GOOD, auth=auth, rate_limit=limiter, retry=RETRIES) as (campus, _):
        await call(campus)
    assert (limiter.pauses, limiter.acquired) == ([0.1], 3)


async def test_no_pause() -> None:
    """Neither without Retry-After, nor for another status; and no longer than `max_retry_after`."""
    limiter = CountingLimiter()
    script = [
        json_response({}, 429),
        json_response({}, 503),
        json_response({}, 500, {"Retry-After": "0.1"}),
        json_response({}, 429, {"Retry-After": "86400"}),
    ]
    async with campus_with(*script, rate_limit=limiter) as (campus, _):
        for _ in script:
            with pytest.raises((RateLimitError, ServerError)):
                await call(campus)
    assert limiter.pauses == [RetryPolicy().max_retry_after]


async def test_turns_are_an_interval_apart() -> None:
    """Several clients with one limiter share its turns, in the order of arrival."""
    clock = ManualClock()
    limiter = LocalRateLimiter(4, _clock=clock.clock())
    starts: list[tuple[str, float]] = []

    async def start(name: str) -> None:
        await limiter.acquire()
        starts.append((name, clock.now))

    await asyncio.gather(*(start(name) for name in "abcde"))
    assert starts == [(name, 1000 + number / 4) for number, name in enumerate("abcde")]


async def test_one_limiter_for_several_clients() -> None:
    """Together, they send no faster than it allows."""
    clock = ManualClock()
    limiter = LocalRateLimiter(10, _clock=clock.clock())
    async with (
        ScriptedServer(respond_well) as server,
        campus_on(clock, server, rate_limit=limiter) as first,
        campus_on(clock, server, rate_limit=limiter) as second,
    ):
        await asyncio.gather(*(call(campus) for campus in (first, second) for _ in range(5)))
    assert clock.now == pytest.approx(1000.9)


async def test_a_cancelled_waiter_loses_no_turn() -> None:
    """Its turn goes to the next one."""
    clock = ManualClock()
    clock.gate = asyncio.Event()
    limiter = LocalRateLimiter(1, _clock=clock.clock())
    await limiter.acquire()
    waiters = [asyncio.create_task(limiter.acquire()) for _ in range(5)]
    await asyncio.sleep(0)
    for waiter in waiters[:4]:
        waiter.cancel()
    clock.gate.set()
    await waiters[4]
    assert clock.now == 1001


async def test_a_pause_delays_all_callers() -> None:
    """It delays all callers, even those that were waiting already; a shorter pause changes nothing."""
    clock = ManualClock()
    limiter = LocalRateLimiter(1, _clock=clock.clock())
    await limiter.acquire()

    async def pause(_: int) -> None:
        if len(clock.waits) == 1:
            await limiter.pause(30)
            await limiter.pause(2)

    clock.between = pause
    await limiter.acquire()
    assert clock.now == 1030


def test_one_limiter_on_several_loops() -> None:
    """Loops one after another, and loops in several threads, share its turns."""
    limiter = LocalRateLimiter(200)
    turns: list[int] = []

    async def take(count: int) -> None:
        for _ in range(count):
            await limiter.acquire()
            turns.append(1)

    asyncio.run(take(2))
    threads = [threading.Thread(target=asyncio.run, args=[take(5)]) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(turns) == 17


async def test_waiting_counts_toward_the_total_time() -> None:
    """A call that gets no turn within `total_timeout` times out, and sends nothing."""
    limiter = LocalRateLimiter(0.01)
    retry = RetryPolicy(total_timeout=0.2)
    async with campus_with(GOOD, rate_limit=limiter, retry=retry) as (campus, server):
        await call(campus)
        with pytest.raises(RequestTimeoutError, match="total_timeout"):
            await call(campus)
        assert len(server.requests) == 1


async def test_a_token_that_expires_while_waiting_for_a_turn() -> None:
    """The call logs in, and takes another turn: after a slow login, the turns of all who waited are not used at once."""
    clock = ManualClock()

    class Slow(CountingLimiter):
        async def acquire(self) -> None:
            await super().acquire()
            if self.acquired == 3:
                clock.now += 3600

    limiter = Slow()
    async with (
        ScriptedServer(with_login(respond_well)) as server,
        campus_on(clock, server, auth=PasswordAuth("ada", "secret"), rate_limit=limiter) as campus,
    ):
        await call(campus)
        await call(campus)
        assert [request.operation_id.split("_")[1] for request in server.requests] == [
            "Authenticate",
            "GetSectionDescription",
            "Authenticate",
            "GetSectionDescription",
        ]
    assert limiter.acquired == 5


class FailingLimiter(CountingLimiter):
    """A limiter that raises; with `per_second`, a local limit is known."""

    def __init__(self, per_second: float | None = None) -> None:
        super().__init__()
        if per_second is not None:
            self.per_second = per_second

    async def acquire(self) -> None:
        await super().acquire()
        raise OSError("no connection")

    async def pause(self, seconds: float) -> None:
        await super().pause(seconds)
        raise OSError("no connection")


async def test_a_limiter_that_fails(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged once, the local limit holds, and a pause holds in this process."""
    clock = ManualClock()
    limiter = FailingLimiter(per_second=2)
    busy = json_response({}, 429, {"Retry-After": "20"})
    async with (
        ScriptedServer([GOOD] * 4 + [busy, GOOD]) as server,
        campus_on(clock, server, rate_limit=limiter) as campus,
    ):
        for _ in range(4):
            await call(campus)
        assert clock.now == 1001.5
        with pytest.raises(RateLimitError):
            await call(campus)
        await call(campus)
        assert clock.now == 1022
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == [
        "the rate limiter failed (OSError: no connection): 2 requests per second in this process meanwhile"
    ]


async def test_a_failing_limiter_is_tried_again() -> None:
    """After some seconds it is used again."""
    clock = ManualClock()

    class Recovering(CountingLimiter):
        async def acquire(self) -> None:
            await super().acquire()
            if self.acquired == 1:
                raise OSError

    limiter = Recovering()
    async with (
        ScriptedServer(respond_well) as server,
        campus_on(clock, server, rate_limit=limiter) as campus,
    ):
        await call(campus)
        await call(campus)
        assert limiter.acquired == 1
        clock.now += 5
        await call(campus)
        await call(campus)
        assert limiter.acquired == 3


async def test_the_next_outage_is_logged_too(caplog: pytest.LogCaptureFixture) -> None:
    """A failure within ten minutes of another belongs to the same outage, and a later one is logged again."""
    clock = ManualClock()
    async with (
        ScriptedServer(respond_well) as server,
        campus_on(clock, server, rate_limit=FailingLimiter()) as campus,
    ):
        logged = []
        for seconds in (0, 599, 599, 600, 599, 86400):
            clock.now += seconds
            await call(campus)
            logged.append(caplog.text.count("the rate limiter failed"))
    assert logged == [1, 1, 1, 2, 2, 3]


async def test_a_failing_limiter_without_a_known_rate(caplog: pytest.LogCaptureFixture) -> None:
    """Calls continue, and the log says that no limit holds."""
    async with campus_with(GOOD, GOOD, rate_limit=FailingLimiter()) as (campus, _):
        await call(campus)
        await call(campus)
    assert caplog.text.count("no limit holds in this process meanwhile") == 1


INVALID: dict[str, Any] = {
    "zero": 0,
    "negative": -1,
    "a string": "20",
    "a boolean": True,
    "not a number": float("nan"),
    "a class": LocalRateLimiter,
    "a semaphore": asyncio.Semaphore(1),
}


@pytest.mark.parametrize("name", INVALID)
def test_a_rate_that_cannot_work(name: str) -> None:
    """It raises in the constructor."""
    with pytest.raises(ConfigurationError, match="rate_limit"):
        NexportCampus(StaticToken("t"), rate_limit=INVALID[name])


@pytest.mark.parametrize("rate", [0, -1, float("inf"), "20", None])
def test_a_local_limiter_that_cannot_work(rate: Any) -> None:
    """It raises when it is made."""
    with pytest.raises(ConfigurationError, match="per_second"):
        LocalRateLimiter(rate)


async def test_any_class_with_two_methods_is_a_limiter() -> None:
    """A local limiter is a RateLimiter, and so is any class with its two methods."""
    for limiter in (LocalRateLimiter(5), CountingLimiter()):
        checked: RateLimiter = limiter
        assert isinstance(checked, RateLimiter)
    assert repr(LocalRateLimiter(5)) == "LocalRateLimiter(5)"
    async with (
        ScriptedServer(respond_well) as server,
        campus_of(server, rate_limit=LocalRateLimiter(1000)) as campus,
    ):
        await call(campus)
