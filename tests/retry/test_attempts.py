"""`on_attempt` and the log: what happened to each request of a call, and how long it took."""

import asyncio
import logging
from functools import partial
from typing import Any

import httpx
import pytest

from nexport_campus import (
    Attempt,
    AuthenticationError,
    ConfigurationError,
    NexportCampus,
    NexportError,
    NotFoundError,
    PasswordAuth,
    RequestTimeoutError,
    RetryPolicy,
    ServerError,
    StaticToken,
    TransportError,
)
from nexport_campus._retry import Budget
from tests.support.clients import TOKEN, campus_of
from tests.support.manual_clock import ManualClock, campus_on
from tests.support.scripted_server import (
    Request,
    Response,
    ScriptedServer,
    error_entity,
    html_response,
    json_response,
    with_login,
)
from tests.support.spec import SOME_ID

GOOD = json_response({"description": "Safety first"} | error_entity())
DOWN = html_response(503)
REFUSED = json_response(error_entity(4, "this token has expired"), 403)
RETRY = RetryPolicy(max_attempts=3)
PATH = "/api/v1/LearningApi/GetSectionDescription"


async def read(campus: NexportCampus) -> str:
    """Make a call that reads."""
    return (await campus.learning.get_section_description(section_id=SOME_ID)).description


def in_turn(*responses: Response) -> Any:
    """Return a handler that responds to logins, and to everything else in turn."""
    waiting = iter(responses)

    async def respond(request: Request) -> Response:
        return next(waiting)

    return with_login(respond)


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the messages logged at level INFO."""
    return [record.getMessage() for record in caplog.records if record.levelno == logging.INFO]


async def test_each_attempt_is_reported() -> None:
    """A login, a failure and a success: with operation, number, status, error and the wait before the next."""
    clock, seen = ManualClock(jitter=0.5), list[Attempt]()
    async with (
        ScriptedServer(in_turn(DOWN, GOOD)) as server,
        campus_on(
            clock, server, auth=PasswordAuth("user", "secret"), retry=RETRY, on_attempt=seen.append
        ) as campus,
    ):
        await read(campus)
    login, failed, succeeded = seen
    assert (login.operation_id, login.method, login.path, login.number, login.status_code) == (
        "AdminApi_Authenticate",
        "POST",
        "/api/v1/AdminApi/Authenticate",
        1,
        200,
    )
    assert (login.error, login.retry_in) == (None, None)
    assert (failed.operation_id, failed.method, failed.path) == (
        "LearningApi_GetSectionDescription",
        "GET",
        PATH,
    )
    assert (failed.number, failed.status_code, failed.retry_in) == (1, 503, 0.25)
    assert isinstance(failed.error, ServerError)
    assert (failed.error.operation_id, failed.error.attempts) == ("LearningApi_GetSectionDescription", 1)
    assert (succeeded.number, succeeded.status_code, succeeded.error, succeeded.retry_in) == (
        2,
        200,
        None,
        None,
    )


async def test_the_callback_is_called_before_the_wait() -> None:
    """A report arrives while the call is waiting to try again."""
    clock, seen = ManualClock(), list[Attempt]()
    reported: list[int] = []

    async def between(number: int) -> None:
        reported.append(len(seen))

    clock.between = between
    async with (
        ScriptedServer([DOWN, DOWN, GOOD]) as server,
        campus_on(clock, server, retry=RETRY, on_attempt=seen.append) as campus,
    ):
        await read(campus)
    assert reported == [1, 2]


async def test_the_last_failure_has_the_error_that_is_raised() -> None:
    """Its `retry_in` is None, and so is that of a write that isn't retried."""
    clock, seen = ManualClock(), list[Attempt]()
    async with (
        ScriptedServer([DOWN] * 4) as server,
        campus_on(clock, server, retry=RETRY, on_attempt=seen.append) as campus,
    ):
        with pytest.raises(ServerError) as caught:
            await read(campus)
        with pytest.raises(ServerError) as written:
            await campus.learning.drop_enrollment(enrollment_id=SOME_ID)
    assert [attempt.retry_in for attempt in seen] == [0.5, 1.0, None, None]
    assert [attempt.number for attempt in seen] == [1, 2, 3, 1]
    assert seen[2].error is caught.value
    assert seen[3].error is written.value
    assert written.value.maybe_applied


async def test_the_seconds_of_an_attempt_and_of_its_wait() -> None:
    """`waited` counts limiter and token, `seconds` the request itself, on the client's clock."""
    clock, seen = ManualClock(), list[Attempt]()

    async def respond(request: Request) -> Response:
        clock.now += 2.0 if request.operation_id == "AdminApi_Authenticate" else 0.75
        return GOOD

    async def respond_to_login(request: Request) -> Response:
        if request.operation_id == "AdminApi_Authenticate":
            clock.now += 2.0
        return await with_login(respond)(request)

    async with (
        ScriptedServer(respond_to_login) as server,
        campus_on(
            clock, server, auth=PasswordAuth("user", "secret"), rate_limit=0.5, on_attempt=seen.append
        ) as campus,
    ):
        await read(campus)
        await read(campus)
    assert [(attempt.waited, attempt.seconds) for attempt in seen] == [
        (0.0, 2.0),
        (2.0, 0.75),
        (1.25, 0.75),
    ]


