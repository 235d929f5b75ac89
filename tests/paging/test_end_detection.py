"""When a run ends, without any server: every list, every size, every total that may be told."""

from collections.abc import Iterator
from typing import Literal

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nexport_campus import PaginationError
from nexport_campus._pagination import Run, Seen
from tests.paging.paged_list import PagedList, honest, sizes, thorough

MANY = 200


@attrs.define
class Story:
    """What came of a run."""

    records: list[int] = attrs.field(factory=list)
    pages: list[int] = attrs.field(factory=list)
    drifts: list[str] = attrs.field(factory=list)
    error: PaginationError | None = None


def story(listing: PagedList, first: int = 1, asked: int = 1000, *, distinct: bool = True) -> Story:
    """Run through a list, page after page."""
    told = Story()
    run = Run("LearningApi_GetThings", first, lambda kind, _: told.drifts.append(kind))
    number = first
    while not run.over:
        assert len(told.pages) < MANY, "an endless run"
        items = listing.page(number, asked)
        told.pages.append(number)
        try:
            fingerprint = tuple(items) if distinct else len(items)
            new = run.see(Seen(number, len(items), listing.total(number), fingerprint, distinct))
        except PaginationError as error:
            told.error = error
            return told
        told.records += items if new else []
        number += 1
    return told


def needed(listing: PagedList, first: int, asked: int) -> int:
    """How many pages, from the first on, hold a record."""
    return max(0, listing.pages(asked) - first + 1)


@thorough
@given(honest(st.just(("true",))), sizes)
def test_a_total_ends_the_run_at_its_last_record(listing: PagedList, asked: int) -> None:
    """With a true total every record comes once, in order, without any request beyond the last page."""
    seen = story(listing, asked=asked)
    assert seen.records == list(range(listing.records))
    assert len(seen.pages) == max(1, listing.pages(asked))
    assert (seen.error, seen.drifts) == (None, [])


@thorough
@given(honest(st.just((None,))), st.integers(1, 6), sizes)
def test_without_a_total_the_records_end_the_run(listing: PagedList, first: int, asked: int) -> None:
    """A page that is empty, or shorter than an earlier one, is the last: one request too many only where none is."""
    seen = story(listing, first, asked)
    pages = needed(listing, first, asked)
    shows_its_end = pages > 1 and listing.records % listing.size(asked) != 0
    assert seen.records == listing.rest(first, asked)
    assert len(seen.pages) == pages + (not shows_its_end)
    assert (seen.error, seen.drifts) == (None, [])


@thorough
@given(honest(), st.integers(1, 6), sizes)
def test_a_run_may_start_anywhere(listing: PagedList, first: int, asked: int) -> None:
    """From any page on, beyond the end too, every record comes once, with one request beyond the last at most."""
    seen = story(listing, first, asked)
    assert seen.records == listing.rest(first, asked)
    assert len(seen.pages) <= needed(listing, first, asked) + 1
    assert (seen.error, seen.drifts) == (None, [])


def test_a_later_start_with_a_known_page_size_needs_no_request_more() -> None:
    """Once a page is known to be full, the skipped records are known, and the total ends the run."""
    listing = PagedList(records=70, most=30, totals=("true",))
    assert story(listing, first=2).pages == [2, 3]


def test_a_later_start_on_the_last_page_asks_once_more() -> None:
    """Ten records of page 3 may be all that the server puts on a page, whatever was asked: only another page tells."""
    listing = PagedList(records=70, most=30, totals=("true",))
    assert story(listing, first=3).pages == [3, 4]


@thorough
@given(honest(), sizes, st.lists(st.integers(-3, 3), min_size=1, max_size=5), st.data())
def test_a_total_that_jitters_loses_and_doubles_nothing(
    listing: PagedList, asked: int, jitter: list[int], data: st.DataObject
) -> None:
    """Whatever totals follow a first one that was not too low, all records come, with one request more at most."""
    first_total = listing.records + data.draw(st.integers(0, 3))
    totals = (first_total, *(max(0, listing.records + change) for change in jitter))
    listing = attrs.evolve(listing, totals=totals)
    seen = story(listing, asked=asked)
    assert seen.records == list(range(listing.records))
    assert len(seen.pages) <= listing.pages(asked) + 1
    told = {listing.total(number) for number in seen.pages}
    if len(told) > 1:
        assert seen.error is None
        assert "total_changed" in seen.drifts
    elif first_total > listing.records:
        assert seen.error is not None


