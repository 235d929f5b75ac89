"""Calls that are retried over a real socket, on a clock that the test moves."""

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from nexport_campus import (
    AccessToken,
    AuthenticationError,
    NexportCampus,
    RateLimitError,
    RequestTimeoutError,
    RetryPolicy,
    ServerError,
)
from tests.support.clients import campus_of
from tests.support.manual_clock import ManualClock, campus_on
from tests.support.scripted_server import (
    TOKEN,
    Request,
    Response,
    ScriptedServer,
    error_entity,
    json_response,
)
from tests.support.spec import SOME_ID

GOOD = json_response({"description": "Safety first"} | error_entity())
DROPPED = json_response({"enrollment_id": SOME_ID, "success": True} | error_entity())
DOWN = json_response({}, 503)


def refusal_with_wait(value: str, status: int = 429) -> Response:
    """Return a refusal with a `Retry-After`."""
    return json_response({}, status, {"Retry-After": value})


async def read(campus: NexportCampus) -> int:
    """Return the attempts of a call that reads."""
    return (await campus.raw.learning.get_section_description(section_id=SOME_ID)).attempts


async def write(campus: NexportCampus) -> int:
    """Return the attempts of a call that writes, with GET."""
    return (await campus.raw.learning.drop_enrollment(enrollment_id=SOME_ID)).attempts


@pytest.mark.parametrize("jitter", [0.0, 0.25, 1.0])
async def test_waits_grow_within_their_bounds(jitter: float) -> None:
    """Up to half a second, one and two, times a random factor, before the second, third and fourth attempt."""
    clock = ManualClock(jitter)
    async with (
        ScriptedServer([DOWN, DOWN, DOWN, GOOD]) as server,
        campus_on(clock, server, retry=RetryPolicy()) as campus,
    ):
        assert await read(campus) == 4
    assert clock.waits == [0.5 * jitter, 1.0 * jitter, 2.0 * jitter]


async def test_the_last_error_is_raised() -> None:
    """The fourth attempt is the last, and the error has the number of attempts."""
    clock = ManualClock()
    async with ScriptedServer([DOWN] * 4) as server, campus_on(clock, server, retry=RetryPolicy()) as campus:
        with pytest.raises(ServerError) as caught:
            await read(campus)
    assert (caught.value.attempts, caught.value.maybe_applied) == (4, False)
    assert len(clock.waits) == 3


@pytest.mark.parametrize("value", ["0", "7", "60"])
@pytest.mark.parametrize("effect", [read, write])
async def test_retry_after_is_waited_for(effect: object, value: str) -> None:
    """The requested wait is honored to the second, for reads and writes."""
    clock, responses = ManualClock(), [refusal_with_wait(value), GOOD if effect is read else DROPPED]
    async with ScriptedServer(responses) as server, campus_on(clock, server, retry=RetryPolicy()) as campus:
        assert await (read if effect is read else write)(campus) == 2
    assert clock.waits == [float(value)]


async def test_retry_after_of_an_overloaded_server() -> None:
    """It counts with 503 too, as a date or as seconds."""
    clock, date = ManualClock(), format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    responses = [refusal_with_wait("3", 503), refusal_with_wait(date), GOOD]
    async with ScriptedServer(responses) as server, campus_on(clock, server, retry=RetryPolicy()) as campus:
        assert await read(campus) == 3
    assert clock.waits[0] == 3
    assert 0 < clock.waits[1] <= 30


@pytest.mark.parametrize("value", ["-5", "nan", "inf", "soon", "1e9", ""])
async def test_an_invalid_retry_after(value: str) -> None:
    """It is ignored."""
    clock = ManualClock()
    async with (
        ScriptedServer([refusal_with_wait(value), GOOD]) as server,
        campus_on(clock, server, retry=RetryPolicy()) as campus,
    ):
        assert await read(campus) == 2
    assert clock.waits == [0.5]


