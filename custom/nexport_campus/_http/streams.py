"""The streams below httpcore: a socket, TLS on it, or TLS within TLS."""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import anyio
import httpcore
from anyio.abc import ByteStream
from anyio.streams.tls import TLSAttribute, TLSStream

from .secret_insertion import SecretInserter

__all__ = ["HttpStream", "SocketStream", "translate_errors"]

_MOST_WITHOUT_A_PAUSE = 256 * 1024
_ENDS = (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError)


@contextmanager
def translate_errors(late: type[Exception], failed: type[Exception]) -> Iterator[None]:
    """Convert exceptions of the operating system, anyio and ssl to those of httpcore."""
    try:
        yield
    except TimeoutError as error:
        raise late(str(error)) from error
    except (OSError, ValueError, *_ENDS) as error:  # failed lookups may raise ValueError
        raise failed(str(error) or str(error.__cause__ or "")) from error


class SocketStream(ByteStream):
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


class HttpStream(httpcore.AsyncNetworkStream):
    """The stream that httpcore reads and writes: a socket, TLS on it, or TLS within TLS.

    The last byte received is held back until the next read. A response that ends with it reads it; if the response was
    already complete, the byte is unsolicited and the connection must not be reused. h11 knows this too, but httpcore
    has no public way to find out.
    """

    def __init__(
        self,
        inserter: SecretInserter,
        sock: socket.socket,
        stream: ByteStream,
        layers: tuple[ssl.SSLObject, ...] = (),
    ) -> None:
        self._inserter = inserter
        self._socket = sock
        self._stream = stream
        self._layers = layers
        self._last_byte = b""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 -- the interface of httpcore
        """Return the next bytes, or b"" at the end. Raises httpcore.ReadError or ReadTimeout."""
        if self._last_byte:
            data, self._last_byte = self._last_byte, b""
            return data
        with translate_errors(httpcore.ReadTimeout, httpcore.ReadError):
            async with asyncio.timeout(timeout):
                try:
                    data = await self._stream.receive(max_bytes)
                except anyio.EndOfStream:
                    return b""
        # A proxy's replies before the request are not HTTP, or belong to CONNECT.
        if self._inserter.has_sent and len(data) > 1:
            data, self._last_byte = data[:-1], data[-1:]
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 -- as above
        """Send all the bytes, with the query in place.

        Raises httpcore.WriteError, WriteTimeout or LocalProtocolError.
        """
        if not buffer or not (buffer := self._inserter.insert(buffer)):
            return
        with translate_errors(httpcore.WriteTimeout, httpcore.WriteError):
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
        with translate_errors(httpcore.ConnectTimeout, httpcore.ConnectError):
            async with asyncio.timeout(timeout):
                stream = await TLSStream.wrap(
                    self._stream,
                    hostname=server_hostname,
                    ssl_context=ssl_context,
                    standard_compatible=False,
                )
        layer = stream.extra_attributes[TLSAttribute.ssl_object]()
        return HttpStream(self._inserter, self._socket, stream, (*self._layers, layer))

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
