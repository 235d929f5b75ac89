# Edit this file in openapi/runtime; scripts/regenerate copies it to nexport_client.
"""What the generated facade needs: a client that calls operations, and pagers for its lists."""

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Mapping
from typing import Any, Literal, Protocol, TypeVar, runtime_checkable

from .operation import Operation
from .results import Page, RawResponse

__all__ = ["AsyncPager", "Caller"]

T = TypeVar("T")


@runtime_checkable
class AsyncPager(Protocol[T]):
    """A list that is fetched page by page as it is consumed.

    `await pager` returns the first page; `async for item in pager` iterates over all records.
    """

    def __await__(self) -> Generator[Any, None, Page[T]]:
        """Return the first page."""

    def __aiter__(self) -> AsyncIterator[T]:
        """Yield every record, in the server's order."""

    def pages(self) -> AsyncGenerator[Page[T], None]:
        """Yield every page, in order."""

    async def collect(self, limit: int | None = None) -> list[T]:
        """Return all records, or the first `limit` of them, without fetching pages beyond the limit."""

    async def total(self) -> int | None:
        """Return the number of records on all pages, or None if the server does not report it."""

    def concurrent(self, n: int) -> "AsyncPager[T]":
        """Return a pager that fetches and holds up to `n` pages at once, and yields records in order."""

    def on_item_error(self, action: Literal["raise", "skip", "yield"]) -> "AsyncPager[T]":
        """Return a pager that raises, skips or yields elements that report an error."""


class Caller(Protocol):
    """The client as the facade sees it."""

    async def call(self, operation: Operation[T], arguments: Mapping[str, object]) -> T:
        """Call the operation and return the model of the response."""

    def paged(
        self, operation: Operation[Any], arguments: Mapping[str, object], page: int, per_page: int | None
    ) -> AsyncPager[Any]:
        """Return the pager of a list operation."""

    async def call_raw(self, operation: Operation[T], arguments: Mapping[str, object]) -> RawResponse[T]:
        """Call the operation and return the whole response."""

    async def paged_raw(
        self, operation: Operation[T], arguments: Mapping[str, object], page: int, per_page: int | None
    ) -> RawResponse[T]:
        """Fetch one page and return the whole response."""
