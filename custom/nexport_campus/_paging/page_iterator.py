"""Iteration over the pages of a list: fetched singly or prefetched, and returned in order."""

import asyncio
import re
import weakref
from collections import deque
from collections.abc import Callable, Coroutine, Hashable
from datetime import datetime
from typing import Any, Generic, Literal, Self, TypeVar
from uuid import UUID

import attrs

from nexport_campus._errors import APIError
from nexport_client.results import Page
from nexport_client.types import fields_of

from .end_detection import EndDetector, PageFacts

__all__ = ["OnItemError", "PageIterator", "PageSource", "RawPage"]

T = TypeVar("T")
_ID_OR_DATE = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-|[0-9]{4}-[0-9]{2}-[0-9]{2}T", re.ASCII | re.IGNORECASE)
OnItemError = Literal["raise", "skip", "yield"]


@attrs.frozen(eq=False, repr=False)
class RawPage:
    """A page as received: its records, its reported total and size, and the records that report an error.

    `error` is that of the first of them.
    """

    items: list[Any]
    total: int | None
    reported_size: int | None
    failing: frozenset[int] = frozenset()
    error: APIError | None = None

    def seen(self, number: int) -> PageFacts:
        """Return the facts for the end detection."""
        return PageFacts(number, len(self.items), self.total, _fingerprint(self.items), _distinct(self.items))


def _fingerprint(items: list[Any]) -> Hashable:
    """Return a value that is equal for pages with equal records.

    It covers all records, as pages may share first and last.

    The page number and total of the response are excluded: both may merely repeat the request, or change.
    """
    import msgspec

    try:
        return hash(msgspec.json.encode(items))
    except OverflowError:  # a raw record with an integer of more than 64 bits
        return hash(repr(items))


def _distinct(items: list[Any]) -> bool:
    """Return whether these records can be distinguished from others: they differ, or hold an id or a date.

    GetCmiData's records have no id: attempts not yet started all look alike and may fill two pages, especially small
    ones.
    """
    if not items:
        return True
    first = items[0]
    fields = fields_of(type(first)) if attrs.has(type(first)) else ()
    values = [getattr(first, field.attribute) for field in fields] or [first]
    if isinstance(first, dict):
        values = list(first.values())
    return any(_is_distinctive(value) for value in values) or any(item != first for item in items)


def _is_distinctive(value: object) -> bool:
    """Return whether a value is an id or a date, also as the string of a raw record."""
    return isinstance(value, UUID | datetime) or (
        isinstance(value, str) and _ID_OR_DATE.match(value) is not None
    )


@attrs.frozen(eq=False, repr=False)
class PageSource:
    """The source of one list's pages.

    `fetch` takes a one-based number; its errors name their operation, and their page unless the login failed. `drift`
    takes a kind and a detail.
    """

    operation_id: str
    first: int
    size: int
    fetch: Callable[[int], Coroutine[Any, Any, RawPage]]
    drift: Callable[[str, str], None]


class PageIterator(Generic[T]):
    """Iterator over pages that cancels all pending fetches on exit.

    At most `ahead` pages are held in total: in flight, waiting or with the consumer. `limit` is the number of records
    wanted.
    """

    def __init__(
        self,
        source: PageSource,
        *,
        ahead: int = 1,
        limit: int | None = None,
        item_errors: OnItemError = "raise",
    ) -> None:
        self._source = source
        self._ahead = ahead
        self._limit = limit
        self._item_errors = item_errors
        self._run = EndDetector(source.operation_id, source.first, source.drift)
        self._number = source.first
        self._error: APIError | None = None
        self._given: Callable[[], Page[T] | None] = lambda: None
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
        if self._run.over:
            return None
        # A page that the consumer still references counts, such as that of a loop variable.
        room = self._ahead - (self._given() is not None)
        if room > 1:
            self._look_ahead(room)
        fetched = await self._take()
        if not self._run.see(fetched.seen(self._number)):
            return None
        page = self._page(fetched)
        self._number += 1
        if not page.items:
            self.check()
        self._look_ahead(self._ahead - 1)
        self._given = weakref.ref(page)
        return page

    def check(self) -> None:
        """Raise the error that a record of the last returned page reports."""
        if self._error is not None:
            raise self._error

    def _look_ahead(self, most: int) -> None:
        """Start fetching up to `most` pages, the next one included, but none that is known to be unnecessary."""
        last = self._run.last_useful(self._limit) if self._error is None else 0
        for number in range(self._number + len(self._tasks), self._number + most):
            if number > last:
                break
            self._tasks.append(asyncio.create_task(self._source.fetch(number)))

    async def _take(self) -> RawPage:
        """Return the next page, from its pending fetch if there is one."""
        if not self._tasks:
            return await self._source.fetch(self._number)
        fetched = await self._tasks[0]
        self._tasks.popleft()
        return fetched

    def _page(self, fetched: RawPage) -> Page[T]:
        run = self._run
        return Page(
            items=self._allowed(fetched),
            number=self._number,
            size=run.size(self._source.size, fetched.reported_size),
            total=fetched.total,
            has_next=not run.over,
        )

    def _allowed(self, fetched: RawPage) -> list[T]:
        """Return the records of a page that may be returned."""
        if fetched.error is None or self._item_errors == "yield":
            return fetched.items
        if self._item_errors == "skip":
            return [item for index, item in enumerate(fetched.items) if index not in fetched.failing]
        self._error = fetched.error
        self._error.page = self._number
        return fetched.items[: fetched.error.index]
