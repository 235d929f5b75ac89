"""A token store whose operations are limited in time, and whose failures are logged once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, TypeVar

import attrs

from nexport_campus._outage_log import OutageLog

from .redaction import SecretBytes
from .token_envelope import Envelope, SharedRefusal, SharedToken, UnreadableValueError
from .token_store import TokenStore

__all__ = ["GuardedStore", "StoreFailed", "StoreTimes", "Stored"]

T = TypeVar("T")


@attrs.frozen
class StoreTimes:
    """Times in seconds.

    `operation`: the longest that an operation of the store may take. `lease`: how long a lock outlives a dead holder.
    `wait`: how long to wait for the lock.
    """

    operation: float = 1.0
    lease: float = 10.0
    wait: float = 15.0


@attrs.frozen
class Stored:
    """A value in the store, and its content."""

    value: SecretBytes
    content: SharedToken | SharedRefusal


class StoreFailed(Exception):
    """An operation of the store failed. This was logged."""


class GuardedStore:
    """The values of one account in a store.

    Args:
        store: The user's store.
        envelope: Reads and writes the account's values; its account is the key of the token.
        clock: Returns monotonic seconds.
        times: How long to wait for what.
    """

    def __init__(
        self, store: TokenStore, envelope: Envelope, clock: Callable[[], float], times: StoreTimes
    ) -> None:
        self._store = store
        self._envelope = envelope
        self._times = times
        self._outage = OutageLog("the token store", "this process logs in by itself", clock)

    async def read(self, suffix: str = "") -> Stored | None:
        """Return what is stored, or None if there is nothing readable. Raises StoreFailed."""
        value = await self._operate(lambda: self._store.get(self._envelope.account + suffix))
        if value is None:
            return None
        try:
            content = self._envelope.open(value)
        except UnreadableValueError as error:
            self._outage.failed(str(error))
            return None
        return Stored(SecretBytes(value), content)

    async def write(
        self, content: SharedToken | SharedRefusal, *, ttl: float | None, suffix: str = ""
    ) -> None:
        """Store a token or a refusal. A failure is only logged."""
        value = self._envelope.seal(content)
        with suppress(StoreFailed):
            await self._operate(lambda: self._store.set(self._envelope.account + suffix, value, ttl=ttl))

    async def delete(self, stored: Stored, suffix: str = "") -> None:
        """Delete a value that was read. A failure is only logged."""
        with suppress(StoreFailed):
            await self._operate(
                lambda: self._store.delete(self._envelope.account + suffix, if_value=bytes(stored.value))
            )

    @asynccontextmanager
    async def lock(self) -> AsyncIterator[None]:
        """Hold the account's lock, or nothing if another process keeps it for too long. Raises StoreFailed."""
        lock = await self._enter_lock()
        try:
            yield
        finally:
            if lock is not None:
                with suppress(StoreFailed):
                    await self._operate(lambda: lock.__aexit__(None, None, None))

    async def _enter_lock(self) -> AbstractAsyncContextManager[Any] | None:
        limit = asyncio.timeout(self._times.wait)
        try:
            async with limit:
                lock = self._store.lock(self._envelope.account, ttl=self._times.lease)
                await lock.__aenter__()
                return lock
        except Exception as error:  # noqa: BLE001 -- a store may raise anything
            if isinstance(error, TimeoutError) and limit.expired():
                self._outage.failed(f"its lock was not free within {self._times.wait:g} s")
                return None
            self._outage.failed(error)
        raise StoreFailed

    async def _operate(self, operation: Callable[[], Awaitable[T]]) -> T:
        limit = asyncio.timeout(self._times.operation)
        try:
            async with limit:
                return await operation()
        except Exception as error:  # noqa: BLE001 -- a store may raise anything
            late = isinstance(error, TimeoutError) and limit.expired()
            self._outage.failed(f"no response within {self._times.operation:g} s" if late else error)
        # Outside the handler: the store's exception may quote the value.
        raise StoreFailed
