"""The exceptions raised by the SDK.

    NexportError
    ├── ConfigurationError
    ├── ArgumentError                        (also ValueError)
    ├── TransportError
    │   └── RequestTimeoutError              (also TimeoutError)
    ├── ExportError
    ├── WebhookError
    │   ├── WebhookSecretError
    │   └── WebhookFormatError
    ├── ResponseDecodeError
    ├── PaginationError
    └── APIError
        ├── AuthenticationError
        ├── PermissionDeniedError
        ├── NotFoundError
        │   └── SubscriptionNotFoundError
        ├── InvalidRequestError
        ├── AlreadyExistsError
        │   ├── EnrollmentAlreadyExistsError
        │   └── SubscriptionAlreadyExistsError
        ├── RateLimitError
        └── ServerError

NotFoundError, PermissionDeniedError, InvalidRequestError and AlreadyExistsError require an error entity with a code,
which only the campus sends. An error status without one comes from a gateway, a firewall, IIS or a wrong base URL,
and is a plain APIError.

An error prints one line. `body` and `snippet` can hold students' data, so `str`, `repr` and pickles omit them.
"""

import math
import pickle
from collections.abc import Mapping
from typing import Any, TypeVar

__all__ = [
    "APIError",
    "AlreadyExistsError",
    "ArgumentError",
    "AuthenticationError",
    "ConfigurationError",
    "EnrollmentAlreadyExistsError",
    "ExportError",
    "InvalidRequestError",
    "NexportError",
    "NotFoundError",
    "PaginationError",
    "PermissionDeniedError",
    "RateLimitError",
    "RequestTimeoutError",
    "ResponseDecodeError",
    "ServerError",
    "SubscriptionAlreadyExistsError",
    "SubscriptionNotFoundError",
    "TransportError",
    "WebhookError",
    "WebhookFormatError",
    "WebhookSecretError",
    "error_class",
    "fresh_copy",
]

_E = TypeVar("_E", bound="NexportError")
_LONGEST = 300


def _rebuild(cls: type["NexportError"], state: dict[str, Any]) -> "NexportError":
    error = cls.__new__(cls)
    error.__dict__.update(state)
    Exception.__init__(error, state["message"])
    return error


def _portable(cause: BaseException | None) -> BaseException | None:
    """Return a cause in a form that can be pickled, without references such as the request."""
    if cause is None or isinstance(cause, NexportError):
        return cause
    try:
        portable: object = type(cause)(*(arg for arg in cause.args if isinstance(arg, str | int)))
        portable = pickle.loads(pickle.dumps(portable))  # noqa: S301 -- created one line above
    except Exception:  # noqa: BLE001 -- an unpicklable cause must not prevent pickling the error
        return None
    return portable if isinstance(portable, BaseException) else None


