"""The network below httpcore: this package's sockets.

The sockets are plain ones, driven by the event loop's `sock_` methods. An idle socket isn't registered with any event
loop, so it can be closed at any time and from any thread, even if its loop is paused or closed. asyncio's transports
can't do that: they close in a callback of their loop.
"""

import asyncio
import socket
from collections.abc import Iterable
from typing import Any

import httpcore
from aiohappyeyeballs import start_connection

from .secret_insertion import SecretInserter
from .streams import HttpStream, SocketStream, translate_errors

__all__ = ["Network"]

_HAPPY_EYEBALLS_SECONDS = 0.25
"""How long to wait for one address before trying the next in parallel, as RFC 8305 recommends."""


class Network(httpcore.AsyncNetworkBackend):
    """The network of one connection: its sockets, and the secrets of the current request, which `secrets` inserts.

    Args:
        open_sockets: A set that contains each socket opened here while it is open.
    """

    def __init__(self, open_sockets: set[socket.socket]) -> None:
        self._open_sockets = open_sockets
        self._own_sockets: list[socket.socket] = []
        self.secrets = SecretInserter()

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
        with translate_errors(httpcore.ConnectTimeout, httpcore.ConnectError):
            async with asyncio.timeout(timeout):
                sock = await start_connection(
                    await _resolve(host, port),
                    happy_eyeballs_delay=_HAPPY_EYEBALLS_SECONDS,
                    socket_factory=self._new_socket,
                )
            for option in ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), *(socket_options or ())):
                sock.setsockopt(*option)
        return HttpStream(self.secrets, sock, SocketStream(sock))

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
