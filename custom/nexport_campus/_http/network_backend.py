"""The network below httpcore: this package's sockets, and the only place where a request's secrets are written.

httpcore, and whatever wraps it (such as agents that trace HTTP), see a placeholder instead of the query, which holds
the token and may identify students, and don't see the user's own headers. The stream substitutes the query as it writes
the request line, and writes these headers behind it.

The sockets are plain ones, driven by the event loop's `sock_` methods. An idle socket isn't registered with any event
loop, so it can be closed at any time and from any thread, even if its loop is paused or closed. asyncio's transports
can't do that: they close in a callback of their loop.
"""

import asyncio
import os
import re
import socket
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import anyio
import httpcore
from aiohappyeyeballs import start_connection
from anyio.abc import ByteStream
from anyio.streams.tls import TLSAttribute, TLSStream

from nexport_campus._auth.redaction import SecretBytes

from .outgoing_request import SendTracker

__all__ = ["PLACEHOLDER", "Network"]

PLACEHOLDER = f"hidden-by-nexport-campus-{os.urandom(8).hex()}"
"""Placeholder for the query of every request. It is random, so that no request contains it by accident."""

_MARK = PLACEHOLDER.encode("ascii")
_MARKED_LINE = re.compile(rb"[A-Z]+ [^ \r\n]*" + _MARK)
_LONGEST_LINE = 128 * 1024
_MOST_WITHOUT_A_PAUSE = 256 * 1024
_ENDS = (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError)
_HAPPY_EYEBALLS_SECONDS = 0.25
"""How long to wait for one address before trying the next in parallel, as RFC 8305 recommends."""


class Network(httpcore.AsyncNetworkBackend):
    """The network of one connection: its sockets, and the query of the current request.

    Args:
        open_sockets: A set that contains each socket opened here while it is open.
    """

    def __init__(self, open_sockets: set[socket.socket]) -> None:
        self._open_sockets = open_sockets
        self._own_sockets: list[socket.socket] = []
        self._query: bytes | None = None
        self._headers = b""
        self._tracker: SendTracker | None = None
        self._begun_line = b""

    def expect(self, query: bytes, tracker: SendTracker, headers: bytes = b"") -> bytes:
        """Register the next request and return the placeholder to use for its query.

        When the request is written, the query replaces the placeholder, the lines of `headers` are added, and the
        tracker is notified.
        """
        self._query, self._tracker, self._begun_line = SecretBytes(query), tracker, b""
        self._headers = SecretBytes(headers)
        return _MARK

    @property
    def has_sent(self) -> bool:
        """Whether the current request has been written, at least in part."""
        return self._query is None

    def close(self) -> None:
        """Close the sockets. Nothing may be waiting for them, unless their event loop is closed."""
        for sock in self._own_sockets:
            sock.close()
        self._open_sockets.difference_update(self._own_sockets)
        self._own_sockets.clear()

    def interrupt(self) -> None:
        """Interrupt pending socket operations, as if the peer had closed the connection."""
        for sock in self._own_sockets:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # not connected (any more)

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 -- the interface of httpcore
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to a host, trying its addresses as in RFC 8305. Raises httpcore.ConnectError or ConnectTimeout."""
        with _translate_errors(httpcore.ConnectTimeout, httpcore.ConnectError):
            async with asyncio.timeout(timeout):
                sock = await start_connection(
                    await _resolve(host, port),
                    happy_eyeballs_delay=_HAPPY_EYEBALLS_SECONDS,
                    socket_factory=self._new_socket,
                )
            for option in ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), *(socket_options or ())):
                sock.setsockopt(*option)
        return _HttpStream(self, sock, _SocketStream(sock))

    def outgoing(self, data: bytes) -> bytes:
        """Return the bytes to send for those that httpcore writes, or b"" while a request line is incomplete.

        Only the first line of a request is changed. Earlier messages to a proxy pass unchanged: CONNECT, and those of
        SOCKS, which begin with a control character.

        Raises:
            httpcore.LocalProtocolError: The request line lacks the placeholder, because something changed it on its way
                here, or the request is being sent a second time. None of it is sent.
        """
        if self._query is None:
            if _MARKED_LINE.match(data):
                raise httpcore.LocalProtocolError("a request was sent again by something outside the SDK")
            return SecretBytes(data)
        if not self._begun_line and (data[0] < ord(" ") or data.startswith(b"CONNECT ")):
            return SecretBytes(data)
        line, end, rest = (self._begun_line + data).partition(b"\r\n")
        if not end and len(line) <= _LONGEST_LINE:
            self._begun_line = line
            return b""
        if not end or line.count(_MARK) != 1 or b"?" + _MARK not in line:
            raise httpcore.LocalProtocolError("the request line was changed by something outside the SDK")
        query, self._query, self._begun_line = self._query, None, b""
        if self._tracker is not None:
            self._tracker.sends()
        return SecretBytes(
            line.replace(b"?" + _MARK, b"?" + query if query else b"") + end + self._headers + rest
        )

    def _new_socket(self, address: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, *_ = address
        sock = socket.socket(family, kind, protocol)
        self._own_sockets.append(sock)
        self._open_sockets.add(sock)
        return sock


async def _resolve(host: str, port: int) -> list[Any]:
    """Resolve a host. An IP address needs no lookup, and therefore no thread."""
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        return await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)


@contextmanager
def _translate_errors(late: type[Exception], failed: type[Exception]) -> Iterator[None]:
    """Convert exceptions of the operating system, anyio and ssl to those of httpcore."""
    try:
        yield
    except TimeoutError as error:
        raise late(str(error)) from error
    except (OSError, ValueError, *_ENDS) as error:  # failed lookups may raise ValueError
        raise failed(str(error) or str(error.__cause__ or "")) from error


class _SocketStream(ByteStream):
    """A connected socket with the interface that anyio's TLS needs."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._without_a_pause = 0

    async def receive(self, max_bytes: int = 65536) -> bytes:
        """Return the next bytes. Raises anyio.EndOfStream or OSError."""
        if self._without_a_pause >= _MOST_WITHOUT_A_PAUSE:
            # Available bytes are returned without yielding, so a fast server could starve all other tasks.
            self._without_a_pause = 0
            await asyncio.sleep(0)
        data = await asyncio.get_running_loop().sock_recv(self._socket, max_bytes)
        if not data:
            raise anyio.EndOfStream
        self._without_a_pause += len(data)
        return data

    async def send(self, item: bytes) -> None:
        """Send all the bytes. Raises OSError."""
        await asyncio.get_running_loop().sock_sendall(self._socket, item)

    async def send_eof(self) -> None:
        """Shut down the sending side."""
        self._socket.shutdown(socket.SHUT_WR)

    async def aclose(self) -> None:
        """Close the socket."""
        self._socket.close()


