"""Tokens under concurrent calls: one login, whatever happens, and no call affects another."""

import asyncio
from typing import Any

import pytest

from nexport_campus import AuthenticationError, NexportCampus, NexportError, PasswordAuth, RetryPolicy
from tests.support.manual_clock import ManualClock, campus_on
from tests.support.scripted_server import Request, Response, ScriptedServer, error_entity, json_response

LOGIN = "AdminApi_Authenticate"
SECTION = "12345678-1234-5678-9abc-123456789abc"
AUTH = PasswordAuth("user", "correct horse battery staple")
REFUSALS = {
    "HTTP 401": Response(status=401),
    "HTTP 403, code 4": json_response(error_entity(4, "The token has expired"), status=403),
    "HTTP 200, code 4": json_response(error_entity(4, "The token has expired")),
}


def description() -> Response:
    """Return a successful response to GetSectionDescription."""
    return json_response({"description": "Safety first"} | error_entity())


def token(number: int) -> str:
    """Return the token of a login's number."""
    return f"5eed0000-0000-4000-8000-{number:012d}"


class LatestTokenCampus:
    """Issues tokens and accepts only the newest one; the response to any other is `refusal`."""

    def __init__(self, refusal: Response = REFUSALS["HTTP 401"], expires_in: int | None = 3600) -> None:
        self.refusal = refusal
        self.expires_in = expires_in
        self.logins = 0
        self.valid: str | None = None
        self.logging_in = asyncio.Event()
        self.login_gate: asyncio.Event | None = None
        self.gate: asyncio.Event | None = None
        self.login_responses: list[Response] = []

    async def __call__(self, request: Request) -> Response:
        if request.operation_id == LOGIN:
            return await self._login()
        response = description() if ("access_token", self.valid) in request.query else self.refusal
        if self.gate is not None:
            await self.gate.wait()
        return response

    async def _login(self) -> Response:
        self.logins += 1
        self.logging_in.set()
        if self.login_gate is not None:
            await self.login_gate.wait()
        if self.login_responses:
            return self.login_responses.pop(0)
        self.valid = token(self.logins)
        lifetime = {} if self.expires_in is None else {"expires_in": self.expires_in}
        return json_response({"access_token": self.valid, "token_type": "bearer"} | lifetime | error_entity())


def client(server: ScriptedServer, **settings: Any) -> NexportCampus:
    """Return a client with a password; by default it doesn't retry."""
    return NexportCampus(AUTH, base_url=server.url, **({"retry": RetryPolicy(max_attempts=1)} | settings))


async def describe(campus: NexportCampus) -> str:
    """Make one call."""
    return (await campus.learning.get_section_description(section_id=SECTION)).description


async def test_300_cold_callers_log_in_once() -> None:
    """However many calls wait for the first token, one login is sent."""
    script = LatestTokenCampus()
    async with ScriptedServer(script) as server, client(server) as campus:
        responses = await asyncio.gather(*(describe(campus) for _ in range(300)))
    assert responses == ["Safety first"] * 300
    assert script.logins == 1


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
async def test_a_token_revoked_under_60_calls(refusal: Response) -> None:
    """60 calls refused at once lead to one login and 60 successes, however the campus refuses them."""
    script = LatestTokenCampus(refusal)
    async with ScriptedServer(script) as server, client(server, max_concurrency=60) as campus:
        await describe(campus)
        script.valid = "revoked"
        responses = await asyncio.gather(*(describe(campus) for _ in range(60)))
        assert responses == ["Safety first"] * 60
        assert script.logins == 2


async def test_a_second_refusal_is_an_error() -> None:
    """A call whose new token is refused too is not sent a third time."""
    script = LatestTokenCampus()
    async with ScriptedServer(script) as server, client(server) as campus:
        script.expires_in = None
        await describe(campus)
        script.valid = "revoked"

        async def refuse(request: Request) -> Response:
            response = await LatestTokenCampus.__call__(script, request)
            script.valid = "revoked"
            return response

        server._respond = refuse
        with pytest.raises(AuthenticationError) as caught:
            await describe(campus)
        assert caught.value.attempts == 2
        assert script.logins == 2


async def test_cancelling_the_first_caller_affects_no_other() -> None:
    """If the caller that started the login is cancelled, the login continues for the others and isn't repeated."""
    script = LatestTokenCampus()
    script.login_gate = asyncio.Event()
    async with ScriptedServer(script) as server, client(server) as campus:
        calls = [asyncio.create_task(describe(campus)) for _ in range(10)]
        await script.logging_in.wait()
        for call in (calls[0], calls[4], calls[9]):
            call.cancel()
        script.login_gate.set()
        results = await asyncio.gather(*calls, return_exceptions=True)
    assert [isinstance(result, asyncio.CancelledError) for result in results].count(True) == 3
    assert results.count("Safety first") == 7
    assert script.logins == 1


async def test_an_abandoned_login_is_used_later() -> None:
    """If all waiting callers are cancelled, the login still completes, and the next call uses its token."""
    script = LatestTokenCampus()
    script.login_gate = asyncio.Event()
    async with ScriptedServer(script) as server, client(server) as campus:
        call = asyncio.create_task(describe(campus))
        await script.logging_in.wait()
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        script.login_gate.set()
        assert await describe(campus) == "Safety first"
        assert script.logins == 1


