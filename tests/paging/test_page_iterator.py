"""Running through a list, sequentially and ahead: the pages come in any order, the records in the server's."""

import asyncio
from random import Random
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexport_campus import ArgumentError, NexportError, PaginationError
from nexport_client.client import AsyncPager
from tests.paging.fake_source import FakePageSource, PageFailed, run_cleanly, settle, task_name
from tests.paging.paged_list import PagedList, honest, sizes, thorough

aheads = st.integers(1, 5)


def collected(desk: FakePageSource, ahead: int, random: Random, limit: int | None = None) -> list[int]:
    """What `collect` gives, with the pages coming in a random order."""

    async def run() -> list[int]:
        consumer = asyncio.create_task(desk.pager(ahead).collect(limit))
        await desk.serve(consumer, random)
        return [record.number for record in await consumer]

    return run_cleanly(run)


@attrs.define
class Taken:
    """What a consumer has got so far."""

    records: list[int] = attrs.field(factory=list)
    error: NexportError | None = None


def iterated(desk: FakePageSource, ahead: int, random: Random) -> Taken:
    """What iterating gives, up to its end or its error."""
    taken = Taken()

    async def consume() -> None:
        try:
            async for record in desk.pager(ahead):
                taken.records.append(record.number)
        except NexportError as error:
            taken.error = error

    async def run() -> None:
        consumer = asyncio.create_task(consume())
        await desk.serve(consumer, random)
        await consumer

    run_cleanly(run)
    return taken


@thorough
@given(honest(), st.integers(1, 5), sizes, aheads, st.randoms(use_true_random=False))
def test_every_record_comes_once_and_in_order(
    listing: PagedList, first: int, asked: int, ahead: int, random: Random
) -> None:
    """Whatever the server applies and tells, and in whatever order its pages come; no page is asked for twice."""
    desk = FakePageSource(listing, first=first, asked=asked)
    taken = iterated(desk, ahead, random)
    assert taken == Taken(listing.rest(first, asked))
    pages = max(0, listing.pages(asked) - first + 1)
    assert desk.started == list(range(first, first + len(desk.started)))
    assert len(desk.started) <= pages + max(1, ahead)
    assert desk.most_held <= max(ahead, 1)
    assert desk.most_open <= ahead
    assert desk.drifts == []


@thorough
@given(honest(st.just(("true",))), sizes, aheads, st.randoms(use_true_random=False))
def test_with_a_total_looking_ahead_costs_nothing(
    listing: PagedList, asked: int, ahead: int, random: Random
) -> None:
    """Exactly the pages that hold records are asked for, however many at a time."""
    desk = FakePageSource(listing, asked=asked)
    iterated(desk, ahead, random)
    assert desk.started == list(range(1, max(1, listing.pages(asked)) + 1))


