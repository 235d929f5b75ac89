"""Enrollment dates as positions in a list: which enrollments have one, and where the next request starts."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final
from uuid import UUID

from nexport_client.models import ApiEnrollmentItem

__all__ = ["EARLIEST", "EDGE", "LATEST", "find_tail", "get_date", "is_ordered"]

EDGE: Final = timedelta(seconds=1)
"""Margin of searches: the vendor doesn't document whether date filters are inclusive, nor their precision."""

EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)
"""The earliest valid date; .NET's unset date is in year 1."""

LATEST: Final = datetime(9998, 1, 1, tzinfo=UTC)
"""The latest valid date; .NET's largest one leaves no room for a margin."""

_MAX_OVERLAP: Final = 10


def get_date(item: ApiEnrollmentItem) -> datetime | None:
    """Return the enrollment date, or None if it is missing or one of .NET's placeholders."""
    date = item.enrollment_date
    return date if date is not None and EARLIEST < date < LATEST else None


def is_ordered(items: Sequence[ApiEnrollmentItem]) -> bool:
    """Return whether dates ascend, and enrollments without a date come only before or only after the others."""
    dates = [get_date(item) for item in items]
    known = [date for date in dates if date is not None]
    together = known in (dates[: len(known)], dates[len(dates) - len(known) :])
    return together and all(earlier <= later for earlier, later in pairwise(known))


def find_tail(items: Sequence[ApiEnrollmentItem]) -> list[tuple[UUID, datetime]]:
    """Return the ids and dates of the last enrollments with a date, which the next request repeats."""
    dated = [(item.enrollment_id, date) for item in items if (date := get_date(item)) is not None]
    return dated[-max(1, min(_MAX_OVERLAP, len(dated) // 10)) :]
