"""Iterating over a client's results in a thread without an event loop, as dlt's extraction does.

dlt iterates over asynchronous generators as well, but does not close them when a run fails: the client's connections
would stay open. A generator that dlt does close therefore runs the client in a separate event loop.
"""

from collections.abc import AsyncGenerator, Callable, Iterator
from typing import TypeVar

from anyio.from_thread import start_blocking_portal

from nexport_campus import NexportCampus

__all__ = ["iterate"]

T = TypeVar("T")


def iterate(
    new_client: Callable[[], NexportCampus], results: Callable[[NexportCampus], AsyncGenerator[T, None]]
) -> Iterator[T]:
    """Yield what an asynchronous generator yields for a new client, which is closed at the end.

    Args:
        new_client: Returns the client.
        results: Returns the generator.
    """
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(new_client()) as campus:
        found = results(campus)
        try:
            while batch := portal.call(_next_of, found):
                yield batch[0]
        finally:
            portal.call(found.aclose)


async def _next_of(found: AsyncGenerator[T, None]) -> tuple[T] | None:
    """Return the next result in a tuple, or None at the end: StopAsyncIteration can't leave a coroutine."""
    async for result in found:
        return (result,)
    return None
