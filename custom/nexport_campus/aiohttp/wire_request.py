"""Sending a request through aiohttp: its secrets, its body, its trace events, and its failures."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import SimpleNamespace
from typing import Any

import aiohttp
import httpx
from aiohttp.http import HttpProcessingError
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from nexport_campus._auth.secret_headers import SecretHeaders
from nexport_campus._errors import ConfigurationError

from .lenient_parser import LenientParser

__all__ = [
    "FAILURES",
    "Report",
    "RequestBody",
    "SecretSender",
    "WireRequest",
    "get_proxy_url",
    "translate_error",
]

FAILURES = (aiohttp.ClientError, HttpProcessingError, OSError, ValueError)
"""The exceptions that `translate_error` accepts: everything that aiohttp raises for transport failures."""

Report = Callable[[str, Mapping[str, Any]], Awaitable[None]]
"""The `trace` extension of httpx' requests: a function that takes the name of an event and its details."""

_SENDING = SimpleNamespace(method=b"")
"""Stand-in for the request in trace events, as httpcore sends; an empty method, because it isn't a CONNECT."""


def get_proxy_url(proxy: httpx.Proxy) -> URL:
    """Return the address of a proxy in aiohttp's form, with user name and password. Raises ConfigurationError."""
    if proxy.url.scheme not in ("http", "https"):
        raise ConfigurationError(f"AiohttpTransport takes http and https proxies, not {proxy.url.scheme}")
    username, password = proxy.auth or ("", "")
    return URL(str(proxy.url.copy_with(username=username, password=password)), encoded=True)


class WireRequest(aiohttp.ClientRequest):
    """A request whose secrets are visible only on the wire: not to traces, errors or instrumentation of aiohttp."""

    wire_url: URL | None = None
    wire_headers = SecretHeaders()
    report: Report | None = None

    async def send(self, conn: Any) -> aiohttp.ClientResponse:
        """Write the request with its secrets."""
        conn.protocol._parser = LenientParser(conn.protocol)
        if self.report is not None:
            await self.report("aiohttp.send_request_headers.started", {"request": _SENDING})
        shown, headers = self.url, self.headers
        self.url = self.wire_url or shown
        if self.wire_headers:
            self.headers = CIMultiDict(headers)
            self.headers.update(self.wire_headers)
        try:
            return await super().send(conn)
        finally:
            self.url, self.headers = shown, headers

    @property
    def request_info(self) -> aiohttp.RequestInfo:
        """The information about the request that responses and errors hold."""
        shown = CIMultiDictProxy(self._without_secrets(self.headers))
        return aiohttp.RequestInfo(self.original_url, self.method, shown, self.original_url)

    async def _on_headers_request_sent(self, method: str, url: URL, headers: "CIMultiDict[str]") -> None:
        await super()._on_headers_request_sent(method, self.original_url, self._without_secrets(headers))

    def _without_secrets(self, headers: "CIMultiDict[str]") -> "CIMultiDict[str]":
        if not self.wire_headers:
            return headers
        secret = {name.lower() for name in self.wire_headers}
        return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in secret)

    async def _on_chunk_request_sent(self, method: str, url: URL, chunk: bytes) -> None:
        """Report nothing: the body of a login contains the password."""


class SecretSender:
    """Middleware that adds the query and the user's own headers to a request.

    It also stops aiohttp from resending the request, because two GETs delete data.

    `report` is notified when the request has a connection, after which it may have been sent.
    """

    def __init__(self, url: URL, query: bytes, headers: SecretHeaders, report: Report | None) -> None:
        self._url = url
        self._query = query
        self._headers = headers
        self._report = report

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Send the request with its secrets. Raises instead of sending it a second time."""
        assert isinstance(request, WireRequest)
        request.wire_headers, request.report = self._headers, self._report
        if self._query:
            # The complete URL isn't bound to a name, because tracebacks record locals.
            request.wire_url = URL(f"{self._url}?{self._query.decode('ascii')}", encoded=True)
        try:
            return await handler(request)
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
            failure = translate_error(error)
        raise failure


class RequestBody(aiohttp.Payload):
    """The body of a request, with httpx' timeout for writing, which aiohttp lacks."""

    def __init__(self, content: bytes, seconds: float | None) -> None:
        super().__init__(content)
        self._size = len(content)
        self._seconds = seconds

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Return the body as a string."""
        text: str = self._value.decode(encoding, errors)
        return text

    async def write(self, writer: Any) -> None:
        """Write the body. Raises _WriteTimeout."""
        try:
            async with asyncio.timeout(self._seconds):
                await writer.write(self._value)
        except TimeoutError:
            raise _WriteTimeout from None


class _WriteTimeout(TimeoutError):
    """The server didn't read the body in time."""


def translate_error(error: Exception) -> httpx.TransportError:
    """Return the httpx error that corresponds to one of aiohttp's, without references to it."""
    reason = type(error).__name__
    match error:
        case aiohttp.ClientHttpProxyError():
            return httpx.ProxyError(f"{error.status} {error.message}")
        case aiohttp.ConnectionTimeoutError():
            return httpx.ConnectTimeout(reason)
        case _WriteTimeout():
            return httpx.WriteTimeout(reason)
        case TimeoutError():
            return httpx.ReadTimeout(reason)
        case aiohttp.ClientConnectorCertificateError():
            return httpx.ConnectError(f"{reason}: {error.certificate_error}")
        case aiohttp.ClientConnectorError():
            return httpx.ConnectError(f"{reason}: {error.os_error.strerror or error.os_error}")
        case (
            aiohttp.ServerDisconnectedError()
            | aiohttp.ClientPayloadError()
            | aiohttp.ClientResponseError()
            | HttpProcessingError()
        ):
            return httpx.RemoteProtocolError(reason)
        case ValueError() if not isinstance(error, OSError):
            return httpx.LocalProtocolError(reason)
    return httpx.ReadError(reason)
