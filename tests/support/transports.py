"""The transports that clients run on: the default one, those that users pass, and one of a user's own."""

from collections.abc import Callable
from typing import Any

import aiohttp
import httpx

from nexport_campus.aiohttp import AiohttpTransport
from nexport_campus.aiohttp.loop_session import LoopSession

__all__ = ["TRANSPORTS", "ObservedTransport"]


class ObservedTransport(AiohttpTransport):
    """A transport whose aiohttp session has a trace config, as instrumentation adds one: requests use the session."""

    def _get_session(self) -> LoopSession:
        session = super()._get_session()
        if not session.aiohttp.trace_configs:
            config = aiohttp.TraceConfig()
            config.freeze()
            session.aiohttp.trace_configs.append(config)
        return session


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
    "aiohttp, observed": ObservedTransport,
    "MockTransport": lambda: httpx.MockTransport(_forward),
}
"""Functions that return the setting `transport`, by name."""
