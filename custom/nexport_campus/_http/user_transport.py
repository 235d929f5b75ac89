"""The connection of a client whose transport was supplied by the user."""

from collections.abc import Awaitable, Callable

import httpx

from .body import UnreadResponse
from .outgoing_request import OutgoingRequest, SendTracker

__all__ = ["DirectSender", "UserTransport"]

DirectSender = Callable[[OutgoingRequest, SendTracker], Awaitable[UnreadResponse]]
"""A function that sends a request without converting it to httpx' classes, reports its progress to the tracker, and
returns the unread response."""


class UserTransport:
    """The transport supplied by the user. It carries any number of requests and always stays open."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport
        self._sends_raw_path = _sends_raw_path(transport)

    def is_usable(self) -> bool:
        """Return whether it can carry another request."""
        return True

    async def send(self, request: OutgoingRequest, tracker: SendTracker) -> UnreadResponse:
        """Send a request, its secrets hidden as deep as the transport allows."""
        direct = self._get_direct_sender()
        if direct is not None:
            return await direct(request, tracker)
        tracker.mark_unknown()
        extensions = {"timeout": httpx.Timeout(request.timeout).as_dict(), "trace": tracker.trace}
        # Transports that build their request from `str(url)` need a plain one. It isn't bound to a name, because
        # tracebacks record locals.
        return await self._transport.handle_async_request(
            request.as_hidden(extensions) if self._sends_raw_path else request.as_plain(extensions)
        )

    def _get_direct_sender(self) -> DirectSender | None:
        # Only if the class has it: a wrapper may pass on the attributes of the transport that it wraps.
        has_one = hasattr(type(self._transport), "direct_sender")
        return getattr(self._transport, "direct_sender", None) if has_one else None

    def close(self) -> None:
        """Do nothing: other requests share the transport."""

    def interrupt(self) -> None:
        """Do nothing: other requests share the transport."""


def _sends_raw_path(transport: object) -> bool:
    """Return whether this transport, or the one it wraps as OpenTelemetry's does, is httpx' or this package's."""
    for _ in range(8):
        if getattr(transport, "sends_raw_path", False) or isinstance(
            transport, httpx.AsyncHTTPTransport | httpx.ASGITransport
        ):
            return True
        transport = getattr(transport, "_transport", None)
    return False
