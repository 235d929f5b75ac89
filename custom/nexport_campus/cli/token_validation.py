"""The campus's own judgment of the client's token."""

from datetime import datetime
from typing import Final

import attrs

from nexport_campus import NexportCampus, ResponseDecodeError
from nexport_client.errors import DecodeError
from nexport_client.kinds import DATE_TIME
from nexport_client.reader import Reader

__all__ = ["VALIDATION", "TokenValidity", "validate_token"]

VALIDATION: Final = "AdminApi_ValidateAccessToken"
# A raw request, because a page or a definition of AdminApi may lack the operation, and then there is no method for it.
_PATH: Final = "/api/v1/AdminApi/ValidateAccessToken"


@attrs.frozen
class TokenValidity:
    """What the campus says of a token: `error_message`, if it is not valid; `expires_at`, if it expires."""

    error_message: str = ""
    expires_at: datetime | None = None


async def validate_token(campus: NexportCampus) -> TokenValidity:
    """Log in, unless there is a token, and have the campus validate the token. Raises NexportError."""
    fields = (await campus.request("GET", _PATH, effect="read")).parsed
    if not isinstance(fields, dict):
        raise ResponseDecodeError("the response can't be read: expected an object", operation_id=VALIDATION)
    message, expires = fields.get("error_message"), fields.get("utc_expiration_date")
    try:
        expires_at = None if expires is None else DATE_TIME.read(expires, Reader())
    except DecodeError as error:
        place = "utc_expiration_date"
        reason = f"the response can't be read: {place}: {error.reason}"
        raise ResponseDecodeError(reason, path=place, operation_id=VALIDATION) from error
    return TokenValidity(message if isinstance(message, str) else "", expires_at)
