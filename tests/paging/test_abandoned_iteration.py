"""Runs that are given up, anywhere and in every way: no task stays, and nothing is on its way any more."""

import asyncio
import gc
from collections.abc import AsyncGenerator, Awaitable, Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexport_campus._pager import Pager
from tests.paging.fake_source import FakePageSource, Record, run_cleanly, settle
from tests.paging.paged_list import PagedList, thorough

Step = Callable[[Pager[Record]], Awaitable[Any]]


class Enough(Exception):
    """The user's own error."""


def desk(*, prompt: bool = False, total: bool = True, first: int = 1) -> FakePageSource:
    """A list of five pages."""
    return FakePageSource(
        PagedList(records=9, most=2, totals=("true",) if total else (None,)), prompt=prompt, first=first
    )


async def iterate(pager: Pager[Record]) -> None:
    """Run through the records."""
    async for _ in pager:
        pass


async def iterate_pages(pager: Pager[Record]) -> None:
    """Run through the pages."""
    async for _ in pager.pages():
        pass


async def first_page(pager: Pager[Record]) -> None:
    """Ask for the first page."""
    await pager


EVERY_WAY = pytest.mark.parametrize(
    "way", [iterate, iterate_pages, Pager.collect, Pager.total, first_page], ids=lambda way: way.__name__
)


@EVERY_WAY
@thorough
@given(
    ahead=st.integers(1, 4),
    releases=st.integers(0, 6),
    turns=st.integers(0, 6),
    again=st.booleans(),
    random=st.randoms(use_true_random=False),
)
def test_a_cancelled_consumer_leaves_nothing(
    way: Step, ahead: int, releases: int, turns: int, again: bool, random: Random
) -> None:
    """Cancelled at any await, and once more while it ends: all that was on its way has ended."""
    source = desk()

    async def run() -> None:
        async def consume() -> None:
            await way(source.pager(ahead))

        consumer = asyncio.create_task(consume())
        for _ in range(releases):
            await settle()
            if source.waiting():
                source.release(random.choice(source.waiting()))
        for _ in range(turns):
            await asyncio.sleep(0)
        consumer.cancel()
        if again:
            await asyncio.sleep(0)
            consumer.cancel()
        await asyncio.wait([consumer])
        assert consumer.cancelled() or consumer.exception() is None
        if not again:
            assert source.open == set()
            assert asyncio.all_tasks() == {asyncio.current_task()}

    run_cleanly(run)
    assert source.open == set()


async def _leave_by_aclose(records: AsyncGenerator[Any, None]) -> None:
    await records.aclose()


async def _leave_by_an_error(records: AsyncGenerator[Any, None]) -> None:
    with pytest.raises(Enough):
        await records.athrow(Enough())


@pytest.mark.parametrize("leave", [_leave_by_aclose, _leave_by_an_error])
@pytest.mark.parametrize("ahead", [1, 2, 4])
@pytest.mark.parametrize("total", [True, False])
@pytest.mark.parametrize("by_page", [True, False])
def test_what_ends_the_generator_ends_the_fetches_at_once(
    leave: Callable[[AsyncGenerator[Any, None]], Awaitable[None]], ahead: int, total: bool, by_page: bool
) -> None:
    """`aclose`, and an error thrown in, return when all that was on its way has ended."""
    source = desk(total=total)

    async def run() -> None:
        pager = source.pager(ahead)
        given = pager.pages() if by_page else aiter(pager)
        first = asyncio.ensure_future(anext(given))
        await settle()
        source.release(1)
        await first
        await settle()
        assert len(source.open) == ahead - 1
        await leave(given)
        assert source.open == set()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_cleanly(run)


@pytest.mark.parametrize("stop", [1, 2, 3, 8, 9])
@pytest.mark.parametrize("ahead", [1, 3, 9])
@pytest.mark.parametrize("total", [True, False])
def test_a_loop_that_breaks_leaves_nothing(stop: int, ahead: int, total: bool) -> None:
    """After `break` nothing refers to the iterator, and the loop of asyncio closes it."""
    source = desk(prompt=True, total=total)

    async def run() -> None:
        async for record in source.pager(ahead):
            if record.number == stop:
                break

    run_cleanly(run)
    assert source.open == set()


def test_the_users_own_error_in_the_loop_leaves_nothing() -> None:
    """An exception out of the loop's body is the user's, and ends the run."""
    source = desk(prompt=True)

    async def consume() -> None:
        async for _ in source.pager(4):
            raise Enough

    async def run() -> None:
        with pytest.raises(Enough):
            await consume()

    run_cleanly(run)
    assert source.open == set()


def test_what_only_the_garbage_collector_finds_is_closed_too() -> None:
    """An iterator in a cycle, with pages on their way, ends without a complaint."""
    source = desk()

    async def run() -> None:
        given = aiter(source.pager(4))
        first = asyncio.ensure_future(anext(given))
        await settle()
        source.release(1)
        await first
        cycle: list[Any] = [given]
        cycle.append(cycle)
        del given, first, cycle
        gc.collect()
        await settle()
        assert source.open == set()

    run_cleanly(run)


def test_a_loop_that_ends_closes_what_is_still_held() -> None:
    """An iterator that outlives its event loop is closed with it, without a complaint."""
    source = desk()
    held: list[Any] = []

    async def main() -> list[dict[str, Any]]:
        complaints: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        held.append(aiter(source.pager(4)))
        first = asyncio.ensure_future(anext(held[0]))
        await settle()
        source.release(1)
        await first
        await settle()
        assert len(source.open) == 3
        return complaints

    assert asyncio.run(main()) == []
    assert source.open == set()


def test_an_iterator_that_was_never_used_costs_nothing() -> None:
    """Making one sends nothing, and dropping it leaves nothing."""
    source = desk()

    async def run() -> None:
        aiter(source.pager(4))
        source.pager(4).pages()

    run_cleanly(run)
    assert source.started == []


def test_a_failed_run_leaves_nothing() -> None:
    """The pages behind the one that failed are given up at once."""
    source = FakePageSource(PagedList(records=20, most=2, totals=("true",)), fails=frozenset([2, 3]))

    async def run() -> None:
        consumer = asyncio.create_task(iterate(source.pager(4)))
        for number in (1, 3, 2):
            await settle()
            source.release(number)
        await asyncio.wait([consumer])
        assert consumer.exception() is not None
        assert source.open == set()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_cleanly(run)


def test_a_limit_that_is_reached_leaves_nothing() -> None:
    """`collect` ends the pages that it has on their way, also those behind an end that it didn't expect."""
    source = FakePageSource(PagedList(records=5, most=2))

    async def run() -> None:
        consumer = asyncio.create_task(source.pager(5).collect())
        for number in (1, 2, 3):
            await settle()
            source.release(number)
        assert len(await consumer) == 5
        assert source.open == set()

    run_cleanly(run)
    assert len(source.started) > 3