async def test_no_response_has_no_status() -> None:
    """A connection that breaks is reported with its error and without a status."""
    seen = list[Attempt]()
    async with (
        ScriptedServer([Response(raw=b"", ending="reset")]) as server,
        campus_of(server, on_attempt=seen.append) as campus,
    ):
        with pytest.raises(TransportError):
            await read(campus)
    (attempt,) = seen
    assert attempt.status_code is None
    assert isinstance(attempt.error, TransportError)


async def test_a_refused_token_is_replayed_at_once() -> None:
    """The first attempt has code 4 and `retry_in` 0, then come the login and the second attempt."""
    seen = list[Attempt]()
    auth = PasswordAuth("user", "secret")
    async with (
        ScriptedServer(in_turn(GOOD, REFUSED, GOOD)) as server,
        campus_of(server, auth=auth, on_attempt=seen.append) as campus,
    ):
        await read(campus)
        await read(campus)
    assert [attempt.operation_id.split("_")[1] for attempt in seen] == [
        "Authenticate",
        "GetSectionDescription",
        "GetSectionDescription",
        "Authenticate",
        "GetSectionDescription",
    ]
    assert isinstance(seen[2].error, AuthenticationError)
    assert (seen[2].number, seen[2].retry_in) == (1, 0.0)
    assert (seen[4].number, seen[4].error) == (2, None)


async def test_an_element_that_reports_an_error_fails_its_attempt() -> None:
    """A raw page whose element has an error code raises that error, and reports it."""
    seen = list[Attempt]()
    body = [{"attempt_id": SOME_ID, "api_error_entity": error_entity(3)["api_error_entity"]}]
    async with (
        ScriptedServer([json_response(body)]) as server,
        campus_of(server, on_attempt=seen.append) as campus,
    ):
        with pytest.raises(NotFoundError) as caught:
            await campus.raw.learning.get_assignment_statuses(enrollment_id=SOME_ID)
    assert [attempt.error for attempt in seen] == [caught.value]


async def test_pages_are_reported_one_by_one() -> None:
    """Each page of a list is a call with its own attempts."""
    seen = list[Attempt]()
    empty: dict[str, Any] = {"enrollments": [], "total_count": 0, "page": 1, "page_size": 1000}
    async with (
        ScriptedServer([json_response(empty | error_entity())]) as server,
        campus_of(server, on_attempt=seen.append) as campus,
    ):
        await campus.learning.search_enrollments(org_ids=[SOME_ID]).collect()
    assert [attempt.operation_id for attempt in seen] == ["LearningApi_SearchEnrollments"]


