"""The connections of AiohttpTransport on one event loop."""

import asyncio
import socket
from contextlib import suppress
from typing import Any
from weakref import WeakSet

import aiohttp
import httpx

from ._aiohttp_request import WireRequest, progress_trace
from ._loop_guard import LoopGuard
from ._proxies import environment_proxy

__all__ = ["LoopSession"]

_BEYOND = 1 << 20
"""No limit on lines and headers: `_aiohttp_parser` limits the head as a whole."""


class LoopSession:
    """The aiohttp session of the running event loop; it is closed with the loop."""

    def __init__(self, keepalive: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._sockets: WeakSet[socket.socket] = WeakSet()
        self._proxies: dict[tuple[str, bytes], httpx.Proxy | None] = {}
        self.aiohttp = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0,
                keepalive_timeout=keepalive,
                use_dns_cache=False,
                socket_factory=_sockets_into(self._sockets),
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trace_configs=[progress_trace()],
            request_class=WireRequest,
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            max_line_size=_BEYOND,
            max_field_size=_BEYOND,
            max_headers=_BEYOND,
        )
        self._guard = LoopGuard(self.aiohttp.close)

    def environment_proxy(self, url: httpx.URL) -> httpx.Proxy | None:
        """Return the proxy that the environment names for a URL. Raises ConfigurationError."""
        origin = (url.scheme, url.netloc)
        if origin not in self._proxies:
            self._proxies[origin] = environment_proxy(url)
        return self._proxies[origin]

    async def aclose(self) -> None:
        """Close the connections."""
        await self._guard.aclose()

    def close_from_elsewhere(self) -> None:
        """Close the connections of a loop that isn't the running one.

        A loop that runs in another thread, or is paused, closes them itself; the campus learns at once that a paused one's
        have ended.
        """
        if self._loop.is_closed():
            with suppress(Exception):
                self._guard.close_after_loop()
            for sock in list(self._sockets):
                _close_socket(sock, self._loop)
            return
        if not self._loop.is_running():
            for sock in list(self._sockets):
                _shut_down(sock)
        with suppress(RuntimeError):  # it has been closed in this very moment
            self._loop.call_soon_threadsafe(self._close_soon)

    def _close_soon(self) -> None:
        task = self._loop.create_task(self.aiohttp.close())
        _closing.add(task)
        task.add_done_callback(_closing.discard)


_closing: set[asyncio.Task[None]] = set()
"""Keeps the tasks from the garbage collector; the event loop doesn't."""


def _sockets_into(sockets: "WeakSet[socket.socket]") -> aiohttp.SocketFactoryType:
    """Return a function that makes sockets and adds them to the set."""

    def make(address: Any) -> socket.socket:
        made = socket.socket(*address[:3])
        sockets.add(made)
        return made

    return make


def _close_socket(sock: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
    """Close a socket whose loop is closed."""
    if sock.fileno() < 0:
        return
    # asyncio closes a socket in a callback, which this loop will never run: make the callback's call.
    transport: Any = getattr(loop, "_transports", {}).get(sock.fileno())
    _shut_down(sock)
    with suppress(Exception):
        transport._call_connection_lost(None)


def _shut_down(sock: socket.socket) -> None:
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
