"""The connections of AiohttpTransport on one event loop."""

import asyncio
import os
import socket
from contextlib import suppress
from typing import Any

import aiohttp
import httpx

from nexport_campus._http.loop_guard import LoopGuard
from nexport_campus._http.proxies import find_environment_proxy

from .connector import Connector
from .lenient_parser import UNLIMITED
from .sessionless_sender import SessionlessSender
from .wire_request import WireRequest

__all__ = ["LoopSession"]


class LoopSession:
    """The aiohttp session of the running event loop. It is closed with the loop, or when it is garbage-collected."""

    def __init__(self, keepalive: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._process = os.getpid()
        self._proxies: dict[tuple[str, bytes], httpx.Proxy | None] = {}
        self._connector = Connector(keepalive)
        self.aiohttp = aiohttp.ClientSession(
            connector=self._connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            request_class=WireRequest,
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            max_line_size=UNLIMITED,
            max_field_size=UNLIMITED,
            max_headers=UNLIMITED,
        )
        self.sessionless = SessionlessSender(self.aiohttp)
        self._guard = LoopGuard(self.aiohttp.close)

    def environment_proxy(self, url: httpx.URL) -> httpx.Proxy | None:
        """Return the proxy that the environment specifies for a URL. Raises ConfigurationError."""
        origin = (url.scheme, url.netloc)
        if origin not in self._proxies:
            self._proxies[origin] = find_environment_proxy(url)
        return self._proxies[origin]

    async def aclose(self) -> None:
        """Close the connections."""
        await self._guard.aclose()

    def __del__(self) -> None:
        # aiohttp logs an error when an open session or connector is garbage-collected.
        with suppress(Exception):
            if not self.aiohttp.closed:
                self.forget()
                if self._process == os.getpid():
                    self._end_sockets()

    def forget(self) -> None:
        """Make aiohttp forget the connections without closing them: in a forked process, they belong to the parent."""
        if self.aiohttp.connector is not None:
            self.aiohttp.connector._closed = True
        self.aiohttp.detach()

    def close_from_elsewhere(self) -> None:
        """Close the connections of a loop that isn't the running one.

        A loop that runs in another thread, or is paused, closes them itself; for a paused loop, the campus sees at
        once that they have ended.
        """
        if self._loop.is_closed():
            with suppress(Exception):
                self._guard.close_after_loop()
            self._end_sockets()
            return
        if not self._loop.is_running():
            self._end_sockets()
        with suppress(RuntimeError):  # the loop was closed just now
            self._loop.call_soon_threadsafe(self._close_soon)

    def _end_sockets(self) -> None:
        """End the connections from any thread. Their loop closes the sockets when it notices; a closed loop can't."""
        for sock in list(self._connector.sockets.values()):
            if self._loop.is_closed():
                _close_socket(sock, self._loop)
            else:
                _shut_down(sock)

    def _close_soon(self) -> None:
        task = self._loop.create_task(self.aiohttp.close())
        _closing.add(task)
        task.add_done_callback(_closing.discard)


_closing: set[asyncio.Task[None]] = set()
"""Strong references to the tasks; the event loop only holds weak ones."""


def _close_socket(sock: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
    """Close a socket whose loop is closed."""
    if sock.fileno() < 0:
        return
    # asyncio closes a socket in a callback, which this loop will never run, so run the callback's body here.
    transport: Any = getattr(loop, "_transports", {}).get(sock.fileno())
    _shut_down(sock)
    with suppress(Exception):
        transport._call_connection_lost(None)
    sock.close()


def _shut_down(sock: socket.socket) -> None:
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
