"""Errors that a response reports, by its status or its error code."""

import math
from collections.abc import Mapping
from typing import Any

from .base import NexportError

__all__ = [
    "APIError",
    "AlreadyExistsError",
    "AuthenticationError",
    "EnrollmentAlreadyExistsError",
    "InvalidRequestError",
    "NotFoundError",
    "PermissionDeniedError",
    "RateLimitError",
    "ServerError",
    "SubscriptionAlreadyExistsError",
    "SubscriptionNotFoundError",
    "choose_error_class",
]


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
        return f"{super()._detail()}; check the credentials: this client won't log in again for {seconds} s"


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


def choose_error_class(status_code: int, error_code: int | None) -> type[APIError]:
    """Return the class of an error, by the code in the error entity or else by the few statuses that need no entity.

    The code outranks the status (the vendor's ApiErrorEntity). For a 401 without an entity, the body decides whether
    it is the campus's: see `_decoding.response`.
    """
    if error_code in _BY_CODE:
        return _BY_CODE[error_code]
    if 500 <= status_code <= 599:
        return ServerError
    return _BY_STATUS.get(status_code, APIError)
