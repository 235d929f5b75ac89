"""Parsing of dates in HTTP headers."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

__all__ = ["parse_http_date"]


def parse_http_date(value: str | None) -> datetime | None:
    """Return the date of a header such as Date (RFC 9110, 5.6.7) in UTC, or None if it is missing or invalid."""
    try:
        date = parsedate_to_datetime(value or "")
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
