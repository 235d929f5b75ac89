"""Iteration over the enrollments of a query by date instead of by page number.

Page numbers shift when enrollments are added or removed: after a removal, a client that requests page 3 misses the
enrollments that moved to page 2. SearchEnrollments lists the earliest enrollment date first (according to the vendor's
documentation), so each following page is requested as the first page of the enrollments after a date, which earlier
changes don't affect.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final
from uuid import UUID

import attrs

from nexport_client.client import AsyncPager
from nexport_client.models import ApiEnrollmentItem

from .queries import EDGE

__all__ = ["Search", "Step", "walk"]

Search = Callable[[datetime | None], AsyncPager[ApiEnrollmentItem]]
"""A function that searches for enrollments made after a date, or for all if that is None."""

_MAX_OVERLAP: Final = 10
_MAX_DOUBTS: Final = 3
_EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)


@attrs.frozen
class Step:
    """One page of a query.

    `fresh`: the number of enrollments that the previous page didn't have. `total`: the number of enrollments that the
    query finds, if the campus reports it. `after`: the enrollment date to continue after, unless this page is the `last`.
    """

    items: list[ApiEnrollmentItem]
    fresh: int
    total: int | None
    after: datetime | None
    last: bool


async def walk(search: Search, after: datetime | None) -> AsyncGenerator[Step, None]:
    """Yield the pages with the enrollments after a date; each enrollment is on at least one of them.

    Each page starts with the last enrollments of the previous one. If none of them appears again, either they were
    removed in the meantime, and iteration steps back one page; or the campus compares other dates, and after a few
    attempts iteration restarts by page number. It also uses page numbers where there is no date to continue after: on a
    page whose enrollments all have the same date, are unordered, or lack dates.

    Raises:
        NexportError: A page couldn't be fetched. To resume, start from `after` of the last step.
    """
    begin = previous = after
    shared, doubts = frozenset[UUID](), 0
    while True:
        next_after: datetime | None = None
        async with aclosing(search(after).pages()) as pages:
            async for page in pages:
                ids = {item.enrollment_id for item in page.items}
                if shared.isdisjoint(ids) and shared:
                    doubts += 1
                    break
                if shared:
                    doubts = 0
                by_date = doubts < _MAX_DOUBTS and page.has_next
                tail = page.items[-max(1, min(_MAX_OVERLAP, len(page.items) // 10)) :]
                next_after = _next_bound(page.items, tail, after) if by_date else None
                yield Step(
                    page.items, len(ids - shared), page.total, next_after or after, last=not page.has_next
                )
                shared = frozenset(item.enrollment_id for item in tail) if next_after else frozenset()
                if next_after is not None:
                    break
            else:
                return
        if next_after is not None:
            previous, after = after, next_after
        else:
            after, shared = (previous if doubts < _MAX_DOUBTS else begin), frozenset()


def _next_bound(
    items: list[ApiEnrollmentItem], tail: list[ApiEnrollmentItem], after: datetime | None
) -> datetime | None:
    """Return the date after which the next page starts with the tail of this one, or None if there is none."""
    dates = [item.enrollment_date for item in items if item.enrollment_date is not None]
    if not dates or len(dates) < len(items) or any(later < earlier for earlier, later in pairwise(dates)):
        return None
    reached = dates[-len(tail)]
    if reached < _EARLIEST or (after is not None and reached - EDGE <= after):
        return None
    return reached - EDGE
