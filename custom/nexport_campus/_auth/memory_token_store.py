"""A token store in the memory of one process."""

import asyncio
import math
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from weakref import WeakKeyDictionary

__all__ = ["MemoryTokenStore"]


class MemoryTokenStore:
    """A `TokenStore` for tests: the clients of one process share a token, without a server.

    `values` holds what is stored, by key, with the time when it expires.

    Args:
        clock: Returns monotonic seconds.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.values: dict[str, tuple[bytes, float]] = {}
        self._clock = clock
        self._locks: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, asyncio.Lock]] = (
            WeakKeyDictionary()
        )

    async def get(self, key: str) -> bytes | None:
        """Return the value of a key, or None."""
        value, expires_at = self.values.get(key, (None, math.inf))
        return value if self._clock() < expires_at else None

    async def set(self, key: str, value: bytes, *, ttl: float | None) -> None:
        """Store a value for `ttl` seconds, or until it is replaced."""
        self.values[key] = value, math.inf if ttl is None else self._clock() + ttl

    async def delete(self, key: str, *, if_value: bytes) -> None:
        """Delete a key if it still has this value."""
        if self.values.get(key, (None,))[0] == if_value:
            del self.values[key]

    def lock(self, key: str, *, ttl: float) -> AbstractAsyncContextManager[None]:
        """Return a lock among the tasks of the running event loop; it has no holders that can die."""
        return self._locks.setdefault(asyncio.get_running_loop(), {}).setdefault(key, asyncio.Lock())