async def test_a_cancelled_attempt_is_not_reported() -> None:
    """Cancellation calls nothing, and leaves nothing in the log."""
    gate, seen = asyncio.Event(), list[Attempt]()
    async with (
        ScriptedServer([Response(gate=gate)]) as server,
        campus_of(server, on_attempt=seen.append) as campus,
    ):
        task = asyncio.create_task(read(campus))
        await server.wait_for_requests(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        gate.set()
    assert seen == []


async def test_the_end_of_the_total_time_is_reported() -> None:
    """An attempt that `total_timeout` interrupts is reported with the error of the call."""
    gate, seen = asyncio.Event(), list[Attempt]()
    async with (
        ScriptedServer([Response(gate=gate)]) as server,
        campus_of(server, retry=RetryPolicy(total_timeout=0.2), on_attempt=seen.append) as campus,
    ):
        with pytest.raises(RequestTimeoutError) as caught:
            await read(campus)
        gate.set()
    assert [attempt.error for attempt in seen] == [caught.value]
    assert seen[0].retry_in is None


async def test_a_views_callback_replaces_the_clients() -> None:
    """It gets the login that the view triggers too; None turns it off."""
    clients, views = list[Attempt](), list[Attempt]()
    auth = PasswordAuth("user", "secret")
    async with (
        ScriptedServer(in_turn(GOOD, GOOD, GOOD)) as server,
        campus_of(server, auth=auth, on_attempt=clients.append) as campus,
    ):
        await read(campus.with_options(on_attempt=views.append))
        await read(campus.with_options(on_attempt=None))
        await read(campus)
    assert [attempt.operation_id.split("_")[0] for attempt in views] == ["AdminApi", "LearningApi"]
    assert [attempt.operation_id.split("_")[0] for attempt in clients] == ["LearningApi"]


async def test_exceptions_of_the_callback_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The call succeeds, and the log has the traceback."""

    def fail(attempt: Attempt) -> None:
        raise LookupError("of mine")

    async with ScriptedServer([GOOD]) as server, campus_of(server, on_attempt=fail) as campus:
        assert await read(campus) == "Safety first"
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "on_attempt raised for LearningApi_GetSectionDescription" in record.getMessage()
    assert record.exc_info is not None
    assert record.exc_info[0] is LookupError


async def awaited(attempt: Attempt) -> None:
    """A callback that can't be awaited."""


@pytest.mark.parametrize("callback", [awaited, partial(awaited)], ids=["function", "partial"])
def test_async_callbacks_are_refused(callback: Any) -> None:
    """The message advises to call `asyncio.create_task` in a plain function."""
    with pytest.raises(ConfigurationError, match=r"asyncio\.create_task"):
        NexportCampus(StaticToken(TOKEN), on_attempt=callback)
    with pytest.raises(ConfigurationError, match=r"asyncio\.create_task"):
        NexportCampus(StaticToken(TOKEN)).with_options(on_attempt=callback)


async def test_a_coroutine_that_a_callback_returns_is_closed(caplog: pytest.LogCaptureFixture) -> None:
    """A plain function that returns a coroutine is reported once it is noticed."""
    async with (
        ScriptedServer([GOOD]) as server,
        campus_of(server, on_attempt=lambda attempt: awaited(attempt)) as campus,
    ):
        assert await read(campus) == "Safety first"
    assert "on_attempt returned a coroutine" in caplog.text


async def test_failed_attempts_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    """One INFO line each, with the reason and the wait; none for a success, and no words of the campus."""
    caplog.set_level(logging.INFO, logger="nexport_campus")
    named = json_response(error_entity(3, "no section for Ada Lovelace"), 409)
    clock = ManualClock()
    async with (
        ScriptedServer([DOWN, Response(raw=b"", ending="reset"), GOOD, named]) as server,
        campus_on(clock, server, retry=RETRY) as campus,
    ):
        await read(campus)
        with pytest.raises(NotFoundError):
            await read(campus)
    first, second, third = lines(caplog)
    assert "LearningApi_GetSectionDescription attempt 1 failed" in first
    assert "ServerError (HTTP 503); retry in 0.500 s" in first
    assert "attempt 2 failed" in second
    assert "TransportError: " in second
    assert "NotFoundError (HTTP 409, code 3); no retry" in third
    assert "Lovelace" not in caplog.text
    record = next(record for record in caplog.records if record.levelno == logging.INFO)
    fields = {name: getattr(record, name) for name in ("operation", "attempt", "status", "retry_in")}
    assert fields == {
        "operation": "LearningApi_GetSectionDescription",
        "attempt": 1,
        "status": 503,
        "retry_in": 0.5,
    }


async def test_the_log_has_the_seconds_of_a_failed_attempt(caplog: pytest.LogCaptureFixture) -> None:
    """Its fields and its words are those of `on_attempt`: how long the request took, and the wait before it."""
    caplog.set_level(logging.INFO, logger="nexport_campus")
    clock, seen = ManualClock(), list[Attempt]()

    async def respond(request: Request) -> Response:
        clock.now += 0.75
        return DOWN

    retry = RetryPolicy(max_attempts=2, initial_delay=0.0)
    async with (
        ScriptedServer(respond) as server,
        campus_on(clock, server, retry=retry, rate_limit=0.5, on_attempt=seen.append) as campus,
    ):
        with pytest.raises(ServerError):
            await read(campus)
    records: list[Any] = [record for record in caplog.records if record.levelno == logging.INFO]
    assert [(record.waited, record.seconds) for record in records] == [(0.0, 0.75), (1.25, 0.75)]
    assert [(record.waited, record.seconds) for record in records] == [
        (attempt.waited, attempt.seconds) for attempt in seen
    ]
    assert "failed after 0.750 s (waited 1.250 s before)" in lines(caplog)[1]


async def test_a_spent_budget_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """One line when no retry is left, and another only after the budget recovered and was spent again."""
    caplog.set_level(logging.INFO, logger="nexport_campus")

    async def down(request: Request) -> Response:
        return DOWN

    clock = ManualClock()
    async with ScriptedServer(down) as server, campus_on(clock, server, retry=RETRY) as campus:
        campus._state.budget._left = Budget.COST
        for _ in range(3):
            with pytest.raises(NexportError):
                await read(campus)
        assert len([line for line in lines(caplog) if "retry budget is spent" in line]) == 1
        campus._state.budget.refund(1)
        with pytest.raises(NexportError):
            await read(campus)
    assert len([line for line in lines(caplog) if "retry budget is spent" in line]) == 2
    assert len(server.requests) == 6


async def test_no_request_follows_the_deadline() -> None:
    """A call that would begin after the deadline sends nothing, even on a transport that no timeout could interrupt."""
    clock, paths = ManualClock(), []

    def respond(request: httpx.Request) -> httpx.Response:
        clock.now += 5
        paths.append(request.url.path)
        page = {"enrollments": [], "page": 1, "page_size": 100, "total_count": 0}
        return httpx.Response(200, json=page | error_entity())

    settings = {"retry": RetryPolicy(total_timeout=4), "transport": httpx.MockTransport(respond)}
    async with ScriptedServer([]) as server, campus_on(clock, server, **settings) as campus:
        with pytest.raises(RequestTimeoutError, match="total_timeout, 4 s, has passed"):
            await campus.ensure_enrollment(org_id=SOME_ID, user_id=SOME_ID, syllabus_id=SOME_ID)
    assert paths == ["/api/v1/LearningApi/SearchEnrollments"]
