"""The login depends on no page of AdminApi: without a declaration, it is sent as the vendor's own programs send it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from nexport_campus import AuthenticationError, NexportCampus, PasswordAuth, ResponseDecodeError
from nexport_campus.cli.checks.probe import Probe
from nexport_campus.cli.checks.token_check import check_token
from nexport_campus.cli.token_validation import validate_token
from nexport_campus.sandbox import Sandbox
from nexport_client import OPERATIONS
from nexport_client.kinds import ANYTHING, NOTHING, STRING, Kind, MapOf
from nexport_client.operation import Operation
from tests.support.clients import campus_with, needs
from tests.support.scripted_server import error_entity, json_response
from tests.support.spec import SOME_ID, example_response

LOGIN, VALIDATION = "AdminApi_Authenticate", "AdminApi_ValidateAccessToken"
NOW = datetime.now(UTC)
PASSWORD = PasswordAuth("ada", "secret")
SECTION = json_response(example_response("LearningApi_GetSection"))

Patch = pytest.MonkeyPatch


@pytest.fixture
def undeclared(monkeypatch: Patch) -> None:
    """Take the operations of AdminApi that the client itself sends out of the index."""
    entries = {name: each for name, each in OPERATIONS._entries.items() if name not in (LOGIN, VALIDATION)}
    monkeypatch.setattr(OPERATIONS, "_entries", entries)


def declare(monkeypatch: Patch, result: Kind) -> None:
    """Declare the login with the response, and without any mark, as a page would."""
    login: Operation[Any] = Operation(
        id=LOGIN,
        method="POST",
        path="/api/v1/AdminApi/Authenticate",
        effect="write",
        token="own",
        query=(),
        body=(),
        result=result,
    )
    monkeypatch.setattr("nexport_campus._calling.login.OPERATIONS", {LOGIN: login})


@pytest.mark.usefixtures("undeclared")
async def test_a_login_without_a_declaration() -> None:
    """The client logs in, and `nexport login` and `nexport doctor` validate the token."""
    async with Sandbox(seed=7) as sandbox:
        auth = PasswordAuth(sandbox.username, sandbox.password)
        async with NexportCampus(auth, base_url=sandbox.url) as campus:
            assert (await validate_token(campus)).expires_at is not None
            finding = await check_token(campus, Probe(NOW, NOW), static=False)
            assert finding.message.startswith("accepted; valid until")
        async with NexportCampus(PasswordAuth("ada", "wrong"), base_url=sandbox.url) as campus:
            with pytest.raises(AuthenticationError):
                await validate_token(campus)


@pytest.mark.usefixtures("undeclared")
@pytest.mark.parametrize("token", [None, "", 7], ids=repr)
async def test_no_token_without_a_declaration(token: object) -> None:
    """A response without a token says so, and nothing is sent with it."""
    login = json_response({"access_token": token} | error_entity(0))
    async with campus_with(login, auth=PASSWORD) as (campus, server):
        with pytest.raises(ResponseDecodeError, match="access_token") as caught:
            await campus.learning.get_section(syllabus_id=SOME_ID)
        assert (caught.value.operation_id, caught.value.path) == (LOGIN, "access_token")
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    "result", [NOTHING, ANYTHING, STRING, MapOf(STRING)], ids=["nothing", "anything", "string", "mapping"]
)
async def test_another_declared_response(monkeypatch: Patch, result: Kind) -> None:
    """A page that states no usable response, and no mark, changes nothing about the login."""
    declare(monkeypatch, result)
    login = json_response({"access_token": SOME_ID, "expires_in": 3600} | error_entity(0))
    async with campus_with(login, SECTION, auth=PASSWORD) as (campus, server):
        await campus.learning.get_section(syllabus_id=SOME_ID)
        first, second = server.requests
        assert first.query == []
        assert first.json == {"username": "ada", "password": "secret", "grant_type": "password"}
        assert dict(second.query)["access_token"] == SOME_ID


@pytest.mark.parametrize("seconds", [2**31 - 1, 10**10, 2**63 - 1, -(2**63)], ids=repr)
@pytest.mark.parametrize("declared", [True, False], ids=["declared", "undeclared"])
async def test_a_lifetime_beyond_every_date(
    declared: bool, seconds: int, request: pytest.FixtureRequest
) -> None:
    """An endless token is used until it is refused; one that has expired on arrival serves the call that waited for it."""
    if not declared:
        request.getfixturevalue("undeclared")
    login = json_response({"access_token": SOME_ID, "expires_in": seconds} | error_entity(0))
    script = [login, SECTION, SECTION] if seconds > 0 else [login, SECTION, login, SECTION]
    async with campus_with(*script, auth=PASSWORD) as (campus, server):
        await campus.learning.get_section(syllabus_id=SOME_ID)
        await campus.learning.get_section(syllabus_id=SOME_ID)
        assert len(server.requests) == len(script)


@needs(LOGIN)
async def test_the_declaration_is_used() -> None:
    """Where the spec declares the login, its errors say whether that is provisional."""
    refused = json_response(error_entity(4, "No"), 403)
    async with campus_with(refused, auth=PASSWORD) as (campus, _):
        with pytest.raises(AuthenticationError) as caught:
            await campus.learning.get_section(syllabus_id=SOME_ID)
        assert caught.value.provisional is OPERATIONS[LOGIN].provisional


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ([], "expected an object"),
        ({"utc_expiration_date": "soon"}, "utc_expiration_date: expected"),
        ({"utc_expiration_date": 7}, "utc_expiration_date: expected"),
    ],
    ids=["list", "words", "number"],
)
async def test_an_unreadable_validation(body: object, message: str) -> None:
    """It is an error that names the place, not a valid token."""
    async with campus_with(json_response(body)) as (campus, _):
        with pytest.raises(ResponseDecodeError, match=message) as caught:
            await validate_token(campus)
        assert caught.value.operation_id == VALIDATION
