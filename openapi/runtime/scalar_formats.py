# Edit this file in openapi/runtime; scripts/regenerate copies it to nexport_client.
"""The formats of scalars in JSON: the functions that read them, by the name of their `Scalar`.

The functions raise ValueError, TypeError or OverflowError for a value of another format.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, cast
from uuid import UUID

__all__ = ["EXPECTED", "READ", "READ_UNUSUAL", "parse_datetime", "with_zone"]

# .NET's formats B and P; msgspec parses D and N.
_DASHED = "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_BRACKETED_UUID = re.compile(rf"\{{{_DASHED}\}}|\({_DASHED}\)")


def parse_datetime(value: str) -> datetime:
    """Parse a date of the API, truncating it to microseconds. Raises ValueError."""
    return with_zone(datetime.fromisoformat(value))


def _parse_lowercase_datetime(value: str) -> datetime:
    """Parse a date with a lowercase "t" and "z", which RFC 3339 allows. Raises ValueError."""
    if type(value) is not str:
        raise ValueError
    return parse_datetime(value.upper())


def with_zone(value: datetime) -> datetime:
    """Return a date that has a zone and can be converted to UTC.

    A date without an offset is UTC; an offset is kept. .NET's first and last dates mean "no date". With an offset they can
    lie outside the years 1 to 9999 of UTC, where Python cannot convert them and databases cannot store them; such a
    date becomes the first or last one in UTC, as if it had no offset.
    """
    if value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    if 1 < value.year < 9999:
        return value
    try:
        value.astimezone(UTC)
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC) if value.year == 1 else datetime.max.replace(tzinfo=UTC)
    return value


@cache
def _load_convert() -> Any:
    # Four times as fast as UUID(); imported on first use, like the models.
    from msgspec import convert

    return convert


def _read_uuid(value: Any) -> UUID:
    if type(value) is not str:
        raise ValueError
    return cast("UUID", _load_convert()(value, UUID))


def _read_bracketed_uuid(value: Any) -> UUID:
    if type(value) is not str or not _BRACKETED_UUID.fullmatch(value):
        raise ValueError
    return _read_uuid(value[1:-1])


def _read_whole_float(value: Any) -> int:
    # Above 2**53 a float no longer represents every whole number.
    if type(value) is float and value.is_integer() and abs(value) <= 2**53:
        return int(value)
    raise ValueError


def _read_number(value: Any) -> float:
    if type(value) not in (int, float):
        raise ValueError
    return float(value)


def _make_exact_reader(*expected: type) -> Any:
    def read(value: Any) -> Any:
        if type(value) not in expected:
            raise ValueError
        return value

    return read


READ: Final[dict[str, Callable[[Any], Any]]] = {
    "anything": lambda value: value,
    "boolean": _make_exact_reader(bool),
    "date-time": parse_datetime,
    "int32": _make_exact_reader(int),
    "integer": _make_exact_reader(int),
    "int-or-string": _make_exact_reader(int, str),
    "nothing": lambda _: None,
    "number": _read_number,
    "string": _make_exact_reader(str),
    "uuid": _read_uuid,
}
READ_UNUSUAL: Final[dict[str, Callable[[Any], Any]]] = {
    "date-time": _parse_lowercase_datetime,
    "int32": _read_whole_float,
    "integer": _read_whole_float,
    "int-or-string": _read_whole_float,
    "uuid": _read_bracketed_uuid,
}
EXPECTED: Final = {
    "anything": "any value",
    "boolean": "a boolean",
    "date-time": "a date and time",
    "int32": "a whole number",
    "integer": "a whole number",
    "int-or-string": "a whole number or a string",
    "nothing": "nothing",
    "number": "a number",
    "string": "a string",
    "uuid": "a uuid",
}
