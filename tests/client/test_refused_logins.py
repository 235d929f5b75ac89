"""Refused logins are not repeated at once, since campuses lock accounts; on a clock that the test moves."""

import asyncio
import pickle
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexport_campus import (
    AccessToken,
    APIError,
    AuthenticationError,
    InvalidRequestError,
    NexportCampus,
    NexportError,
    PasswordAuth,
    RetryPolicy,
    TransportError,
)
from nexport_client import OPERATIONS
from tests.support.clients import NO_RETRY, method_of
from tests.support.manual_clock import ManualClock, campus_on
from tests.support.scripted_server import (
    Request,
    Response,
    ScriptedServer,
    error_entity,
    html_response,
    json_response,
)
from tests.support.spec import SOME_ID

LOGIN = "AdminApi_Authenticate"
WRONG = json_response(error_entity(4, "Unknown user or wrong password"), 403)
DESCRIPTION = json_response({"description": "Safety first"} | error_entity())
REFUSALS = {
    "403 with code 4": WRONG,
    "403 with code 5": json_response(error_entity(5, "No"), 403),
    "403 with code 0": json_response(error_entity(0), 403),
    "403, empty": Response(status=403),
    "401 with code 4": json_response(error_entity(4, "No"), 401),
    "401, empty": Response(status=401),
    "200 with code 4": json_response(error_entity(4, "No")),
    "200 with code 3": json_response(error_entity(3, "No such user")),
    "422 with code 2": json_response(error_entity(2, "The password is too short"), 422),
    "409 with code 6": json_response(error_entity(6, "No subscription"), 409),
    "400 with a code to come": json_response(error_entity(77, "Locked"), 400),
}
FAILURES = {
    "503": json_response({}, 503),
    "500 with code 1": json_response(error_entity(1, "Sorry"), 500),
    "503 with a code to come": json_response(error_entity(77, "Sorry"), 503),
    "429": json_response({}, 429),
    "401 of a gateway": html_response(401),
    "403 of a firewall": html_response(403),
    "403 with somebody else's JSON": json_response({"message": "Forbidden"}, 403),
    "404 of a gateway": html_response(404),
    "422 without an entity": json_response({}, 422),
    "200 of a gateway": html_response(200),
    "a redirect": Response(status=302, headers=(("Location", "https://login.example/"),)),
    "cut": Response(body=b'{"access_token": "', claimed_length=4000, ending="close"),
    "reset": Response(cut_after=0, ending="reset"),
}


@attrs.define
class LoginCampus:
    """A campus that sends scripted login responses, the last one again and again; None accepts the login."""

    responses: list[Response | None]
    logins: int = 0

    async def __call__(self, request: Request) -> Response:
        if request.operation_id != LOGIN:
            return DESCRIPTION
        self.logins += 1
        response = self.responses.pop(0) if len(self.responses) > 1 else self.responses[0]
        token = {"access_token": SOME_ID, "token_type": "bearer"}
        return json_response(token | error_entity()) if response is None else response


@asynccontextmanager
async def client(
    campus_server: LoginCampus, clock: ManualClock | None = None, auth: Any = None, **options: Any
) -> AsyncIterator[NexportCampus]:
    """Return a client with a password; by default it doesn't retry."""
    chosen: dict[str, Any] = {"auth": auth or PasswordAuth("ada", "secret"), "retry": NO_RETRY}
    async with (
        ScriptedServer(campus_server) as server,
        campus_on(clock or ManualClock(), server, **chosen | options) as campus,
    ):
        yield campus


async def describe(campus: NexportCampus) -> str:
    """Make a call that needs a token."""
    return (await campus.learning.get_section_description(section_id=SOME_ID)).description


async def failure(campus: NexportCampus, kind: type[NexportError] = AuthenticationError) -> Any:
    """Return the error of such a call."""
    with pytest.raises(kind) as caught:
        await describe(campus)
    return caught.value


def common_attributes(error: APIError) -> tuple[object, ...]:
    """Return the attributes that equal errors have in common."""
    parts = (type(error), error.message, error.status_code, error.error_code, error.operation_id)
    return (*parts, error.method, error.path, error.attempts, error.maybe_applied, error.page)


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_a_refused_login_is_not_repeated_for_every_call(refusal: str) -> None:
    """20 calls with wrong credentials cause one login and 20 equal errors, each a separate object."""
    campus_server = LoginCampus([REFUSALS[refusal]])
    async with client(campus_server) as campus:
        errors = [await failure(campus) for _ in range(20)]
    assert campus_server.logins == 1
    assert len({common_attributes(error) for error in errors}) == 1
    assert len({id(error) for error in errors}) == 20
    assert {type(error) for error in errors} == {AuthenticationError}
    assert {(error.operation_id, error.transient) for error in errors} == {(LOGIN, False)}


