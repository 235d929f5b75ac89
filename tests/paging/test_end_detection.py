"""Detection of a list's end, without a server: every length, page size and total that a server may send."""

from collections.abc import Iterator
from typing import Literal

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nexport_campus import PaginationError
from nexport_campus._paging.end_detection import EndDetector, PageFacts
from tests.paging.paged_list import PagedList, honest, sizes, thorough

MANY = 200


@attrs.define
class Iteration:
    """The result of iterating over a list."""

    records: list[int] = attrs.field(factory=list)
    pages: list[int] = attrs.field(factory=list)
    drifts: list[str] = attrs.field(factory=list)
    error: PaginationError | None = None


def iterate(listing: PagedList, first: int = 1, per_page: int = 1000, *, distinct: bool = True) -> Iteration:
    """Iterate over a list page by page."""
    iteration = Iteration()
    run = EndDetector("LearningApi_GetThings", first, lambda kind, _: iteration.drifts.append(kind))
    number = first
    while not run.over:
        assert len(iteration.pages) < MANY, "an endless run"
        items = listing.page(number, per_page)
        iteration.pages.append(number)
        try:
            fingerprint = tuple(items) if distinct else len(items)
            new = run.add(PageFacts(number, len(items), listing.total(number), fingerprint, distinct))
        except PaginationError as error:
            iteration.error = error
            return iteration
        iteration.records += items if new else []
        number += 1
    return iteration


def count_pages(listing: PagedList, first: int, per_page: int) -> int:
    """Return how many pages, from `first` on, have records."""
    return max(0, listing.pages(per_page) - first + 1)


@thorough
@given(honest(st.just(("true",))), sizes)
def test_a_total_ends_the_iteration_at_its_last_record(listing: PagedList, per_page: int) -> None:
    """With a correct total every record is yielded once, in order, without a request beyond the last page."""
    iteration = iterate(listing, per_page=per_page)
    assert iteration.records == list(range(listing.records))
    assert len(iteration.pages) == max(1, listing.pages(per_page))
    assert (iteration.error, iteration.drifts) == (None, [])


@thorough
@given(honest(st.just((None,))), st.integers(1, 6), sizes)
def test_without_a_total_a_short_or_empty_page_ends_the_iteration(
    listing: PagedList, first: int, per_page: int
) -> None:
    """A page that is empty, or shorter than an earlier one, is the last; only without one is an extra request sent."""
    iteration = iterate(listing, first, per_page)
    pages = count_pages(listing, first, per_page)
    shows_its_end = pages > 1 and listing.records % listing.size(per_page) != 0
    assert iteration.records == listing.rest(first, per_page)
    assert len(iteration.pages) == pages + (not shows_its_end)
    assert (iteration.error, iteration.drifts) == (None, [])


@thorough
@given(honest(), st.integers(1, 6), sizes)
def test_iteration_can_start_at_any_page(listing: PagedList, first: int, per_page: int) -> None:
    """From any page, even beyond the end, every record comes once with at most one extra request."""
    iteration = iterate(listing, first, per_page)
    assert iteration.records == listing.rest(first, per_page)
    assert len(iteration.pages) <= count_pages(listing, first, per_page) + 1
    assert (iteration.error, iteration.drifts) == (None, [])


def test_a_later_start_with_a_known_page_size_needs_no_extra_request() -> None:
    """Once a page is known to be full, the number of skipped records is known, and the total ends the iteration."""
    listing = PagedList(records=70, most=30, totals=("true",))
    assert iterate(listing, first=2).pages == [2, 3]


def test_a_later_start_on_the_last_page_needs_an_extra_request() -> None:
    """Ten records on page 3 may be a full page by the server's own limit: only another page can show the end."""
    listing = PagedList(records=70, most=30, totals=("true",))
    assert iterate(listing, first=3).pages == [3, 4]


