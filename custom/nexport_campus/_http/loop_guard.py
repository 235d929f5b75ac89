"""Cleanup at the end of an event loop."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from typing import Any

__all__ = ["LoopGuard"]


class LoopGuard:
    """A cleanup that is awaited once: when the running event loop ends, or earlier in `aclose`.

    `asyncio.run` and similar runners close every asynchronous generator that was started on their loop (PEP 525).

    Args:
        close: The function to await. The guard keeps it and the object that it is bound to alive.
    """

    def __init__(self, close: Callable[[], Awaitable[None]]) -> None:
        self._generator = _wait_for_the_end(close)
        _step(self._generator.__anext__())

    async def aclose(self) -> None:
        """Await the function now, on the guard's own loop."""
        await self._generator.aclose()

    def close_after_loop(self) -> None:
        """Run the function after the loop was closed, up to the first point where it would wait."""
        _step(self._generator.aclose())


async def _wait_for_the_end(close: Callable[[], Awaitable[None]]) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        await close()


def _step(awaitable: Any) -> None:
    """Run an awaitable without a loop, up to the first point where it waits."""
    with suppress(StopIteration, StopAsyncIteration):
        awaitable.send(None)