async def test_the_time_until_the_next_login() -> None:
    """60 seconds, then 2, 4, 8 and at most 15 minutes; the error has the time as an attribute and in its message."""
    clock, campus_server = ManualClock(), LoginCampus([WRONG])
    async with client(campus_server, clock) as campus:
        for number, seconds in enumerate([60, 120, 240, 480, 900, 900, 900], start=1):
            first = await failure(campus)
            assert (first.retry_after, campus_server.logins) == (seconds, number)
            assert f"won't log in again for {seconds} s" in str(first)
            clock.now += seconds - 0.5
            later = await failure(campus)
            assert (later.retry_after, campus_server.logins) == (0.5, number)
            assert "won't log in again for 1 s" in str(later)
            # Every other time, the next call comes later than it might.
            clock.now += 0.5 + 5 * (number % 2)


async def test_a_successful_login_ends_the_wait() -> None:
    """After a login that succeeded, the next refusal starts at 60 seconds again."""
    clock, campus_server = ManualClock(), LoginCampus([WRONG, WRONG, None, WRONG])
    async with client(campus_server, clock) as campus:
        for seconds in (60, 120):
            assert (await failure(campus)).retry_after == seconds
            clock.now += seconds
        assert await describe(campus) == "Safety first"
        campus._state.tokens._held = None
        assert (await failure(campus)).retry_after == 60


async def test_another_failure_in_between_changes_nothing() -> None:
    """A login that fails at a gateway neither extends the wait nor restarts it."""
    clock, campus_server = ManualClock(), LoginCampus([WRONG, html_response(404), WRONG])
    async with client(campus_server, clock) as campus:
        await failure(campus)
        clock.now += 60
        await failure(campus, APIError)
        assert (await failure(campus)).retry_after == 120
    assert campus_server.logins == 3


@pytest.mark.parametrize("cause", FAILURES)
async def test_a_login_that_fails_for_another_reason(cause: str) -> None:
    """Every call tries again until a login succeeds, since the credentials were not refused."""
    campus_server = LoginCampus([FAILURES[cause]] * 3 + [None])
    async with client(campus_server) as campus:
        for number in (1, 2, 3):
            error = await failure(campus, NexportError)
            assert (campus_server.logins, getattr(error, "retry_after", None)) == (number, None)
            assert not isinstance(error, AuthenticationError)
        assert await describe(campus) == "Safety first"


async def test_an_unreachable_campus_is_retried() -> None:
    """The login is retried like a read, and a refusal ends the retries."""
    campus_server, policy = (
        LoginCampus([json_response({}, 503), json_response({}, 503), WRONG]),
        RetryPolicy(max_attempts=4),
    )
    async with client(campus_server, retry=policy) as campus:
        assert (await failure(campus)).attempts == 3
        await failure(campus)
    assert campus_server.logins == 3


async def test_refused_connections_cause_no_wait() -> None:
    """While nothing listens, every call tries to log in; once a server does, the next call succeeds."""
    auth = PasswordAuth("ada", "secret")
    async with (
        ScriptedServer(LoginCampus([None])) as server,
        campus_on(ManualClock(), server, auth=auth, retry=NO_RETRY) as campus,
    ):
        await server.refuse_connections()
        for _ in range(3):
            await failure(campus, TransportError)
        await server.accept_connections()
        assert await describe(campus) == "Safety first"


async def test_a_client_and_its_views() -> None:
    """Views share a refusal, whichever of them received it; another client doesn't."""
    campus_server, clock = LoginCampus([WRONG]), ManualClock()
    async with client(campus_server, clock) as campus:
        await failure(campus.with_options(timeout=5))
        for caller in (campus, campus.with_options(retry=RetryPolicy())):
            await failure(caller)
        assert campus_server.logins == 1
        auth = PasswordAuth("ada", "another secret")
        async with NexportCampus(auth, base_url=campus._settings.base_url, retry=NO_RETRY) as corrected:
            campus_server.responses = [None]
            assert await describe(corrected) == "Safety first"
        await failure(campus)
    assert campus_server.logins == 2


async def test_every_kind_of_call() -> None:
    """Raw calls, lists and ensure_enrollment wait too."""
    campus_server = LoginCampus([WRONG])
    async with client(campus_server) as campus:
        calls: list[Callable[[], Any]] = [
            lambda: campus.raw.learning.get_section_description(section_id=SOME_ID),
            lambda: campus.learning.get_catalogs(group_id=SOME_ID).collect(),
            lambda: campus.get_sections_by_id([SOME_ID]),
            lambda: campus.ensure_enrollment(org_id=SOME_ID, user_id=SOME_ID, syllabus_id=SOME_ID),
            lambda: campus.request("GET", "/api/v1/AdminApi/ValidateAccessToken"),
        ]
        for call in calls * 2:
            with pytest.raises(AuthenticationError) as caught:
                await call()
            assert caught.value.retry_after == 60
    assert campus_server.logins == 1


