"""Iterating over a list, sequentially and with prefetching: pages arrive in any order, records in the server's."""

import asyncio
from random import Random
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexport_campus import ArgumentError, NexportError, PaginationError
from nexport_client.protocols import AsyncPager
from tests.paging.fake_source import FakePageSource, PageFailed, run_cleanly, settle, task_name
from tests.paging.paged_list import PagedList, honest, sizes, thorough

concurrencies = st.integers(1, 5)


def collect(source: FakePageSource, ahead: int, random: Random, limit: int | None = None) -> list[int]:
    """Return what `collect` returns when the pages arrive in random order."""

    async def run() -> list[int]:
        consumer = asyncio.create_task(source.pager(ahead).collect(limit))
        await source.serve(consumer, random)
        return [record.number for record in await consumer]

    return run_cleanly(run)


@attrs.define
class Received:
    """What a consumer has received so far."""

    records: list[int] = attrs.field(factory=list)
    error: NexportError | None = None


def iterate(source: FakePageSource, ahead: int, random: Random) -> Received:
    """Return what iteration yields, up to its end or its error."""
    received = Received()

    async def consume() -> None:
        try:
            async for record in source.pager(ahead):
                received.records.append(record.number)
        except NexportError as error:
            received.error = error

    async def run() -> None:
        consumer = asyncio.create_task(consume())
        await source.serve(consumer, random)
        await consumer

    run_cleanly(run)
    return received


@thorough
@given(honest(), st.integers(1, 5), sizes, concurrencies, st.randoms(use_true_random=False))
def test_records_are_yielded_once_and_in_order(
    listing: PagedList, first: int, per_page: int, ahead: int, random: Random
) -> None:
    """This holds whatever the server reports and in whatever order pages arrive; no page is requested twice."""
    source = FakePageSource(listing, first=first, per_page=per_page)
    received = iterate(source, ahead, random)
    assert received == Received(listing.rest(first, per_page))
    pages = max(0, listing.pages(per_page) - first + 1)
    assert source.started == list(range(first, first + len(source.started)))
    assert len(source.started) <= pages + max(1, ahead)
    assert source.most_held <= max(ahead, 1)
    assert source.most_open <= ahead
    assert source.drifts == []


@thorough
@given(honest(st.just(("true",))), sizes, concurrencies, st.randoms(use_true_random=False))
def test_with_a_total_prefetching_requests_no_extra_page(
    listing: PagedList, per_page: int, ahead: int, random: Random
) -> None:
    """Exactly the pages with records are requested, however many at a time."""
    source = FakePageSource(listing, per_page=per_page)
    iterate(source, ahead, random)
    assert source.started == list(range(1, max(1, listing.pages(per_page)) + 1))


