"""A token store in Redis or Valkey."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, Self
from uuid import uuid4

from redis.exceptions import LockError

from .clients import DEFAULT_PREFIX, ClientOwner, GivenClient, UrlClients, limit_time

__all__ = ["RedisTokenStore"]

_DELETE_IF_EQUAL = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""
_FIRST_NAP, _LONGEST_NAP = 0.02, 0.2


class RedisTokenStore(ClientOwner):
    """A `TokenStore` in Redis or Valkey.

    Args:
        client: A `redis.asyncio.Redis` or compatible client, which stays the caller's to close. It must belong to the
            running event loop and process; `from_url` takes care of that.
        prefix: What all keys begin with.

    Raises:
        ConfigurationError: The client isn't asynchronous, or the prefix is empty.
    """

    def __init__(self, client: Any, *, prefix: str = DEFAULT_PREFIX) -> None:
        super().__init__(GivenClient(client), prefix)

    @classmethod
    def from_url(cls, url: str, *, prefix: str = DEFAULT_PREFIX, **options: Any) -> Self:
        """Return a store with separate connections, for each event loop and process.

        Args:
            url: `redis://`, `rediss://` (TLS), `valkey://`, `valkeys://` or `unix://`, as for `redis.asyncio.from_url`.
            prefix: What all keys begin with.
            options: Further arguments of `redis.asyncio.from_url`.

        Raises:
            ConfigurationError: The URL, the prefix or an option is invalid.
        """
        store = cls.__new__(cls)
        ClientOwner.__init__(store, UrlClients(url, options), prefix)
        return store

    async def get(self, key: str) -> bytes | None:
        """Return the value of a key, or None."""
        value: Any = await limit_time(self._clients.current().get(self._token_key(key)))
        # A client may decode responses. Values of the SDK are ASCII.
        return value.encode() if isinstance(value, str) else value

    async def set(self, key: str, value: bytes, *, ttl: float | None) -> None:
        """Store a value for `ttl` seconds, or until it is replaced."""
        milliseconds = None if ttl is None else max(1, round(ttl * 1000))
        await limit_time(self._clients.current().set(self._token_key(key), value, px=milliseconds))

    async def delete(self, key: str, *, if_value: bytes) -> None:
        """Delete a key if it still has this value."""
        await self._delete(self._clients.current(), self._token_key(key), if_value)

    def lock(self, key: str, *, ttl: float) -> AbstractAsyncContextManager[None]:
        """Return a lock that is free `ttl` seconds after its holder has died."""
        return self._lock(f"{self._prefix}lock:{key}", ttl)

    @asynccontextmanager
    async def _lock(self, name: str, ttl: float) -> AsyncIterator[None]:
        client, holder = self._clients.current(), uuid4().hex
        lock = client.lock(name, timeout=ttl, thread_local=False)
        try:
            await _acquire(lock, holder)
        except BaseException:
            # The command may have arrived nevertheless, as when this task is cancelled while it is sent.
            with suppress(Exception):
                await self._delete(client, name, holder)
            raise
        renewal = asyncio.create_task(_renew(lock, ttl))
        try:
            yield
        finally:
            renewal.cancel()
            await asyncio.wait([renewal])
            with suppress(LockError):  # it has expired
                await limit_time(lock.release())

    async def _delete(self, client: Any, name: str, value: bytes | str) -> None:
        await limit_time(client.register_script(_DELETE_IF_EQUAL)(keys=[name], args=[value]))

    def _token_key(self, key: str) -> str:
        return f"{self._prefix}token:{key}"


async def _acquire(lock: Any, holder: str) -> None:
    nap = _FIRST_NAP
    while not await limit_time(lock.acquire(blocking=False, token=holder)):
        await asyncio.sleep(nap * random.uniform(0.5, 1.0))  # noqa: S311 -- spreads the load
        nap = min(nap * 1.5, _LONGEST_NAP)


async def _renew(lock: Any, ttl: float) -> None:
    """Renew a lock repeatedly. After a failure, the lock still has time left for another try."""
    while True:
        await asyncio.sleep(ttl / 3)
        with suppress(Exception):
            await limit_time(lock.reacquire())
