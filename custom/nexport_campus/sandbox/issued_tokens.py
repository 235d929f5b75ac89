"""Access tokens: issuing, checking and expiring them by the campus's clock."""

from __future__ import annotations

import uuid

from .campus_state import CampusState
from .operation_results import ErrorCode, OperationRefused

__all__ = ["expire", "find_caller", "issue"]


def issue(campus: CampusState, user: int, expires: int | None) -> str:
    """Issue a token that is valid until `expires` in ticks, or forever if that is None."""
    token = str(uuid.uuid4())
    campus.connection.execute("INSERT INTO token VALUES (?, ?, ?)", (token, user, expires))
    return token


def find_caller(campus: CampusState, token: str | None) -> int:
    """Return the user that a token was issued to. Raises a refusal with code 4 if the token is not valid."""
    row = campus.row("SELECT user, expires FROM token WHERE value = ?", (token or "").lower())
    if row is None or (row["expires"] is not None and row["expires"] <= campus.clock.now()):
        message = "The access token is missing, invalid or expired"
        raise OperationRefused(campus.settings.refused_token_status, ErrorCode.AUTHENTICATION_ERROR, message)
    user: int = row["user"]
    return user


def expire(campus: CampusState, token: str | None = None) -> None:
    """Expire one token, or all of them."""
    if token is None:
        campus.connection.execute("UPDATE token SET expires = 0")
    else:
        campus.connection.execute("UPDATE token SET expires = 0 WHERE value = ?", (token.lower(),))