@thorough
@given(
    honest(), st.integers(1, 4), sizes, concurrencies, st.integers(0, 30), st.randoms(use_true_random=False)
)
def test_a_limit_fetches_no_page_beyond_it(
    listing: PagedList, first: int, per_page: int, ahead: int, limit: int, random: Random
) -> None:
    """`collect(limit)` returns the first records and requests no page after the one with the last of them."""
    source = FakePageSource(listing, first=first, per_page=per_page)
    rest = listing.rest(first, per_page)
    assert collect(source, ahead, random, limit) == rest[:limit]
    if limit <= len(rest):
        assert len(source.started) == -(-limit // listing.size(per_page))


@thorough
@given(honest(), st.integers(1, 3), sizes, concurrencies, st.data(), st.randoms(use_true_random=False))
def test_an_error_follows_the_records_before_it_and_its_page_resumes(
    listing: PagedList, first: int, per_page: int, ahead: int, data: st.DataObject, random: Random
) -> None:
    """When page k fails, earlier records are yielded, `error.page` is k, and iterating from k yields the rest."""
    last = max(first, listing.pages(per_page))
    failing = data.draw(st.integers(first, last))
    received = iterate(
        FakePageSource(listing, first=first, per_page=per_page, fails=frozenset([failing])), ahead, random
    )
    if received.error is None:
        assert failing > listing.pages(per_page), "only a page beyond the end may fail in silence"
        return
    assert isinstance(received.error, PageFailed)
    assert received.error.page == failing
    assert received.error.operation_id == "LearningApi_GetThings"
    resumed = iterate(FakePageSource(listing, first=received.error.page, per_page=per_page), ahead, random)
    assert received.records + resumed.records == listing.rest(first, per_page)


@thorough
@given(st.integers(1, 20), sizes, st.integers(2, 5), st.randoms(use_true_random=False))
def test_errors_of_pages_beyond_the_end_do_not_matter(
    records: int, most: int, ahead: int, random: Random
) -> None:
    """A page prefetched beyond the end may fail: the iteration has already ended."""
    listing = PagedList(records=records * most + 1, most=most + 1)
    beyond = range(listing.pages(1000) + 1, 99)
    ends_short = listing.pages(1000) > 1 and listing.records % listing.most
    source = FakePageSource(listing, fails=frozenset(beyond[(0 if ends_short else 1) :]))
    assert iterate(source, ahead, random) == Received(list(range(listing.records)))


@thorough
@given(st.integers(1, 20), sizes, concurrencies, st.booleans(), st.randoms(use_true_random=False))
def test_an_ignored_page_number_is_detected(
    records: int, most: int, ahead: int, with_total: bool, random: Random
) -> None:
    """The records are yielded once; it is an error if a total says that more exist, otherwise drift."""
    records += most
    listing = PagedList(
        records=records, most=most, manner="ignores", totals=("true",) if with_total else (None,)
    )
    source = FakePageSource(listing)
    received = iterate(source, ahead, random)
    assert received.records == list(range(most))
    assert len(source.started) <= ahead + 1
    if with_total:
        assert isinstance(received.error, PaginationError)
        assert received.error.page == 2
    else:
        assert (received.error, source.drifts) == (None, ["page_ignored"])


@thorough
@given(honest(), sizes, st.integers(2, 5), st.randoms(use_true_random=False))
def test_a_page_held_by_the_consumer_counts(
    listing: PagedList, per_page: int, ahead: int, random: Random
) -> None:
    """While the loop variable holds a page, one page fewer may be in flight or waiting."""
    source = FakePageSource(listing, per_page=per_page)

    async def consume() -> list[tuple[int, int, bool]]:
        return [(page.number, len(page.items), page.has_next) async for page in source.pager(ahead).pages()]

    async def run() -> list[tuple[int, int, bool]]:
        consumer = asyncio.create_task(consume())
        await source.serve(consumer, random)
        return await consumer

    pages = run_cleanly(run)
    assert source.most_held <= ahead
    assert [number for number, _, _ in pages] == list(range(1, len(pages) + 1))
    assert sum(count for _, count, _ in pages) == listing.records
    assert [more for _, _, more in pages] == [True] * (len(pages) - 1) + [False]


def test_with_a_total_all_other_pages_are_fetched_concurrently() -> None:
    """After the first page all others are in flight, up to the limit, while its records are consumed."""
    for ahead, at_once in ((3, [2, 3]), (99, [2, 3, 4, 5])):
        source = FakePageSource(PagedList(records=9, most=2, totals=("true",)))

        async def run(source: FakePageSource = source, ahead: int = ahead) -> list[int]:
            records = aiter(source.pager(ahead))
            first = asyncio.ensure_future(anext(records))
            await settle()
            assert source.waiting() == [1]
            source.release(1)
            await first
            await settle()
            waiting = source.waiting()
            await records.aclose()
            return waiting

        assert run_cleanly(run) == at_once


@pytest.mark.parametrize("ahead", [2, 4])
def test_up_to_n_requests_are_in_flight(ahead: int) -> None:
    """A consumer that waits for records and holds no page has n requests in flight."""
    source = FakePageSource(PagedList(records=20, most=1))
    received = iterate(source, ahead, Random(0))
    assert len(received.records) == 20
    assert source.most_open == ahead


def test_sequential_iteration_needs_no_task() -> None:
    """It runs in the consumer's task, so that context and traceback are the user's."""
    source = FakePageSource(PagedList(records=9, most=2), prompt=True)

    async def run() -> None:
        await source.pager().collect()
        assert source.tasks == {task_name()}

    run_cleanly(run)


@pytest.mark.parametrize(
    ("use", "pages"),
    [
        (lambda pager: _await_page(pager), [3]),
        (lambda pager: pager.total(), [3]),
        (lambda pager: pager.collect(limit=0), []),
        (lambda pager: pager.collect(limit=1), [3]),
    ],
    ids=["await", "total", "collect none", "collect one"],
)
@pytest.mark.parametrize("ahead", [1, 4])
def test_pages_that_are_not_needed_are_not_fetched(use: Any, pages: list[int], ahead: int) -> None:
    """`await pager` and `total()` send one request, and a limit of 0 none, even with prefetching."""
    source = FakePageSource(PagedList(records=9, most=2, totals=("true",)), first=3, prompt=True)
    run_cleanly(lambda: use(source.pager(ahead)))
    assert source.started == pages


async def _await_page(pager: AsyncPager[Any]) -> None:
    page = await pager
    assert (page.number, [record.number for record in page.items]) == (3, [4, 5])
    assert (page.size, page.total, page.has_next) == (None, 9, True)


@pytest.mark.parametrize("total", [9, None])
def test_total_returns_what_the_server_sends(total: int | None) -> None:
    """`total()` returns the server's number or None, without checking it."""
    source = FakePageSource(PagedList(records=0, most=2, totals=(total,)), prompt=True)
    assert run_cleanly(source.pager().total) == total


def test_each_iteration_requests_again() -> None:
    """A pager can be iterated again, and twice concurrently: the iterations share nothing."""
    source = FakePageSource(PagedList(records=5, most=2), prompt=True)

    async def run() -> list[int]:
        pager = source.pager(2)
        return [len(records) for records in await asyncio.gather(pager.collect(), pager.collect())]

    assert run_cleanly(run) == [5, 5]


@pytest.mark.parametrize(
    ("argument", "refused"),
    [
        ("limit", lambda pager: asyncio.run(pager.collect(-1))),
        ("limit", lambda pager: asyncio.run(pager.collect(True))),
        ("limit", lambda pager: asyncio.run(pager.collect("3"))),
        ("n", lambda pager: pager.concurrent(0)),
        ("n", lambda pager: pager.concurrent(True)),
        ("n", lambda pager: pager.concurrent(2.0)),
        ("action", lambda pager: pager.on_item_error("ignore")),
        ("action", lambda pager: pager.on_item_error([])),
    ],
)
def test_invalid_settings_are_refused(argument: str, refused: Any) -> None:
    """ArgumentError names the argument, before anything is sent."""
    source = FakePageSource(PagedList(records=1, most=1))
    with pytest.raises(ArgumentError, match=argument) as caught:
        refused(source.pager())
    assert (caught.value.argument, source.started) == (argument, [])


def test_repr_names_the_operation() -> None:
    """The repr of a pager names its operation and its first page."""
    assert repr(FakePageSource(PagedList(records=1, most=1), first=4).pager()) == (
        "<AsyncPager of LearningApi_GetThings from page 4>"
    )
