"""A small HTTP proxy on a loopback socket that forwards requests, opens tunnels or refuses both."""

import asyncio
import ssl

from tests.support.relay import RelayServer, opened, relay
from tests.support.scripted_server import Response

__all__ = ["Proxy"]


class Proxy(RelayServer):
    """Forwards requests, or sends `refusal` instead; `request_lines` holds the first line of every request.

    `drops` makes it close the connection without a response; `tls` is the context for connections to the proxy
    itself. Hosts under the domain `example` resolve to loopback.
    """

    def __init__(
        self, refusal: Response | None = None, *, drops: bool = False, tls: ssl.SSLContext | None = None
    ) -> None:
        super().__init__(tls)
        self.refusal = refusal
        self.drops = drops
        self.request_lines: list[str] = []
        self.credentials: list[str] = []

    @property
    def url(self) -> str:
        """The address, as the client's `proxy` setting takes it."""
        return f"{'https' if self._tls else 'http'}://{self.address}"

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
        async with opened(host, int(port)) as (far_reader, far_writer):
            if method == "CONNECT":
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            far_writer.write(leading)
            await relay(reader, writer, far_reader, far_writer)
