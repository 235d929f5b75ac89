"""Detection of the end of a paged list, without side effects, from the pages seen so far.

The server clamps page sizes silently (the vendor's SearchEnrollments), so a page with fewer records than requested
proves nothing, and the page size that it reports may merely repeat the request. A page shorter than an earlier one
is the last; a total is proof as long as it is consistent.
"""

from collections.abc import Callable, Hashable

import attrs

from nexport_campus._errors import PaginationError

__all__ = ["EndDetector", "PageFacts"]


_MAX_ALIKE = 1000
"""Limit of pages whose records can't be distinguished from an earlier page's; beyond it, the total isn't trusted."""


@attrs.frozen
class PageFacts:
    """Facts about one page: its one-based number, its number of records, the total, and a fingerprint of the records.

    `distinct`: whether its records can be distinguished from others in the list, so that an equal page is the same
    page.
    """

    number: int
    count: int
    total: int | None
    fingerprint: Hashable
    distinct: bool = True


@attrs.define
class EndDetector:
    """The end detection of one iteration over a list, from page `first` on.

    `report_drift` receives drift as kind and detail. `number` is the latest page, `count` the number of records so
    far, `full` the size of the fullest page.
    """

    operation_id: str
    first: int
    report_drift: Callable[[str, str], None]
    number: int = attrs.field(default=0, init=False)
    count: int = attrs.field(default=0, init=False)
    full: int = attrs.field(default=0, init=False)
    over: bool = attrs.field(default=False, init=False)
    _total: int | None = attrs.field(default=None, init=False)
    _least_total: int | None = attrs.field(default=None, init=False)
    _total_holds: bool = attrs.field(default=True, init=False)
    _alike: int = attrs.field(default=0, init=False)
    _fingerprints: set[Hashable] = attrs.field(factory=set, init=False)

    def add(self, page: PageFacts) -> bool:
        """Record the next page in order. Returns False if it repeats an earlier one, which ends the iteration.

        Raises PaginationError if records would be missing: the total says that more remain, but the page is empty or a
        repetition.
        """
        self._note_total(page)
        if page.count and page.fingerprint in self._fingerprints and self._repeats(page):
            self.over = True
            return False
        shorter = page.count < self.full
        self._fingerprints.add(page.fingerprint)
        self.number = page.number
        self.count += page.count
        self.full = max(self.full, page.count)
        self._doubt_small_total()
        total = self._trusted_total()
        self.over = self._reached >= total if total is not None else shorter or not page.count
        if not (page.count or self.over):
            self._end_by_gap(page)
        return True

    def find_last_useful(self, limit: int | None) -> float:
        """Return the number of the last page that may hold a wanted record; prefetching stops there."""
        if self.over or not self.full:
            return max(self.number, self.first)
        total = self._trusted_total()
        last = float("inf") if total is None else -(-total // self.full)
        if limit is not None:
            last = min(last, self.number - (self.count - limit) // self.full)
        return last

    def compute_size(self, requested: int, reported: int | None) -> int | None:
        """Return the applied page size: that of a page known to be full, else the reported one."""
        more_after_first = self.first == 1 and self._trusted_total() is not None and not self.over
        if self.full and (self.count > self.full or self.full == requested or more_after_first):
            return self.full
        return reported if reported and reported >= self.full else None

    @property
    def _reached(self) -> int:
        """Return how many records came or were skipped: a lower bound if the first page may be a short last one."""
        return (self.first - 1) * self.full + self.count

    def _trusted_total(self) -> int | None:
        return self._total if self._total_holds else None

    def _note_total(self, page: PageFacts) -> None:
        if page.total is None:
            return
        if self._total is not None and page.total != self._total:
            self._doubt_total(
                f"page {page.number} reports a total of {page.total}, an earlier one {self._total}"
            )
        self._total = page.total
        self._least_total = page.total if self._least_total is None else min(page.total, self._least_total)

    def _doubt_small_total(self) -> None:
        total = self._trusted_total()
        if total is not None and self._reached > total:
            self._doubt_total(f"{self._reached} records were there, and the total is {total}")

    def _doubt_total(self, detail: str) -> None:
        """Ignore the total from now on, which costs at most one more request.

        Trusting the new total would lose records if it is too low, and miss the real end if it is too high.
        """
        self.report_drift("total_changed", detail)
        self._total_holds = False

    def _repeats(self, page: PageFacts) -> bool:
        """Return whether a page that equals an earlier one is a repetition, rather than more identical records.

        Records without distinguishing fields may legitimately occur twice. While the total says that more remain, such
        a page counts as new; but a total may be absurd, so the number of such pages is limited.
        """
        if self._least_total is None or self._reached >= self._least_total:
            self.report_drift(
                "page_ignored", f"page {page.number} repeats an earlier one: the operation ignores page"
            )
            return True
        self._alike += 1
        if page.distinct or self._alike > _MAX_ALIKE:
            raise self._error(page, "repeats an earlier page")
        return False

    def _end_by_gap(self, page: PageFacts) -> None:
        """End the list at an empty page before the total if the first page may be a short last one; raise otherwise.

        In that case the page size is unknown, and some size must exist with which the skipped pages hold all other
        records.
        """
        skipped = self.first - 1
        missing = (self._total or 0) - self.count
        if not skipped or self.count > self.full or (self.count and missing % skipped):
            raise self._error(page, "is empty")
        self.over = True

    def _error(self, page: PageFacts, what: str) -> PaginationError:
        return PaginationError(
            f"the page {what}, and {self._total} records should exist, of which {self.count} arrived",
            operation_id=self.operation_id,
            page=page.number,
        )
