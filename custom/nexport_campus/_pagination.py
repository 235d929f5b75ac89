"""When a run through a list is over: decisions without side effects, from what the pages so far have shown.

The server clamps page sizes in silence (the vendor's SearchEnrollments), so a page with fewer records than were asked
for proves nothing. What it reports as page size may merely repeat the question. A total is proof, as long as it holds.
"""

import attrs

from ._errors import PaginationError

__all__ = ["Run", "Seen"]


@attrs.frozen
class Seen:
    """What one page showed: its one-based number, and of its records how many, how many in all, and a fingerprint."""

    number: int
    count: int
    total: int | None
    reported_size: int | None
    fingerprint: int


@attrs.define
class Run:
    """One run through a list, from page `first` on. `drifts` collects what is to be told as (kind, detail)."""

    first: int
    drifts: list[tuple[str, str]] = attrs.field(factory=list)
    total: int | None = None
    full: int = 0
    over: bool = False
    count: int = 0
    _totals_hold: bool = True
    _fingerprints: set[int] = attrs.field(factory=set)

    def see(self, page: Seen) -> bool:
        """Take note of the next page in order; False if it has come before and ends the run.

        Raises PaginationError where records would be missing: a page comes again, or is empty, and a total says that
        more remain.
        """
        shorter = page.count < self.full
        self._note_total(page)
        if page.count and page.fingerprint in self._fingerprints:
            return self._repeated(page)
        self._fingerprints.add(page.fingerprint)
        self.count += page.count
        self.full = max(self.full, page.count)
        self._check_total(page)
        self.over = self._reached_total() if self._trusted() else (page.count == 0 or shorter)
        if page.count == 0 and not self.over:
            self._refuse_gap(page)
        return True

    @property
    def last_page(self) -> int | None:
        """The number of the last page, as far as a total and a full page tell."""
        if not self._trusted() or self.total is None or not self.full or self.over:
            return None
        return max(-(-self.total // self.full), self.first)

    def _trusted(self) -> bool:
        return self.total is not None and self._totals_hold

    def _note_total(self, page: Seen) -> None:
        if page.total is None:
            return
        if self.total is not None and page.total != self.total:
            self.drifts.append(
                ("total_changed", f"page {page.number} tells {page.total}, before it was {self.total}")
            )
            self._totals_hold = False
        self.total = page.total

    def _check_total(self, page: Seen) -> None:
        """A total below what was seen already can't be one: the records themselves have to end the run."""
        if self._trusted() and self.total is not None and self.count > self.total:
            self.drifts.append(("total_changed", f"{self.count} records came, and the total is {self.total}"))
            self._totals_hold = False

    def _reached_total(self) -> bool:
        assert self.total is not None
        skipped = (self.first - 1) * self.full
        return skipped + self.count >= self.total

    def _repeated(self, page: Seen) -> bool:
        if self._trusted():
            raise PaginationError(
                f"the campus sent the same records again as page {page.number}, and {self.total} are said to exist"
            )
        self.drifts.append(
            ("page_ignored", f"page {page.number} repeats an earlier one: the operation ignores page")
        )
        self.over = True
        return False

    def _refuse_gap(self, page: Seen) -> None:
        """An empty page ends a run that began later than page 1 if some page size makes the total come out."""
        missing = (self.total or 0) - self.count
        before = self.first - 1
        if before and (missing % before == 0 or self.count == 0) and missing // before >= self.full:
            self.over = True
            return
        raise PaginationError(f"page {page.number} is empty, but {self.count} of {self.total} records came")
