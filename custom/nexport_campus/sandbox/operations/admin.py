"""AdminApi: logging in. The vendor's page of this area is missing; `openapi/provisional` has the known facts."""

from __future__ import annotations

from nexport_campus.sandbox.aspnet_values import SECOND, format_date
from nexport_campus.sandbox.campus_state import CampusState
from nexport_campus.sandbox.issued_tokens import issue
from nexport_campus.sandbox.operation_results import (
    ErrorCode,
    OperationRefused,
    OperationResult,
    invalid,
    success,
)

from .registry import OperationCall, operation

_MAY_NOT_LOG_IN = ("System Operator", "Customer Service")


@operation("POST", "AdminApi_Authenticate", needs_token=False)
def authenticate(campus: CampusState, call: OperationCall) -> OperationResult:
    """Issue a token: valid for the default lifetime, until the requested date, or forever (null)."""
    body = call.body
    username = body.required(body.text, "username")
    password = body.required(body.text, "password")
    if body.required(body.text, "grant_type") != "password":
        raise invalid("grant_type must be password")
    wanted = body.date("utc_expiration_date")
    if wanted is not None and wanted <= campus.clock.now():
        raise invalid("utc_expiration_date has passed")
    account = campus.row("SELECT * FROM account WHERE username = ?", username)
    if account is None or account["password"] != password or account["role"] in _MAY_NOT_LOG_IN:
        raise OperationRefused(
            403, ErrorCode.AUTHENTICATION_ERROR, "Unable to authenticate with these credentials"
        )
    if body.has("utc_expiration_date"):
        token = issue(campus, account["user"], wanted)
        return success({"access_token": token, "token_type": "bearer"})
    lifetime = campus.settings.token_lifetime
    token = issue(campus, account["user"], campus.clock.now() + int(lifetime * SECOND))
    # At least one second: 0 would mean that the token has expired already.
    return success({"access_token": token, "token_type": "bearer", "expires_in": max(1, int(lifetime))})


@operation("GET", "AdminApi_ValidateAccessToken", needs_token=False)
def validate_access_token(campus: CampusState, call: OperationCall) -> OperationResult:
    """Return when a token expires. An invalid token gets a 200 with an error_message and no date."""
    token = call.query.required(call.query.id, "access_token")
    row = campus.row("SELECT expires FROM token WHERE value = ?", token)
    if row is None:
        return success({"utc_expiration_date": None, "error_message": "The access token is invalid"})
    if row["expires"] is None:
        return success({})
    if row["expires"] <= campus.clock.now():
        return success({"utc_expiration_date": None, "error_message": "The access token has expired"})
    return success({"utc_expiration_date": format_date(row["expires"], "Z")})
