"""The connector of AiohttpTransport, which opens connections and checks those that it reuses."""

import socket
from typing import Any

import aiohttp

__all__ = ["Connector"]


class Connector(aiohttp.TCPConnector):
    """A connector that knows its sockets, and reuses a connection only if nothing was received while it was idle.

    Args:
        keepalive: How many seconds an idle connection is kept.
    """

    def __init__(self, keepalive: float) -> None:
        self.sockets: dict[int, socket.socket] = {}
        """The latest socket with each file descriptor, which may be closed."""
        self._unused: set[int] = set()
        super().__init__(
            limit=0, keepalive_timeout=keepalive, use_dns_cache=False, socket_factory=self._make_socket
        )

    async def connect(self, *arguments: Any, **options: Any) -> Any:
        """Return a connection for a request. Takes the arguments and raises the exceptions of aiohttp's connector."""
        while True:
            connection = await super().connect(*arguments, **options)
            if self._is_usable(connection.protocol):
                return connection
            connection.close()

    def _is_usable(self, protocol: Any) -> bool:
        """Return whether a connection is new, or neither was closed by the campus nor has received anything.

        aiohttp relies on the event loop, which reports that in its next iteration. httpcore also checks the socket.
        """
        if protocol.transport is None:
            return True  # just lost: the request fails with its own error
        descriptor = protocol.transport.get_extra_info("socket").fileno()
        if descriptor in self._unused:
            self._unused.remove(descriptor)
            return True
        if protocol.should_close:
            return False
        try:
            self.sockets[descriptor].recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            pass
        return False

    def _make_socket(self, address: Any) -> socket.socket:
        made = socket.socket(*address[:3])
        self.sockets[made.fileno()] = made
        self._unused.add(made.fileno())
        return made
