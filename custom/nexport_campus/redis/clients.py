"""Clients of Redis or Valkey: the user's own, or one for each event loop and process."""

import asyncio
import inspect
import os
from collections.abc import Awaitable
from contextlib import suppress
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from nexport_campus._errors import ConfigurationError
from nexport_campus._http.loop_guard import LoopGuard
from nexport_campus._inputs import describe

__all__ = ["DEFAULT_PREFIX", "ClientOwner", "Clients", "GivenClient", "UrlClients", "limit_time"]

T = TypeVar("T")
DEFAULT_PREFIX = "nexport-campus:"
_OPERATION_SECONDS = 1.0
"""The longest that one command may take."""


class Clients(Protocol):
    """A source of clients."""

    def current(self) -> Any:
        """Return the client for the running event loop."""

    async def aclose(self) -> None:
        """Close the connections, unless they are the user's."""


class GivenClient:
    """A client that the user passed in, and closes."""

    def __init__(self, client: object) -> None:
        if not inspect.iscoroutinefunction(getattr(client, "execute_command", None)):
            raise ConfigurationError(
                f"client must be a redis.asyncio.Redis or another asynchronous client, got {describe(client)}"
            )
        self._client = client

    def current(self) -> Any:
        """Return the user's client."""
        return self._client

    async def aclose(self) -> None:
        """Do nothing: the client is its owner's."""


class UrlClients:
    """Clients made from a URL: one for each event loop, closed with it. A forked process makes its own."""

    def __init__(self, url: str, options: dict[str, Any]) -> None:
        self._url = _check_url(url)
        self._options: dict[str, Any] = {
            "socket_timeout": _OPERATION_SECONDS,
            "socket_connect_timeout": _OPERATION_SECONDS,
            # Once and at once: an idle connection may have been closed by the server.
            "retry": Retry(NoBackoff(), 1),
        } | options
        self._clients: dict[asyncio.AbstractEventLoop, tuple[Redis, LoopGuard]] = {}
        self._process = os.getpid()
        self._inherited: list[object] = []
        self._closing: set[asyncio.Task[None]] = set()
        self._check()

    def current(self) -> Redis:
        """Return the client for the running event loop, creating it if necessary."""
        self._leave_to_parent()
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            for other in list(self._clients):  # which may change in other threads
                if other.is_closed():
                    self._clients.pop(other, None)
            client = self._new_client()
            self._clients[loop] = client, LoopGuard(client.aclose)
        return self._clients[loop][0]

    async def aclose(self) -> None:
        """Close the connections of all event loops."""
        self._leave_to_parent()
        for loop in list(self._clients):
            client, guard = self._clients.pop(loop)
            if loop is asyncio.get_running_loop():
                await guard.aclose()
            elif not loop.is_closed():
                with suppress(RuntimeError):  # the loop was closed just now
                    loop.call_soon_threadsafe(self._close_soon, loop, client)

    def _new_client(self) -> Redis:
        return Redis.from_url(self._url, **self._options)

    def _check(self) -> None:
        """Raise ConfigurationError for an invalid URL or option, without connecting."""
        try:
            pool: Any = self._new_client().connection_pool
            pool.make_connection()
        except (ValueError, TypeError) as error:
            # Neither the URL nor the options are quoted: they may hold a password.
            raise ConfigurationError(
                f"from_url: the URL or an option is invalid ({type(error).__name__}); a URL is like "
                "redis://host:6379/0, rediss://host:6379/0 or unix:///path/to/socket"
            ) from None

    def _leave_to_parent(self) -> None:
        """Forget the connections inherited from the parent process after a fork, without touching their sockets."""
        if self._process != os.getpid():
            self._inherited.append(self._clients)
            self._clients, self._process = {}, os.getpid()

    def _close_soon(self, loop: asyncio.AbstractEventLoop, client: Redis) -> None:
        task = loop.create_task(client.aclose())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


class ClientOwner:
    """Base class of the store and the limiter: closes the clients, and has no URL in its repr."""

    def __init__(self, clients: Clients, prefix: str) -> None:
        self._clients = clients
        self._prefix = _check_prefix(prefix)

    async def aclose(self) -> None:
        """Close the connections that `from_url` made. A client that was passed in stays open."""
        await self._clients.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._prefix}>"


def _check_prefix(prefix: object) -> str:
    """Return the prefix of all keys. Raises ConfigurationError."""
    if not isinstance(prefix, str) or not prefix:
        raise ConfigurationError(f"prefix must be a non-empty string, got {describe(prefix)}")
    return prefix


async def limit_time(command: Awaitable[T]) -> T:
    """Return the result of a command. Raises TimeoutError after a second."""
    task = asyncio.current_task()
    assert task is not None
    before = task.cancelling()
    async with asyncio.timeout(_OPERATION_SECONDS):
        result = await command
        if task.cancelling() > before:
            # redis-py uses asyncio.wait_for, which loses cancellations in Python 3.11.
            raise asyncio.CancelledError
    return result


def _check_url(url: object) -> str:
    """Return a URL as redis-py takes it: valkey:// is another name of redis://."""
    if not isinstance(url, str):
        raise ConfigurationError(f"from_url: the URL must be a string, got {describe(url)}")
    scheme, separator, rest = url.partition("://")
    return {"valkey": "redis", "valkeys": "rediss"}.get(scheme, scheme) + separator + rest
