"""The interface of a store in which processes share a token."""

from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, runtime_checkable

__all__ = ["TokenStore"]


@runtime_checkable
class TokenStore(Protocol):
    """A place where the processes that use one account share its token, such as Redis or a database.

    The client decides what is stored: keys are digests, and values are opaque bytes that only the client reads. A store
    may raise any exception and may lose values at any time: then the client logs in by itself.
    """

    async def get(self, key: str) -> bytes | None:
        """Return the value of a key, or None if there is none or it has expired."""

    async def set(self, key: str, value: bytes, *, ttl: float | None) -> None:
        """Store a value, replacing the previous one. It expires after `ttl` seconds, or never if that is None."""

    async def delete(self, key: str, *, if_value: bytes) -> None:
        """Delete a key if it still has this value."""

    def lock(self, key: str, *, ttl: float) -> AbstractAsyncContextManager[Any]:
        """Return a context manager that one process at a time can enter; others wait there.

        The lock is separate from the key's value. If its holder dies, it must be free after `ttl` seconds; until its
        holder leaves it, the store renews it.
        """
