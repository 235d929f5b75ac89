"""A small SOCKS5 proxy on a loopback socket."""

import asyncio
import struct
from contextlib import suppress
from types import TracebackType
from typing import Self

__all__ = ["SocksProxy"]

_NO_LOGIN, _PASSWORD = 0, 2
_IPV4, _NAME = 1, 3


class SocksProxy:
    """Connects to the requested hosts; `hosts` has their names, `credentials` the user names and passwords received."""

    def __init__(self) -> None:
        self.hosts: list[str] = []
        self.credentials: list[tuple[bytes, bytes]] = []
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        """Host and port."""
        return "{}:{}".format(*self._server.sockets[0].getsockname()[:2])

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
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
        methods = await _read_counted(reader, skip=1)
        method = _PASSWORD if _PASSWORD in methods else _NO_LOGIN
        writer.write(bytes([5, method]))
        if method == _PASSWORD:
            self.credentials.append((await _read_counted(reader, skip=1), await _read_counted(reader)))
            writer.write(b"\1\0")
        kind = (await reader.readexactly(4))[3]
        if kind == _IPV4:
            host = ".".join(map(str, await reader.readexactly(4)))
        else:
            assert kind == _NAME
            host = (await _read_counted(reader)).decode()
        (port,) = struct.unpack(">H", await reader.readexactly(2))
        self.hosts.append(host)
        address = "127.0.0.1" if host.endswith(".example") else host
        far_reader, far_writer = await asyncio.open_connection(address, port)
        try:
            writer.write(b"\5\0\0\1\0\0\0\0\0\0")
            await asyncio.gather(_pipe(reader, far_writer), _pipe(far_reader, writer))
        finally:
            far_writer.transport.abort()


async def _read_counted(reader: asyncio.StreamReader, *, skip: int = 0) -> bytes:
    """Read bytes that are preceded by their count."""
    *_, count = await reader.readexactly(skip + 1)
    return await reader.readexactly(count)


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()
