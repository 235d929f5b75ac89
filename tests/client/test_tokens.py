"""Tokens from any source: fetched on first use, cached, renewed in time, and replaced once when refused."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from nexport_campus import (
    AccessToken,
    AuthenticationError,
    ConfigurationError,
    NexportCampus,
    NexportError,
    PasswordAuth,
    StaticToken,
)
from tests.support.clients import TOKEN, campus_with, method_of, needs
from tests.support.scripted_server import Request, Response, ScriptedServer, error_entity, json_response
from tests.support.spec import SOME_ID, example_response

SECTION = json_response(example_response("LearningApi_GetSection"))
PASSWORD = PasswordAuth("ada", "secret")
REFUSALS = {
    "code 4 in a 200": json_response(error_entity(4, "Expired")),
    "code 4 in a 403": json_response(error_entity(4, "Expired"), 403),
    "code 4 in a 500": json_response(error_entity(4, "Expired"), 500),
    "HTTP 401": Response(status=401),
    "HTTP 401 with code 0": json_response(error_entity(0), 401),
}


def login(number: int = 1, **changes: Any) -> Response:
    """Return the response to a login."""
    response = {
        "access_token": f"{number:08}-0000-4000-8000-000000000000",
        "token_type": "bearer",
        "expires_in": 3600,
    }
    return json_response(response | error_entity(0) | changes)


def get_section(campus: NexportCampus) -> Awaitable[Any]:
    """Make a call that needs a token."""
    return campus.learning.get_section(syllabus_id=SOME_ID)


def summarize(requests: list[Request]) -> list[str]:
    """Return the requests in order: a login, or the first digits of the call's token."""
    return [
        "login" if "Authenticate" in request.path else dict(request.query)["access_token"][:8]
        for request in requests
    ]


async def test_one_login_on_first_use() -> None:
    """Creating a client sends nothing; the first call logs in, and later ones use the same token."""
    async with campus_with(login(), SECTION, SECTION, auth=PASSWORD) as (campus, server):
        assert server.connections == 0
        await get_section(campus)
        await get_section(campus)
    assert summarize(server.requests) == ["login", "00000001", "00000001"]


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_a_refused_token_is_replaced_and_the_call_sent_again(refusal: str) -> None:
    """However the campus refuses a token, one login and one more attempt follow, for reads and writes."""
    dropped = json_response(example_response("LearningApi_DropEnrollment"))
    script = [login(1), SECTION, REFUSALS[refusal], login(2), dropped]
    async with campus_with(*script, auth=PASSWORD) as (campus, server):
        await get_section(campus)
        raw = await campus.raw.learning.drop_enrollment(enrollment_id=SOME_ID)
    assert summarize(server.requests) == ["login", "00000001", "00000001", "login", "00000002"]
    assert raw.attempts == 2


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_a_second_refusal_is_raised(refusal: str) -> None:
    """The call is not sent a third time; the next one uses the new token, since its login succeeded."""
    response = REFUSALS[refusal]
    async with campus_with(login(1), response, login(2), response, SECTION, auth=PASSWORD) as (
        campus,
        server,
    ):
        with pytest.raises(AuthenticationError) as caught:
            await get_section(campus)
        await get_section(campus)
    error = caught.value
    assert (error.attempts, error.operation_id, error.retry_after) == (2, "LearningApi_GetSection", None)
    assert summarize(server.requests) == ["login", "00000001", "login", "00000002", "00000002"]


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_a_static_tokens_first_refusal_is_raised(refusal: str) -> None:
    """The client has no other token to try."""
    async with campus_with(REFUSALS[refusal], SECTION, auth=StaticToken(TOKEN)) as (campus, server):
        with pytest.raises(AuthenticationError) as caught:
            await get_section(campus)
        await get_section(campus)
    assert (caught.value.attempts, len(server.requests)) == (1, 2)


@pytest.mark.parametrize("rate_limit", [None, 1000], ids=["no limit", "rate limit"])
async def test_authenticate_and_other_tokens_do_not_affect_the_client(rate_limit: float | None) -> None:
    """They don't need the client's token, and a refusal doesn't affect it; nor does a wait for the rate limit."""
    other = "99999999-0000-4000-8000-000000000000"
    refusal = json_response(error_entity(4, "No"), 403)
    script = [login(1), SECTION, refusal, refusal, SECTION]
    async with campus_with(*script, auth=PASSWORD, rate_limit=rate_limit) as (campus, server):
        await get_section(campus)
        with pytest.raises(AuthenticationError):
            await method_of(campus, "AdminApi_Authenticate")(
                username="u", password="p", grant_type="password"
            )
        with pytest.raises(AuthenticationError):
            await method_of(campus, "AdminApi_ValidateAccessToken")(access_token=other)
        await get_section(campus)
    assert summarize(server.requests) == ["login", "00000001", "login", "99999999", "00000001"]
    assert server.requests[2].query == []


@pytest.mark.parametrize("text", [TOKEN.upper(), TOKEN], ids=["upper case", "lower case"])
async def test_a_token_as_uuid_or_string(text: str) -> None:
    """A UUID stands for its string: on the wire, in comparisons, and in redaction."""
    token = UUID(text)

    async def auth() -> AccessToken:
        return AccessToken(token)

    for given, sent in ((StaticToken(token), TOKEN), (StaticToken(text), text), (auth, TOKEN)):
        verdict = json_response(error_entity())
        async with campus_with(SECTION, verdict, auth=given) as (campus, server):
            await get_section(campus)
            await method_of(campus, "AdminApi_ValidateAccessToken")(access_token=token)
        assert [dict(request.query)["access_token"] for request in server.requests] == [sent, TOKEN]
    assert StaticToken(token) == StaticToken(TOKEN)
    assert AccessToken(token) == AccessToken(TOKEN)
    assert TOKEN not in f"{StaticToken(token)} {AccessToken(token)!r}"


