"""Check that the campus accepts the credentials and the token."""

from datetime import timedelta

from nexport_campus import NexportCampus
from nexport_campus._errors import (
    AuthenticationError,
    ConfigurationError,
    NexportError,
    RateLimitError,
    ServerError,
    TransportError,
)
from nexport_campus.cli.token_validation import validate_token

from .findings import Finding, failed, ok, warning
from .probe import Probe

__all__ = ["check_token"]

_SOON = timedelta(hours=1)
_NEW_TOKEN = "Get a new token, or set NEXPORT_USERNAME and NEXPORT_PASSWORD: tokens are then renewed."


async def check_token(campus: NexportCampus, probe: Probe, *, static: bool) -> Finding:
    """Log in, unless the token is `static`, and have the campus validate the token."""
    try:
        validity = await validate_token(campus)
    except NexportError as error:
        return _report_refusal(error)
    if validity.error_message:
        refusal = AuthenticationError(validity.error_message)
        return failed("token", f"the campus refused the access token: {refusal.message}", _NEW_TOKEN, refusal)
    expires = validity.expires_at
    if expires is None:
        return ok("token", "accepted; it never expires")
    message = f"accepted; valid until {expires:%Y-%m-%d %H:%M} UTC"
    # Use the server's clock, because this machine's may be wrong.
    left = None if probe.date is None else expires - probe.date
    if static and left is not None and timedelta(0) < left < _SOON:
        return warning("token", message, _NEW_TOKEN)
    return ok("token", message)


def _report_refusal(error: NexportError) -> Finding:
    if isinstance(error, AuthenticationError):
        advice = (
            "Check user name and password, or the token. System Operators and users with the Customer Service role "
            "can't log in."
        )
    elif isinstance(error, ConfigurationError):
        advice = "Correct the settings."
    elif isinstance(error, ServerError | RateLimitError):
        advice = "Try again later."
    elif isinstance(error, TransportError):
        advice = "The connection failed, not the token."
    else:
        advice = "This may not be a campus: check the address."
    return failed("token", str(error), advice, error)
