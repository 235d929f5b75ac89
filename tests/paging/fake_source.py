"""A source of pages in memory whose answers come when, and in the order, that a test says."""

import asyncio
import weakref
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any, TypeVar
from uuid import UUID

import attrs

from nexport_campus import NexportError
from nexport_campus._pager import Pager
from nexport_campus._walk import Fetched, Source
from nexport_client.kinds import UUID_
from nexport_client.types import wire
from tests.paging.paged_list import PagedList

__all__ = ["FakePageSource", "PageFailed", "Record", "run_cleanly", "settle", "task_name"]

R = TypeVar("R")


class PageFailed(NexportError):
    """What a page that fails raises."""


@attrs.define
class Record:
    """One record of a list, with an id, as the vendor's models have it."""

    number: int
    id: UUID = attrs.field(metadata=wire("id", UUID_))


class _Records(list[Record]):
    """The records of one page, to be counted while they are in memory."""

    __slots__ = ("__weakref__",)


def task_name() -> str:
    """The name of the task that runs; a task itself would keep its page."""
    task = asyncio.current_task()
    return task.get_name() if task else ""


async def settle() -> None:
    """Let everything run that can."""
    for _ in range(12):
        await asyncio.sleep(0)


def run_cleanly(run: Callable[[], Awaitable[R]]) -> R:
    """Run in a loop of its own, where nothing may be left behind: no task, no complaint of the loop's."""
    complaints: list[dict[str, Any]] = []

    async def main() -> R:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        result = await run()
        await settle()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return result

    result = asyncio.run(main())
    assert complaints == []
    return result


class FakePageSource:
    """Gives out the pages of a listing; `fails` are pages that can't be had.

    Every page waits until it is let go by `release`, unless the desk is `prompt`. `started` holds the pages in the
    order that they were asked for, `tasks` the names of the tasks that asked, `open` those on their way, `most_held` how many pages there were at a time at most,
    on their way or in memory.
    """

    def __init__(
        self,
        listing: PagedList,
        *,
        first: int = 1,
        asked: int = 1000,
        fails: frozenset[int] = frozenset(),
        prompt: bool = False,
    ) -> None:
        self.listing, self.first, self.asked, self.fails, self.prompt = listing, first, asked, fails, prompt
        self.started: list[int] = []
        self.tasks: set[str] = set()
        self.open: set[int] = set()
        self.drifts: list[str] = []
        self.most_held = 0
        self.most_open = 0
        self._waiting: dict[int, asyncio.Event] = {}
        self._alive: list[weakref.ref[_Records]] = []

    def pager(self, ahead: int = 1) -> Pager[Record]:
        """The list, as a user has it."""
        source = Source(
            "LearningApi_GetThings",
            self.first,
            self.asked,
            self._fetch,
            lambda kind, _: self.drifts.append(kind),
        )
        return Pager[Record](source).concurrent(ahead)

    def waiting(self) -> list[int]:
        """The pages that could be let go."""
        return sorted(number for number, event in self._waiting.items() if not event.is_set())

    def release(self, number: int) -> None:
        """Let one page go."""
        self._waiting[number].set()

    async def serve(self, consumer: "asyncio.Task[Any]", random: Random) -> None:
        """Let pages go, in any order, until the consumer has done."""
        while True:
            await settle()
            if consumer.done():
                return
            assert self.waiting(), "the consumer waits for nothing"
            self.release(random.choice(self.waiting()))

    async def _fetch(self, number: int) -> Fetched:
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
            # Closing a connection takes a while, and is not to be cut short.
            self._waiting.pop(number, None)
            try:
                await asyncio.sleep(0)
            finally:
                self.open.discard(number)

    def _page(self, number: int) -> Fetched:
        records = _Records(Record(item, UUID(int=item)) for item in self.listing.page(number, self.asked))
        self._alive.append(weakref.ref(records))
        return Fetched(records, self.listing.total(number), self.listing.report(self.asked))

    def _count(self) -> None:
        """Note how many pages there are: those asked for now may come at any time."""
        self._alive = [page for page in self._alive if page() is not None]
        self.most_open = max(self.most_open, len(self.open))
        self.most_held = max(self.most_held, len(self._alive) + len(self.open))