async def test_a_uuid_token_in_the_environment() -> None:
    """`from_env` accepts a mapping whose token is a UUID, and an error that quotes the token is redacted."""
    quoting = json_response(error_entity(4, f"{TOKEN} is not valid"), 403)
    async with ScriptedServer([quoting]) as server:
        environ: Any = {"NEXPORT_BASE_URL": server.url, "NEXPORT_ACCESS_TOKEN": UUID(TOKEN)}
        async with NexportCampus.from_env(environ) as campus:
            with pytest.raises(AuthenticationError) as caught:
                await get_section(campus)
    assert caught.value.message.endswith(" is not valid")
    assert TOKEN not in str(caught.value)
    assert dict(server.requests[0].query)["access_token"] == TOKEN


async def test_a_user_function() -> None:
    """Any async function may provide tokens; it is called when one is needed and again after a refusal."""
    given = iter([f"token {number}" for number in range(9)])

    async def auth() -> AccessToken:
        return AccessToken(next(given))

    async with campus_with(SECTION, REFUSALS["HTTP 401"], SECTION, auth=auth) as (campus, server):
        await get_section(campus)
        await get_section(campus)
    assert summarize(server.requests) == ["token 0", "token 0", "token 1"]


@pytest.mark.parametrize(
    "error", [ValueError("no vault"), OSError(5, "x"), KeyError("token"), ConfigurationError("no")]
)
async def test_a_function_that_fails(error: Exception) -> None:
    """Each waiting call raises its own NexportError, caused by the function's exception; it is called once."""
    calls = []

    async def auth() -> AccessToken:
        calls.append(1)
        await asyncio.sleep(0)
        raise error

    async with campus_with(auth=auth) as (campus, server):
        failed = await asyncio.gather(*(get_section(campus) for _ in range(5)), return_exceptions=True)
    assert all(isinstance(item, NexportError) for item in failed)
    assert len({id(item) for item in failed}) == 5
    assert [item for item in failed if isinstance(item, NexportError) and item is not error]
    if not isinstance(error, NexportError):
        assert {item.__cause__ for item in failed if isinstance(item, NexportError)} == {error}
    assert (len(calls), server.connections) == (1, 0)


async def return_string() -> Any:
    """Return a token that isn't an AccessToken."""
    return TOKEN


def return_without_awaiting() -> Any:
    """Return a token from a function that isn't async."""
    return AccessToken(TOKEN)


@pytest.mark.parametrize("auth", [return_string, return_without_awaiting])
async def test_a_function_with_another_result(auth: Callable[[], Any]) -> None:
    """A result that isn't an AccessToken is refused by type, and nothing is sent."""
    async with campus_with(auth=auth) as (campus, server):
        with pytest.raises(NexportError) as caught:
            await get_section(campus)
    assert "AccessToken" in str(caught.value)
    assert (server.connections, TOKEN in str(caught.value)) == (0, False)


@pytest.mark.parametrize(
    "make",
    [
        lambda: PasswordAuth("", "secret"),
        lambda: PasswordAuth("ada", ""),
        lambda: PasswordAuth("ada", b"secret"),  # type: ignore[arg-type]
        lambda: PasswordAuth("ada", "sec\udcffret"),
        lambda: PasswordAuth("\ud800", "secret"),
        lambda: StaticToken(""),
        lambda: StaticToken(None),  # type: ignore[arg-type]
        lambda: StaticToken(7),  # type: ignore[arg-type]
        lambda: AccessToken(b"token"),  # type: ignore[arg-type]
        lambda: PasswordAuth("ada", UUID(TOKEN)),  # type: ignore[arg-type]
        lambda: AccessToken("token", datetime(2026, 1, 1)),  # noqa: DTZ001 -- a naive datetime is tested
        lambda: AccessToken("token", 3600),  # type: ignore[arg-type]
        lambda: NexportCampus("token"),  # type: ignore[arg-type]
        lambda: NexportCampus(PasswordAuth),  # type: ignore[arg-type]
        lambda: NexportCampus(None),  # type: ignore[arg-type]
    ],
)
def test_credentials_that_cannot_work(make: Callable[[], object]) -> None:
    """They are refused when they are created, and the message doesn't repeat them."""
    with pytest.raises(ConfigurationError) as caught:
        make()
    assert "sec" not in str(caught.value).replace("seconds", "")


@needs("AdminApi_Authenticate")
async def test_drift_of_a_login_is_reported_once() -> None:
    """A new field in a login's response is reported to `on_drift`, only the first time."""
    drifts: list[Any] = []
    script = [login(1, newer=1), REFUSALS["HTTP 401"], login(2, newer=2), SECTION]
    async with campus_with(*script, auth=PASSWORD, on_drift=drifts.append) as (campus, _):
        await get_section(campus)
    assert [(drift.kind, drift.operation_id, drift.path) for drift in drifts] == [
        ("unknown_field", "AdminApi_Authenticate", "newer")
    ]


async def test_views_share_reported_drift() -> None:
    """A view doesn't report drift again that its client has reported."""
    drifts: list[Any] = []
    newer = json_response(example_response("LearningApi_GetSection") | {"newer": 1})
    async with campus_with(newer, newer, newer, on_drift=drifts.append) as (campus, _):
        for client in (campus, campus.with_options(timeout=5.0), campus.with_options(timeout=5.0)):
            await get_section(client)
    assert len(drifts) == 1
