"""Abandoned iterations: however and wherever they end, no task is left and no request is in flight."""

import asyncio
import gc
from collections.abc import AsyncGenerator, Awaitable, Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexport_campus._paging.pager import Pager
from tests.paging.fake_source import FakePageSource, FakeRecord, run_cleanly, settle
from tests.paging.paged_list import PagedList, thorough

Step = Callable[[Pager[FakeRecord]], Awaitable[Any]]


class Enough(Exception):
    """An exception raised by the user's code."""


def five_pages(*, prompt: bool = False, total: bool = True, first: int = 1) -> FakePageSource:
    """Return a list of five pages."""
    return FakePageSource(
        PagedList(records=9, most=2, totals=("true",) if total else (None,)), prompt=prompt, first=first
    )


async def iterate(pager: Pager[FakeRecord]) -> None:
    """Iterate over the records."""
    async for _ in pager:
        pass


async def iterate_pages(pager: Pager[FakeRecord]) -> None:
    """Iterate over the pages."""
    async for _ in pager.pages():
        pass


async def await_first_page(pager: Pager[FakeRecord]) -> None:
    """Fetch the first page."""
    await pager


EVERY_USE = pytest.mark.parametrize(
    "use",
    [iterate, iterate_pages, Pager.collect, Pager.total, await_first_page],
    ids=lambda use: use.__name__,
)


@pytest.mark.sampled(3)
@EVERY_USE
@thorough
@given(
    ahead=st.integers(1, 4),
    releases=st.integers(0, 6),
    turns=st.integers(0, 6),
    again=st.booleans(),
    random=st.randoms(use_true_random=False),
)
def test_cancelling_the_consumer_leaves_nothing(
    use: Step, ahead: int, releases: int, turns: int, again: bool, random: Random
) -> None:
    """A consumer cancelled at any await, and again during cleanup, leaves no fetch in flight."""
    source = five_pages()

    async def run() -> None:
        async def consume() -> None:
            await use(source.pager(ahead))

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
def test_closing_the_generator_cancels_its_fetches(
    leave: Callable[[AsyncGenerator[Any, None]], Awaitable[None]], ahead: int, total: bool, by_page: bool
) -> None:
    """`aclose()` and `athrow()` return only when every fetch in flight has ended."""
    source = five_pages(total=total)

    async def run() -> None:
        pager = source.pager(ahead)
        iterator = pager.pages() if by_page else aiter(pager)
        first = asyncio.ensure_future(anext(iterator))
        await settle()
        source.release(1)
        await first
        await settle()
        assert len(source.open) == ahead - 1
        await leave(iterator)
        assert source.open == set()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_cleanly(run)


@pytest.mark.parametrize("stop", [1, 2, 3, 8, 9])
@pytest.mark.parametrize("ahead", [1, 3, 9])
@pytest.mark.parametrize("total", [True, False])
def test_break_leaves_nothing(stop: int, ahead: int, total: bool) -> None:
    """After `break` nothing refers to the iterator, and the event loop closes it."""
    source = five_pages(prompt=True, total=total)

    async def run() -> None:
        async for record in source.pager(ahead):
            if record.number == stop:
                break

    run_cleanly(run)
    assert source.open == set()


def test_an_exception_in_the_loop_body_leaves_nothing() -> None:
    """An exception raised in the body of the loop ends the iteration."""
    source = five_pages(prompt=True)

    async def consume() -> None:
        async for _ in source.pager(4):
            raise Enough

    async def run() -> None:
        with pytest.raises(Enough):
            await consume()

    run_cleanly(run)
    assert source.open == set()


def test_a_garbage_collected_iterator_is_closed() -> None:
    """An iterator in a reference cycle, with pages in flight, is closed without a warning from the loop."""
    source = five_pages()

    async def run() -> None:
        iterator = aiter(source.pager(4))
        first = asyncio.ensure_future(anext(iterator))
        await settle()
        source.release(1)
        await first
        cycle: list[Any] = [iterator]
        cycle.append(cycle)
        del iterator, first, cycle
        gc.collect()
        await settle()
        assert source.open == set()

    run_cleanly(run)


def test_closing_the_event_loop_closes_a_held_iterator() -> None:
    """An iterator that outlives its event loop is closed with it, without a warning from the loop."""
    source = five_pages()
    held: list[Any] = []

    async def main() -> list[dict[str, Any]]:
        reported: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
        held.append(aiter(source.pager(4)))
        first = asyncio.ensure_future(anext(held[0]))
        await settle()
        source.release(1)
        await first
        await settle()
        assert len(source.open) == 3
        return reported

    assert asyncio.run(main()) == []
    assert source.open == set()


def test_an_unused_iterator_sends_nothing() -> None:
    """Creating an iterator and dropping it sends no request."""
    source = five_pages()

    async def run() -> None:
        aiter(source.pager(4))
        source.pager(4).pages()

    run_cleanly(run)
    assert source.started == []


def test_a_failed_page_cancels_the_pages_behind_it() -> None:
    """When a page fails, the pages behind it are cancelled at once."""
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


def test_reaching_the_limit_leaves_nothing() -> None:
    """`collect(limit)` cancels the pages in flight, including those beyond an end that it couldn't foresee."""
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
