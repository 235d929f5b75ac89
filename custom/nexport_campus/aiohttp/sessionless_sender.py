"""Sending a request over a connection of aiohttp's connector, without aiohttp's session.

For each request, the session deals with redirects, cookies, authentication and traces, none of which apply here. Without
it, small calls reach 0.6 to 0.8 times the rate of plain aiohttp instead of 0.4 to 0.5 (`scripts/benchmark`).
"""

import asyncio
import ssl
from functools import lru_cache
from types import FunctionType
from typing import Any

import aiohttp
import httpx
from yarl import URL

from nexport_campus._auth.redaction import SecretBytes
from nexport_campus._http.outgoing_request import OutgoingRequest, SendTracker

from .lenient_parser import UNLIMITED, LenientParser
from .wire_response import WireResponse

__all__ = ["SessionlessSender"]

_LARGEST_BODY = 16 * 1024
"""Bytes that an idle connection takes at once, so that sending them needs no time limit."""
_HOOKS = (
    (aiohttp.ClientSession, "_request", "aiohttp.client"),
    (aiohttp.TCPConnector, "connect", "aiohttp.connector"),
)
"""The functions of aiohttp that tracers and test doubles replace, and the modules that define them."""


class SessionlessSender:
    """A sender of small requests on the running event loop, for a session that nothing observes."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._loop = asyncio.get_running_loop()
        self._origins: dict[tuple[str, bytes], aiohttp.ClientRequest] = {}

    def accepts(self, request: OutgoingRequest) -> bool:
        """Return whether a request is small, and no tool wants to see it in aiohttp's session."""
        if len(request.content or b"") > _LARGEST_BODY or self._session.trace_configs:
            return False
        return all(_is_defined_in(getattr(owner, name, None), module) for owner, name, module in _HOOKS)

    async def send(
        self, request: OutgoingRequest, tracker: SendTracker, tls: ssl.SSLContext | bool
    ) -> WireResponse:
        """Send a request and return its response with the body unread. Raises the exceptions of aiohttp."""
        timeout = request.phase_timeouts
        connection = await self._connect(request.url, tls, timeout.connect)
        try:
            protocol = connection.protocol
            protocol.set_response_params(
                skip_payload=request.method == "HEAD",
                read_until_eof=True,
                auto_decompress=False,
                read_timeout=timeout.read,
                max_line_size=UNLIMITED,
                max_field_size=UNLIMITED,
                max_headers=UNLIMITED,
            )
            protocol._parser = LenientParser(protocol)
            if protocol.transport is None:
                raise aiohttp.ClientConnectionResetError(
                    "the connection was lost before the request was sent"
                )
            tracker.mark_sending()
            protocol.transport.write(_encode(request))
            protocol.start_timeout()
            message, body = await protocol.read()
        except BaseException:
            connection.close()
            raise
        return WireResponse(message.code, message.raw_headers, body, connection)

    async def _connect(self, url: httpx.URL, tls: ssl.SSLContext | bool, seconds: float | None) -> Any:
        """Return an idle connection or a new one."""
        key = (url.scheme, url.netloc)
        origin = self._origins.get(key)
        if origin is None:
            address = URL(f"{url.scheme}://{url.netloc.decode('ascii')}/", encoded=True)
            origin = self._origins[key] = aiohttp.ClientRequest("GET", address, loop=self._loop, ssl=tls)
        connector = self._session.connector
        if connector is None:
            raise aiohttp.ClientConnectionError("the transport was closed")
        try:
            return await connector.connect(origin, traces=[], timeout=_limit_connecting(seconds))
        except TimeoutError:
            raise aiohttp.ConnectionTimeoutError from None


def _is_defined_in(function: object, module: str) -> bool:
    """Return whether a function is the one that a module defines, neither replaced nor wrapped."""
    return type(function) is FunctionType and function.__globals__["__name__"] == module


def _encode(request: OutgoingRequest) -> SecretBytes:
    """Return the bytes of a request, in origin form (RFC 9112, 3.2.1)."""
    query = request.whole_query
    return SecretBytes(
        b"".join(
            (
                request.method.encode("ascii"),
                b" ",
                request.url.raw_path,
                b"?" if query else b"",
                query,
                b" HTTP/1.1\r\n",
                request.header_lines,
                request.secret_headers.lines(),
                b"\r\n",
                request.content or b"",
            )
        )
    )


@lru_cache(maxsize=16)
def _limit_connecting(seconds: float | None) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, connect=seconds)
