"""The queries that together find every enrollment of a time range."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import product
from typing import Any, Final

import attrs

from nexport_campus.times import days, months
from nexport_client.types import Model

from .request import DATE_FILTERS, ID_FILTERS, ExportRequest

__all__ = ["EDGE", "TimeRange", "build_queries", "is_in_range", "split_into_ranges", "to_arguments"]

EDGE: Final = timedelta(seconds=1)
"""Margin of queries: the vendor doesn't document whether date filters are inclusive, nor their precision."""

_MAX_IDS: Final = 500
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
    spans = [TimeRange(window.start, window.end) for window in cut(since, end, zone=request.zone)]
    spans[-1] = attrs.evolve(spans[-1], end=request.until)
    return spans


def build_queries(request: ExportRequest, span: TimeRange) -> list[dict[str, Any]]:
    """Return the queries that together find all enrollments of a time range, as JSON arguments of SearchEnrollments.

    An enrollment belongs to the range in which it was made, last active, or completed. Filters can't be combined with
    "or", and the activity filter excludes learners who never started. So one query finds the enrollments made in the
    range, and one each finds older ones that were active or completed in it. Sessions may belong to any enrollment made
    before the end and last active after the start, because the date of the last activity only increases.
    """
    base = request.filters.to_dict()
    queries: list[dict[str, Any]] = []
    for chunk in _chunks(base, apart="org_ids" if request.dataset.parents == "users" else None):
        if span.start is None:
            queries.append(_narrow(chunk, utc_enrolled_before=span.end))
            continue
        after = span.start - EDGE
        if request.dataset.parents == "users":
            queries.append(_narrow(chunk, utc_activity_after=after, utc_enrolled_before=span.end))
            continue
        queries.append(_narrow(chunk, utc_enrolled_after=after, utc_enrolled_before=span.end))
        for what in ("activity", "completed"):
            bounds = {f"utc_{what}_after": after, f"utc_{what}_before": span.end}
            queries.append(_narrow(chunk, **bounds, utc_enrolled_before=span.start))
    return [query for query in queries if not _is_empty(query)]


def is_in_range(item: Model, span: TimeRange) -> bool:
    """Return whether an enrollment or session is in a time range, and not only within the margin of its queries.

    If its dates don't decide that, trust the campus's filter.
    """
    names = _DATES.get(type(item).__name__, ())
    dates = [date for name in names if (date := getattr(item, name)) is not None]
    return any(date in span for date in dates) or not any(span.is_near(date) for date in dates)


def to_arguments(query: dict[str, Any]) -> dict[str, Any]:
    """Return arguments of SearchEnrollments from their JSON."""
    return {
        name: datetime.fromisoformat(value) if name in DATE_FILTERS else value
        for name, value in query.items()
    }


def _chunks(base: dict[str, Any], *, apart: str | None) -> Iterator[dict[str, Any]]:
    """Yield the filters with id lists that fit into one request, and a single id of the filter `apart` in each."""
    lists = {name: base[name] for name in ID_FILTERS if name in base}
    parts = [list(_batches(ids, 1 if name == apart else _MAX_IDS)) for name, ids in lists.items()]
    for chosen in product(*parts):
        yield base | dict(zip(lists, chosen, strict=True))


def _batches(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


def _narrow(query: dict[str, Any], **bounds: datetime | None) -> dict[str, Any]:
    """Return a query with additional bounds."""
    narrowed = dict(query)
    for name, bound in bounds.items():
        if bound is None:
            continue
        stricter = max if name.endswith("_after") else min
        previous = datetime.fromisoformat(query[name]) if name in query else bound
        narrowed[name] = stricter(previous, bound).isoformat()
    return narrowed


def _is_empty(query: dict[str, Any]) -> bool:
    """Return whether a query has contradictory bounds, so that it can't find anything."""
    dates = to_arguments(query)
    pairs = ((f"utc_{what}_after", f"utc_{what}_before") for what in ("enrolled", "activity", "completed"))
    return any(
        after in dates and before in dates and dates[after] >= dates[before] for after, before in pairs
    )
