"""Conversion of dates and time spans from and to the vendor's ASP.NET formats.

The sandbox stores a date as the number of ticks (.NET's unit of 100 nanoseconds) since 1970 in UTC.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Collection
from typing import Any, Final

__all__ = [
    "DAY",
    "HOUR",
    "MINUTE",
    "SECOND",
    "drop_nulls",
    "format_date",
    "format_time_span",
    "read_date",
    "read_time_span",
    "to_ticks",
]

SECOND: Final = 10_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

_EPOCH: Final = dt.date(1970, 1, 1).toordinal()
_DATE: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))?", re.ASCII
)

_TIME_SPAN: Final = re.compile(r"(?:(\d{1,7})\.)?(\d\d?):(\d\d?)(?::(\d\d?)(?:\.(\d{1,7}))?)?", re.ASCII)


def to_ticks(year: int, month: int, day: int) -> int:
    """Return midnight of a day in ticks."""
    return (dt.date(year, month, day).toordinal() - _EPOCH) * DAY


# .NET's DateTime.MinValue and DateTime.MaxValue.
_FIRST: Final = to_ticks(1, 1, 1)
_LAST: Final = to_ticks(9999, 12, 31) + DAY - 1


@functools.lru_cache(maxsize=8192)
def _format_day(number: int) -> str:
    return dt.date.fromordinal(_EPOCH + number).isoformat()


def format_date(value: int | None, zone: str = "+00:00") -> str | None:
    """Format ticks as .NET does: up to seven fractional digits, no trailing zeros, then `zone`."""
    if value is None:
        return None
    day, rest = divmod(value, DAY)
    minute, rest = divmod(rest, MINUTE)
    second, fraction = divmod(rest, SECOND)
    text = f"{_format_day(day)}T{minute // 60:02}:{minute % 60:02}:{second:02}"
    if fraction:
        text += f".{fraction:07}".rstrip("0")
    return text + zone


def read_date(text: str) -> int | None:
    """Parse an ISO date and time into ticks, assuming UTC without an offset; return None if it is invalid."""
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    fraction, sign, offset_hours, offset_minutes = match.groups()[6:]
    if hour > 23 or minute > 59 or second > 60:
        return None
    try:
        value = to_ticks(year, month, day) + hour * HOUR + minute * MINUTE + second * SECOND
    except ValueError:
        return None
    value += int((fraction or "").ljust(7, "0")[:7])
    if sign is not None:
        if int(offset_hours) > 23 or int(offset_minutes) > 59:
            return None
        offset = int(offset_hours) * HOUR + int(offset_minutes) * MINUTE
        value += -offset if sign == "+" else offset
    return value if _FIRST <= value <= _LAST else None


def format_time_span(value: int | None) -> str | None:
    """Format ticks as a .NET TimeSpan, such as `1.02:30:45` for one day, 2:30 hours and 45 seconds."""
    if value is None:
        return None
    days, rest = divmod(value // SECOND, 86400)
    text = f"{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"
    return f"{days}.{text}" if days else text


def read_time_span(text: str) -> int | None:
    """Parse a .NET TimeSpan, such as `1.02:30:45`, into ticks; return None if it is invalid or negative."""
    match = _TIME_SPAN.fullmatch(text)
    if match is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups()[:4])
    if hours > 23 or minutes > 59 or seconds > 59:
        return None
    fraction = int((match[5] or "").ljust(7, "0"))
    return days * DAY + hours * HOUR + minutes * MINUTE + seconds * SECOND + fraction


def drop_nulls(record: dict[str, Any], *, nulls: Collection[str] = ()) -> dict[str, Any]:
    """Return the record without its null values, except for the names in `nulls`."""
    return {name: value for name, value in record.items() if value is not None or name in nulls}
