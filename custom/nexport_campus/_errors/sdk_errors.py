"""Errors that the SDK finds itself: before a request, on the way to the campus, or in what comes back."""

from typing import Any

from .base import NexportError

__all__ = [
    "ArgumentError",
    "ConfigurationError",
    "ExportError",
    "PaginationError",
    "RequestTimeoutError",
    "ResponseDecodeError",
    "TransportError",
    "WebhookError",
    "WebhookFormatError",
    "WebhookSecretError",
]


class ConfigurationError(NexportError):
    """Invalid settings, found before any request."""


class ArgumentError(NexportError, ValueError):
    """An argument that doesn't fit the spec; nothing was sent. `argument` names it."""

    def __init__(self, message: str, *, argument: str | None = None, **place: Any) -> None:
        super().__init__(message, **place)
        self.argument = argument


class TransportError(NexportError):
    """No usable response arrived: DNS, connection refused or reset, TLS, proxy, a truncated body."""

    @property
    def transient(self) -> bool:
        return True


class RequestTimeoutError(TransportError, TimeoutError):
    """The response didn't arrive in time."""


class ExportError(NexportError):
    """An export failed on this machine: the disk is full or a file can't be written.

    The same export resumes from there.
    """


class WebhookError(NexportError):
    """A call that claims to be a webhook of the campus and must not be acted on.

    `status_code`: the HTTP status to respond with.
    """

    _status = 400

    def __init__(self, message: str, *, status_code: int | None = None, **place: Any) -> None:
        super().__init__(message, **place)
        self.status_code = self._status if status_code is None else status_code


class WebhookSecretError(WebhookError):
    """The shared secret is missing or wrong, so the call may come from anyone."""

    _status = 401


class WebhookFormatError(WebhookError):
    """The body isn't what the administrator's template promises, or is too large (`status_code` 413)."""


class ResponseDecodeError(NexportError):
    """A response that doesn't match the spec, or a success status without the body that the spec requires.

    `path`: the place, such as `[2].section.enrollment_end`. `snippet`: the first bytes of the body.
    """

    _private = frozenset({"snippet"})

    def __init__(self, message: str, *, path: str = "", snippet: bytes | None = None, **place: Any) -> None:
        super().__init__(message, **place)
        self.path = path
        self.snippet = snippet


class PaginationError(NexportError):
    """The pages of a list contradict one another, so that records would be missing or repeated."""
