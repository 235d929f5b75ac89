"""The dependency for routes that a campus calls as webhooks."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from fastapi import HTTPException
from starlette.requests import Request

from nexport_campus._errors import (
    APIError,
    NexportError,
    NotFoundError,
    PaginationError,
    ResponseDecodeError,
    TransportError,
    WebhookError,
)
from nexport_campus.models import ApiEnrollmentItem
from nexport_campus.webhooks import MAX_BODY, WebhookEvent, read_secrets, verify

from .lifespan import Campus

__all__ = ["webhook_enrollment"]

_logger = logging.getLogger("nexport_campus")
_RETRY_AFTER_SECONDS: Final = 5
_CAMPUS_FAILED: Final = (APIError, TransportError, ResponseDecodeError, PaginationError)


def webhook_enrollment(
    *, secret: str | Sequence[str] | Callable[[], str | Sequence[str]], max_body: int = MAX_BODY
) -> Callable[[Request, Campus], Awaitable[ApiEnrollmentItem | None]]:
    """Return a dependency that verifies a webhook and reads its enrollment from the campus.

        Enrollment = Annotated[ApiEnrollmentItem | None, Depends(webhook_enrollment(secret=SECRET))]

    The enrollment is None if the webhook names none, or the campus has none with these ids. Nothing else in the body
    is used, so a forged, late or repeated webhook causes a read and nothing more.

    A webhook with a wrong secret gets the response 401, a malformed one 400, and one that is too large 413. If the
    campus can't be read, the response is 503, because the campus may call again.

    Args:
        secret: The secret in the administrator's template, several of which one must match, or a function that
            returns it, called for each request.
        max_body: The size in bytes above which a body is refused, 65,536 at most.

    Raises:
        ConfigurationError: There is no secret, or an empty one. With a function, raised for each request.
    """
    if not callable(secret):
        read_secrets(secret)
    limit = min(max_body, MAX_BODY)

    async def read_enrollment(request: Request, campus: Campus) -> ApiEnrollmentItem | None:
        accepted = secret() if callable(secret) else secret
        body = await _read_body(request, limit)
        try:
            event = verify(body, request.headers, secret=accepted)
        except WebhookError as error:
            raise HTTPException(error.status_code, error.message) from None
        try:
            return await _find_enrollment(campus, event)
        except _CAMPUS_FAILED as error:
            raise _to_unavailable(error) from None

    return read_enrollment


async def _read_body(request: Request, limit: int) -> bytes:
    """Return the body, and stop reading once it is too large."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise HTTPException(413, f"the body is larger than {limit} bytes")
    return bytes(body)


async def _find_enrollment(campus: Campus, event: WebhookEvent) -> ApiEnrollmentItem | None:
    """Return the event's enrollment as the campus has it now."""
    if event.enrollment_id is None or event.user_id is None:
        return None
    found = campus.learning.search_enrollments(user_ids=[event.user_id], enrollment_ids=[event.enrollment_id])
    try:
        enrollments = await found.collect()
    except NotFoundError:
        return None
    for enrollment in enrollments:
        if (enrollment.enrollment_id, enrollment.user_id) == (event.enrollment_id, event.user_id):
            return enrollment
    return None


def _to_unavailable(error: NexportError) -> HTTPException:
    _logger.warning("a webhook's enrollment could not be read: %s: %s", type(error).__name__, error)
    return HTTPException(
        503, "the campus can't be read at the moment", {"Retry-After": str(_RETRY_AFTER_SECONDS)}
    )