@thorough
@given(honest(), sizes, st.lists(st.integers(-3, 3), min_size=1, max_size=5), st.data())
def test_a_fluctuating_total_loses_and_repeats_nothing(
    listing: PagedList, per_page: int, jitter: list[int], data: st.DataObject
) -> None:
    """After a first total that is not too low, any totals yield all records, with at most one extra request."""
    first_total = listing.records + data.draw(st.integers(0, 3))
    totals = (first_total, *(max(0, listing.records + change) for change in jitter))
    listing = attrs.evolve(listing, totals=totals)
    iteration = iterate(listing, per_page=per_page)
    assert iteration.records == list(range(listing.records))
    assert len(iteration.pages) <= listing.pages(per_page) + 1
    sent = {listing.total(number) for number in iteration.pages}
    if len(sent) > 1:
        assert iteration.error is None
        assert "total_changed" in iteration.drifts
    elif first_total > listing.records:
        assert iteration.error is not None


@thorough
@given(honest(st.lists(st.none() | st.integers(0, 30), min_size=1, max_size=6).map(tuple)), sizes)
def test_no_total_repeats_or_reorders_records(listing: PagedList, per_page: int) -> None:
    """Whatever total is sent, the records are a prefix of the list, and the iteration ends."""
    iteration = iterate(listing, per_page=per_page)
    assert iteration.records == list(range(listing.records))[: len(iteration.records)]
    assert len(iteration.pages) <= listing.pages(per_page) + 1


def test_a_changed_total_does_not_end_the_iteration() -> None:
    """A total that drops to the number of records yielded is not trusted: a shorter page ends the iteration."""
    listing = PagedList(records=100, most=30, totals=(100, 60, 60, 60))
    iteration = iterate(listing)
    assert (len(iteration.records), iteration.pages, iteration.drifts) == (
        100,
        [1, 2, 3, 4],
        ["total_changed"],
    )


def test_a_total_below_the_records_yielded_is_ignored() -> None:
    """A total of 5 after 30 records is reported as drift, and a short page ends the iteration."""
    iteration = iterate(PagedList(records=40, most=30, totals=(5,)))
    assert (len(iteration.records), iteration.drifts) == (40, ["total_changed"])


