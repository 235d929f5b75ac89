"""Types of custom enrollment fields and the values that each accepts."""

from __future__ import annotations

import datetime as dt
import enum
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Final

from .aspnet_values import format_date, read_date

__all__ = ["FieldType", "normalize_value"]

_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class FieldType(enum.IntEnum):
    """The vendor's field types (GetCustomEnrollmentFieldsResponse.type)."""

    NONE = 0
    TEXT = 1
    DATE_TIME = 2
    BOOLEAN = 3
    NUMERIC = 4
    EMAIL = 5
    SELECT_DROP_DOWN = 6
    DATE_ONLY = 7
    SELECT_CHECKBOX = 8


def normalize_value(field_type: int, value: str, options: tuple[str, ...]) -> str | None:
    """Return the value as the campus stores it, with dates in UTC, or None if it is invalid for the type.

    `options` are the choices of a select field. A checkbox field accepts several, separated by commas.
    """
    if field_type == FieldType.SELECT_DROP_DOWN:
        return value if value in options else None
    if field_type == FieldType.SELECT_CHECKBOX:
        return value if all(each.strip() in options for each in value.split(",")) else None
    return _READERS[FieldType(field_type)](value)


def _normalize_date_time(value: str) -> str | None:
    return format_date(read_date(value), "Z")


def _normalize_boolean(value: str) -> str | None:
    return value.lower() if value.lower() in ("true", "false") else None


def _check_number(value: str) -> str | None:
    try:
        return value if Decimal(value).is_finite() else None
    except InvalidOperation:
        return None


def _check_email(value: str) -> str | None:
    return value if _EMAIL.fullmatch(value) else None


def _normalize_date(value: str) -> str | None:
    try:
        return dt.date.fromisoformat(value).isoformat()
    except ValueError:
        return None


_READERS: Final[dict[FieldType, Callable[[str], str | None]]] = {
    FieldType.NONE: str,
    FieldType.TEXT: str,
    FieldType.DATE_TIME: _normalize_date_time,
    FieldType.BOOLEAN: _normalize_boolean,
    FieldType.NUMERIC: _check_number,
    FieldType.EMAIL: _check_email,
    FieldType.DATE_ONLY: _normalize_date,
}
