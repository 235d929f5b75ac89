"""Reading a list by page number until it is whole.

Page numbers shift when enrollments are added or removed: after a removal, page 3 starts with an enrollment later than the
one that follows page 2, which is missed. So the list is read in passes until nothing can have been missed. In a pass
that misses an enrollment, another one that it has read was removed, and the next pass doesn't find that one. Two
passes that agree are therefore whole. A total that the campus reports has to agree as well.
"""

from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

import attrs
import msgspec

from nexport_campus._errors import PaginationError
from nexport_client.models import ApiEnrollmentItem

from .enrollment_dates import get_date
from .enrollment_search import EnrollmentPage

__all__ = ["MAX_PASSES", "LeadingUndated", "Passes", "TrailingUndated"]

MAX_PASSES: Final = 5


@attrs.define
class Passes:
    """Passes over a list.

    Args:
        fetch: Fetches a page by number.
        confirm: Whether a pass that found as many enrollments as the campus reported, on all of its pages, has to be
            confirmed by a second one. It has to if enrollments may be added meanwhile: one that was added and one that
            was removed leave the number the same.
    """

    fetch: Callable[[int], Awaitable[EnrollmentPage]]
    confirm: bool = True
    done: bool = attrs.field(default=False, init=False)
    delivered: dict[UUID, int] = attrs.field(factory=dict, init=False)
    _pass: int = attrs.field(default=1, init=False)
    _next: int = attrs.field(default=1, init=False)
    _full: int = attrs.field(default=0, init=False)
    _pages: int = attrs.field(default=0, init=False)
    _ids: list[UUID] = attrs.field(factory=list, init=False)
    _page_ids: list[UUID] = attrs.field(factory=list, init=False)
    _totals: set[int | None] = attrs.field(factory=set, init=False)
    _previous: frozenset[UUID] | None = attrs.field(default=None, init=False)
    _counted: bool = attrs.field(default=False, init=False)

    async def next(self) -> EnrollmentPage:
        """Fetch the next page, and return it with the enrollments that are new or have changed since an earlier pass.

        Raises:
            PaginationError: No pass was whole.
            NexportError: The page couldn't be fetched.
        """
        page = await self.fetch(self._next)
        self._full = max(self._full, len(page.items))
        self._pages += 1
        self._totals.add(page.total)
        found = [item for item in page.items if self._belongs(item)]
        ids = [item.enrollment_id for item in page.items]
        # A campus that ignores page numbers sends the same page again, perhaps forever.
        repeated = bool(ids) and ids == self._page_ids
        self._page_ids = ids
        self._ids += [] if repeated else [item.enrollment_id for item in found]
        following = None if repeated else self._next_number(page)
        if following is None:
            self._end_pass()
        else:
            self._next = following
        return attrs.evolve(page, items=[item for item in found if self._is_new_or_changed(item)])

    def _belongs(self, item: ApiEnrollmentItem) -> bool:
        """Return whether an enrollment belongs to the part of the list that is read."""
        return True

    def _next_number(self, page: EnrollmentPage) -> int | None:
        """Return the number of the next page, or None at the end of the pass."""
        return None if page.is_last(self._full) else page.number + 1

    def _is_new_or_changed(self, item: ApiEnrollmentItem) -> bool:
        content = hash(msgspec.json.encode(item))
        known = self.delivered.get(item.enrollment_id)
        self.delivered[item.enrollment_id] = content
        return known != content

    def _end_pass(self) -> None:
        distinct = frozenset(self._ids)
        # A repeated enrollment shows that some were added.
        clean = len(distinct) == len(self._ids)
        counted = clean and self._count_holds(distinct)
        self._counted |= counted
        agreed = clean and distinct == self._previous and (counted or self._may_agree())
        self.done = self._is_atomic() or agreed or (self._counted and not self.confirm)
        if not self.done and self._pass >= MAX_PASSES:
            if not self._counted:
                raise PaginationError(
                    f"enrollments were added or removed during each of {MAX_PASSES} passes over a list that can only be"
                    " read by page number: try again when the campus is less busy",
                    operation_id="LearningApi_SearchEnrollments",
                )
            self.done = True
        self._previous = distinct if clean else None
        self._pass += 1
        self._start_pass()

    def _is_atomic(self) -> bool:
        """Return whether a single response had everything, so that nothing can have shifted."""
        return self._pages == 1

    def _count_holds(self, distinct: frozenset[UUID]) -> bool:
        return self._totals == {len(distinct)}

    def _may_agree(self) -> bool:
        """Return whether a pass that wasn't confirmed by a total may agree with the previous one."""
        return self._totals == {None}

    def _start_pass(self) -> None:
        self._next = 1
        self._pages = 0
        self._ids, self._page_ids = [], []
        self._totals = set()


@attrs.define
class LeadingUndated(Passes):
    """Passes over the enrollments without a date at the start of a list."""

    def _belongs(self, item: ApiEnrollmentItem) -> bool:
        return get_date(item) is None

    def _next_number(self, page: EnrollmentPage) -> int | None:
        ended = not page.items or get_date(page.items[-1]) is not None
        return None if ended else Passes._next_number(self, page)

    def _count_holds(self, distinct: frozenset[UUID]) -> bool:
        return False  # The total includes enrollments with a date.

    def _may_agree(self) -> bool:
        return True


@attrs.define
class TrailingUndated(Passes):
    """Passes over the enrollments without a date at the end of a list, backward from the last page.

    Without totals, only a short page shows by itself that it is the last. After a full one, the following page has to be
    fetched, and enrollments with a date that were removed and added meanwhile shift those without one past it and back.
    Two passes have to agree then, which the same shift in both would defeat: only totals can rule that out.

    Args:
        fetch: Fetches a page by number.
        confirm: No effect.
        start: The number of the page on which to start looking for the last one.
        full: The size of a full page, or 0 if unknown.
    """

    start: int = 1
    full: int = 0
    _backward: bool = attrs.field(default=False, init=False)
    _ends_list: bool = attrs.field(default=False, init=False)
    _empty: int | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._next, self._full = self.start, self.full

    def _belongs(self, item: ApiEnrollmentItem) -> bool:
        return get_date(item) is None

    def _next_number(self, page: EnrollmentPage) -> int | None:
        if not self._backward:
            last = self._find_last(page)
            if last != page.number:
                return last
            self._backward, self._ends_list = True, page.is_last(self._full)
            # The pages before it were only read to find it.
            self._pages, self._totals = 1, {page.total}
            self._ids = [item.enrollment_id for item in page.items if self._belongs(item)]
        leads = page.items and get_date(page.items[0]) is None
        return page.number - 1 if leads and page.number > 1 else None

    def _find_last(self, page: EnrollmentPage) -> int:
        """Return the number of the last page, or of one that is nearer to it."""
        if page.total is not None and self._full:
            return max(1, -(-page.total // self._full))
        if not page.items:
            self._empty = page.number
            return max(1, page.number - 1)
        ended = page.is_last(self._full) or page.number + 1 == self._empty
        return page.number if ended else page.number + 1

    def _may_agree(self) -> bool:
        # Enrollments with a date that are added meanwhile shift those without one.
        return len(self._totals) == 1

    def _is_atomic(self) -> bool:
        return self._ends_list and Passes._is_atomic(self)

    def _count_holds(self, distinct: frozenset[UUID]) -> bool:
        return False

    def _start_pass(self) -> None:
        Passes._start_pass(self)
        self._next, self._backward, self._empty = self.start, False, None
