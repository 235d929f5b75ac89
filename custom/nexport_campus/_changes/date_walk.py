"""Iteration over the enrollments of a search by date instead of by page number.

Page numbers shift when enrollments are added or removed. SearchEnrollments lists the earliest enrollment date first
(according to the vendor's documentation), so each following page is requested as the first page of the enrollments after
a date, which earlier changes don't affect. Page numbers are used only for what a date can't divide: enrollments that
share a date, and those without one.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import attrs

from nexport_client.models import ApiEnrollmentItem

from .enrollment_dates import EARLIEST, EDGE, find_tail, get_date, is_ordered
from .enrollment_search import EnrollmentPage, EnrollmentSearch
from .passes import LeadingUndated, Passes, TrailingUndated
from .searches import MAX_IDS

__all__ = ["DateWalk", "Step"]

_SETTLED: Final = timedelta(days=1)
"""No enrollment is added with a date that is older than this."""


@attrs.frozen
class Step:
    """One page of a walk.

    `items`: the enrollments that the previous page didn't have. `total`: the number of enrollments that the search finds
    from here on, if the campus reports it. `size`: the number of enrollments on the page. `after`: the enrollment date to
    resume after. `last`: whether the walk has ended.
    """

    items: list[ApiEnrollmentItem]
    total: int | None
    size: int
    after: datetime | None
    last: bool


class DateWalk:
    """A walk over the enrollments of a search: each that exists throughout is in at least one step.

    Each page starts with the last enrollments of the previous one. If none of them appears again, they are searched for by
    id: either they were removed, or the campus compares other dates than it shows, and the whole search is read by page
    number. It is read by number, too, if its pages aren't ordered by date.

    Args:
        search: The search.
        after: The `after` of the last step of an interrupted walk, or None to start.
        before: The enrollment date at which to stop; enrollments without a date are found regardless.
        now: Returns the campus's time.
    """

    def __init__(
        self,
        search: EnrollmentSearch,
        after: datetime | None = None,
        *,
        before: datetime | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._search = search
        self._begin = after or search.enrolled_after
        self._after = self._begin
        self._before = before
        self._now = now
        self._full = 0
        self._count = 0
        self._total: int | None = None
        self._shared: dict[UUID, datetime] = {}
        self._recent: dict[UUID, ApiEnrollmentItem] = {}
        self._passes: Passes | None = None
        self._after_passes: Callable[[], Awaitable[None]] = self._end
        self._seeks_undated = search.finds_undated
        self._next: Callable[[], Awaitable[Step | None]] | None = (
            self._fetch_first_page if self._after is None and self._seeks_undated else self._fetch_page
        )

    async def next(self) -> Step | None:
        """Return the next step, or None after the last.

        Raises:
            NexportError: A page couldn't be fetched. To resume, start from `after` of the last step.
        """
        while self._next is not None:
            step = await self._next()
            if step is not None:
                return step
        return None

    async def _end(self) -> None:
        self._next = None

    async def _fetch_first_page(self) -> Step | None:
        """Fetch the first page of a search that may find enrollments without a date."""
        page = await self._search.fetch()
        self._full, self._total = len(page.items), page.total
        if page.is_last(0):
            self._next = None
            return self._make_step(page, None)
        if not is_ordered(page.items):
            self._read_by_number()
            return None
        leads = get_date(page.items[0]) is None
        self._seeks_undated = not leads
        if leads and get_date(page.items[-1]) is None:
            self._read(LeadingUndated(self._search.fetch), self._begin_dated)
            return None
        return self._advance(page)

    async def _begin_dated(self) -> None:
        self._after, self._next = EARLIEST, self._fetch_page

    async def _fetch_page(self) -> Step | None:
        """Fetch the enrollments after a date."""
        after = self._after
        page = await self._fetch_dated(1)
        first = page.items[0] if page.items else None
        misplaced = any(get_date(item) is None for item in page.items)
        early = first is not None and after is not None and (get_date(first) or after) < after - EDGE
        if misplaced or early or not is_ordered(page.items) or await self._is_contradicted(page):
            self._read_by_number()
            return None
        self._full = max(self._full, len(page.items))
        if page.is_last(self._full if self._count else 0):
            self._next = self._read_trailing if self._seeks_undated else None
            return self._make_step(page, self._after)
        return self._advance(page)

    async def _fetch_dated(self, number: int, before: datetime | None = None) -> EnrollmentPage:
        if before is None and self._before is not None:
            before = self._before + EDGE
        return await self._search.fetch(number, after=self._after, before=before)

    def _advance(self, page: EnrollmentPage) -> Step | None:
        """Continue after the dates of a page."""
        shared = find_tail(page.items)
        bound = shared[0][1] - EDGE
        if self._after is not None and bound <= self._after:
            self._read_crowd(page)
            return None
        self._after, self._shared, self._next = bound, dict(shared), self._fetch_page
        return self._make_step(page, bound)

    def _read_crowd(self, page: EnrollmentPage) -> None:
        """Read the enrollments of a short time by page number, as they fill more than a page."""
        dates = {item.enrollment_id: date for item in page.items if (date := get_date(item)) is not None}
        last = max(dates.values())
        before = last + 2 * EDGE

        async def fetch(number: int) -> EnrollmentPage:
            return await self._fetch_dated(number, before)

        passes = Passes(fetch, confirm=last >= self._now() - _SETTLED)

        async def leave() -> None:
            # The passes had a bound more than the page. If they found none of it, either all was removed or the bound was
            # compared with other dates.
            self._shared = {} if passes.delivered.keys() & dates.keys() else dates
            if await self._is_contradicted(EnrollmentPage([], 1, None)):
                self._read_by_number()
                return
            self._after, self._shared, self._next = last + EDGE, {}, self._fetch_page

        self._read(passes, leave)

    def _read_by_number(self) -> None:
        """Read the whole search by page number."""
        begin = self._begin

        async def fetch(number: int) -> EnrollmentPage:
            return await self._search.fetch(number, after=begin)

        self._after, self._seeks_undated = begin, False
        self._read(Passes(fetch), self._end)

    async def _read_trailing(self) -> Step | None:
        """Look for enrollments without a date at the end of the search."""
        known = self._total if self._total is not None else self._count
        start = max(1, -(-known // self._full)) if self._full else 1
        self._read(TrailingUndated(self._search.fetch, start=start, full=self._full), self._end)
        return None

    def _read(self, passes: Passes, then: Callable[[], Awaitable[None]]) -> None:
        self._passes, self._after_passes, self._next = passes, then, self._read_passes

    async def _read_passes(self) -> Step | None:
        passes = self._passes
        assert passes is not None
        page = await passes.next()
        if passes.done:
            await self._after_passes()
        return self._make_step(page, self._after)

    def _make_step(self, page: EnrollmentPage, after: datetime | None) -> Step:
        """Return the step of a page, without what the previous page had and what is beyond the end of the walk."""
        known, self._recent = self._recent, {item.enrollment_id: item for item in page.items}
        items = [
            item for item in page.items if known.get(item.enrollment_id) != item and not self._is_beyond(item)
        ]
        self._count += len(items)
        return Step(items, page.total, len(page.items), after, last=self._next is None)

    def _is_beyond(self, item: ApiEnrollmentItem) -> bool:
        date = get_date(item)
        return date is not None and self._before is not None and date >= self._before

    async def _is_contradicted(self, page: EnrollmentPage) -> bool:
        """Return whether enrollments of the previous page still exist, and should be on this page, but aren't."""
        if not self._shared or any(item.enrollment_id in self._shared for item in page.items):
            return False
        found = await self._search.fetch(ids=list(self._shared)[:MAX_IDS])
        reached = None if page.is_last(self._full) else get_date(page.items[-1])
        dates = [
            date for item in found.items if item.enrollment_id in self._shared and (date := get_date(item))
        ]
        after = self._after or EARLIEST
        return any(after + EDGE <= date and (reached is None or date < reached) for date in dates)
