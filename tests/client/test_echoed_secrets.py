"""Secrets that the campus repeats, in results and after a renewal."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from nexport_campus import AccessToken, APIError, PasswordAuth
from tests.support.clients import campus_with
from tests.support.leak_recorder import LeakRecorder
from tests.support.scripted_server import Request, Response, error_entity, json_response
from tests.support.spec import SOME_ID

TOKENS = ["11111111-0000-4000-8000-00000000c0de", "22222222-0000-4000-8000-00000000c0de"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (SOME_ID, SOME_ID),
        (SOME_ID.upper(), SOME_ID.upper()),
        (SOME_ID.replace("-", ""), SOME_ID.replace("-", "")),
        ("gateway-key-0815", "0000000-000-0000"),
        (f"key-{SOME_ID}", "000-00000000-0000-0000-0000-000000000000"),
    ],
    ids=["UUID", "UUID in capitals", "UUID without dashes", "key", "key with a UUID"],
)
async def test_a_header_in_a_result(value: str, shown: str) -> None:
    """A key is zeroed; a UUID may name a record, such as an organization, and is kept wherever it occurs."""
    found = json_response({"description": f"{value}, {value}"} | error_entity())
    async with campus_with(found, headers={"X-Tenant": value}) as (campus, _):
        section = await campus.learning.get_section_description(section_id=SOME_ID)
    assert section.description == f"{shown}, {shown}"


def password() -> PasswordAuth:
    """Return an account whose logins return the tokens in turn."""
    return PasswordAuth("ada", "secret-of-ada")


def function() -> Any:
    """Return an auth function that returns the tokens in turn."""
    tokens: Iterator[str] = iter(TOKENS)

    async def fetch() -> AccessToken:
        return AccessToken(next(tokens), datetime.now(UTC))

    return fetch


@pytest.mark.parametrize("make", [password, function])
async def test_a_former_token_stays_secret(make: Any) -> None:
    """After a renewal, when the campus may still accept it, neither an error nor a log shows the token of before."""
    tokens, seen = iter(TOKENS), LeakRecorder()

    async def respond(request: Request) -> Response:
        if request.operation_id == "AdminApi_Authenticate":
            login = {"access_token": next(tokens), "token_type": "bearer", "expires_in": 0}
            return json_response(login | error_entity())
        if dict(request.query)["access_token"] == TOKENS[0]:
            return json_response({"description": "Safety first"} | error_entity())
        return json_response(error_entity(2, " ".join(TOKENS)), 422, {"X-Echo": ", ".join(TOKENS)})

    with seen.watching():
        async with campus_with(respond, auth=make()) as (campus, server):
            await campus.learning.get_section_description(section_id=SOME_ID)
            with pytest.raises(APIError) as caught:
                await campus.learning.get_section_description(section_id=SOME_ID)
            seen.error(caught.value)
    assert [dict(request.query).get("access_token") for request in server.requests if request.query] == TOKENS
    assert (caught.value.message or "").startswith("*** ")
    assert seen.show(*TOKENS) == []