class NexportError(Exception):
    """The base of all errors of this SDK.

    `operation_id`: the vendor's name of the operation, such as `LearningApi_GetSection`. `page`: the page of a list
    that failed (unless a login failed); calling again with `page=error.page` resumes. `index`: the element of that
    page that reported the error. `attempts`: the number of requests sent. `maybe_applied`: whether the campus may
    have carried out a write despite the error.
    """

    _private: frozenset[str] = frozenset()
    _not_retried = ""
    """Why the call was not retried, for the printed line."""

    def __init__(
        self,
        message: str,
        *,
        operation_id: str | None = None,
        page: int | None = None,
        index: int | None = None,
        attempts: int = 0,
        maybe_applied: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.operation_id = operation_id
        self.page = page
        self.index = index
        self.attempts = attempts
        self.maybe_applied = maybe_applied

    @property
    def transient(self) -> bool:
        """Whether the same call may succeed later unchanged, which job queues need to know.

        True for TransportError, RateLimitError, ServerError, and an APIError without an error entity; else False.
        """
        return False

    def __str__(self) -> str:
        place = self.operation_id or ""
        place += f" page {self.page}" if self.page is not None else ""
        place += f" [{self.index}]" if self.index is not None else ""
        line = ": ".join(part for part in (place.strip(), self._detail(), self._not_retried) if part)
        return f"{line} (the campus may have carried it out)" if self.maybe_applied else line

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        state = {name: value for name, value in self.__dict__.items() if name not in self._private}
        state |= dict.fromkeys(self._private)
        return _rebuild, (type(self), state), {"__cause__": _portable(self.__cause__)}

    def __setstate__(self, state: dict[str, Any] | None) -> None:
        if state and state.get("__cause__") is not None:
            self.__cause__ = state["__cause__"]

    def _detail(self) -> str:
        line = " ".join(self.message.split())
        return f"{line[:_LONGEST]}..." if len(line) > _LONGEST else line


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
    """A call that claims to be a web hook of the campus and must not be acted on.

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


class APIError(NexportError):
    """A response with an error status or an error code.

    `method`, `path`: the request, without its query. `status_code`, `headers`, `body`: the response. `error_code`: the
    number in the error entity; None without an entity, which means that the response comes from a gateway, a
    firewall, IIS or a wrong base URL and says nothing about a record. `message`: the campus's message. `warnings`:
    its warning messages. `provisional`: whether the operation is declared from public facts, so that the declaration
    may be wrong.
    """

    _private = frozenset({"body", "headers"})

    def __init__(
        self,
        message: str,
        *,
        method: str = "",
        path: str = "",
        status_code: int = 0,
        error_code: int | None = None,
        warnings: tuple[str, ...] = (),
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        provisional: bool = False,
        **place: Any,
    ) -> None:
        super().__init__(message, **place)
        self.method = method
        self.path = path
        self.status_code = status_code
        self.error_code = error_code
        self.warnings = warnings
        self.headers = headers
        self.body = body
        self.provisional = provisional

    @property
    def transient(self) -> bool:
        # Each subclass has its own meaning.
        return type(self) is APIError and self.error_code is None

    def _detail(self) -> str:
        code = f", code {self.error_code}" if self.error_code else ""
        provisional = "; a provisional operation" if self.provisional else ""
        return f"{super()._detail()} (HTTP {self.status_code}{code}{provisional})"


class AuthenticationError(APIError):
    """The token or the credentials were rejected: code 4, HTTP 401, or a login's HTTP 403; not a gateway's page.

    `retry_after`: after a rejected login, the seconds until this client attempts another one; else None.
    """

    def __init__(self, message: str, *, retry_after: float | None = None, **response: Any) -> None:
        super().__init__(message, **response)
        self.retry_after = retry_after

    def _detail(self) -> str:
        if self.retry_after is None:
            return super()._detail()
        seconds = math.ceil(self.retry_after)
        return f"{super()._detail()}; check the credentials: this client tries no other login for {seconds} s"


class PermissionDeniedError(APIError):
    """The account lacks the permission: code 5."""


class NotFoundError(APIError):
    """The requested record doesn't exist: code 3."""


class SubscriptionNotFoundError(NotFoundError):
    """The user has no such subscription: code 6."""


class InvalidRequestError(APIError):
    """The campus rejected the arguments: code 2."""


class AlreadyExistsError(APIError):
    """The record to create already exists: codes 7 and 8."""


class EnrollmentAlreadyExistsError(AlreadyExistsError):
    """The user is already enrolled: code 7."""


class SubscriptionAlreadyExistsError(AlreadyExistsError):
    """The user is already subscribed: code 8."""


class RateLimitError(APIError):
    """Too many requests: HTTP 429. `retry_after`: the seconds to wait according to the server, or None."""

    def __init__(self, message: str, *, retry_after: float | None = None, **response: Any) -> None:
        super().__init__(message, **response)
        self.retry_after = retry_after

    @property
    def transient(self) -> bool:
        return True

    def _detail(self) -> str:
        wait = "" if self.retry_after is None else f"; retry after {self.retry_after:.15g} s"
        return super()._detail() + wait


class ServerError(APIError):
    """The campus failed: code 1, or HTTP 5xx."""

    @property
    def transient(self) -> bool:
        return True


_BY_CODE: dict[int, type[APIError]] = {
    1: ServerError,
    2: InvalidRequestError,
    3: NotFoundError,
    4: AuthenticationError,
    5: PermissionDeniedError,
    6: SubscriptionNotFoundError,
    7: EnrollmentAlreadyExistsError,
    8: SubscriptionAlreadyExistsError,
}
_BY_STATUS: dict[int, type[APIError]] = {401: AuthenticationError, 429: RateLimitError}


def fresh_copy(error: _E) -> _E:
    """Return a copy of an error. An error raised in several tasks must not share a traceback."""
    copy = type(error).__new__(type(error))
    copy.__dict__.update(error.__dict__)
    Exception.__init__(copy, error.message)
    copy.__cause__ = error.__cause__
    return copy


def error_class(status_code: int, error_code: int | None) -> type[APIError]:
    """Return the class of an error, by the code in the error entity or else by the few statuses that need no entity.

    The code outranks the status (the vendor's ApiErrorEntity). For a 401 without an entity, the body decides whether
    it is the campus's: see `_decoding.response`.
    """
    if error_code in _BY_CODE:
        return _BY_CODE[error_code]
    if 500 <= status_code <= 599:
        return ServerError
    return _BY_STATUS.get(status_code, APIError)
