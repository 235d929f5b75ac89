"""A transport on aiohttp, for programs that make many calls at once: several times the throughput of httpx.

    campus = NexportCampus(auth, transport=AiohttpTransport())

It needs the `aiohttp` extra. Retries, tokens, limits and errors stay the client's, as with every transport.
"""

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any
from weakref import WeakSet

import aiohttp
import httpx
from multidict import CIMultiDict

from ._aiohttp_request import (
    FAILURES,
    QuerySender,
    RequestBody,
    WireRequest,
    address_of,
    progress_trace,
    translated,
)
from ._loop_guard import LoopGuard

__all__ = ["AiohttpTransport"]

_BEYOND = 1 << 20
"""No limit on lines and headers: `_aiohttp_parser` limits the head as a whole."""


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Sends requests with aiohttp.

    Args:
        verify: TLS verification: True, False, or an `ssl.SSLContext`.
        proxy: The address of an http proxy, with its user name and password if it wants them; None for none.
        keepalive_seconds: How long an idle connection is kept.

    Connections belong to an event loop and end with it. One transport may serve any number of loops.
    """

    sends_raw_path = True
    """The client may hand it a URL whose token only `raw_path` has."""

    def __init__(
        self,
        *,
        verify: ssl.SSLContext | bool = True,
        proxy: str | None = None,
        keepalive_seconds: float = 15.0,
    ) -> None:
        self._verify = verify
        self._proxy = proxy
        self._keepalive = keepalive_seconds
        self._sessions: dict[asyncio.AbstractEventLoop, _LoopSession] = {}
        self._process = os.getpid()
        self._inherited: list[object] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and return its response, the body still to be read. Raises httpx.TransportError."""
        timeout = request.extensions.get("timeout", {})
        content = await request.aread()
        await _notice_closed_connections()
        try:
            response = await self._session().request(
                request.method,
                address_of(request.url),
                # aiohttp writes UTF-8.
                headers=CIMultiDict((name.decode(), value.decode()) for name, value in request.headers.raw),
                data=RequestBody(content, timeout.get("write")) if content else None,
                allow_redirects=False,
                proxy=self._proxy,
                timeout=aiohttp.ClientTimeout(
                    total=None, connect=timeout.get("connect"), sock_read=timeout.get("read")
                ),
                trace_request_ctx=request.extensions.get("trace"),
                middlewares=(QuerySender(request.url),),
            )
        except asyncio.CancelledError as cancelled:
            # aiohttp's frames hold the body.
            raise cancelled.with_traceback(None) from None
        except FAILURES as error:
            failure = translated(error)
        else:
            if 200 <= response.status <= 999:
                body = _ResponseBody(response)
                return httpx.Response(response.status, headers=response.raw_headers, stream=body)
            response.close()
            failure = httpx.RemoteProtocolError("no final HTTP status")
        # Outside the handler, so that nothing of aiohttp's hangs on it.
        raise failure

    async def aclose(self) -> None:
        """Close the connections of all event loops."""
        sessions, self._sessions = self._sessions, {}
        if self._process != os.getpid():
            self._inherited.append(sessions)
            return
        for loop, session in sessions.items():
            if loop is asyncio.get_running_loop():
                await session.aclose()
            else:
                session.close_from_elsewhere()

    def _session(self) -> aiohttp.ClientSession:
        if self._process != os.getpid():
            # The connections are the parent's: leave them as they are.
            self._inherited.append(self._sessions)
            self._sessions, self._process = {}, os.getpid()
        loop = asyncio.get_running_loop()
        found = self._sessions.get(loop)
        if found is None or found.session.closed:
            self._forget_closed_loops()
            found = self._sessions[loop] = _LoopSession(self._verify, self._keepalive)
        return found.session

    def _forget_closed_loops(self) -> None:
        """Close what loops have left that were closed without ceremony. A loop that is merely paused keeps its own."""
        for loop in [loop for loop in self._sessions if loop.is_closed()]:
            self._sessions.pop(loop).close_from_elsewhere()


class _LoopSession:
    """The aiohttp session of the running event loop; it is closed with the loop."""

    def __init__(self, verify: ssl.SSLContext | bool, keepalive: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._sockets: WeakSet[socket.socket] = WeakSet()
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0,
                ssl=verify,
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
        self._guard = LoopGuard(self.session.close)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._guard.aclose()

    def close_from_elsewhere(self) -> None:
        """Close the connections of a loop that isn't the running one: now, or when it next runs."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._close_soon)
            return
        with suppress(Exception):
            self._guard.close_after_loop()
        for sock in list(self._sockets):
            _close_socket(sock, self._loop)

    def _close_soon(self) -> None:
        task = self._loop.create_task(self.aclose())
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
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    with suppress(Exception):
        transport._call_connection_lost(None)


class _ResponseBody(httpx.AsyncByteStream):
    """The body of a response; a connection whose body was read whole is used again."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        _end_with_connection(response)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        failure = None
        try:
            async for part in self._response.content.iter_any():
                yield part
        except FAILURES as error:
            failure = translated(error)
        if failure is not None:
            raise failure

    async def aclose(self) -> None:
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()


def _end_with_connection(response: aiohttp.ClientResponse) -> None:
    """Let the body fail when the connection ends before it.

    After a chunk that it can't parse, aiohttp closes the connection, but lets the reader of the body wait on.
    """
    content, connection = response.content, response.connection
    if connection is None or connection.protocol is None:
        return

    def end(closed: "asyncio.Future[None] | None") -> None:
        if closed is not None:
            closed.exception()  # or asyncio logs that it was never retrieved
        if not content.is_eof() and content.exception() is None:
            content.set_exception(aiohttp.ClientPayloadError("the connection has ended"))

    closed = connection.protocol.closed
    if closed is None:
        end(None)
    else:
        closed.add_done_callback(end)


async def _notice_closed_connections() -> None:
    """Let the loop see which idle connections the campus has closed, so that none of them is used again.

    httpcore asks the socket; aiohttp knows only what the loop has told it. A turn to poll, and one to tell.
    """
    await asyncio.sleep(0)
    await asyncio.sleep(0)
