"""Responses, including those that fail midway."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

__all__ = ["Connections", "CutResponse", "ResetResponse", "make_json_response"]

Connections = dict[Any, asyncio.Transport]
"""The open connections by the address of their other end."""

_NO_LINGER = struct.pack("ii", 1, 0)


def make_json_response(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON response with ASP.NET's content type."""
    body = msgspec.json.encode(content)
    return Response(body, status, dict(headers or {}), media_type="application/json; charset=utf-8")


class CutResponse(Response):
    """A response whose connection ends after `size` bytes of the body, short of its Content-Length."""

    def __init__(self, whole: Response, size: int) -> None:
        self._whole = whole
        self._size = size
        self.background = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the part. The server closes a connection whose response is incomplete."""
        start = {
            "type": "http.response.start",
            "status": self._whole.status_code,
            "headers": self._whole.raw_headers,
        }
        await send(start)
        await send(
            {"type": "http.response.body", "body": bytes(self._whole.body)[: self._size], "more_body": True}
        )


class ResetResponse(Response):
    """A connection reset (RST) instead of a response."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self.background = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Abort the connection of the request, and wait until the server notices."""
        transport = self._connections[tuple(scope["client"])]
        sock: socket.socket = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        transport.abort()
        while (await receive())["type"] != "http.disconnect":
            pass
