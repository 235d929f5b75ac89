"""The filters of the searches that together find every enrollment that was created or changed in a time range."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import product
from typing import Any, Final, TypeVar

from .enrollment_dates import EDGE

__all__ = ["ID_FILTERS", "MAX_IDS", "build_change_filters", "narrow", "split_ids", "split_into_batches"]

T = TypeVar("T")

ID_FILTERS: Final = ("org_ids", "user_ids", "enrollment_ids", "syllabus_ids", "syllabus_unique_names")
MAX_IDS: Final = 500
"""The number of ids of a kind in one request."""


def split_ids(filters: Mapping[str, Any], *, single: str | None = None) -> Iterator[dict[str, Any]]:
    """Yield the filters with id lists that fit into one request, and a single id of the filter `single` in each."""
    lists = {name: filters[name] for name in ID_FILTERS if name in filters}
    parts = [list(split_into_batches(ids, 1 if name == single else MAX_IDS)) for name, ids in lists.items()]
    for chosen in product(*parts):
        yield dict(filters) | dict(zip(lists, chosen, strict=True))


def split_into_batches(ids: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Yield the ids in batches of a size; the last one may be smaller."""
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


def build_change_filters(
    filters: Mapping[str, Any], since: datetime, until: datetime | None
) -> list[dict[str, Any]]:
    """Return the filters of three searches: for enrollments created, last active, and completed in a time range.

    Filters can't be combined with "or", and the activity filter excludes learners who never started. The searches by
    activity and completion have no bound on the enrollment date, which would exclude enrollments without one.
    """
    end = None if until is None else until + EDGE
    return [
        narrow(filters, **{f"utc_{what}_after": since - EDGE, f"utc_{what}_before": end})
        for what in ("enrolled", "activity", "completed")
    ]


def narrow(filters: Mapping[str, Any], **bounds: datetime | None) -> dict[str, Any]:
    """Return filters with additional bounds."""
    narrowed = dict(filters)
    for name, bound in bounds.items():
        if bound is not None:
            stricter = max if name.endswith("_after") else min
            narrowed[name] = stricter(narrowed.get(name, bound), bound)
    return narrowed