@pytest.mark.parametrize("manner", ["ignores", "cycles", "repeats_last"])
@thorough
@given(records=st.integers(1, 20), most=sizes)
def test_without_a_total_a_repeated_page_ends_the_iteration(
    manner: Literal["ignores", "cycles", "repeats_last"], records: int, most: int
) -> None:
    """Each record is yielded once, nothing is requested after the repeated page, and drift says `page_ignored`."""
    listing = PagedList(records=records, most=most, manner=manner)
    iteration = iterate(listing)
    once = list(range(min(records, most))) if manner == "ignores" else list(range(records))
    ended_by_a_short_page = manner != "ignores" and records > most and records % most != 0
    assert iteration.records == once
    assert iteration.error is None
    assert iteration.drifts == ([] if ended_by_a_short_page else ["page_ignored"])
    assert len(iteration.pages) == -(-len(once) // most) + (not ended_by_a_short_page)


@pytest.mark.parametrize("manner", ["ignores", "cycles", "repeats_last"])
@thorough
@given(records=st.integers(1, 20), most=sizes, surplus=st.integers(1, 9), changes=st.booleans())
def test_a_repeated_page_before_the_total_is_an_error(
    manner: Literal["ignores", "cycles", "repeats_last"], records: int, most: int, surplus: int, changes: bool
) -> None:
    """PaginationError names operation and page, after each record once, even if the total changes."""
    total = records + surplus
    totals = (total, total + 1) if changes else (total,)
    iteration = iterate(PagedList(records=records, most=most, manner=manner, totals=totals))
    once = list(range(min(records, most))) if manner == "ignores" else list(range(records))
    assert iteration.records == once
    if iteration.error is None:
        assert changes
        assert len(once) > most, "a shorter page ends a run whose total has changed"
        assert len(once) % most
    else:
        assert (iteration.error.operation_id, iteration.error.page) == (
            "LearningApi_GetThings",
            iteration.pages[-1],
        )
        assert "LearningApi_GetThings page" in str(iteration.error)


@thorough
@given(honest(st.just(("true",))), sizes, st.data())
def test_an_empty_page_before_the_total_is_an_error(
    listing: PagedList, per_page: int, data: st.DataObject
) -> None:
    """A gap raises an error with its page, after all records of the pages before it."""
    listing = attrs.evolve(listing, records=listing.records + 1)
    gap = data.draw(st.integers(1, listing.pages(per_page)))
    iteration = iterate(attrs.evolve(listing, gap=gap), per_page=per_page)
    assert iteration.error is not None
    assert iteration.error.page == gap
    assert iteration.records == list(range(listing.records))[: (gap - 1) * listing.size(per_page)]


def test_an_empty_page_after_a_later_start_is_an_error_once_the_page_size_is_known() -> None:
    """After two pages the page size is known, and with it the number of missing records."""
    iteration = iterate(PagedList(records=100, most=10, totals=("true",), gap=5), first=3)
    assert (iteration.error is not None, len(iteration.records)) == (True, 20)
    iteration = iterate(PagedList(records=100, most=7, totals=("true",), gap=4), first=3)
    assert (iteration.error is not None, len(iteration.records)) == (True, 7)


@thorough
@given(st.integers(1, 12), st.integers(1, 4))
@example(3, 1)
def test_identical_records_are_all_yielded(records: int, most: int) -> None:
    """Equal pages of indistinguishable records are accepted as long as the total says that more remain."""
    iteration = iterate(PagedList(records=records, most=most, totals=("true",)), distinct=False)
    assert (len(iteration.records), iteration.error, iteration.drifts) == (records, None, [])


def test_identical_records_do_not_iterate_forever() -> None:
    """Without a total they can't be distinguished from an ignored page number: the iteration ends and reports drift."""
    iteration = iterate(PagedList(records=2, most=2, manner="ignores"), distinct=False)
    assert (iteration.records, iteration.drifts) == ([0, 1], ["page_ignored"])
    iteration = iterate(PagedList(records=2, most=2, manner="ignores", totals=(9, 8, 7)), distinct=False)
    assert len(iteration.records) <= 8


def test_identical_records_are_accepted_up_to_a_limit() -> None:
    """With an absurd total and a page that repeats forever, an error is raised after a thousand pages."""
    run = EndDetector("LearningApi_GetThings", 1, lambda kind, _: None)
    pages = [PageFacts(number, 1, 10**18, "alike", distinct=False) for number in range(1, 1003)]
    assert all(run.add(page) for page in pages[:-1])
    with pytest.raises(PaginationError, match="repeats an earlier page"):
        run.add(pages[-1])


@thorough
@given(honest(), st.integers(1, 4), sizes, st.none() | st.integers(1, 30))
def test_prefetching_stays_within_the_useful_pages(
    listing: PagedList, first: int, per_page: int, limit: int | None
) -> None:
    """It covers every page still wanted, and none beyond a known total or the limit."""
    run = EndDetector("X", first, lambda *_: None)
    assert run.find_last_useful(limit) == first
    for number, items in _pages(listing, first, per_page):
        run.add(PageFacts(number, len(items), listing.total(number), tuple(items)))
        last = run.find_last_useful(limit)
        wanted = listing.rest(first, per_page)[:limit]
        last_wanted = first - 1 - (-len(wanted) // listing.size(per_page))
        if run.over:
            assert last == max(number, first)
            return
        if limit is None or limit > run.count:
            assert last >= min(last_wanted, listing.pages(per_page))
        if first == 1 and listing.total(number) is not None:
            assert last <= listing.pages(per_page)
        if limit is not None and run.full == listing.size(per_page):
            assert last <= max(number, first - 1 - (-limit // listing.size(per_page)))


@thorough
@given(honest(), st.integers(1, 4), sizes)
def test_the_reported_page_size_is_the_applied_one_or_unknown(
    listing: PagedList, first: int, per_page: int
) -> None:
    """It is known from the second page on; before, a report of fewer records than received is ignored."""
    run = EndDetector("X", first, lambda *_: None)
    for number, items in _pages(listing, first, per_page):
        run.add(PageFacts(number, len(items), listing.total(number), tuple(items)))
        size = run.compute_size(per_page, listing.report(per_page))
        known = number > first and items
        if known or (listing.reported == "applied" and run.full and per_page >= listing.least):
            assert size == listing.size(per_page)
        assert size is None or size >= len(items)
        if run.over:
            return


def _pages(listing: PagedList, first: int, per_page: int) -> Iterator[tuple[int, list[int]]]:
    for number in range(first, first + MANY):
        yield number, listing.page(number, per_page)
