"""The queries that together find every enrollment of a time range."""

from datetime import datetime
from typing import Any, Final

import attrs

from nexport_campus._changes.enrollment_dates import EDGE
from nexport_campus._changes.searches import build_change_filters, narrow, split_ids
from nexport_campus.times import days, months
from nexport_client.types import Model

from .request import DATE_FILTERS, ExportRequest

__all__ = [
    "TimeRange",
    "build_queries",
    "get_enrollment_bound",
    "is_in_range",
    "split_into_ranges",
    "to_arguments",
]

_DATES: Final = {
    "ApiEnrollmentItem": ("enrollment_date", "last_activity_date", "completion_date"),
    "AssignmentSession": ("utc_start",),
}


@attrs.frozen
class TimeRange:
    """The time from `start` (inclusive) to `end` (exclusive); None means no bound."""

    start: datetime | None = None
    end: datetime | None = None

    def __contains__(self, date: datetime) -> bool:
        return (self.start is None or self.start <= date) and (self.end is None or date < self.end)

    def is_near(self, date: datetime) -> bool:
        """Return whether a date is outside the range, but within the margin of its queries."""
        early = self.start is not None and self.start - 2 * EDGE <= date < self.start
        late = self.end is not None and self.end <= date <= self.end + EDGE
        return early or late


def split_into_ranges(request: ExportRequest, since: datetime | None, started: datetime) -> list[TimeRange]:
    """Return the time ranges of an export, each of which is finished before the next.

    Args:
        request: The export.
        since: The start of the export, with `LAST` resolved; None means everything.
        started: The start time of the run by the campus's clock.
    """
    end = request.until or started
    if request.by is None or since is None or since >= end:
        return [TimeRange(since, request.until)]
    cut = months if request.by == "month" else days
    time_ranges = [TimeRange(window.start, window.end) for window in cut(since, end, zone=request.zone)]
    time_ranges[-1] = attrs.evolve(time_ranges[-1], end=request.until)
    return time_ranges


def build_queries(request: ExportRequest, time_range: TimeRange) -> list[dict[str, Any]]:
    """Return the queries that together find all enrollments of a time range, as JSON arguments of SearchEnrollments.

    An enrollment belongs to the range in which it was made, last active, or completed. Sessions may belong to any
    enrollment made before the end and last active after the start, because the date of the last activity only increases.
    """
    queries: list[dict[str, Any]] = []
    by_user = request.dataset.parents == "users"
    for chunk in split_ids(to_arguments(request.filters.to_dict()), single="org_ids" if by_user else None):
        if time_range.start is None:
            queries.append(chunk)
        elif by_user:
            queries.append(narrow(chunk, utc_activity_after=time_range.start - EDGE))
        else:
            queries += build_change_filters(chunk, time_range.start, time_range.end)
    return [_to_json(query) for query in queries if not _is_empty(query)]


def get_enrollment_bound(request: ExportRequest, time_range: TimeRange) -> datetime | None:
    """Return the enrollment date at which the queries of a time range end, or None.

    Where it isn't a filter, enrollments without an enrollment date are found as well.
    """
    return time_range.end if time_range.start is None or request.dataset.parents == "users" else None


def is_in_range(item: Model, time_range: TimeRange) -> bool:
    """Return whether an enrollment or session is in a time range, and not only within the margin of its queries.

    If its dates don't decide that, trust the campus's filter.
    """
    names = _DATES.get(type(item).__name__, ())
    dates = [date for name in names if (date := getattr(item, name)) is not None]
    return any(date in time_range for date in dates) or not any(time_range.is_near(date) for date in dates)


def to_arguments(query: dict[str, Any]) -> dict[str, Any]:
    """Return arguments of SearchEnrollments from their JSON."""
    return {
        name: datetime.fromisoformat(value) if name in DATE_FILTERS else value
        for name, value in query.items()
    }


def _to_json(arguments: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value for name, value in arguments.items()
    }


def _is_empty(query: dict[str, Any]) -> bool:
    """Return whether a query has contradictory bounds, so that it can't find anything."""
    pairs = ((f"utc_{what}_after", f"utc_{what}_before") for what in ("enrolled", "activity", "completed"))
    return any(
        after in query and before in query and query[after] >= query[before] for after, before in pairs
    )
