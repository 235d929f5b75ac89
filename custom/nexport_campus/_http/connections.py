"""The connections of a client on one event loop: how requests choose one, and when each is closed."""

import asyncio
import socket
import ssl
import weakref
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol

import httpx

from nexport_campus._auth.redaction import SecretURL
from nexport_campus._certificates import get_tls_context
from nexport_campus._settings import Settings

from .body import UnreadResponse
from .outgoing_request import OutgoingRequest, SendTracker
from .proxies import choose_proxy
from .user_transport import UserTransport

if TYPE_CHECKING:
    import httpcore

    from .network_backend import Network

__all__ = ["Connection", "ConnectionStack"]

_KEEPALIVE_SECONDS = 5.0
"""How long an idle connection may be reused, as in httpx' own transport."""


class Connection(Protocol):
    """A connection that carries one request at a time."""

    def is_usable(self) -> bool:
        """Return whether it can carry another request."""

    async def send(self, request: OutgoingRequest, tracker: SendTracker) -> UnreadResponse:
        """Send a request and return its response with the body unread. Raises the exceptions of transports."""

    def close(self) -> None:
        """Close the connection. Nothing may be waiting for it, unless its event loop is closed."""

    def interrupt(self) -> None:
        """Abort the request in flight; the waiting caller then closes the connection."""


class _HttpcoreTransport(httpx.AsyncHTTPTransport):
    """httpx' own transport, on a single httpcore connection in place of a pool.

    It subclasses httpx' transport so that instrumentation that patches that class sees these requests too.
    """

    def __init__(self, connection: "httpcore.AsyncConnectionInterface") -> None:
        self._pool = connection  # type: ignore[assignment] # it only uses what pools and connections have in common


class _SocketConnection:
    """An httpcore connection over sockets that this package opened."""

    def __init__(self, connection: "httpcore.AsyncConnectionInterface", network: "Network") -> None:
        self._connection = connection
        self._network = network
        self._transport = _HttpcoreTransport(connection)

    def is_usable(self) -> bool:
        """Return whether it is open and idle, with no stray bytes that would be read as the next response."""
        return self._connection.is_available() and not self._connection.has_expired()

    async def send(self, request: OutgoingRequest, tracker: SendTracker) -> httpx.Response:
        """Send a request. httpx and httpcore see a placeholder for its query; the network adds all secrets."""
        placeholder = self._network.secrets.expect(
            request.whole_query, tracker, request.secret_headers.lines()
        )
        url, extensions = SecretURL(request.url, placeholder), {"timeout": request.phase_timeouts.as_dict()}
        return await self._transport.handle_async_request(request.as_httpx(url, extensions))

    def close(self) -> None:
        """Close the sockets without TLS's closing handshake, which only matters for responses without a length."""
        self._network.close()

    def interrupt(self) -> None:
        """Interrupt whatever waits for the sockets."""
        self._network.interrupt()


class ConnectionStack:
    """The connections of one event loop, as a stack with the most recently used on top.

    httpcore's pool scans all its connections on every event and closes those above twenty; a stack does neither, which
    tripled the throughput at 50 concurrent calls. A connection whose request failed or was cancelled is closed, so no
    half-read response and no leaked slot remains.
    """

    def __init__(self, settings: Settings) -> None:
        self._idle: list[Connection] = []
        self._busy: set[Connection] = set()
        self._sockets: set[socket.socket] = set()
        self._connect = _make_connector(settings, self._sockets)
        self._closed = False
        # httpx' own transport can be reused after it was closed, but not on another loop before that. For other
        # transports this isn't known.
        given = settings.transport
        self._given = given if isinstance(given, httpx.AsyncHTTPTransport) else None
        self._closing: asyncio.Future[None] | None = None
        # For a client that is never closed, on a loop that ends without closing its asynchronous generators.
        weakref.finalize(self, _close_all, self._sockets)

    @property
    def needs_loop(self) -> bool:
        """Whether closing all connections requires their event loop."""
        return self._given is not None or bool(self._busy)

    def take(self) -> Connection:
        """Return a connection for one request; hand it back with `give` or `drop`."""
        connection = self._take_idle() or self._connect()
        self._busy.add(connection)
        return connection

    def give(self, connection: Connection) -> None:
        """Take back a connection whose response was read completely."""
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
        """Close idle connections, and from now on those that become idle. Thread-safe."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    async def aclose(self) -> None:
        """Close all connections on their event loop. Requests in flight fail."""
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


def _make_connector(settings: Settings, sockets: set[socket.socket]) -> Callable[[], Connection]:
    """Return a factory for connections. Raises ConfigurationError."""
    if settings.transport is not None:
        given = settings.transport
        return lambda: UserTransport(given)
    import httpcore

    from .network_backend import Network

    url, proxy = settings.base_url, _to_httpcore_proxy(settings)
    context = get_tls_context(settings.verify) if url.scheme == "https" else None
    origin = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path).origin

    def connect() -> Connection:
        network = Network(sockets)
        pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            proxy=proxy,
            keepalive_expiry=_KEEPALIVE_SECONDS,
            network_backend=network,
        )
        # The pool only selects the connection class; httpcore doesn't export all of them.
        return _SocketConnection(pool.create_connection(origin), network)

    return connect


def _to_httpcore_proxy(settings: Settings) -> "httpcore.Proxy | None":
    """Return the proxy in httpcore's form. Raises ConfigurationError."""
    import httpcore

    proxy = choose_proxy(settings)
    if proxy is None:
        return None
    url = proxy.url
    context: ssl.SSLContext | None = proxy.ssl_context
    if context is None and url.scheme == "https":
        context = get_tls_context(True)
    return httpcore.Proxy(
        httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        auth=proxy.raw_auth,
        headers=proxy.headers.raw,
        ssl_context=context,
    )