async def test_bad_credentials_fail_all_callers_at_once() -> None:
    """50 callers with a wrong password cause one request and 50 errors, each a separate object."""
    script = LatestTokenCampus()
    script.login_responses = [json_response(error_entity(4, "Unknown user or wrong password"), status=403)]
    async with ScriptedServer(script) as server, client(server) as campus:
        results = await asyncio.gather(*(describe(campus) for _ in range(50)), return_exceptions=True)
    assert {type(result) for result in results} == {AuthenticationError}
    assert len({id(result) for result in results}) == 50
    assert {getattr(result, "operation_id", None) for result in results} == {LOGIN}
    assert script.logins == 1


async def test_a_failing_login_is_limited_and_recovers() -> None:
    """If the login of 100 callers fails, they send the requests of one call; later calls succeed."""
    script = LatestTokenCampus()
    script.login_responses = [json_response({}, status=503) for _ in range(3)]
    policy = RetryPolicy(max_attempts=3, initial_delay=0, max_delay=0)
    async with ScriptedServer(script) as server, client(server, retry=policy) as campus:
        results = await asyncio.gather(*(describe(campus) for _ in range(100)), return_exceptions=True)
        assert all(isinstance(result, NexportError) for result in results)
        assert script.logins == 3
        assert await describe(campus) == "Safety first"
        assert script.logins == 4


async def test_closing_during_a_login_ends_cleanly() -> None:
    """aclose() during a login raises an error that says so in the waiting calls, and leaves no task."""
    script = LatestTokenCampus()
    script.login_gate = asyncio.Event()
    before = asyncio.all_tasks()
    async with ScriptedServer(script) as server:
        campus = client(server)
        calls = [asyncio.create_task(describe(campus)) for _ in range(5)]
        await script.logging_in.wait()
        await campus.aclose()
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(result) for result in results} == {NexportError}
        assert "closed" in str(results[0])
    assert {task for task in asyncio.all_tasks() if not task.done()} <= before


@pytest.mark.parametrize("seconds", [0, 1, 2])
async def test_a_short_lived_token_is_used(seconds: int) -> None:
    """A token with a lifetime of seconds or less still carries the call that fetched it."""
    script = LatestTokenCampus(expires_in=seconds)
    async with ScriptedServer(script) as server, client(server) as campus:
        assert await describe(campus) == "Safety first"
        assert script.logins == 1


@pytest.mark.parametrize("seconds", [0, -1])
async def test_a_token_that_has_expired_is_used_once(seconds: int) -> None:
    """A token that expires at once carries the call that fetched it, and the next call logs in again."""
    script = LatestTokenCampus(expires_in=seconds)
    async with ScriptedServer(script) as server, client(server) as campus:
        await describe(campus)
        await describe(campus)
    assert script.logins == 2


async def test_a_token_without_an_expiry_is_kept() -> None:
    """Without `expires_in`, a token is used until the campus refuses it."""
    script = LatestTokenCampus(expires_in=None)
    async with ScriptedServer(script) as server, client(server) as campus:
        for _ in range(5):
            await describe(campus)
        assert script.logins == 1


async def test_views_share_the_token() -> None:
    """A view with other settings uses the same login, and closing it closes nothing."""
    script = LatestTokenCampus()
    async with ScriptedServer(script) as server, client(server) as campus:
        async with campus.with_options(timeout=5) as view:
            await describe(view)
        await describe(campus)
        assert script.logins == 1


async def test_a_token_that_expires_while_its_call_waits_for_a_slot() -> None:
    """The call logs in again instead of sending the expired token."""
    script, clock = LatestTokenCampus(expires_in=600), ManualClock()
    async with (
        ScriptedServer(script) as server,
        campus_on(clock, server, auth=AUTH, max_concurrency=1) as campus,
    ):
        script.gate = asyncio.Event()
        first = asyncio.create_task(describe(campus))
        await server.wait_for_requests(2)
        second = asyncio.create_task(describe(campus))
        await asyncio.sleep(0)
        clock.now += 600
        script.gate.set()
        async with asyncio.timeout(30):  # a login that needs a slot would never end
            await asyncio.gather(first, second)
    assert sent_tokens(server) == [token(1), token(2)]


async def test_a_token_that_expires_while_its_call_waits_for_its_turn() -> None:
    """At a low rate limit, too, the call logs in again instead of sending the expired token."""
    script, clock = LatestTokenCampus(expires_in=600), ManualClock()
    async with (
        ScriptedServer(script) as server,
        campus_on(clock, server, auth=AUTH, rate_limit=0.001) as campus,
    ):
        await describe(campus)
    assert sent_tokens(server) == [token(2)]


def sent_tokens(server: ScriptedServer) -> list[str]:
    """Return the tokens of the requests that carried one, in order."""
    return [
        dict(request.query)["access_token"] for request in server.requests if request.operation_id != LOGIN
    ]


async def test_a_login_takes_no_slot() -> None:
    """A login is sent although the only slot is taken, so that a call can wait for its token before its slot."""
    script, clock = LatestTokenCampus(expires_in=600), ManualClock()
    async with (
        ScriptedServer(script) as server,
        campus_on(clock, server, auth=AUTH, max_concurrency=1) as campus,
    ):
        script.gate = asyncio.Event()
        first = asyncio.create_task(describe(campus))
        await server.wait_for_requests(2)
        clock.now += 600
        second = asyncio.create_task(describe(campus))
        async with asyncio.timeout(30):
            await server.wait_for_requests(3)
        assert (script.logins, first.done()) == (2, False)
        script.gate.set()
        await asyncio.gather(first, second)
