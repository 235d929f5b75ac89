"""Lists that are fetched page by page: one page at a time, or several ahead."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Generator, Iterator
from contextlib import aclosing
from typing import Any, Literal, TypeVar

import attrs

from nexport_client.client import AsyncPager, Page

from ._errors import APIError, ArgumentError, NexportError
from ._pagination import Run, Seen

__all__ = ["Fetched", "Pager"]

T = TypeVar("T")
OnItemError = Literal["raise", "skip", "yield"]


@attrs.frozen(eq=False, repr=False)
class Fetched:
    """One page as it came: its records, what it tells of total and size, and the errors that single records report."""

    items: list[Any]
    total: int | None
    reported_size: int | None
    errors: list[APIError]

    def seen(self, number: int) -> Seen:
        """What the run needs to know of it."""
        ends = (self.items[0], self.items[-1]) if self.items else ()
        return Seen(
            number, len(self.items), self.total, self.reported_size, hash((len(self.items), *map(repr, ends)))
        )


@attrs.frozen(eq=False, repr=False)
class Source:
    """Where the pages of one list come from: `fetch` takes a one-based number, `drift` a kind and a detail."""

    operation_id: str
    first: int
    size: int
    fetch: Callable[[int], Coroutine[Any, Any, Fetched]]
    drift: Callable[[str, str], None]


class Pager(AsyncPager[T]):
    """The list of one operation; each run through it asks the campus anew."""

    def __init__(self, source: Source, *, ahead: int = 1, item_errors: OnItemError = "raise") -> None:
        self._source = source
        self._ahead = ahead
        self._item_errors = item_errors

    def __repr__(self) -> str:
        return f"<AsyncPager of {self._source.operation_id} from page {self._source.first}>"

    def __await__(self) -> Generator[Any, None, Page[T]]:
        return self._first().__await__()

    def __aiter__(self) -> AsyncIterator[T]:
        return self._items(None)

    async def _items(self, limit: int | None) -> AsyncGenerator[T, None]:
        async with aclosing(self._run(limit)) as run:
            async for page, errors in run:
                for item in self._allowed(page, errors):
                    yield item
                del page, errors

    async def pages(self) -> AsyncIterator[Page[T]]:
        async with aclosing(self._run(None)) as run:
            async for page, errors in run:
                kept = list(self._allowed(page, errors))
                yield page if len(kept) == len(page.items) else attrs.evolve(page, items=kept)
                del page, errors, kept

    async def collect(self, limit: int | None = None) -> list[T]:
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 0):
            raise ArgumentError(
                "limit must be a whole number from 0, or None; nothing was sent", argument="limit"
            )
        items: list[T] = []
        if limit == 0:
            return items
        async with aclosing(self._items(limit)) as run:
            async for item in run:
                items.append(item)
                if len(items) == limit:
                    break
        return items

    async def total(self) -> int | None:
        return (await self._source_page(self._source.first)).total

    def concurrent(self, n: int) -> "Pager[T]":
        if isinstance(n, bool) or not isinstance(n, int) or n < 1:
            raise ArgumentError("n must be a whole number from 1; nothing was sent", argument="n")
        return Pager(self._source, ahead=n, item_errors=self._item_errors)

    def on_item_error(self, action: OnItemError) -> "Pager[T]":
        if action not in {"raise", "skip", "yield"}:
            raise ArgumentError(
                'action must be "raise", "skip" or "yield"; nothing was sent', argument="action"
            )
        return Pager(self._source, ahead=self._ahead, item_errors=action)

    async def _first(self) -> Page[T]:
        alone: Pager[T] = Pager(self._source)
        async with aclosing(alone._run(limit=None)) as run:
            async for page, errors in run:
                return attrs.evolve(page, items=list(self._allowed(page, errors)))
        raise AssertionError("a run has at least one page")

    def _allowed(self, page: Page[T], errors: list[APIError]) -> Iterator[T]:
        """The records of a page, up to the first one that reports an error, which is raised, unless that was changed."""
        by_index = {error.index: error for error in errors}
        for index, item in enumerate(page.items):
            error = by_index.get(index)
            if error is not None and self._item_errors == "raise":
                error.page = page.number
                raise error
            if error is None or self._item_errors == "yield":
                yield item

    async def _source_page(self, number: int) -> Fetched:
        try:
            return await self._source.fetch(number)
        except NexportError as error:
            error.page = number
            raise

    async def _run(self, limit: int | None) -> AsyncGenerator[tuple[Page[T], list[APIError]], None]:
        """All pages in order. At most `ahead` of them are held: on the way, waiting, or with the consumer.

        A `limit` of records keeps pages beyond it from being fetched ahead.
        """
        run = Run(self._source.first)
        window = _Window(self._source_page, run, limit)
        number = self._source.first
        try:
            while not run.over:
                window.need(number)
                window.look_ahead(number, self._ahead)
                fetched = await window.take()
                is_new = run.see(fetched.seen(number))
                self._tell(run)
                if not is_new:
                    return
                page: Page[T] = self._page(fetched, number, run)
                errors = fetched.errors
                del fetched
                window.look_ahead(number + 1, self._ahead - 1)
                yield page, errors
                del page, errors
                number += 1
        except NexportError as error:
            error.page = number if error.page is None else error.page
            error.operation_id = error.operation_id or self._source.operation_id
            raise
        finally:
            await window.end()

    def _page(self, fetched: Fetched, number: int, run: Run) -> Page[T]:
        reported = fetched.reported_size or self._source.size
        size = run.full if (number > run.first or not run.over) and run.full else reported
        return Page(items=fetched.items, number=number, size=size, total=fetched.total, has_next=not run.over)

    def _tell(self, run: Run) -> None:
        while run.drifts:
            self._source.drift(*run.drifts.pop(0))


class _Window:
    """The pages that are on their way or waiting to be taken, in order."""

    def __init__(
        self, fetch: Callable[[int], Coroutine[Any, Any, Fetched]], run: Run, limit: int | None
    ) -> None:
        self._fetch = fetch
        self._run = run
        self._limit = limit
        self._next = run.first
        self._waiting: deque[asyncio.Task[Fetched]] = deque()

    def need(self, number: int) -> None:
        """Have this page on its way."""
        if self._next <= number:
            self._start()

    def look_ahead(self, number: int, most: int) -> None:
        """Have up to `most` pages on their way, `number` the first of them, and none that is sure to be useless."""
        last = self._last(number)
        while not self._run.over and len(self._waiting) < most and self._next <= last:
            self._start()

    async def take(self) -> Fetched:
        """The first of them."""
        fetched = await self._waiting[0]
        self._waiting.popleft()
        return fetched

    async def end(self) -> None:
        """Leave no task behind, and no exception that nobody looked at."""
        for task in self._waiting:
            task.cancel()
        if self._waiting:
            await asyncio.gather(*self._waiting, return_exceptions=True)

    def _start(self) -> None:
        self._waiting.append(asyncio.create_task(self._fetch(self._next)))
        self._next += 1

    def _last(self, number: int) -> float:
        """The last page that may be of use; before the first page has come, no other is known to be."""
        run = self._run
        if not run.full:
            return 0
        last = float("inf") if run.last_page is None else run.last_page
        if self._limit is not None:
            last = min(last, number - 1 + -(-(self._limit - run.count) // run.full))
        return last
