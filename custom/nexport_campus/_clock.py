"""Time: the clock, which tests can replace, and dates in HTTP headers (RFC 9110, 5.6.7)."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import attrs

__all__ = ["REAL_CLOCK", "Clock", "parse_http_date", "parse_utc_date"]


@attrs.frozen
class Clock:
    """Source of time and randomness: `monotonic` and `sleep` use seconds, `random` is in [0, 1)."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    random: Callable[[], float] = random.random


REAL_CLOCK = Clock()


def parse_http_date(value: str | None) -> datetime | None:
    """Return the date of a header, with its offset or else that of UTC, or None if it is missing or invalid."""
    try:
        date = parsedate_to_datetime(value or "")
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return date.replace(tzinfo=UTC) if date.tzinfo is None else date


def parse_utc_date(value: str | None) -> datetime | None:
    """Return the date of a header in UTC, or None also if UTC has no such date: 9999-12-31 with an offset, say."""
    date = parse_http_date(value)
    try:
        return date and date.astimezone(UTC)
    except OverflowError:
        return None