@pytest.mark.parametrize("value", ["61", "99999999999", "Fri, 31 Dec 2199 23:59:59 GMT"])
async def test_a_retry_after_that_is_too_long(value: str) -> None:
    """Beyond `max_retry_after` the error is raised at once, with the requested wait."""
    clock = ManualClock()
    async with (
        ScriptedServer([refusal_with_wait(value)]) as server,
        campus_on(clock, server, retry=RetryPolicy()) as campus,
    ):
        with pytest.raises(RateLimitError) as caught:
            await read(campus)
    assert caught.value.attempts == 1
    assert caught.value.retry_after is not None
    assert caught.value.retry_after > 60
    assert clock.waits == []


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 520, 524])
@pytest.mark.parametrize("code", range(1, 9))
async def test_a_response_with_an_error_entity_is_never_retried(status: int, code: int) -> None:
    """The campus has considered the call: its code counts, whatever the status (except for a refused token)."""
    if code == 4:
        return
    response = json_response(error_entity(code, "no"), status)
    async with (
        ScriptedServer([response, response]) as server,
        campus_on(ManualClock(), server, retry=RetryPolicy()) as campus,
    ):
        for call in (read, write):
            with pytest.raises(Exception, match="code") as caught:
                await call(campus)
            assert (caught.value.attempts, caught.value.maybe_applied) == (1, False)  # type: ignore[attr-defined]


async def test_a_replay_with_a_new_token_is_not_a_retry() -> None:
    """A refused token costs no attempt, no wait and none of the budget: all attempts are left after it."""
    tokens = iter(["first", "second"])

    async def auth() -> AccessToken:
        return AccessToken(next(tokens))

    clock, refusal = ManualClock(), json_response(error_entity(4), 403)
    async with (
        ScriptedServer([refusal, DOWN, DROPPED]) as server,
        campus_on(clock, server, auth=auth, retry=RetryPolicy(max_attempts=1)) as campus,
    ):
        with pytest.raises(ServerError) as caught:
            await read(campus)
        assert caught.value.attempts == 2
    assert clock.waits == []
    assert [dict(request.query)["access_token"] for request in server.requests] == ["first", "second"]


@pytest.mark.parametrize("retries", [1, 2, 3])
async def test_all_retries_are_left_after_a_replay(retries: int) -> None:
    """A call whose token had expired retries as often, and after the same waits, as any other."""
    tokens = iter(["first", "second"])

    async def auth() -> AccessToken:
        return AccessToken(next(tokens))

    clock, refusal = ManualClock(), json_response(error_entity(4), 403)
    async with (
        ScriptedServer([refusal, *[DOWN] * retries, GOOD]) as server,
        campus_on(clock, server, auth=auth, retry=RetryPolicy(max_attempts=retries + 1)) as campus,
    ):
        assert await read(campus) == retries + 2
    assert clock.waits == [0.5, 1.0, 2.0][:retries]


async def test_a_second_refusal_is_final() -> None:
    """The call is sent again only once."""

    async def auth() -> AccessToken:
        return AccessToken(TOKEN)

    async with (
        ScriptedServer([Response(status=401)] * 2) as server,
        campus_on(ManualClock(), server, auth=auth, retry=RetryPolicy()) as campus,
    ):
        with pytest.raises(AuthenticationError):
            await write(campus)
    assert len(server.requests) == 2


async def test_a_wait_is_cancelled_at_once() -> None:
    """Cancelling a call that waits for its retry ends the wait at once; the next call works."""
    clock = ManualClock()
    clock.gate = asyncio.Event()
    async with (
        ScriptedServer([DOWN, GOOD]) as server,
        campus_on(clock, server, retry=RetryPolicy(), max_concurrency=1) as campus,
    ):
        call = asyncio.create_task(read(campus))
        await clock.waiting.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert await read(campus) == 1


async def test_a_real_wait_is_cancelled_at_once() -> None:
    """The same holds with the real clock and a wait of an hour."""
    policy = RetryPolicy(max_retry_after=3600)
    async with (
        ScriptedServer([refusal_with_wait("3600"), GOOD]) as server,
        campus_of(server, retry=policy) as campus,
    ):
        call = asyncio.create_task(read(campus))
        await server.wait_for_requests(1)
        await asyncio.wait([call], timeout=0.05)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call


async def test_a_call_that_waits_takes_no_slot() -> None:
    """While one call waits for its retry, another one is sent, even if only one request is allowed at a time."""
    clock = ManualClock()
    clock.gate = asyncio.Event()
    async with (
        ScriptedServer([DOWN, DROPPED, GOOD]) as server,
        campus_on(clock, server, retry=RetryPolicy(), max_concurrency=1) as campus,
    ):
        waiting = asyncio.create_task(read(campus))
        await clock.waiting.wait()
        assert await write(campus) == 1
        clock.gate.set()
        assert await waiting == 2


