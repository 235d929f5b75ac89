"""Iteration over the pages of a list: fetched singly or prefetched, and returned in order."""

import asyncio
import weakref
from collections import deque
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, Literal, Protocol, Self, TypeVar

import attrs

from nexport_campus._errors import APIError
from nexport_client.results import Page

from .end_detection import EndDetector, PageFacts
from .fingerprint import fingerprint_of_records, is_distinct

__all__ = ["FetchPage", "OnItemError", "PageIterator", "PageSource", "RawPage"]

T = TypeVar("T")
OnItemError = Literal["raise", "skip", "yield"]


@attrs.frozen(eq=False, repr=False)
class RawPage:
    """A page as received: its records, its reported total and size, and the records that report an error.

    `error` is that of the first of them. `fingerprint`: that of the JSON of its records; None takes that of the records.
    """

    items: list[Any]
    total: int | None
    reported_size: int | None
    failing: frozenset[int] = frozenset()
    error: APIError | None = None
    fingerprint: Hashable | None = None

    def to_facts(self, number: int) -> PageFacts:
        """Return the facts for the end detection."""
        return PageFacts(
            number,
            len(self.items),
            self.total,
            fingerprint_of_records(self.items) if self.fingerprint is None else self.fingerprint,
            is_distinct(self.items),
        )


class FetchPage(Protocol):
    """A function that fetches a page by its one-based number."""

    def __call__(self, number: int, *, compared: bool) -> Coroutine[Any, Any, RawPage]:
        """Return the page. Raises NexportError, with the operation, and with the page unless the login failed.

        `compared`: whether the page needs its fingerprint, because it will be compared with others.
        """


@attrs.frozen(eq=False, repr=False)
class PageSource:
    """The source of one list's pages. `drift` takes a kind and a detail."""

    operation_id: str
    first: int
    size: int
    fetch: FetchPage
    drift: Callable[[str, str], None]


class PageIterator(Generic[T]):
    """Iterator over pages that cancels all pending fetches on exit.

    At most `ahead` pages are held in total: in flight, waiting or with the consumer. `limit` is the number of records
    wanted. `compared`: whether pages are compared with each other; False if only one is wanted.
    """

    def __init__(
        self,
        source: PageSource,
        *,
        ahead: int = 1,
        limit: int | None = None,
        item_errors: OnItemError = "raise",
        compared: bool = True,
    ) -> None:
        self._source = source
        self._ahead = ahead
        self._limit = limit
        self._item_errors = item_errors
        self._compared = compared
        self._end = EndDetector(source.operation_id, source.first, source.drift)
        self._number = source.first
        self._error: APIError | None = None
        self._consumed: Callable[[], Page[T] | None] = lambda: None
        self._tasks: deque[asyncio.Task[RawPage]] = deque()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        # Retrieves every outcome, so that no exception is reported as unretrieved and no task outlives the iterator.
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def next(self) -> Page[T] | None:
        """Return the next page, or None after the last. A page with a failed record ends before that record.

        Raises NexportError: a page couldn't be fetched, or a record of the previous page reports an error.
        """
        self.check()
        if self._end.over:
            return None
        # A page that the consumer still references counts, such as that of a loop variable.
        room = self._ahead - (self._consumed() is not None)
        if room > 1:
            self._look_ahead(room)
        fetched = await self._fetch_next()
        if not self._end.add(fetched.to_facts(self._number)):
            return None
        page = self._make_page(fetched)
        self._number += 1
        if not page.items:
            self.check()
        self._look_ahead(self._ahead - 1)
        self._consumed = weakref.ref(page)
        return page

    def check(self) -> None:
        """Raise the error that a record of the last returned page reports."""
        if self._error is not None:
            raise self._error

    def _look_ahead(self, most: int) -> None:
        """Start fetching up to `most` pages, the next one included, but none that is known to be unnecessary."""
        last = self._end.find_last_useful(self._limit) if self._error is None else 0
        for number in range(self._number + len(self._tasks), self._number + most):
            if number > last:
                break
            self._tasks.append(asyncio.create_task(self._source.fetch(number, compared=self._compared)))

    async def _fetch_next(self) -> RawPage:
        """Return the next page, from its pending fetch if there is one."""
        if not self._tasks:
            return await self._source.fetch(self._number, compared=self._compared)
        fetched = await self._tasks[0]
        self._tasks.popleft()
        return fetched

    def _make_page(self, fetched: RawPage) -> Page[T]:
        end = self._end
        return Page(
            items=self._select_items(fetched),
            number=self._number,
            size=end.compute_size(self._source.size, fetched.reported_size),
            total=fetched.total,
            has_next=not end.over,
        )

    def _select_items(self, fetched: RawPage) -> list[T]:
        """Return the records of a page that may be returned."""
        if fetched.error is None or self._item_errors == "yield":
            return fetched.items
        if self._item_errors == "skip":
            return [item for index, item in enumerate(fetched.items) if index not in fetched.failing]
        self._error = fetched.error
        self._error.page = self._number
        return fetched.items[: fetched.error.index]
