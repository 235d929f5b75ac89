"""Results of operations: a success with its error entity, or a refusal."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = [
    "ErrorCode",
    "NotModeled",
    "OperationRefused",
    "OperationResult",
    "duplicate",
    "forbidden",
    "invalid",
    "no_error",
    "no_subscription",
    "not_found",
    "success",
]


class ErrorCode(enum.IntEnum):
    """The vendor's error codes (ApiErrorEntity.error_code)."""

    NO_ERROR = 0
    UNKNOWN_ERROR = 1
    VALIDATION_ERROR = 2
    ITEM_NOT_FOUND = 3
    AUTHENTICATION_ERROR = 4
    AUTHORIZATION_ERROR = 5
    SUBSCRIPTION_NOT_FOUND = 6
    ENROLLMENT_ALREADY_EXISTS = 7
    SUBSCRIPTION_ALREADY_EXISTS = 8


@dataclasses.dataclass(frozen=True, slots=True)
class OperationResult:
    """A successful result: the content, which is sent as JSON, and additional response headers."""

    content: Any
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)


class OperationRefused(Exception):
    """A request that the campus rejects with an HTTP status, an error code and a message."""

    def __init__(self, status: int, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    @property
    def content(self) -> dict[str, Any]:
        """Return the response body, an ApiResponseBase."""
        entity = {"error_code": self.code, "error_message": self.message, "warning_messages": []}
        return {"api_error_entity": entity}


class NotModeled(Exception):
    """A request for something that the sandbox does not model: 501, with a message that says what."""


def invalid(message: str) -> OperationRefused:
    """Return the refusal of an invalid argument or combination of arguments: 422, code 2."""
    return OperationRefused(422, ErrorCode.VALIDATION_ERROR, message)


def not_found(what: str) -> OperationRefused:
    """Return the refusal of an unknown id: 409, code 3."""
    return OperationRefused(409, ErrorCode.ITEM_NOT_FOUND, f"No {what} found matching id in request")


def forbidden(message: str) -> OperationRefused:
    """Return the refusal of a missing permission: 403, code 5."""
    return OperationRefused(403, ErrorCode.AUTHORIZATION_ERROR, message)


def no_subscription() -> OperationRefused:
    """Return the refusal of an unknown subscription: 409, code 6."""
    return OperationRefused(
        409, ErrorCode.SUBSCRIPTION_NOT_FOUND, "No subscription found matching id in request"
    )


def duplicate() -> OperationRefused:
    """Return the refusal of a second enrollment of a user in a syllabus: 409, code 7."""
    message = "An enrollment for this user and syllabus already exists"
    return OperationRefused(409, ErrorCode.ENROLLMENT_ALREADY_EXISTS, message)


def no_error(warnings: Iterable[str] = ()) -> dict[str, Any]:
    """Return the error entity of a success. Like the vendor's, it omits the null error_message."""
    return {"error_code": ErrorCode.NO_ERROR, "warning_messages": list(warnings)}


def success(record: Mapping[str, Any], warnings: Iterable[str] = ()) -> OperationResult:
    """Return a result that consists of one object with its error entity."""
    return OperationResult({**record, "api_error_entity": no_error(warnings)})
