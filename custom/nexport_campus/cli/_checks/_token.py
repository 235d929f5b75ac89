"""Whether the campus takes the credentials, and the token that it gives for them."""

from datetime import timedelta

from nexport_campus import NexportCampus
from nexport_campus._errors import (
    AuthenticationError,
    NexportError,
    ServerError,
    TransportError,
)

from ._findings import Finding, failed, ok, warning
from ._probe import Probe

__all__ = ["check_token"]

_SOON = timedelta(hours=1)
_NEW_TOKEN = (
    "Get a new one, or set NEXPORT_USERNAME and NEXPORT_PASSWORD, with which the SDK does so by itself."
)


async def check_token(campus: NexportCampus, probe: Probe, *, static: bool) -> Finding:
    """Log in, unless the token is `static`, and ask the campus about the token."""
    try:
        verdict = await campus.admin.validate_access_token()
    except NexportError as error:
        return _refused(error)
    if verdict.error_message:
        refusal = AuthenticationError(verdict.error_message)
        return failed("token", f"the campus refuses the access token: {refusal.message}", _NEW_TOKEN, refusal)
    expires = verdict.utc_expiration_date
    if expires is None:
        return ok("token", "accepted; it never expires")
    told = f"accepted; valid until {expires:%Y-%m-%d %H:%M} UTC"
    # By the server's clock: ours may be wrong.
    left = None if probe.date is None else expires - probe.date
    if static and left is not None and timedelta(0) < left < _SOON:
        return warning("token", told, _NEW_TOKEN)
    return ok("token", told)


def _refused(error: NexportError) -> Finding:
    if isinstance(error, AuthenticationError):
        advice = (
            "Check user name and password, or the token. System Operators and users with the Customer Service role "
            "can't log in."
        )
    elif isinstance(error, ServerError):
        advice = "The campus has trouble: try again later."
    elif isinstance(error, TransportError):
        advice = "The connection is the matter, not the token."
    else:
        advice = "This may be no campus: check the address."
    return failed("token", str(error), advice, error)
