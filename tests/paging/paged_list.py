"""A list as a server pages it, right or wrong, and the shapes of it that the tests draw."""

from typing import Literal

import attrs
from hypothesis import settings
from hypothesis import strategies as st

__all__ = ["PagedList", "honest", "sizes", "thorough"]

Totals = tuple[int | Literal["true"] | None, ...]
Manner = Literal["honest", "ignores", "cycles", "repeats_last"]

settings.load_profile("unhurried")  # the fuzzing has one of its own
thorough = settings(max_examples=200)


@attrs.frozen(kw_only=True)
class PagedList:
    """`records` numbers from 0, given out by page.

    `most`: the size that the server applies at most; `least`: at least. `totals`: what it tells as total, page by page,
    the last for all further ones; "true" for the truth, None for nothing. `reported`: the same for the page size. `manner`: "ignores" gives page 1 always, "cycles" begins anew
    after the last page, "repeats_last" gives the last page in place of those beyond it. `gap`: a page that is empty.
    """

    records: int
    most: int
    least: int = 1
    totals: Totals = (None,)
    reported: int | Literal["applied", "asked"] | None = None
    manner: Manner = "honest"
    gap: int | None = None

    def size(self, asked: int) -> int:
        """How many records a page holds."""
        return max(min(asked, self.most), self.least)

    def pages(self, asked: int) -> int:
        """How many pages hold a record."""
        return -(-self.records // self.size(asked))

    def page(self, number: int, asked: int) -> list[int]:
        """The records of a page."""
        size, pages = self.size(asked), max(self.pages(asked), 1)
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
        """What is told as total on a page."""
        told = self.totals[min(number, len(self.totals)) - 1]
        return self.records if told == "true" else told

    def report(self, asked: int) -> int | None:
        """What is told as page size."""
        if self.reported == "applied":
            return self.size(asked)
        return asked if self.reported == "asked" else self.reported

    def rest(self, first: int, asked: int) -> list[int]:
        """All records from a page on."""
        return list(range(self.records))[(first - 1) * self.size(asked) :]


sizes = st.integers(1, 7)


_RIGHT: st.SearchStrategy[Totals] = st.sampled_from([("true",), (None,), (None, "true")])


@st.composite
def honest(draw: st.DrawFn, totals: st.SearchStrategy[Totals] = _RIGHT) -> PagedList:
    """A list that is paged rightly, whatever is told of its size and total."""
    least = draw(st.sampled_from([1, 1, 1, 5]))
    reported: st.SearchStrategy[int | Literal["applied", "asked"] | None] = st.sampled_from(
        ["applied", "asked", None, 0, 1, 999]
    )
    return PagedList(
        records=draw(st.integers(0, 25)),
        most=draw(st.integers(least, 8)),
        least=least,
        totals=draw(totals),
        reported=draw(reported),
    )