async def test_authenticate_is_independent_of_the_wait() -> None:
    """It doesn't wait after a refusal, its own refusal makes no other call wait, and its errors are unchanged."""
    campus_server = LoginCampus([WRONG])
    async with client(campus_server) as campus:
        await failure(campus)
        for _ in range(3):
            with pytest.raises(AuthenticationError) as caught:
                await method_of(campus, "AdminApi_Authenticate")(
                    username="ada", password="x", grant_type="password"
                )
            assert caught.value.retry_after is None
        assert campus_server.logins == 4
    campus_server = LoginCampus([WRONG, REFUSALS["422 with code 2"], None])
    async with client(campus_server) as campus:
        for kind in (AuthenticationError, InvalidRequestError):
            with pytest.raises(kind):
                await method_of(campus, "AdminApi_Authenticate")(
                    username="ada", password="x", grant_type="password"
                )
        assert await describe(campus) == "Safety first"


async def test_a_user_function_never_waits() -> None:
    """It is called whenever a token is needed, whatever it raised before."""
    calls: list[int] = []

    async def auth() -> AccessToken:
        calls.append(1)
        if len(calls) < 4:
            raise AuthenticationError("refused", status_code=403, error_code=4)
        return AccessToken(SOME_ID)

    async with client(LoginCampus([WRONG]), auth=auth) as campus:
        for _ in range(3):
            assert (await failure(campus)).retry_after is None
        assert await describe(campus) == "Safety first"
    assert len(calls) == 4


async def test_waiting_callers_fail_with_their_own_errors() -> None:
    """50 calls wait for a login that is refused: each raises an error with its own traceback and context."""
    campus_server = LoginCampus([WRONG])
    async with client(campus_server) as campus:
        tasks = [asyncio.create_task(describe(campus), name=f"call {number}") for number in range(50)]
        errors = await asyncio.gather(*tasks, return_exceptions=True)
    assert campus_server.logins == 1
    assert {type(error) for error in errors} == {AuthenticationError}
    for error in errors:
        assert isinstance(error, AuthenticationError)
        assert (error.retry_after, error.__context__, error.__cause__) == (60, None, None)
        frames = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
        assert frames.count("describe") == 1
        assert "_log_in" not in frames


async def test_the_error_pickles() -> None:
    """A pickled error keeps its seconds."""
    async with client(LoginCampus([WRONG])) as campus:
        error = await failure(campus)
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.retry_after, common_attributes(copy), str(copy)) == (
        60,
        common_attributes(error),
        str(error),
    )
    assert "secret" not in repr(copy)


async def test_the_message_says_what_to_do() -> None:
    """It has the campus's message and says what to do."""
    declared = OPERATIONS.get(LOGIN)
    kind = "; a provisional operation" if declared is not None and declared.provisional else ""
    async with client(LoginCampus([WRONG])) as campus:
        assert str(await failure(campus)) == (
            f"AdminApi_Authenticate: Unknown user or wrong password (HTTP 403, code 4{kind}); "
            "check the credentials: this client won't log in again for 60 s"
        )


@given(st.lists(st.tuples(st.sampled_from(["refused", "down", "in"]), st.floats(0, 2000)), max_size=12))
def test_no_login_before_the_stated_time(steps: list[tuple[str, float]]) -> None:
    """Whatever the responses and pauses, no login is sent within the time that the last error stated."""
    responses = {"refused": WRONG, "down": json_response({}, 503), "in": None}
    campus_server, clock = LoginCampus([None]), ManualClock()

    async def run() -> None:
        next_login, refusals = 0.0, 0
        async with client(campus_server, clock) as campus:
            for response, pause in steps:
                campus._state.tokens._held = None
                campus_server.responses, before = [responses[response]], campus_server.logins
                held_back = clock.now < next_login
                error = await describe_or_error(campus)
                assert campus_server.logins - before == (not held_back)
                if held_back:
                    assert isinstance(error, AuthenticationError)
                    assert error.retry_after == pytest.approx(next_login - clock.now)
                elif response == "refused":
                    refusals += 1
                    next_login = clock.now + min(60 * 2 ** (refusals - 1), 900)
                elif response == "in":
                    refusals = 0
                assert (error is None) == (not held_back and response == "in")
                clock.now += pause

    asyncio.run(run())


async def describe_or_error(campus: NexportCampus) -> NexportError | None:
    """Return the error of a call, or None."""
    try:
        await describe(campus)
    except NexportError as error:
        return error
    return None
