"""A model of a list as a server pages it, correctly or not, and strategies that generate such lists."""

from typing import Literal

import attrs
from hypothesis import settings
from hypothesis import strategies as st

__all__ = ["PagedList", "honest", "sizes", "thorough"]

Totals = tuple[int | Literal["true"] | None, ...]
Manner = Literal["honest", "ignores", "cycles", "repeats_last"]

thorough = settings(max_examples=200)


@attrs.frozen(kw_only=True)
class PagedList:
    """A list of `records` numbers from 0, served in pages.

    `most`, `least`: the largest and the smallest page size that the server applies. `totals`: the total that
    it sends, page by page, the last one for all further pages; "true" is the real total, None sends none.
    `reported`: the page size that it reports. `manner`: "ignores" always serves page 1, "cycles" starts over
    after the last page, "repeats_last" serves the last page for every page beyond it. `gap`: a page that is
    empty.
    """

    records: int
    most: int
    least: int = 1
    totals: Totals = (None,)
    reported: int | Literal["applied", "requested"] | None = None
    manner: Manner = "honest"
    gap: int | None = None

    def size(self, per_page: int) -> int:
        """Return how many records a page holds."""
        return max(min(per_page, self.most), self.least)

    def pages(self, per_page: int) -> int:
        """Return how many pages have records."""
        return -(-self.records // self.size(per_page))

    def page(self, number: int, per_page: int) -> list[int]:
        """Return the records of a page."""
        size, pages = self.size(per_page), max(self.pages(per_page), 1)
        if number == self.gap:
            return []
        if self.manner == "ignores":
            number = 1
        elif self.manner == "cycles":
            number = (number - 1) % pages + 1
        elif self.manner == "repeats_last":
            number = min(number, pages)
        return list(range(self.records))[(number - 1) * size : number * size]

    def total(self, number: int) -> int | None:
        """Return the total that is sent with a page."""
        total = self.totals[min(number, len(self.totals)) - 1]
        return self.records if total == "true" else total

    def report(self, per_page: int) -> int | None:
        """Return the page size that is reported."""
        if self.reported == "applied":
            return self.size(per_page)
        return per_page if self.reported == "requested" else self.reported

    def rest(self, first: int, per_page: int) -> list[int]:
        """Return all records from a page on."""
        return list(range(self.records))[(first - 1) * self.size(per_page) :]


sizes = st.integers(1, 7)


_RIGHT: st.SearchStrategy[Totals] = st.sampled_from([("true",), (None,), (None, "true")])


@st.composite
def honest(draw: st.DrawFn, totals: st.SearchStrategy[Totals] = _RIGHT) -> PagedList:
    """Generate a list that is paged correctly, whatever size and total the server reports."""
    least = draw(st.sampled_from([1, 1, 1, 5]))
    reported: st.SearchStrategy[int | Literal["applied", "requested"] | None] = st.sampled_from(
        ["applied", "requested", None, 0, 1, 999]
    )
    return PagedList(
        records=draw(st.integers(0, 25)),
        most=draw(st.integers(least, 8)),
        least=least,
        totals=draw(totals),
        reported=draw(reported),
    )
