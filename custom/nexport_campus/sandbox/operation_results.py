"""What an operation answers: a success with its error entity, or a refusal."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = [
    "ErrorCode",
    "OperationResult",
    "Refusal",
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
    """A successful answer: what becomes JSON, and headers beside it."""

    content: Any
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)


class Refusal(Exception):
    """The campus declines a request: an HTTP status and an ApiResponseBase with the finer code."""

    def __init__(self, status: int, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    @property
    def content(self) -> dict[str, Any]:
        """The body, an ApiResponseBase."""
        entity = {"error_code": self.code, "error_message": self.message, "warning_messages": []}
        return {"api_error_entity": entity}


def invalid(message: str) -> Refusal:
    """A wrong argument, or a combination of arguments that isn't allowed: 422, code 2."""
    return Refusal(422, ErrorCode.VALIDATION_ERROR, message)


def not_found(what: str) -> Refusal:
    """Nothing has that id: 409, code 3."""
    return Refusal(409, ErrorCode.ITEM_NOT_FOUND, f"No {what} found matching id in request")


def forbidden(message: str) -> Refusal:
    """A permission is missing: 403, code 5."""
    return Refusal(403, ErrorCode.AUTHORIZATION_ERROR, message)


def no_subscription() -> Refusal:
    """No such subscription: 409, code 6."""
    return Refusal(409, ErrorCode.SUBSCRIPTION_NOT_FOUND, "No subscription found matching id in request")


def duplicate() -> Refusal:
    """The user is enrolled already: 409, code 7."""
    message = "An enrollment for this user and syllabus already exists"
    return Refusal(409, ErrorCode.ENROLLMENT_ALREADY_EXISTS, message)


def no_error(warnings: Iterable[str] = ()) -> dict[str, Any]:
    """The entity of a success; its error_message is null, which the vendor leaves out."""
    return {"error_code": ErrorCode.NO_ERROR, "warning_messages": list(warnings)}


def success(record: Mapping[str, Any], warnings: Iterable[str] = ()) -> OperationResult:
    """An answer that is one object, with its error entity."""
    return OperationResult({**record, "api_error_entity": no_error(warnings)})
