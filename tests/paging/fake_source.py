"""An in-memory page source whose responses arrive when, and in the order, that a test decides."""

import asyncio
import weakref
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any, TypeVar
from uuid import UUID

import attrs

from nexport_campus import NexportError
from nexport_campus._paging.page_iterator import PageSource, RawPage
from nexport_campus._paging.pager import Pager
from nexport_client.kinds import UUID_
from nexport_client.types import wire
from tests.paging.paged_list import PagedList

__all__ = ["FakePageSource", "FakeRecord", "PageFailed", "run_cleanly", "settle", "task_name"]

R = TypeVar("R")


class PageFailed(NexportError):
    """Raised for a page that is configured to fail."""


@attrs.define
class FakeRecord:
    """One record of a list, with an id, like the vendor's models."""

    number: int
    id: UUID = attrs.field(metadata=wire("id", UUID_))


class _Records(list[FakeRecord]):
    """The records of one page, weakly referenceable so that pages in memory can be counted."""

    __slots__ = ("__weakref__",)


def task_name() -> str:
    """Return the name of the running task; a reference to the task itself would keep its page alive."""
    task = asyncio.current_task()
    return task.get_name() if task else ""


async def settle() -> None:
    """Let every task run until it waits."""
    for _ in range(12):
        await asyncio.sleep(0)


def run_cleanly(run: Callable[[], Awaitable[R]]) -> R:
    """Run in a new event loop, and assert that no task is left and that the loop reported no exception."""
    reported: list[dict[str, Any]] = []

    async def main() -> R:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
        result = await run()
        await settle()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return result

    result = asyncio.run(main())
    assert reported == []
    return result


class FakePageSource:
    """Serves the pages of a list; the pages in `fails` raise.

    Every page waits until it is released with `release`, unless the source is `prompt`. `started`: the pages
    in the order of their requests. `tasks`: the names of the requesting tasks. `open`: the pages in flight.
    `most_held`: the largest number of pages at one time, in flight or in memory.
    """

    def __init__(
        self,
        listing: PagedList,
        *,
        first: int = 1,
        per_page: int = 1000,
        fails: frozenset[int] = frozenset(),
        prompt: bool = False,
    ) -> None:
        self.listing, self.first, self.per_page, self.fails, self.prompt = (
            listing,
            first,
            per_page,
            fails,
            prompt,
        )
        self.started: list[int] = []
        self.tasks: set[str] = set()
        self.open: set[int] = set()
        self.drifts: list[str] = []
        self.most_held = 0
        self.most_open = 0
        self._waiting: dict[int, asyncio.Event] = {}
        self._alive: list[weakref.ref[_Records]] = []

    def pager(self, ahead: int = 1) -> Pager[FakeRecord]:
        """Return a pager over the list."""
        source = PageSource(
            "LearningApi_GetThings",
            self.first,
            self.per_page,
            self._fetch,
            lambda kind, _: self.drifts.append(kind),
        )
        return Pager[FakeRecord](source).concurrent(ahead)

    def waiting(self) -> list[int]:
        """Return the pages that can be released."""
        return sorted(number for number, event in self._waiting.items() if not event.is_set())

    def release(self, number: int) -> None:
        """Release one page."""
        self._waiting[number].set()

    async def serve(self, consumer: "asyncio.Task[Any]", random: Random) -> None:
        """Release pages in random order until the consumer is done."""
        while True:
            await settle()
            if consumer.done():
                return
            assert self.waiting(), "the consumer waits for nothing"
            self.release(random.choice(self.waiting()))

    async def _fetch(self, number: int, *, compared: bool) -> RawPage:
        self.started.append(number)
        self.tasks.add(task_name())
        self.open.add(number)
        self._count()
        event = self._waiting[number] = asyncio.Event()
        try:
            if not self.prompt:
                await event.wait()
            if number in self.fails:
                raise PageFailed("it can't be had", operation_id="LearningApi_GetThings", page=number)
            return self._page(number)
        finally:
            # Closing a connection takes a moment, and must not be interrupted.
            self._waiting.pop(number, None)
            try:
                await asyncio.sleep(0)
            finally:
                self.open.discard(number)

    def _page(self, number: int) -> RawPage:
        records = _Records(
            FakeRecord(item, UUID(int=item)) for item in self.listing.page(number, self.per_page)
        )
        self._alive.append(weakref.ref(records))
        return RawPage(records, self.listing.total(number), self.listing.report(self.per_page))

    def _count(self) -> None:
        """Update the maxima. A page in flight counts as held: it may arrive at any time."""
        self._alive = [page for page in self._alive if page() is not None]
        self.most_open = max(self.most_open, len(self.open))
        self.most_held = max(self.most_held, len(self._alive) + len(self.open))
