"""Running blocking functions in a thread, and coroutines concurrently."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import TracebackType
from typing import Any, Final, ParamSpec, Self, TypeVar

from nexport_campus._errors import ExportError

__all__ = ["WorkerThread", "for_each_concurrently"]

P = ParamSpec("P")
T = TypeVar("T")
_END: Final = object()


class WorkerThread:
    """A thread that runs blocking functions on files and the database, one at a time.

    Cancelling the caller doesn't interrupt a running function, so a transaction is never left half done.

    Args:
        place: The name that error messages start with.
        advice: The advice that error messages end with.
    """

    def __init__(self, place: str, advice: str) -> None:
        self._place = place
        self._advice = advice
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="nexport-export")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown(wait=True)

    async def do(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function in the thread and return its result.

        Raises:
            ExportError: A file or the database can't be read or written.
        """
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._thread, partial(function, *args, **kwargs)
            )
        except (OSError, sqlite3.Error) as error:
            raise ExportError(f"{self._place}: {error}; {self._advice}") from error


async def for_each_concurrently(
    n: int, items: AsyncIterator[T], function: Callable[[T], Awaitable[Any]]
) -> None:
    """Call a coroutine function with every item, `n` at a time; the first error cancels the others and is raised."""
    turn = asyncio.Lock()

    async def worker() -> None:
        while True:
            async with turn:
                item: Any = await anext(items, _END)
            if item is _END:
                return
            await function(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(n):
                group.create_task(worker())
    except BaseExceptionGroup as failed:
        first = _find_first(failed)
        raise first from first.__cause__


def _find_first(failed: BaseException) -> BaseException:
    while isinstance(failed, BaseExceptionGroup):
        failed = failed.exceptions[0]
    return failed
