"""Problem details (RFC 9457) for errors, with fixed texts for the application's clients."""

import logging
import math
from collections.abc import Mapping
from typing import Any, Final, TypeVar

import attrs
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response
from starlette.websockets import WebSocket, WebSocketState

from nexport_campus._errors import (
    AlreadyExistsError,
    APIError,
    ArgumentError,
    AuthenticationError,
    InvalidRequestError,
    NexportError,
    NotFoundError,
    PaginationError,
    PermissionDeniedError,
    RateLimitError,
    RequestTimeoutError,
    ResponseDecodeError,
    TransportError,
    WebhookError,
    WebhookFormatError,
    WebhookSecretError,
)

__all__ = ["ProblemHandler"]

T = TypeVar("T")
_logger = logging.getLogger("nexport_campus")
_RETRY_AFTER_SECONDS = 5
"""The default if the campus gives no time: long enough for a burst to pass, short enough for a waiting user."""
_WEBSOCKET_INTERNAL_ERROR = 1011


@attrs.frozen
class _Problem:
    """A type of problem. Its texts are fixed, because the campus's messages may identify students."""

    name: str
    title: str
    detail: str


_UNREADABLE = _Problem("unreadable-answer", "Unreadable response", "The campus's response can't be used.")
_OURS = _Problem("internal", "Internal error", "The application sent the campus an invalid request.")
_GATEWAY = _Problem(
    "gateway", "No response from the campus", "Something on the way to the campus responded in its place."
)
_PROBLEMS: Final[dict[type[NexportError], _Problem]] = {
    NotFoundError: _Problem("not-found", "Not found", "The campus doesn't have the requested record."),
    AlreadyExistsError: _Problem("already-exists", "Already exists", "The campus has this already."),
    RateLimitError: _Problem("busy", "Campus busy", "The campus takes no more requests at the moment."),
    RequestTimeoutError: _Problem("timeout", "Campus timed out", "The campus didn't respond in time."),
    TransportError: _Problem("unreachable", "Campus unreachable", "No usable response came from the campus."),
    ResponseDecodeError: _UNREADABLE,
    PaginationError: _UNREADABLE,
    AuthenticationError: _Problem(
        "account", "Account refused", "The campus refused this application's account."
    ),
    PermissionDeniedError: _Problem(
        "permission", "Not permitted", "This application's account may not do this on the campus."
    ),
    InvalidRequestError: _Problem("refused", "Request refused", "The campus refused the request as invalid."),
    WebhookError: _Problem(
        "webhook", "Webhook refused", "The call can't be taken for a webhook of the campus."
    ),
    APIError: _Problem("campus-error", "Campus error", "The campus reported an error."),
    ArgumentError: _Problem(
        "argument", "Invalid argument", "The campus can't be sent such a value; nothing was sent."
    ),
    NexportError: _OURS,
}
_STATUSES: Final[dict[type[NexportError], int]] = {
    NotFoundError: 404,
    AlreadyExistsError: 409,
    RateLimitError: 503,
    RequestTimeoutError: 504,
    TransportError: 502,
    ResponseDecodeError: 502,
    PaginationError: 502,
    APIError: 502,
    WebhookSecretError: 401,
    WebhookFormatError: 400,
    NexportError: 500,
}


class ProblemHandler:
    """An exception handler that responds with problem details. Raises TypeError or ValueError for invalid statuses."""

    def __init__(self, statuses: Mapping[type[NexportError], int]) -> None:
        for cls, status in statuses.items():
            if not (isinstance(cls, type) and issubclass(cls, NexportError)):
                raise TypeError(f"statuses: {cls!r} isn't a class of the SDK's errors")
            if not (isinstance(status, int) and 400 <= status <= 599):
                raise ValueError(f"statuses: {status!r} isn't the HTTP status of an error")
        self._statuses = {**_STATUSES, **statuses}

    async def __call__(self, connection: HTTPConnection, error: Exception) -> Response | None:
        """Return the response, or None for an open websocket, which is closed."""
        assert isinstance(error, NexportError)
        status, problem = _find_nearest(error, self._statuses), _choose_problem(error)
        _log(error, status)
        if isinstance(connection, WebSocket) and connection.application_state is WebSocketState.CONNECTED:
            await connection.close(_WEBSOCKET_INTERNAL_ERROR, problem.title)
            return None
        return JSONResponse(
            _make_members(error, problem, status, connection.url.path),
            status_code=status,
            headers=_make_headers(error, status),
            media_type="application/problem+json",
        )


def _find_nearest(error: NexportError, table: Mapping[type[NexportError], T]) -> T:
    return next(table[cls] for cls in type(error).__mro__ if cls in table)


def _choose_problem(error: NexportError) -> _Problem:
    by_gateway = type(error) is APIError and error.error_code is None
    return _GATEWAY if by_gateway else _find_nearest(error, _PROBLEMS)


def _make_members(error: NexportError, problem: _Problem, status: int, instance: str) -> dict[str, Any]:
    further = {
        "operation": error.operation_id,
        "error_code": getattr(error, "error_code", None),
        "argument": getattr(error, "argument", None),
        "maybe_applied": error.maybe_applied or None,
    }
    return {
        "type": f"urn:nexport-campus:{problem.name}",
        "title": problem.title,
        "status": status,
        "detail": problem.detail,
        "instance": instance,
    } | {name: value for name, value in further.items() if value is not None}


def _make_headers(error: NexportError, status: int) -> dict[str, str]:
    if not isinstance(error, RateLimitError) or status not in {429, 503}:
        return {}
    seconds = _RETRY_AFTER_SECONDS if error.retry_after is None else math.ceil(error.retry_after)
    return {"Retry-After": str(seconds)}


def _log(error: NexportError, status: int) -> None:
    """Log details that the response omits, for the operator; the application's own errors include the traceback."""
    ours = status == 500
    if status >= 500:
        _logger.log(
            logging.ERROR if ours else logging.WARNING,
            "responded with HTTP %d: %s: %s",
            status,
            type(error).__name__,
            error,
            exc_info=error if ours else None,
        )