class _HttpStream(httpcore.AsyncNetworkStream):
    """The stream that httpcore reads and writes: a socket, TLS on it, or TLS within TLS.

    The last byte received is held back until the next read. A response that ends with it reads it; if the response was
    already complete, the byte is unsolicited and the connection must not be reused. h11 knows this too, but httpcore
    has no public way to find out.
    """

    def __init__(
        self,
        network: Network,
        sock: socket.socket,
        stream: ByteStream,
        layers: tuple[ssl.SSLObject, ...] = (),
    ) -> None:
        self._network = network
        self._socket = sock
        self._stream = stream
        self._layers = layers
        self._last_byte = b""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 -- as above
        """Return the next bytes, or b"" at the end. Raises httpcore.ReadError or ReadTimeout."""
        if self._last_byte:
            data, self._last_byte = self._last_byte, b""
            return data
        with _translate_errors(httpcore.ReadTimeout, httpcore.ReadError):
            async with asyncio.timeout(timeout):
                try:
                    data = await self._stream.receive(max_bytes)
                except anyio.EndOfStream:
                    return b""
        # A proxy's replies before the request are not HTTP, or belong to CONNECT.
        if self._network.has_sent and len(data) > 1:
            data, self._last_byte = data[:-1], data[-1:]
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 -- as above
        """Send all the bytes, with the query in place.

        Raises httpcore.WriteError, WriteTimeout or LocalProtocolError.
        """
        if not buffer or not (buffer := self._network.outgoing(buffer)):
            return
        with _translate_errors(httpcore.WriteTimeout, httpcore.WriteError):
            async with asyncio.timeout(timeout):
                await self._stream.send(buffer)

    async def aclose(self) -> None:
        """Close the socket."""
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 -- as above
    ) -> httpcore.AsyncNetworkStream:
        """Return a TLS stream on top of this one. Raises httpcore.ConnectError or ConnectTimeout."""
        with _translate_errors(httpcore.ConnectTimeout, httpcore.ConnectError):
            async with asyncio.timeout(timeout):
                stream = await TLSStream.wrap(
                    self._stream,
                    hostname=server_hostname,
                    ssl_context=ssl_context,
                    standard_compatible=False,
                )
        layer = stream.extra_attributes[TLSAttribute.ssl_object]()
        return _HttpStream(self._network, self._socket, stream, (*self._layers, layer))

    def get_extra_info(self, info: str) -> Any:
        """Return information for httpcore: whether an idle connection is readable, or a new one's TLS object."""
        if info == "is_readable":
            return bool(self._last_byte) or any(map(_holds_data, self._layers)) or self._has_arrivals()
        if info == "ssl_object":
            return self._layers[-1] if self._layers else None
        if info == "socket":
            return self._socket
        return None

    def _has_arrivals(self) -> bool:
        """Return whether the socket has bytes to read, or was closed by the peer."""
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            pass
        return True


def _holds_data(layer: ssl.SSLObject) -> bool:
    """Return whether TLS holds bytes, decrypted or not, that arrived with the last response."""
    try:
        layer.read(1)
    except ssl.SSLWantReadError:
        return False
    except (ssl.SSLError, ValueError):
        pass
    return True
