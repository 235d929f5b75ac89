"""The login: how it is sent, and the token in its response.

The client logs in with `AdminApi_Authenticate`, as every campus has it. A page or a definition of AdminApi may lack it, or
state no response for it; the login then is what the vendor's own programs send.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import attrs

from nexport_campus._auth.credentials import AccessToken, PasswordAuth
from nexport_campus._decoding.error_entity import read_field
from nexport_campus._decoding.response import Outcome
from nexport_campus._errors import ResponseDecodeError
from nexport_client import OPERATIONS
from nexport_client.kinds import ANYTHING, MapOf, ModelOf
from nexport_client.operation import Operation

__all__ = ["check_login", "get_login_operation", "make_login_fields", "read_token"]

_ID: Final = "AdminApi_Authenticate"
_LONGEST: Final = 10**9
_UNDECLARED: Final[Operation[Any]] = Operation(
    id=_ID,
    method="POST",
    path="/api/v1/AdminApi/Authenticate",
    effect="read",
    token="none",
    query=(),
    body=(),
    result=MapOf(ANYTHING),
    area="admin",
    name="authenticate",
)


def get_login_operation() -> Operation[Any]:
    """Return the login as the spec declares it, with the marks and the response that the client relies on."""
    declared = OPERATIONS.get(_ID, _UNDECLARED)
    result = declared.result
    readable = isinstance(result, ModelOf) and hasattr(result.cls, "access_token")
    return attrs.evolve(
        declared,
        effect="read",
        token="none",
        secret_result=True,
        result=result if readable else _UNDECLARED.result,
    )


def make_login_fields(auth: PasswordAuth) -> dict[str, str]:
    """Return the body of a login."""
    return {"username": auth.username, "password": auth.password, "grant_type": "password"}


def check_login(operation: Operation[Any], outcome: Outcome[Any]) -> Outcome[Any]:
    """Return the outcome of a login. Raises ResponseDecodeError if it has no token."""
    token = read_field(outcome.parsed, "access_token")
    if isinstance(token, UUID) or (isinstance(token, str) and token):
        return outcome
    raise ResponseDecodeError(
        "the response can't be read: access_token: expected a token",
        path="access_token",
        operation_id=operation.id,
        attempts=outcome.attempts,
    )


def read_token(response: object) -> AccessToken:
    """Return the token of a login's response, with its expiry if the response says when it expires."""
    seconds = read_field(response, "expires_in")
    expires_at = None
    if isinstance(seconds, int | float) and not isinstance(seconds, bool):
        expires_at = datetime.now(UTC) + timedelta(seconds=min(max(seconds, 0), _LONGEST))
    return AccessToken(read_field(response, "access_token"), expires_at)
