"""A small SOCKS5 proxy on a loopback socket."""

import asyncio
import struct

from tests.support.relay import RelayServer, opened, relay

__all__ = ["SocksProxy"]

_NO_LOGIN, _PASSWORD = 0, 2
_IPV4, _NAME = 1, 3


class SocksProxy(RelayServer):
    """Connects to the requested hosts; `hosts` has their names, `credentials` the user names and passwords received."""

    def __init__(self) -> None:
        super().__init__()
        self.hosts: list[str] = []
        self.credentials: list[tuple[bytes, bytes]] = []

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
        async with opened(host, port) as far:
            writer.write(b"\5\0\0\1\0\0\0\0\0\0")
            await relay(reader, writer, *far)


async def _read_counted(reader: asyncio.StreamReader, *, skip: int = 0) -> bytes:
    """Read bytes that are preceded by their count."""
    *_, count = await reader.readexactly(skip + 1)
    return await reader.readexactly(count)
