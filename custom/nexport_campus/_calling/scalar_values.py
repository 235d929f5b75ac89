"""Conversion of a single scalar argument to JSON, or the reason why it doesn't fit the spec."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from nexport_campus._inputs import describe, find_zone_problem, quote_value, to_number, to_whole
from nexport_client.errors import DecodeError
from nexport_client.kinds import UUID_
from nexport_client.reader import Reader

__all__ = [
    "InvalidValue",
    "convert_boolean",
    "convert_datetime",
    "convert_number",
    "convert_string",
    "convert_whole_or_string",
    "make_whole_converter",
    "read_uuid",
    "to_boolean",
    "to_text",
]

_MINUTE = timedelta(minutes=1)


class InvalidValue(Exception):
    """The reason why a value is invalid, phrased to follow the argument's name.

    `reason` never shows the value; the full message appends it if it is known to be short and not secret.
    """

    def __init__(self, reason: str, shown: str = "") -> None:
        super().__init__(reason + shown)
        self.reason = reason


def to_text(value: object) -> str:
    """Return a JSON scalar as a string for a query."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def read_uuid(value: object) -> UUID:
    """Return a UUID from a UUID or a string in any of .NET's forms. Raises InvalidValue."""
    if isinstance(value, UUID):
        return value
    if not isinstance(value, str):
        raise InvalidValue("must be a UUID or its string", f", got {describe(value)}")
    try:
        read: UUID = UUID_.read(str.__str__(value), Reader())
    except DecodeError:
        spaced = value != value.strip()
        raise InvalidValue(
            "is not a UUID", ": it has spaces around it" if spaced else f": {quote_value(value)}"
        ) from None
    return read


def convert_string(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidValue("must be a string", f", got {describe(value)}")
    plain = str.__str__(value)  # the value of an enum's member, not its name
    try:
        plain.encode()
    except UnicodeEncodeError:
        raise InvalidValue("must be a string without lone surrogates, which UTF-8 can't carry") from None
    return plain


def convert_datetime(value: object) -> str:
    if not isinstance(value, datetime):
        raise InvalidValue("must be a datetime", f", got {describe(value)}")
    if (problem := find_zone_problem(value)) is not None:
        raise InvalidValue(problem)
    offset = value.utcoffset() or timedelta(0)
    if offset % _MINUTE:
        # Local mean time, which zones have for early years. .NET reads whole minutes only.
        try:
            value = value.astimezone(UTC)
        except OverflowError:
            raise InvalidValue("is a date beyond the years 1 to 9999 in UTC") from None
    # Not a subclass's method: that of pandas' Timestamp writes nanoseconds.
    return datetime.isoformat(value)


def make_whole_converter(bits: int) -> Callable[[object], int]:
    least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1

    def whole(value: object) -> int:
        number = to_whole(value)
        if number is None:
            raise InvalidValue("must be a whole number", f", got {describe(value)}")
        if not least <= number <= most:
            raise InvalidValue(f"must be a whole number from {least} to {most}", f", got {describe(number)}")
        return number

    return whole


def convert_whole_or_string(value: object) -> int | str:
    if not isinstance(value, str) and to_whole(value) is None:
        raise InvalidValue("must be a whole number or a string", f", got {describe(value)}")
    return convert_string(value) if isinstance(value, str) else make_whole_converter(32)(value)


def convert_number(value: object) -> float | Decimal:
    number = to_number(value)
    if number is None:
        raise InvalidValue("must be a number", f", got {describe(value)}")
    if not -sys.float_info.max <= number <= sys.float_info.max:
        raise InvalidValue("must be a finite number", f", got {describe(value)}")
    return number


def convert_boolean(value: object) -> bool:
    plain = to_boolean(value)
    if plain is None:
        raise InvalidValue("must be True or False", f", got {describe(value)}")
    return plain


def to_boolean(value: object) -> bool | None:
    """Return a boolean of Python or numpy, or None."""
    # numpy's boolean follows no protocol except that of numpy's scalars.
    item = getattr(value, "item", None) if getattr(value, "shape", None) == () else None
    plain = value if item is None else item()
    return plain if isinstance(plain, bool) else None