@thorough
@given(honest(), st.integers(1, 4), sizes, aheads, st.integers(0, 30), st.randoms(use_true_random=False))
def test_a_limit_fetches_no_page_beyond_it(
    listing: PagedList, first: int, asked: int, ahead: int, limit: int, random: Random
) -> None:
    """`collect(limit)` gives the first of the records, and asks for no page after the one with the last of them."""
    desk = FakePageSource(listing, first=first, asked=asked)
    rest = listing.rest(first, asked)
    assert collected(desk, ahead, random, limit) == rest[:limit]
    if limit <= len(rest):
        assert len(desk.started) == -(-limit // listing.size(asked))


@thorough
@given(honest(), st.integers(1, 3), sizes, aheads, st.data(), st.randoms(use_true_random=False))
def test_an_error_comes_after_all_records_before_it_and_its_page_resumes(
    listing: PagedList, first: int, asked: int, ahead: int, data: st.DataObject, random: Random
) -> None:
    """Page k fails: `error.page` is k, the records of the earlier pages have come, and a run from k gives the others."""
    last = max(first, listing.pages(asked))
    failing = data.draw(st.integers(first, last))
    taken = iterated(
        FakePageSource(listing, first=first, asked=asked, fails=frozenset([failing])), ahead, random
    )
    if taken.error is None:
        assert failing > listing.pages(asked), "only a page beyond the end may fail in silence"
        return
    assert isinstance(taken.error, PageFailed)
    assert taken.error.page == failing
    assert taken.error.operation_id == "LearningApi_GetThings"
    resumed = iterated(FakePageSource(listing, first=taken.error.page, asked=asked), ahead, random)
    assert taken.records + resumed.records == listing.rest(first, asked)


@thorough
@given(st.integers(1, 20), sizes, st.integers(2, 5), st.randoms(use_true_random=False))
def test_errors_of_pages_beyond_the_end_do_not_matter(
    records: int, most: int, ahead: int, random: Random
) -> None:
    """What was fetched ahead in vain may fail: the run has ended before."""
    listing = PagedList(records=records * most + 1, most=most + 1)
    beyond = range(listing.pages(1000) + 1, 99)
    ends_short = listing.pages(1000) > 1 and listing.records % listing.most
    desk = FakePageSource(listing, fails=frozenset(beyond[(0 if ends_short else 1) :]))
    assert iterated(desk, ahead, random) == Taken(list(range(listing.records)))


@thorough
@given(st.integers(1, 20), sizes, aheads, st.booleans(), st.randoms(use_true_random=False))
def test_a_server_that_ignores_page_is_noticed(
    records: int, most: int, ahead: int, told: bool, random: Random
) -> None:
    """Its records come once; it is an error if a total says that more exist, and else drift."""
    records += most
    listing = PagedList(records=records, most=most, manner="ignores", totals=("true",) if told else (None,))
    desk = FakePageSource(listing)
    taken = iterated(desk, ahead, random)
    assert taken.records == list(range(most))
    assert len(desk.started) <= ahead + 1
    if told:
        assert isinstance(taken.error, PaginationError)
        assert taken.error.page == 2
    else:
        assert (taken.error, desk.drifts) == (None, ["page_ignored"])


@thorough
@given(honest(), sizes, st.integers(2, 5), st.randoms(use_true_random=False))
def test_pages_in_the_consumers_hands_count(
    listing: PagedList, asked: int, ahead: int, random: Random
) -> None:
    """While a loop holds a page, as its variable does, the pages on their way and waiting are one fewer."""
    desk = FakePageSource(listing, asked=asked)

    async def consume() -> list[tuple[int, int, bool]]:
        return [(page.number, len(page.items), page.has_next) async for page in desk.pager(ahead).pages()]

    async def run() -> list[tuple[int, int, bool]]:
        consumer = asyncio.create_task(consume())
        await desk.serve(consumer, random)
        return await consumer

    pages = run_cleanly(run)
    assert desk.most_held <= ahead
    assert [number for number, _, _ in pages] == list(range(1, len(pages) + 1))
    assert sum(count for _, count, _ in pages) == listing.records
    assert [more for _, _, more in pages] == [True] * (len(pages) - 1) + [False]


def test_a_known_total_lets_all_other_pages_be_fetched_at_once() -> None:
    """After the first page, all others are on their way, up to the bound, while its records are consumed."""
    for ahead, at_once in ((3, [2, 3]), (99, [2, 3, 4, 5])):
        desk = FakePageSource(PagedList(records=9, most=2, totals=("true",)))

        async def run(desk: FakePageSource = desk, ahead: int = ahead) -> list[int]:
            records = aiter(desk.pager(ahead))
            first = asyncio.ensure_future(anext(records))
            await settle()
            assert desk.waiting() == [1]
            desk.release(1)
            await first
            await settle()
            waiting = desk.waiting()
            await records.aclose()
            return waiting

        assert run_cleanly(run) == at_once


def test_up_to_n_requests_are_in_flight() -> None:
    """A consumer that waits for records, and holds no page, has n of them on their way."""
    desk = FakePageSource(PagedList(records=20, most=1))
    taken = iterated(desk, 4, Random(0))
    assert len(taken.records) == 20
    assert desk.most_open == 4


def test_one_page_at_a_time_needs_no_task() -> None:
    """A sequential run does all in the consumer's own task, so that its context and its traceback are the user's."""
    desk = FakePageSource(PagedList(records=9, most=2), prompt=True)

    async def run() -> None:
        await desk.pager().collect()
        assert desk.tasks == {task_name()}

    run_cleanly(run)


@pytest.mark.parametrize(
    ("ask", "pages"),
    [
        (lambda pager: _awaited(pager), [3]),
        (lambda pager: pager.total(), [3]),
        (lambda pager: pager.collect(limit=0), []),
        (lambda pager: pager.collect(limit=1), [3]),
    ],
    ids=["await", "total", "collect none", "collect one"],
)
@pytest.mark.parametrize("ahead", [1, 4])
def test_what_is_not_needed_is_not_fetched(ask: Any, pages: list[int], ahead: int) -> None:
    """`await pager` and `total()` make one request, and a limit of 0 none, whatever may be fetched ahead."""
    desk = FakePageSource(PagedList(records=9, most=2, totals=("true",)), first=3, prompt=True)
    run_cleanly(lambda: ask(desk.pager(ahead)))
    assert desk.started == pages


async def _awaited(pager: AsyncPager[Any]) -> None:
    page = await pager
    assert (page.number, [record.number for record in page.items]) == (3, [4, 5])
    assert (page.size, page.total, page.has_next) == (None, 9, True)


@pytest.mark.parametrize("told", [9, None])
def test_total_is_what_the_server_tells(told: int | None) -> None:
    """`total()` is its number, or None; it judges nothing."""
    desk = FakePageSource(PagedList(records=0, most=2, totals=(told,)), prompt=True)
    assert run_cleanly(desk.pager().total) == told


def test_each_run_asks_anew() -> None:
    """A pager may be run through again, and twice at a time: the runs share nothing."""
    desk = FakePageSource(PagedList(records=5, most=2), prompt=True)

    async def run() -> list[int]:
        pager = desk.pager(2)
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
def test_settings_that_can_not_be_are_refused(argument: str, refused: Any) -> None:
    """ArgumentError names the argument, before anything is sent."""
    desk = FakePageSource(PagedList(records=1, most=1))
    with pytest.raises(ArgumentError, match=argument) as caught:
        refused(desk.pager())
    assert (caught.value.argument, desk.started) == (argument, [])


def test_the_repr_says_what_is_listed() -> None:
    """A pager in a REPL names its operation and where it starts."""
    assert repr(FakePageSource(PagedList(records=1, most=1), first=4).pager()) == (
        "<AsyncPager of LearningApi_GetThings from page 4>"
    )
