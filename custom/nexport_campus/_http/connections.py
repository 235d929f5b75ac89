"""The connections of a client on one event loop: which one a request takes, and when they are closed."""

import asyncio
import socket
import ssl
import weakref
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol

import httpx

from nexport_campus._auth.redaction import SecretURL
from nexport_campus._certificates import context_for
from nexport_campus._settings import Settings

from .outgoing_request import OutgoingRequest, SendTracker
from .proxies import proxy_for

if TYPE_CHECKING:
    import httpcore

    from .network_backend import Network

__all__ = ["Connection", "ConnectionStack"]

_KEEPALIVE_SECONDS = 5.0
"""How long an idle connection is used again, as in httpx' own transport."""


class Connection(Protocol):
    """What carries one request at a time."""

    def is_usable(self) -> bool:
        """Whether it can carry another request."""

    async def send(self, request: OutgoingRequest, tracker: SendTracker) -> httpx.Response:
        """Send a request, and return its response with the body still to be read. Raises what transports raise."""

    def close(self) -> None:
        """Close it. Nothing may be waiting for it, unless its event loop is closed."""

    def interrupt(self) -> None:
        """End the request that it carries; the caller that waits for it closes it then."""


class _HttpcoreTransport(httpx.AsyncHTTPTransport):
    """httpx' own transport, on one connection of httpcore's in place of a pool.

    It is httpx' own class so that instrumentation of httpx, which patches that class, sees these requests too.
    """

    def __init__(self, connection: "httpcore.AsyncConnectionInterface") -> None:
        self._pool = connection  # type: ignore[assignment] # of a pool it uses what connections have too


class _OwnConnection:
    """A connection of httpcore's over sockets of ours."""

    def __init__(self, connection: "httpcore.AsyncConnectionInterface", network: "Network") -> None:
        self._connection = connection
        self._network = network
        self._transport = _HttpcoreTransport(connection)

    def is_usable(self) -> bool:
        """Whether it is open and idle, and nothing has arrived that the next request would take for its response."""
        return self._connection.is_available() and not self._connection.has_expired()

    async def send(self, request: OutgoingRequest, tracker: SendTracker) -> httpx.Response:
        """Send a request. httpx and httpcore get a placeholder for its query, which the network replaces."""
        placeholder = self._network.expect(request.whole_query, tracker)
        # A number limits the attempt as a whole, which is up to the caller.
        phases = request.timeout.as_dict() if isinstance(request.timeout, httpx.Timeout) else {}
        url = SecretURL(request.url, placeholder)
        return await self._transport.handle_async_request(request.as_httpx(url, {"timeout": phases}))

    def close(self) -> None:
        """Close the sockets, without TLS's closing handshake, which only matters for responses without a length."""
        self._network.close()

    def interrupt(self) -> None:
        """End what waits for the sockets."""
        self._network.interrupt()