async def test_total_timeout_gives_up_before_a_wait_that_is_too_long() -> None:
    """The attempt's own error is raised at once, since the wait would end too late."""
    clock = ManualClock()
    async with (
        ScriptedServer([DOWN] * 3) as server,
        campus_on(clock, server, retry=RetryPolicy(total_timeout=2.0)) as campus,
    ):
        with pytest.raises(ServerError) as caught:
            await read(campus)
    assert clock.waits == [0.5, 1.0]
    assert caught.value.attempts == 3


async def test_total_timeout_covers_an_attempt() -> None:
    """Waiting for a response is limited by the call's total timeout, whatever `timeout` is."""
    gate = asyncio.Event()
    response = json_response({}, gate=gate)
    policy = RetryPolicy(total_timeout=0.05)
    async with ScriptedServer([response] * 2) as server, campus_of(server, retry=policy) as campus:
        with pytest.raises(RequestTimeoutError, match="total_timeout") as reading:
            await read(campus)
        with pytest.raises(RequestTimeoutError, match="may have carried it out") as writing:
            await write(campus)
        gate.set()
        await server.wait_until_closed()
    assert (reading.value.attempts, reading.value.maybe_applied) == (1, False)
    assert (writing.value.attempts, writing.value.maybe_applied) == (1, True)
    assert writing.value.operation_id == "LearningApi_DropEnrollment"


async def test_total_timeout_covers_the_wait_for_a_token() -> None:
    """A login that hangs doesn't extend it; nothing was sent, so nothing was applied."""

    async def auth() -> AccessToken:
        await asyncio.Event().wait()
        raise AssertionError

    policy = RetryPolicy(total_timeout=0.05)
    async with ScriptedServer([]) as server, campus_of(server, auth=auth, retry=policy) as campus:
        with pytest.raises(RequestTimeoutError) as caught:
            await write(campus)
    assert (caught.value.attempts, caught.value.maybe_applied) == (0, False)
    assert server.requests == []


async def test_total_timeout_covers_the_wait_for_a_slot() -> None:
    """A call that doesn't get a slot in time says so; the call that has the slot continues."""
    gate = asyncio.Event()
    async with (
        ScriptedServer([json_response({"description": "late"} | error_entity(), gate=gate)]) as server,
        campus_of(server, max_concurrency=1) as campus,
    ):
        first = asyncio.create_task(read(campus))
        await server.wait_for_requests(1)
        hasty = campus.with_options(retry=RetryPolicy(total_timeout=0.05))
        with pytest.raises(RequestTimeoutError) as caught:
            await write(hasty)
        gate.set()
        assert await first == 1
    assert (caught.value.attempts, caught.value.maybe_applied) == (0, False)


async def test_total_timeout_in_a_wait_keeps_the_reason() -> None:
    """The error of the last attempt is the timeout's cause."""
    clock = ManualClock(jitter=0.0)
    clock.gate = asyncio.Event()
    async with (
        ScriptedServer([DOWN]) as server,
        campus_on(clock, server, retry=RetryPolicy(total_timeout=0.05)) as campus,
    ):
        with pytest.raises(RequestTimeoutError) as caught:
            await read(campus)
    assert isinstance(caught.value.__cause__, ServerError)
    assert caught.value.attempts == 1


async def test_requests_are_sent_at_the_rate_limit() -> None:
    """At two requests a second, each call waits for its turn, retries included."""
    clock = ManualClock(jitter=0.0)
    responses = [GOOD, DOWN, GOOD, GOOD]
    async with (
        ScriptedServer(responses) as server,
        campus_on(clock, server, retry=RetryPolicy(), rate_limit=2) as campus,
    ):
        for _ in range(3):
            await read(campus)
    assert clock.waits == [0.5, 0.0, 0.5, 0.5]


async def test_cancelled_calls_use_no_turn() -> None:
    """Whatever number of waiting calls was cancelled, the next call waits for one turn."""

    async def respond(request: Request) -> Response:
        return GOOD

    clock = ManualClock()
    async with ScriptedServer(respond) as server, campus_on(clock, server, rate_limit=1) as campus:
        await read(campus)
        clock.gate = asyncio.Event()
        waiting = [asyncio.create_task(read(campus)) for _ in range(50)]
        await clock.waiting.wait()
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)
        clock.gate.set()
        await read(campus)
    assert clock.waits == [1.0, 1.0]
    assert len(server.requests) == 2
