"""Responses, the ones that fail in the middle included."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

__all__ = ["Connections", "CutResponse", "ResetResponse", "json_response"]

Connections = dict[Any, asyncio.Transport]
"""The open connections by the address of their other end."""

_NO_LINGER = struct.pack("ii", 1, 0)


def json_response(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON with the content type that ASP.NET sends."""
    body = msgspec.json.encode(content)
    return Response(body, status, dict(headers or {}), media_type="application/json; charset=utf-8")


class CutResponse(Response):
    """The head of a response that promises all of its body, and `size` bytes of it; then the connection ends."""

    def __init__(self, whole: Response, size: int) -> None:
        self._whole = whole
        self._size = size
        self.background = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the part. The server closes a connection whose response was left unfinished."""
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
    """No response: the connection is reset (RST)."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self.background = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Abort the connection that the request came on, and wait until the server noticed."""
        transport = self._connections[tuple(scope["client"])]
        sock: socket.socket = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        transport.abort()
        while (await receive())["type"] != "http.disconnect":
            pass
