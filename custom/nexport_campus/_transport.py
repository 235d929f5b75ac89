"""The connections of a client: where they go through, their TLS context, and which of them a request takes."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any, cast

import httpx

from nexport_client.types import Secret

from ._certificates import context_for
from ._errors import ConfigurationError
from ._proxies import proxy_for
from ._secrets import SecretURL
from ._settings import Settings

__all__ = ["Lane", "Lanes", "with_token"]


@cache
def _no_context() -> ssl.SSLContext:
    """What a transport for plain http is given: without one it would make its own, each time."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class Lane:
    """A transport with one connection. The user's own transport, which stays whole whatever happens, is `shared`."""

    def __init__(self, transport: httpx.AsyncBaseTransport, *, shared: bool = False) -> None:
        self.transport = transport
        self.shared = shared
        self._stream: Any = None

    def connected(self, stream: Any) -> None:
        """Told of the network stream that the transport has opened, as httpcore's trace gives it."""
        self._stream = stream

    def is_clean(self) -> bool:
        """Whether the last answer left nothing behind that the next request would take for its own answer.

        httpcore asks the socket alone, which doesn't know of bytes that were read together with the answer.
        """
        pool = getattr(self.transport, "_pool", None)
        return not any(_unread(connection) for connection in getattr(pool, "connections", ()))

    async def aclose(self) -> None:
        """Close the transport, and the socket that it may have lost sight of when it was cancelled in a handshake."""
        stream, self._stream = self._stream, None
        # Whatever a broken connection says to being closed: it is gone.
        with suppress(Exception):
            await self.transport.aclose()
        if stream is not None:
            with suppress(Exception):
                await stream.aclose()

    def abandon(self, loop: asyncio.AbstractEventLoop) -> None:
        """Close the socket of a loop that doesn't run any more, so that nothing can be awaited on it."""
        stream, self._stream = self._stream, None
        sock = None if stream is None else stream.get_extra_info("socket")
        if sock is None or sock.fileno() < 0:
            return
        # asyncio closes a socket in a callback, which this loop will never run: make the callback's call.
        transport: Any = getattr(loop, "_transports", {}).get(sock.fileno())
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
        with suppress(Exception):
            transport._call_connection_lost(None)


def _unread(connection: Any) -> bool:
    """Whether one of httpcore's connections, or the one within it, holds bytes that it hasn't given out."""
    while hasattr(connection, "_connection"):
        connection = connection._connection
    state = getattr(connection, "_h11_state", None)
    return state is not None and bool(state.trailing_data[0])


class Lanes:
    """A stack of transports with one connection each, the one used last on top.

    httpcore's pool looks at all its connections on every event and closes them above twenty; a stack does neither
    (measured: three times the throughput at 50 calls at once). A lane on which a request failed or was cancelled is
    closed, so that no half-read answer and no leaked slot stays behind.
    """

    def __init__(self, settings: Settings) -> None:
        self._idle: list[Lane] = []
        self._busy: set[Lane] = set()
        self._closing: set[asyncio.Task[None]] = set()
        self._make = self._factory(settings)
        # Of transports that users give, httpx' own can be used again after they were closed, and can't be used on
        # another loop before; whether others can, nobody knows.
        given = settings.transport
        self._given = given if isinstance(given, httpx.AsyncHTTPTransport) else None

    def take(self) -> Lane:
        """A lane for one request, to be given back with `give` or `drop`."""
        lane = self._idle.pop() if self._idle else self._make()
        self._busy.add(lane)
        return lane

    async def give(self, lane: Lane) -> None:
        """Take back a lane whose answer was read whole."""
        if not lane.is_clean():
            await self.drop(lane)
            return
        self._busy.discard(lane)
        self._idle.append(lane)

    async def drop(self, lane: Lane) -> None:
        """Close a lane whose request came to no good end; the closing goes on if the caller is cancelled."""
        self._busy.discard(lane)
        if lane.shared:
            return
        task = asyncio.ensure_future(lane.aclose())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        await asyncio.shield(task)

    async def aclose(self) -> None:
        """Close all connections that belong to the loop. Doesn't suspend where there are none."""
        while self._idle or self._busy:
            lane = self._idle.pop() if self._idle else self._busy.pop()
            if not lane.shared:
                await lane.aclose()
        if self._closing:
            await asyncio.wait(self._closing)
        if self._given is not None:
            await self._given.aclose()

    def abandon(self, loop: asyncio.AbstractEventLoop) -> None:
        """Close all connections of a loop that doesn't run any more."""
        for lane in {*self._idle, *self._busy}:
            if not lane.shared:
                lane.abandon(loop)
        self._idle.clear()
        self._busy.clear()
        self._closing.clear()
        self._given = None

    @staticmethod
    def _factory(settings: Settings) -> Callable[[], Lane]:
        given = settings.transport
        if given is not None:
            return lambda: Lane(given, shared=True)
        proxy, limits = proxy_for(settings), httpx.Limits(max_connections=1, max_keepalive_connections=1)
        needs_tls = settings.base_url.scheme == "https"
        context = context_for(settings.verify) if needs_tls else _no_context()

        def make() -> Lane:
            try:
                return Lane(httpx.AsyncHTTPTransport(verify=context, proxy=proxy, limits=limits))
            except ImportError as error:
                reason = f"this proxy needs a package that is not installed: {error}"
                raise ConfigurationError(reason) from error

        return make


def with_token(
    transport: httpx.AsyncBaseTransport, request: httpx.Request, token: Secret | None
) -> httpx.Request:
    """A copy of a request that carries query and token, hidden as deep as the transport allows.

    Transports that send `raw_path` get a URL that shows them to nobody else. Others may build their request from the
    URL's text, so they get a plain one; it exists in this copy alone.
    """
    copy = httpx.Request(request.method, request.url, headers=request.headers, stream=request.stream)
    copy.extensions = request.extensions
    url = cast("SecretURL", request.url).with_token(token)
    copy.url = url if _sends_raw_path(transport) else url.plain()
    return copy


def _sends_raw_path(transport: object) -> bool:
    """Whether this transport, or the one that it wraps (as OpenTelemetry's does in `_transport`), is httpx' own or ours."""
    for _ in range(8):
        if getattr(transport, "sends_raw_path", False) or isinstance(
            transport, httpx.AsyncHTTPTransport | httpx.ASGITransport
        ):
            return True
        transport = getattr(transport, "_transport", None)
    return False