@thorough
@given(honest(st.lists(st.none() | st.integers(0, 30), min_size=1, max_size=6).map(tuple)), sizes)
def test_no_total_makes_a_record_come_twice_or_out_of_order(listing: PagedList, asked: int) -> None:
    """Whatever is told as total, what comes is the beginning of the list, and the run ends."""
    seen = story(listing, asked=asked)
    assert seen.records == list(range(listing.records))[: len(seen.records)]
    assert len(seen.pages) <= listing.pages(asked) + 1


def test_a_changed_total_ends_nothing() -> None:
    """A total that falls to what has come is not believed: a page that is shorter ends the run."""
    listing = PagedList(records=100, most=30, totals=(100, 60, 60, 60))
    seen = story(listing)
    assert (len(seen.records), seen.pages, seen.drifts) == (100, [1, 2, 3, 4], ["total_changed"])


def test_a_total_below_what_came_is_no_total() -> None:
    """A total of 5 beside 30 records is drift, and the records end the run."""
    seen = story(PagedList(records=40, most=30, totals=(5,)))
    assert (len(seen.records), seen.drifts) == (40, ["total_changed"])


@pytest.mark.parametrize("manner", ["ignores", "cycles", "repeats_last"])
@thorough
@given(records=st.integers(1, 20), most=sizes)
def test_without_a_total_a_page_that_comes_again_ends_the_run(
    manner: Literal["ignores", "cycles", "repeats_last"], records: int, most: int
) -> None:
    """Each record comes once, nothing more is asked after the repeated page, and drift says that page is ignored."""
    listing = PagedList(records=records, most=most, manner=manner)
    seen = story(listing)
    once = list(range(min(records, most))) if manner == "ignores" else list(range(records))
    ended_by_a_short_page = manner != "ignores" and records > most and records % most != 0
    assert seen.records == once
    assert seen.error is None
    assert seen.drifts == ([] if ended_by_a_short_page else ["page_ignored"])
    assert len(seen.pages) == -(-len(once) // most) + (not ended_by_a_short_page)


@pytest.mark.parametrize("manner", ["ignores", "cycles", "repeats_last"])
@thorough
@given(records=st.integers(1, 20), most=sizes, surplus=st.integers(1, 9), changes=st.booleans())
def test_a_page_that_comes_again_is_an_error_while_more_are_said_to_remain(
    manner: Literal["ignores", "cycles", "repeats_last"], records: int, most: int, surplus: int, changes: bool
) -> None:
    """PaginationError names operation and page, after each record came once, whether or not the total changes."""
    total = records + surplus
    totals = (total, total + 1) if changes else (total,)
    seen = story(PagedList(records=records, most=most, manner=manner, totals=totals))
    once = list(range(min(records, most))) if manner == "ignores" else list(range(records))
    assert seen.records == once
    if seen.error is None:
        assert changes
        assert len(once) > most, "a shorter page ends a run whose total has changed"
        assert len(once) % most
    else:
        assert (seen.error.operation_id, seen.error.page) == ("LearningApi_GetThings", seen.pages[-1])
        assert "LearningApi_GetThings page" in str(seen.error)


@thorough
@given(honest(st.just(("true",))), sizes, st.data())
def test_an_empty_page_is_an_error_while_more_are_said_to_remain(
    listing: PagedList, asked: int, data: st.DataObject
) -> None:
    """A gap is told with its page, after all records of the pages before it."""
    listing = attrs.evolve(listing, records=listing.records + 1)
    gap = data.draw(st.integers(1, listing.pages(asked)))
    seen = story(attrs.evolve(listing, gap=gap), asked=asked)
    assert seen.error is not None
    assert seen.error.page == gap
    assert seen.records == list(range(listing.records))[: (gap - 1) * listing.size(asked)]


def test_an_empty_page_in_a_later_run_is_an_error_where_no_page_size_explains_it() -> None:
    """After two pages the size is known, and so is what is missing."""
    seen = story(PagedList(records=100, most=10, totals=("true",), gap=5), first=3)
    assert (seen.error is not None, len(seen.records)) == (True, 20)
    seen = story(PagedList(records=100, most=7, totals=("true",), gap=4), first=3)
    assert (seen.error is not None, len(seen.records)) == (True, 7)


@thorough
@given(st.integers(1, 12), st.integers(1, 4))
@example(3, 1)
def test_records_that_look_alike_come_as_often_as_they_are(records: int, most: int) -> None:
    """Equal pages of records with nothing of their own are honest while a total says that more remain."""
    seen = story(PagedList(records=records, most=most, totals=("true",)), distinct=False)
    assert (len(seen.records), seen.error, seen.drifts) == (records, None, [])


def test_records_that_look_alike_make_no_endless_run() -> None:
    """Without a total nothing tells them from a page that is ignored: the run ends, and says so."""
    seen = story(PagedList(records=2, most=2, manner="ignores"), distinct=False)
    assert (seen.records, seen.drifts) == ([0, 1], ["page_ignored"])
    seen = story(PagedList(records=2, most=2, manner="ignores", totals=(9, 8, 7)), distinct=False)
    assert len(seen.records) <= 8


def test_records_that_look_alike_are_not_believed_for_ever() -> None:
    """An absurd total and one page that comes again and again: an error, after a thousand."""
    run = Run("LearningApi_GetThings", 1, lambda kind, _: None)
    pages = [Seen(number, 1, 10**18, "alike", distinct=False) for number in range(1, 1003)]
    assert all(run.see(page) for page in pages[:-1])
    with pytest.raises(PaginationError, match="repeats an earlier page"):
        run.see(pages[-1])


@thorough
@given(honest(), st.integers(1, 4), sizes, st.none() | st.integers(1, 30))
def test_looking_ahead_goes_no_further_than_useful(
    listing: PagedList, first: int, asked: int, limit: int | None
) -> None:
    """It covers every page still wanted, and none beyond a known total or beyond the limit."""
    run = Run("X", first, lambda *_: None)
    assert run.last_useful(limit) == first
    for number, items in _pages(listing, first, asked):
        run.see(Seen(number, len(items), listing.total(number), tuple(items)))
        last = run.last_useful(limit)
        wanted = listing.rest(first, asked)[:limit]
        last_wanted = first - 1 - (-len(wanted) // listing.size(asked))
        if run.over:
            assert last == max(number, first)
            return
        if limit is None or limit > run.count:
            assert last >= min(last_wanted, listing.pages(asked))
        if first == 1 and listing.total(number) is not None:
            assert last <= listing.pages(asked)
        if limit is not None and run.full == listing.size(asked):
            assert last <= max(number, first - 1 - (-limit // listing.size(asked)))


@thorough
@given(honest(), st.integers(1, 4), sizes)
def test_the_page_size_is_the_applied_one_or_not_told(listing: PagedList, first: int, asked: int) -> None:
    """From the second page on it is known; before, an honest report counts, and a report below what came does not."""
    run = Run("X", first, lambda *_: None)
    for number, items in _pages(listing, first, asked):
        run.see(Seen(number, len(items), listing.total(number), tuple(items)))
        size = run.size(asked, listing.report(asked))
        known = number > first and items
        if known or (listing.reported == "applied" and run.full and asked >= listing.least):
            assert size == listing.size(asked)
        assert size is None or size >= len(items)
        if run.over:
            return


def _pages(listing: PagedList, first: int, asked: int) -> Iterator[tuple[int, list[int]]]:
    for number in range(first, first + MANY):
        yield number, listing.page(number, asked)
