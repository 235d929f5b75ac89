"""Parsing of dates in HTTP headers."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

__all__ = ["parse_http_date"]


def parse_http_date(value: str | None) -> datetime | None:
    """Return the date of a header such as Date (RFC 9110, 5.6.7), or None if it is missing or invalid.

    It has an offset: that of the header, which always says GMT if it is correct, or UTC if the header has none.
    """
    try:
        date = parsedate_to_datetime(value or "")
        # Not converted to UTC, which fails within a day of the first and the last date.
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