class _GivenTransport:
    """The transport that the user has given. It carries any number of requests, and stays open whatever happens."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    def is_usable(self) -> bool:
        """Whether it can carry another request."""
        return True

    async def send(self, request: OutgoingRequest, tracker: SendTracker) -> httpx.Response:
        """Send a request, its query hidden as deep as the transport allows."""
        tracker.is_unknown()
        extensions = {"timeout": httpx.Timeout(request.timeout).as_dict(), "trace": tracker.trace}
        # The request has no name here: it may have a plain URL, and a traceback's locals show it.
        return await self._transport.handle_async_request(self._prepare(request, extensions))

    def close(self) -> None:
        """Do nothing: other requests use it too."""

    def interrupt(self) -> None:
        """Do nothing: other requests use it too."""

    def _prepare(self, request: OutgoingRequest, extensions: dict[str, Any]) -> httpx.Request:
        """Return the request with its query.

        Transports that send `raw_path` get a URL that shows the query to nobody else. Others may build their request from
        the URL's text, so they get a plain one; it exists in this request alone.
        """
        url = request.with_query()
        return request.as_httpx(url if _sends_raw_path(self._transport) else url.plain(), extensions)


def _sends_raw_path(transport: object) -> bool:
    """Whether this transport, or the one that it wraps (as OpenTelemetry's does in `_transport`), is httpx' own or ours."""
    for _ in range(8):
        if getattr(transport, "sends_raw_path", False) or isinstance(
            transport, httpx.AsyncHTTPTransport | httpx.ASGITransport
        ):
            return True
        transport = getattr(transport, "_transport", None)
    return False


class ConnectionStack:
    """The connections of one event loop, the one used last on top.

    httpcore's pool looks at all its connections on every event and closes them above twenty; a stack does neither
    (measured: three times the throughput at 50 calls at once). A connection whose request failed or was cancelled is
    closed, so that no half-read response and no leaked slot stays behind.
    """

    def __init__(self, settings: Settings) -> None:
        self._idle: list[Connection] = []
        self._busy: set[Connection] = set()
        self._sockets: set[socket.socket] = set()
        self._connect = _connector(settings, self._sockets)
        self._closed = False
        # Of transports that users give, httpx' own can be used again after they were closed, and can't be used on
        # another loop before; whether others can isn't known.
        given = settings.transport
        self._given = given if isinstance(given, httpx.AsyncHTTPTransport) else None
        self._closing: asyncio.Future[None] | None = None
        # For a client that is never closed, on a loop that ends without closing its asynchronous generators.
        weakref.finalize(self, _close_all, self._sockets)

    @property
    def need_their_loop(self) -> bool:
        """Whether closing them all takes their event loop."""
        return self._given is not None or bool(self._busy)

    def take(self) -> Connection:
        """Return a connection for one request, to be given back with `give` or `drop`."""
        connection = self._take_idle() or self._connect()
        self._busy.add(connection)
        return connection

    def give(self, connection: Connection) -> None:
        """Take back a connection whose response was read whole."""
        self._busy.discard(connection)
        if self._closed:
            connection.close()
        else:
            self._idle.append(connection)

    def drop(self, connection: Connection) -> None:
        """Close a connection whose request failed or was cancelled."""
        self._busy.discard(connection)
        connection.close()

    def close_idle(self) -> None:
        """Close what is idle, and from now on what becomes so. It may be called from any thread."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    async def aclose(self) -> None:
        """Close all connections, on their event loop. Requests that are under way fail."""
        self.close_idle()
        for connection in self._busy:
            connection.interrupt()
        if self._given is not None:
            self._closing = self._closing or asyncio.ensure_future(self._given.aclose())
            await asyncio.shield(self._closing)

    def abandon(self) -> None:
        """Close all connections of an event loop that is closed."""
        self.close_idle()
        for connection in self._busy:
            connection.close()
        self._busy.clear()
        self._given = None

    def _take_idle(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_usable():
                return connection
            connection.close()
        return None


def _close_all(sockets: Iterable[socket.socket]) -> None:
    for sock in sockets:
        sock.close()


def _connector(settings: Settings, sockets: set[socket.socket]) -> Callable[[], Connection]:
    """Return what makes a connection. Raises ConfigurationError."""
    if settings.transport is not None:
        given = settings.transport
        return lambda: _GivenTransport(given)
    import httpcore

    from .network_backend import Network

    url, proxy = settings.base_url, _proxy(settings)
    context = context_for(settings.verify) if url.scheme == "https" else None
    origin = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path).origin

    def connect() -> Connection:
        network = Network(sockets)
        pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            proxy=proxy,
            keepalive_expiry=_KEEPALIVE_SECONDS,
            network_backend=network,
        )
        # The pool serves to choose the kind of connection, of which httpcore doesn't export all.
        return _OwnConnection(pool.create_connection(origin), network)

    return connect


def _proxy(settings: Settings) -> "httpcore.Proxy | None":
    """Return the proxy as httpcore takes it. Raises ConfigurationError."""
    import httpcore

    proxy = proxy_for(settings)
    if proxy is None:
        return None
    url = proxy.url
    context: ssl.SSLContext | None = proxy.ssl_context
    if context is None and url.scheme == "https":
        context = context_for(True)
    return httpcore.Proxy(
        httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        auth=proxy.raw_auth,
        headers=proxy.headers.raw,
        ssl_context=context,
    )
