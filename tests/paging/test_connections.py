"""Concurrent requests, and the connections that are left at the server, over real HTTP."""

import asyncio
import gc
from functools import partial
from typing import Any

import pytest

from tests.paging.page_responder import (
    PageResponder,
    collect_until_error,
    paged_operation,
    pager_for,
    serials,
    serve_pages,
    wait_until,
)
from tests.paging.paged_list import PagedList

AHEAD = pytest.mark.parametrize("ahead", [1, 3])
ENROLLMENTS = paged_operation("LearningApi_GetSectionEnrollments")


@pytest.mark.parametrize("ahead", [1, 2, 4])
async def test_requests_overlap_up_to_the_limit(ahead: int) -> None:
    """`concurrent(n)` has n requests in flight when there are enough pages, and never more."""
    waiting: dict[int, asyncio.Event] = {}
    source = PageResponder(
        PagedList(records=16, most=2, totals=("true",)),
        held=lambda page: waiting.setdefault(page, asyncio.Event()),
    )
    most_in_flight = 0
    async with serve_pages(source) as campus:
        consumer = asyncio.create_task(pager_for(campus, ENROLLMENTS).concurrent(ahead).collect())
        for page in range(1, 9):
            # Only the next page is released, so that all others within the limit have to arrive.
            expected = 1 if page == 1 else min(8, page + ahead - 1)
            await wait_until(partial(_has_requests, source, expected))
            most_in_flight = max(most_in_flight, len(source.requested) - page + 1)
            waiting[page].set()
        assert serials(await consumer) == list(range(16))
    assert most_in_flight == ahead


@pytest.mark.sampled(2)
@pytest.mark.parametrize("ending", ["break", "aclose", "cancel", "collected", "error"])
@AHEAD
async def test_an_abandoned_iteration_leaves_no_connection(ending: str, ahead: int) -> None:
    """With responses outstanding and the client closed at once, the server sees every connection close."""
    never = asyncio.Event()
    source = PageResponder(
        PagedList(records=20, most=2, totals=("true",)), held=lambda page: never if page > 2 else None
    )
    async with serve_pages(source) as campus:
        records: Any = aiter(pager_for(campus, ENROLLMENTS).concurrent(ahead))
        await anext(records)
        await wait_until(partial(_has_requests, source, ahead))
        if ending == "aclose":
            await records.aclose()
        elif ending == "error":
            with pytest.raises(KeyError):
                await records.athrow(KeyError())
        elif ending == "cancel":
            await _cancel(records)
        elif ending == "collected":
            cycle: list[Any] = [records]
            cycle.append(cycle)
            del cycle
        del records
        gc.collect()


def _has_requests(source: PageResponder, requests: int) -> bool:
    return len(source.requested) >= requests


async def _cancel(records: Any) -> None:
    async def rest() -> None:
        async for _ in records:
            pass

    consumer = asyncio.create_task(rest())
    for _ in range(50):
        await asyncio.sleep(0)
    consumer.cancel()
    await asyncio.wait([consumer])
    assert consumer.cancelled()


@AHEAD
async def test_closing_the_client_ends_its_iterations(ahead: int) -> None:
    """An iteration that is running when its client closes ends with an error that names its page."""
    gate = asyncio.Event()
    source = PageResponder(
        PagedList(records=20, most=2, totals=("true",)), held=lambda page: gate if page > 1 else None
    )
    async with serve_pages(source) as campus:
        consumer = asyncio.create_task(
            collect_until_error(aiter(pager_for(campus, ENROLLMENTS).concurrent(ahead)))
        )
        await wait_until(partial(_has_requests, source, ahead + 1))
        await campus.aclose()
        gate.set()
        records, error = await consumer
    assert serials(records) == list(range(len(records)))
    assert error.page == len(records) // 2 + 1
