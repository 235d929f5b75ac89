"""The pager for lists that are fetched page by page. Each iteration over it uses a `PageIterator`."""

from collections.abc import AsyncGenerator, Generator
from typing import Any, TypeVar

from nexport_campus._errors import ArgumentError
from nexport_campus._inputs import describe, to_whole
from nexport_client.protocols import AsyncPager
from nexport_client.results import Page

from .page_iterator import OnItemError, PageIterator, PageSource

__all__ = ["Pager"]

T = TypeVar("T")


class Pager(AsyncPager[T]):
    """The list of one operation. Each iteration fetches it from the campus again."""

    def __init__(self, source: PageSource, *, ahead: int = 1, item_errors: OnItemError = "raise") -> None:
        self._source = source
        self._ahead = ahead
        self._item_errors = item_errors

    def __repr__(self) -> str:
        return f"<AsyncPager of {self._source.operation_id} from page {self._source.first}>"

    def __await__(self) -> Generator[Any, None, Page[T]]:
        return self._first().__await__()

    # A single generator without a nested one: when an ending loop or the garbage collector closes an abandoned
    # generator, it closes all that it finds at the same time, and a nested one would be closed twice.

    async def __aiter__(self) -> AsyncGenerator[T, None]:
        async with self._iterate() as pages:
            while (page := await pages.next()) is not None:
                for item in page.items:
                    yield item
                del page

    async def pages(self) -> AsyncGenerator[Page[T], None]:
        async with self._iterate() as pages:
            while (page := await pages.next()) is not None:
                yield page
                del page

    async def collect(self, limit: int | None = None) -> list[T]:
        limit = None if limit is None else self._whole("limit", limit, least=0)
        items: list[T] = []
        async with self._iterate(limit) as pages:
            while limit is None or len(items) < limit:
                page = await pages.next()
                if page is None:
                    break
                items += page.items
                del page
        return items[:limit]

    async def total(self) -> int | None:
        return (await self._source.fetch(self._source.first, compared=False)).total

    def concurrent(self, n: int) -> "Pager[T]":
        return Pager(self._source, ahead=self._whole("n", n, least=1), item_errors=self._item_errors)

    def on_item_error(self, action: OnItemError) -> "Pager[T]":
        if action not in ("raise", "skip", "yield"):
            raise self._refusal("action", f'must be "raise", "skip" or "yield", got {describe(action)}')
        return Pager(self._source, ahead=self._ahead, item_errors=action)

    async def _first(self) -> Page[T]:
        pages = PageIterator[T](self._source, item_errors=self._item_errors, compared=False)
        page = await pages.next()
        pages.check()
        assert page is not None
        return page

    def _iterate(self, limit: int | None = None) -> PageIterator[T]:
        return PageIterator(self._source, ahead=self._ahead, limit=limit, item_errors=self._item_errors)

    def _whole(self, argument: str, value: object, *, least: int) -> int:
        number = to_whole(value)
        if number is None or number < least:
            raise self._refusal(argument, f"must be a whole number from {least}, got {describe(value)}")
        return number

    def _refusal(self, argument: str, reason: str) -> ArgumentError:
        return ArgumentError(
            f"{argument} {reason}; nothing was sent",
            argument=argument,
            operation_id=self._source.operation_id,
        )
