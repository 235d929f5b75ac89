"""A walk through the enrollments that a search finds, by their dates instead of by page numbers.

Page numbers shift while people enroll and enrollments are removed: who goes on with page 3 misses what has moved to
page 2. SearchEnrollments lists the earliest enrollment date first (the vendor's page), so each next page is asked for
as the first one of what comes after a date, whatever has happened before that date.
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
"""A search for what was enrolled after a date, or for everything where that is None."""

_MAX_OVERLAP: Final = 10
_MAX_DOUBTS: Final = 3
_EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)


@attrs.frozen
class Step:
    """One page.

    `fresh`: how many of its enrollments the page before didn't have. `total`: how many the search finds, where that is
    told. `after`: the date of enrollment after which the walk goes on, unless this is the `last`.
    """

    items: list[ApiEnrollmentItem]
    fresh: int
    total: int | None
    after: datetime | None
    last: bool


async def walk(search: Search, after: datetime | None) -> AsyncGenerator[Step, None]:
    """Every enrollment of a search that comes after a date, each at least once.

    A page begins with the last enrollments of the one before. Where none of them comes again, they were removed
    meanwhile, and the walk goes one page back; or the dates aren't what the campus compares, and if that can't be told
    apart, it begins anew by page numbers. By numbers it also passes what has no date to go on after: a page full of one
    instant, or one without order or dates.

    Raises:
        NexportError: A page couldn't be had. A walk from `after` of the last step goes on.
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
    """The date after which the next page has the tail of this one and all that follows, or None where there is none."""
    dates = [item.enrollment_date for item in items if item.enrollment_date is not None]
    if not dates or len(dates) < len(items) or any(later < earlier for earlier, later in pairwise(dates)):
        return None
    reached = dates[-len(tail)]
    if reached < _EARLIEST or (after is not None and reached - EDGE <= after):
        return None
    return reached - EDGE
