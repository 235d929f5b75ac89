"""Logging in and tokens, as openapi/provisional defines AdminApi."""

import datetime as dt

import pytest

from nexport_campus.sandbox import Sandbox
from tests.sandbox.http_api import HttpApi

SECTION = "LearningApi_GetSection"


def credentials(sandbox: Sandbox, **more: object) -> dict[str, object]:
    """Return a request that Authenticate accepts, with additional fields."""
    return {"username": sandbox.username, "password": sandbox.password, "grant_type": "password", **more}


async def test_a_token_has_its_lifetime(sandbox: Sandbox, anyone: HttpApi) -> None:
    """Without a requested expiration date, a bearer token has a lifetime in seconds."""
    found = await anyone.get("AdminApi_Authenticate", credentials(sandbox))
    assert found["token_type"] == "bearer"
    assert found["expires_in"] == 3600


async def test_null_requests_a_token_that_never_expires(sandbox: Sandbox, anyone: HttpApi) -> None:
    """A null expiration date creates a token without a lifetime, and validation returns no date."""
    found = await anyone.get("AdminApi_Authenticate", credentials(sandbox, utc_expiration_date=None))
    assert "expires_in" not in found
    await sandbox.advance(10**9)
    verdict = await anyone.get("AdminApi_ValidateAccessToken", access_token=found["access_token"])
    assert set(verdict) == {"api_error_entity"}


async def test_an_expiration_date_can_be_requested(sandbox: Sandbox, anyone: HttpApi) -> None:
    """A requested expiration date applies, and ValidateAccessToken returns it; the login has no lifetime then."""
    requested = "2101-02-03T04:05:06.5+01:00"
    found = await anyone.get("AdminApi_Authenticate", credentials(sandbox, utc_expiration_date=requested))
    assert "expires_in" not in found
    verdict = await anyone.get("AdminApi_ValidateAccessToken", access_token=found["access_token"])
    assert verdict["utc_expiration_date"] == "2101-02-03T03:05:06.5Z"


async def test_a_token_expires(sandbox: Sandbox, api: HttpApi, anyone: HttpApi) -> None:
    """After its lifetime a token is refused with 403 and code 4; validating it returns 200 with a message."""
    before = await anyone.get("AdminApi_ValidateAccessToken", access_token=api.token)
    ends = dt.datetime.fromisoformat(before["utc_expiration_date"])
    assert ends.tzinfo is not None
    await sandbox.advance(3601)
    assert await api.refusal(SECTION, syllabus_id="x") == (403, 4)
    after = await anyone.get("AdminApi_ValidateAccessToken", access_token=api.token)
    assert after["utc_expiration_date"] is None
    assert "expired" in after["error_message"]


async def test_all_tokens_can_be_expired(sandbox: Sandbox, api: HttpApi) -> None:
    """`expire_tokens` expires all tokens issued so far, and none that is issued later."""
    await sandbox.expire_tokens()
    assert await api.refusal(SECTION) == (403, 4)
    again = await api.log_in(sandbox.accounts["administrator"])
    assert await again.refusal(SECTION) == (422, 2)


@pytest.mark.parametrize("token", [None, "", "nonsense", "00000000-0000-0000-0000-000000000000"])
async def test_a_wrong_token_is_refused(anyone: HttpApi, token: str | None) -> None:
    """A missing or unknown token is refused with code 4."""
    assert await anyone.refusal(SECTION, access_token=token) == (403, 4)


async def test_validating_an_unknown_token(anyone: HttpApi) -> None:
    """Validating an unknown token is a 200 with a message; a value that is not a UUID is 422."""
    unknown = "9ad65d54-6c48-4e9e-8b04-0a8c85ec05d6"
    verdict = await anyone.get("AdminApi_ValidateAccessToken", access_token=unknown)
    assert verdict["error_message"]
    assert verdict["utc_expiration_date"] is None
    assert await anyone.refusal("AdminApi_ValidateAccessToken") == (422, 2)
    assert await anyone.refusal("AdminApi_ValidateAccessToken", access_token="nonsense") == (422, 2)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"password": "wrong"}, (403, 4)),
        ({"username": "unknown"}, (403, 4)),
        ({"username": None}, (422, 2)),
        ({"grant_type": "code"}, (422, 2)),
        ({"utc_expiration_date": "soon"}, (422, 2)),
        ({"utc_expiration_date": "2020-01-01T00:00:00Z"}, (422, 2)),
    ],
)
async def test_refused_logins(
    sandbox: Sandbox, anyone: HttpApi, changes: dict[str, object], refusal: tuple[int, int]
) -> None:
    """Wrong credentials are 403 with code 4, malformed requests 422."""
    assert await anyone.refusal("AdminApi_Authenticate", credentials(sandbox, **changes)) == refusal


@pytest.mark.parametrize("name", ["operator", "service"])
async def test_roles_that_may_not_log_in(sandbox: Sandbox, anyone: HttpApi, name: str) -> None:
    """System Operators and Customer Service get no token."""
    account = sandbox.accounts[name]
    body = {"username": account.username, "password": account.password, "grant_type": "password"}
    assert await anyone.refusal("AdminApi_Authenticate", body) == (403, 4)
