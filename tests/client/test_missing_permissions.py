"""A 401 for a missing permission costs no login per call; a revoked token is still replaced."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexport_campus import AccessToken, APIError, AuthenticationError, NexportCampus, PasswordAuth
from nexport_campus._auth.refusals import CallKey, Denials
from nexport_client.types import Secret
from tests.support.clients import NO_RETRY
from tests.support.manual_clock import ManualClock, campus_on
from tests.support.scripted_server import (
    Request,
    Response,
    ScriptedServer,
    error_entity,
    html_response,
    json_response,
)

LOGIN = "AdminApi_Authenticate"
MINE, OTHERS = UUID(int=1), UUID(int=2)
REFUSALS = {
    "401, empty": Response(status=401),
    "401 with code 4": json_response(error_entity(4, "Not permitted"), 401),
    "401 with code 0": json_response(error_entity(0), 401),
    "403 with code 4": json_response(error_entity(4, "Not permitted"), 403),
    "200 with code 4": json_response(error_entity(4, "Not permitted")),
}


@attrs.define
class PermissionCampus:
    """Issues tokens and accepts only the newest one, and only for the sections that are `permitted`.

    `closed`: operations that the account may never call. `refusal`: the response to calls that aren't accepted.
    """

    refusal: Response = REFUSALS["401, empty"]
    permitted: Callable[[UUID], bool] = MINE.__eq__
    closed: frozenset[str] = frozenset()
    logins: int = 0
    calls: int = 0
    valid: str = ""

    async def __call__(self, request: Request) -> Response:
        if request.operation_id == LOGIN:
            self.logins += 1
            self.valid = str(uuid4())
            return json_response({"access_token": self.valid, "token_type": "bearer"} | error_entity())
        self.calls += 1
        query = dict(request.query)
        section = UUID(query.get("section_id") or query.get("syllabus_id") or request.json["group_id"])
        accepted = query["access_token"] == self.valid and request.operation_id not in self.closed
        if not (accepted and self.permitted(section)):
            return self.refusal
        if request.operation_id == "LearningApi_GetCatalogs":
            return json_response({"catalogs": []} | error_entity())
        return json_response({"description": "Safety first", "objectives": ""} | error_entity())

    def revoke(self) -> None:
        """Revoke the token that was issued last."""
        self.valid = ""


@asynccontextmanager
async def client(
    script: PermissionCampus, clock: ManualClock | None = None, **options: Any
) -> AsyncIterator[NexportCampus]:
    """Return a client with a password and without retries."""
    chosen: dict[str, Any] = {"auth": PasswordAuth("ada", "secret"), "retry": NO_RETRY, "max_concurrency": 60}
    async with (
        ScriptedServer(script) as server,
        campus_on(clock or ManualClock(), server, **chosen | options) as campus,
    ):
        yield campus


async def describe(campus: NexportCampus, section: UUID = MINE) -> str:
    """Call an operation that the account may call for its own section."""
    return (await campus.learning.get_section_description(section_id=section)).description


async def objectives(campus: NexportCampus) -> object:
    """Call another operation."""
    return await campus.learning.get_section_objectives(section_id=MINE)


async def refused(campus: NexportCampus, section: UUID = OTHERS) -> AuthenticationError:
    """Return the error of a call that the account may not make."""
    with pytest.raises(AuthenticationError) as caught:
        await describe(campus, section)
    return caught.value


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_refused_calls_cost_no_login_each(refusal: str) -> None:
    """20 calls cost one login for the first token, one to replay the first call, and none for the others."""
    script = PermissionCampus(REFUSALS[refusal])
    async with client(script) as campus:
        errors = [await refused(campus) for _ in range(20)]
    assert (script.logins, script.calls) == (2, 21)
    assert [error.attempts for error in errors] == [2] + [1] * 19
    assert {error.operation_id for error in errors} == {"LearningApi_GetSectionDescription"}
    assert {(error.retry_after, error.transient) for error in errors} == {(None, False)}


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_a_revoked_token_is_still_replaced(refusal: str) -> None:
    """Calls with a revoked token between refused ones log in once and succeed, every time."""
    script = PermissionCampus(REFUSALS[refusal])
    async with client(script) as campus:
        await describe(campus)
        await refused(campus)
        for number in range(3, 8):
            script.revoke()
            assert await describe(campus) == "Safety first"
            for _ in range(5):
                await refused(campus)
            assert script.logins == number


async def test_another_operation_with_a_revoked_token() -> None:
    """An operation that was never accepted still logs in: the refusals concerned another operation."""
    script = PermissionCampus(closed=frozenset({"LearningApi_GetSectionDescription"}))
    async with client(script) as campus:
        for _ in range(5):
            await refused(campus, MINE)
        script.revoke()
        await refused(campus, MINE)
        assert script.logins == 2
        assert await objectives(campus)
        assert script.logins == 3


async def test_other_refused_records() -> None:
    """Each call names another section: none of them logs in, and a permitted one still recovers."""
    script = PermissionCampus()
    async with client(script) as campus:
        await describe(campus)
        for number in range(2, 40):
            await refused(campus, UUID(int=number))
        assert script.logins == 2
        script.revoke()
        assert await describe(campus) == "Safety first"
        assert script.logins == 3


async def test_alternating_permitted_and_refused_calls() -> None:
    """A successful call in between changes nothing: the token was valid before, too."""
    script = PermissionCampus()
    async with client(script) as campus:
        for _ in range(10):
            await refused(campus)
            await describe(campus)
    assert script.logins == 2


async def test_bodies_that_differ() -> None:
    """POST calls with different bodies are different calls: refused ones between permitted ones cost no login each."""
    script = PermissionCampus()
    async with client(script) as campus:
        for number in range(2, 10):
            await campus.learning.get_catalogs(group_id=MINE)
            with pytest.raises(AuthenticationError):
                await campus.learning.get_catalogs(group_id=UUID(int=number))
    assert script.logins == 2


async def test_the_wait_of_a_refused_operation() -> None:
    """An operation that was never accepted waits after each refusal: 60 seconds, then 2 minutes, up to 15."""
    clock, script = ManualClock(), PermissionCampus()
    async with client(script, clock) as campus:
        for number, seconds in enumerate([60, 120, 240, 480, 900, 900], start=2):
            await refused(campus)
            clock.now += seconds - 1
            await refused(campus)
            assert script.logins == number
            clock.now += 1
        script.revoke()
        assert await describe(campus) == "Safety first"


@pytest.mark.parametrize(("idle", "wait"), [(1799, 120), (1800, 60)])
async def test_the_wait_after_a_long_time_without_refusals(idle: float, wait: float) -> None:
    """Half an hour after the last refusal, the wait starts at 60 seconds again."""
    clock, script = ManualClock(), PermissionCampus()
    async with client(script, clock) as campus:
        await refused(campus)
        clock.now += idle
        await refused(campus)
        assert script.logins == 3
        clock.now += wait - 1
        await refused(campus)
        assert script.logins == 3
        clock.now += 1
        await refused(campus)
        assert script.logins == 4


async def test_refusals_at_once_count_once() -> None:
    """However many calls are refused with the same token, the wait of their operation is 60 seconds."""
    clock, script = ManualClock(), PermissionCampus()
    async with client(script, clock) as campus:
        for logins in (2, 3):
            await asyncio.gather(*(describe(campus, OTHERS) for _ in range(20)), return_exceptions=True)
            assert script.logins == logins
            clock.now += 60


def test_the_latest_accepted_calls_are_remembered() -> None:
    """1024 calls are, and one that was accepted again counts as late."""
    denials, calls = Denials(lambda: 0.0), [CallKey("Operation", number) for number in range(1025)]
    for call in (*calls[:1024], calls[0], calls[1024]):
        denials.accept(call)
    denials.add(CallKey("Operation", -1), Secret("token"))
    assert [denials.explain(call) for call in calls[:3]] == [False, True, False]


async def test_a_withdrawn_permission() -> None:
    """If an operation is accepted and later refused for every call, one login shows it for all of them."""
    script = PermissionCampus(permitted=lambda section: True)
    async with client(script) as campus:
        for number in range(30):
            await describe(campus, UUID(int=number))
        script.permitted = lambda section: False
        for number in range(30):
            await refused(campus, UUID(int=number))
        assert script.logins == 2
        script.permitted = lambda section: True
        assert await describe(campus) == "Safety first"
        assert script.logins == 2


async def test_a_gateways_401() -> None:
    """It says nothing about the token, which is kept and used by the next call."""
    script = PermissionCampus(refusal=html_response(401), permitted=lambda section: section != OTHERS)
    async with client(script) as campus:
        for _ in range(3):
            with pytest.raises(APIError) as caught:
                await describe(campus, OTHERS)
            assert (type(caught.value), caught.value.attempts) == (APIError, 1)
        await describe(campus)
    assert script.logins == 1


async def test_50_calls_at_once() -> None:
    """With a revoked token, 50 concurrent calls of both kinds cost one login, and later calls none."""
    script = PermissionCampus()
    async with client(script) as campus:
        await describe(campus)
        script.revoke()
        sections = [MINE, OTHERS] * 25
        results = await asyncio.gather(
            *(describe(campus, section) for section in sections), return_exceptions=True
        )
        assert results[::2] == ["Safety first"] * 25
        assert {type(result) for result in results[1::2]} == {AuthenticationError}
        assert script.logins == 2
        await asyncio.gather(*(describe(campus, OTHERS) for _ in range(50)), return_exceptions=True)
        assert script.logins == 2


async def test_50_calls_with_a_revoked_token() -> None:
    """50 calls refused at once cost one login and succeed; again after each revocation."""
    script = PermissionCampus()
    async with client(script) as campus:
        for number in (1, 2, 3):
            assert await asyncio.gather(*(describe(campus) for _ in range(50))) == ["Safety first"] * 50
            assert script.logins == number
            script.revoke()


async def test_a_function_that_returns_the_same_token() -> None:
    """The function may read from a vault that lags: a refusal proves nothing, so it is called for each call."""
    script, called = PermissionCampus(), []

    async def auth() -> AccessToken:
        called.append(1)
        return AccessToken("of the vault")

    async with client(script, auth=auth) as campus:
        for number in (2, 3, 4):
            await refused(campus, MINE)
            assert len(called) == number
        script.valid = "of the vault"
        assert await describe(campus) == "Safety first"
    assert script.logins == 0


async def test_a_function_that_returns_fresh_tokens() -> None:
    """The function is called once for the refused calls, like a login."""
    script, called = PermissionCampus(), []

    async def auth() -> AccessToken:
        called.append(1)
        script.valid = f"token {len(called)}"
        return AccessToken(script.valid)

    async with client(script, auth=auth) as campus:
        for _ in range(10):
            await refused(campus)
        assert len(called) == 2
        await describe(campus)
        script.revoke()
        assert await describe(campus) == "Safety first"
        assert len(called) == 3


@given(st.lists(st.sampled_from(["mine", "others", "another", "revoke"]), max_size=30))
def test_logins_are_bounded_and_permitted_calls_succeed(steps: list[str]) -> None:
    """In any order of events, permitted calls succeed, and logins exceed revocations by two at most."""
    script = PermissionCampus()

    async def run() -> None:
        revocations, unseen = 0, iter(range(100, 200))
        async with client(script) as campus:
            assert await describe(campus) == "Safety first"
            for step in steps:
                if step == "mine":
                    assert await describe(campus) == "Safety first"
                elif step == "revoke":
                    script.revoke()
                    revocations += 1
                else:
                    await refused(campus, OTHERS if step == "others" else UUID(int=next(unseen)))
            assert script.logins <= 2 + revocations

    asyncio.run(run())
