"""A small HTTP proxy on a loopback socket that forwards requests, opens tunnels or refuses both."""

import asyncio
import ssl
from contextlib import suppress
from types import TracebackType
from typing import Self

from tests.support.scripted_server import Response

__all__ = ["Proxy"]


class Proxy:
    """Forwards requests, or sends `refusal` instead; `request_lines` holds the first line of every request.

    `drops` makes it close the connection without a response; `tls` is the context for connections to the proxy
    itself. Hosts under the domain `example` resolve to loopback.
    """

    def __init__(
        self, refusal: Response | None = None, *, drops: bool = False, tls: ssl.SSLContext | None = None
    ) -> None:
        self.refusal = refusal
        self.drops = drops
        self._tls = tls
        self.request_lines: list[str] = []
        self.credentials: list[str] = []
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """The address, as the client's `proxy` setting takes it."""
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"{'https' if self._tls else 'http'}://{host}:{port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, ssl=self._tls)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # One side closed the connection, or the test ended.
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        self.request_lines.append(first)
        self.credentials += [line for line in lines if line.lower().startswith("proxy-authorization:")]
        if self.drops:
            return
        if self.refusal is not None:
            writer.write(self.refusal.head() + self.refusal.payload())
            await writer.drain()
            return
        method, target, version = first.split(" ")
        if method == "CONNECT":
            host, _, port = target.rpartition(":")
            leading = b""
        else:
            authority, _, path = target.removeprefix("http://").partition("/")
            host, _, port = authority.rpartition(":")
            leading = head.replace(
                first.encode("latin-1"), f"{method} /{path} {version}".encode("latin-1"), 1
            )
        address = "127.0.0.1" if host.endswith(".example") else host
        far_reader, far_writer = await asyncio.open_connection(address, int(port))
        try:
            if method == "CONNECT":
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            far_writer.write(leading)
            await asyncio.gather(_pipe(reader, far_writer), _pipe(far_reader, writer))
        finally:
            far_writer.transport.abort()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()
