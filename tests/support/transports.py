"""The transports that clients run on: the default one, the two that users pass, and one of a user's own."""

from collections.abc import Callable
from typing import Any

import httpx

from nexport_campus.aiohttp import AiohttpTransport

__all__ = ["TRANSPORTS"]


async def _forward(request: httpx.Request) -> httpx.Response:
    """Send a request on, as a user's own handler may do."""
    async with httpx.AsyncHTTPTransport() as inner:
        response = await inner.handle_async_request(request)
        body = b"".join([part async for part in response.aiter_raw()])
        await response.aclose()
    return httpx.Response(response.status_code, headers=response.headers, content=body)


TRANSPORTS: dict[str, Callable[[], Any]] = {
    "default": lambda: None,
    "httpx": httpx.AsyncHTTPTransport,
    "aiohttp": AiohttpTransport,
    "MockTransport": lambda: httpx.MockTransport(_forward),
}
"""Functions that return the setting `transport`, by name."""
