"""Cleaning up at the end of an event loop."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from typing import Any

__all__ = ["LoopGuard"]


class LoopGuard:
    """Awaits a function once: when the running event loop ends, or earlier, in `aclose`.

    `asyncio.run` and its like close every asynchronous generator that was started on their loop (PEP 525).

    Args:
        close: What to await. The guard keeps it, and what it is bound to, alive.
    """

    def __init__(self, close: Callable[[], Awaitable[None]]) -> None:
        self._generator = _wait_for_the_end(close)
        _step(self._generator.__anext__())

    async def aclose(self) -> None:
        """Await the function now, on the guard's own loop."""
        await self._generator.aclose()

    def close_after_loop(self) -> None:
        """Run the function when the loop has been closed, as far as it gets without waiting for anything."""
        _step(self._generator.aclose())


async def _wait_for_the_end(close: Callable[[], Awaitable[None]]) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        await close()


def _step(awaitable: Any) -> None:
    """Run an awaitable without a loop, up to the first thing that it waits for."""
    with suppress(StopIteration, StopAsyncIteration):
        awaitable.send(None)
