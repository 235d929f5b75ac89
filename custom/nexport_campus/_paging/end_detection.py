"""When a run through a list is over: decisions without side effects, from what the pages so far have shown.

The server clamps page sizes in silence (the vendor's SearchEnrollments), so a page with fewer records than were asked
for proves nothing, and what it reports as page size may merely repeat the question. A page shorter than an earlier one
is the last; a total is proof, as long as it holds.
"""

from collections.abc import Callable, Hashable

import attrs

from nexport_campus._errors import PaginationError

__all__ = ["EndDetector", "PageFacts"]


_MOST_ALIKE = 1000
"""Pages in a run whose records can't be told from an earlier page's: beyond that, a total is no reason to go on."""


@attrs.frozen
class PageFacts:
    """What one page showed: its one-based number; of its records how many, how many in all, and a fingerprint.

    `distinct`: whether its records can be told from others that the list may hold, so that an equal page is the same.
    """

    number: int
    count: int
    total: int | None
    fingerprint: Hashable
    distinct: bool = True


@attrs.define
class EndDetector:
    """One run through a list, from page `first` on; `tell` is told drift, as kind and detail.

    `number` is the latest page, `count` how many records came, `full` how many the fullest page held.
    """

    operation_id: str
    first: int
    tell: Callable[[str, str], None]
    number: int = attrs.field(default=0, init=False)
    count: int = attrs.field(default=0, init=False)
    full: int = attrs.field(default=0, init=False)
    over: bool = attrs.field(default=False, init=False)
    _total: int | None = attrs.field(default=None, init=False)
    _least_total: int | None = attrs.field(default=None, init=False)
    _total_holds: bool = attrs.field(default=True, init=False)
    _alike: int = attrs.field(default=0, init=False)
    _fingerprints: set[Hashable] = attrs.field(factory=set, init=False)

    def see(self, page: PageFacts) -> bool:
        """Take note of the next page in order; False for one that came before, which ends the run.

        Raises PaginationError where records would be missing: a total says that more remain, and the page is empty or
        came before.
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

    def last_useful(self, limit: int | None) -> float:
        """The number of the last page that may hold a record still wanted; looking ahead stops there."""
        if self.over or not self.full:
            return max(self.number, self.first)
        total = self._trusted_total()
        last = float("inf") if total is None else -(-total // self.full)
        if limit is not None:
            last = min(last, self.number - (self.count - limit) // self.full)
        return last

    def size(self, asked: int, reported: int | None) -> int | None:
        """The page size that the server applies: where a page is known to be full its own, else what is reported."""
        more_after_first = self.first == 1 and self._trusted_total() is not None and not self.over
        if self.full and (self.count > self.full or self.full == asked or more_after_first):
            return self.full
        return reported if reported and reported >= self.full else None

    @property
    def _reached(self) -> int:
        """How many records came or were skipped; fewer than there were if the first page is the last, and not full."""
        return (self.first - 1) * self.full + self.count

    def _trusted_total(self) -> int | None:
        return self._total if self._total_holds else None

    def _note_total(self, page: PageFacts) -> None:
        if page.total is None:
            return
        if self._total is not None and page.total != self._total:
            self._doubt_total(f"page {page.number} tells {page.total}, before it was {self._total}")
        self._total = page.total
        self._least_total = page.total if self._least_total is None else min(page.total, self._least_total)

    def _doubt_small_total(self) -> None:
        total = self._trusted_total()
        if total is not None and self._reached > total:
            self._doubt_total(f"{self._reached} records were there, and the total is {total}")

    def _doubt_total(self, detail: str) -> None:
        """From now on the records end the run, which costs one request at most.

        Believing the newer total would lose records when it errs downwards, and miss an honest end when it errs upwards.
        """
        self.tell("total_changed", detail)
        self._total_holds = False

    def _repeats(self, page: PageFacts) -> bool:
        """Whether a page with the records of an earlier one is that page again, and not more records like those.

        Records that carry nothing of their own may honestly come twice. As long as a total says that more remain, such
        a page is taken for what it claims to be; but a total may be absurd, and is no bound of its own.
        """
        if self._least_total is None or self._reached >= self._least_total:
            self.tell(
                "page_ignored", f"page {page.number} repeats an earlier one: the operation ignores page"
            )
            return True
        self._alike += 1
        if page.distinct or self._alike > _MOST_ALIKE:
            raise self._error(page, "repeats an earlier page")
        return False

    def _end_by_gap(self, page: PageFacts) -> None:
        """An empty page before the total is reached: an end only if the first page may have been a last, short one.

        Then its size was not seen, and there has to be one that makes the skipped pages hold all other records.
        """
        skipped = self.first - 1
        missing = (self._total or 0) - self.count
        if not skipped or self.count > self.full or (self.count and missing % skipped):
            raise self._error(page, "is empty")
        self.over = True

    def _error(self, page: PageFacts, what: str) -> PaginationError:
        return PaginationError(
            f"the page {what}, and {self._total} records are said to exist, of which {self.count} came",
            operation_id=self.operation_id,
            page=page.number,
        )
