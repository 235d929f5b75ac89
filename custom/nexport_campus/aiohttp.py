"""A transport on aiohttp, for programs with many calls at once: several times the throughput of httpx'.

    campus = NexportCampus(auth, transport=AiohttpTransport())

It needs the `aiohttp` extra. Retries, tokens, limits and errors are the client's, as with every transport.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import aiohttp
import httpx
from yarl import URL

__all__ = ["AiohttpTransport"]


_SENDING = SimpleNamespace(method=b"")
"""Stands for the request in what the client's trace is told, as httpcore's own does: it is no CONNECT."""


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Sends requests with aiohttp.

    Args:
        verify: TLS verification: True, False, or an `ssl.SSLContext`.
        proxy: The address of an http proxy, with its user name and password if it wants them; None for none.
        keepalive_seconds: How long an idle connection is kept.

    One transport serves one event loop at a time, and several one after another.
    """

    sends_raw_path = True
    """The client may hand it a URL whose token only `raw_path` has."""

    def __init__(
        self,
        *,
        verify: ssl.SSLContext | bool = True,
        proxy: str | None = None,
        keepalive_seconds: float = 15.0,
    ) -> None:
        self._verify = verify
        self._proxy = proxy
        self._keepalive = keepalive_seconds
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and return its answer, the body still to be read. Raises httpx.TransportError."""
        timeout = request.extensions.get("timeout", {})
        await _notice_closed_connections()
        try:
            response = await self._running_session().request(
                request.method,
                URL(
                    _origin(request.url) + request.url.raw_path.partition(b"?")[0].decode("ascii"),
                    encoded=True,
                ),
                headers=[
                    (name.decode("ascii"), value.decode("latin-1")) for name, value in request.headers.raw
                ],
                data=await request.aread() or None,
                allow_redirects=False,
                proxy=self._proxy,
                timeout=aiohttp.ClientTimeout(
                    total=None,
                    connect=timeout.get("pool"),
                    sock_connect=timeout.get("connect"),
                    sock_read=timeout.get("read"),
                ),
                trace_request_ctx=request.extensions.get("trace"),
                middlewares=(_Sending(request.url),),
            )
        except (aiohttp.ClientError, OSError, ValueError) as error:
            failure = _translated(error)
        else:
            if not 100 <= response.status <= 999:
                response.close()
                raise httpx.RemoteProtocolError("no HTTP status")
            return httpx.Response(response.status, headers=response.raw_headers, stream=_Body(response))
        # Outside the handler: aiohttp's errors know the whole address.
        raise failure

    async def aclose(self) -> None:
        """Close all connections."""
        session, self._session = self._session, None
        if session is not None and self._loop is asyncio.get_running_loop():
            await session.close()

    def _running_session(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        if self._session is None or self._loop is not loop:
            connector = aiohttp.TCPConnector(limit=0, ssl=self._verify, keepalive_timeout=self._keepalive)
            self._loop = loop
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trace_configs=[_progress()],
            )
        return self._session


class _Body(httpx.AsyncByteStream):
    """The body of an answer; a connection whose body was read whole is used again."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        failure = None
        try:
            async for part in self._response.content.iter_any():
                yield part
        except (aiohttp.ClientError, OSError) as error:
            failure = _translated(error)
        if failure is not None:
            raise failure

    async def aclose(self) -> None:
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()


async def _notice_closed_connections() -> None:
    """Let the loop see which idle connections the campus has closed, so that none of them is used again.

    httpcore asks the socket; aiohttp knows only what the loop has told it. A turn to poll, and one to tell.
    """
    await asyncio.sleep(0)
    await asyncio.sleep(0)


class _Sending:
    """Gives a request its query as it leaves, and keeps aiohttp from sending a GET again: two of the vendor's delete data.

    So aiohttp's traces and errors, and what instruments it, know an address without the token.
    """

    def __init__(self, url: httpx.URL) -> None:
        self._url = url

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        # The whole address has no name here: a traceback's locals don't show it.
        request.url = URL(_origin(self._url) + self._url.raw_path.decode("ascii"), encoded=True)
        try:
            return await handler(request)
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
            failure = _translated(error)
        raise failure


def _origin(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


def _progress() -> aiohttp.TraceConfig:
    """Tells the client when a request has a connection, after which it may have been sent."""

    async def started(session: Any, context: SimpleNamespace, params: Any) -> None:
        if context.trace_request_ctx is not None:
            await context.trace_request_ctx("aiohttp.request.started", {})

    async def connected(session: Any, context: SimpleNamespace, params: Any) -> None:
        if context.trace_request_ctx is not None:
            await context.trace_request_ctx("aiohttp.send_request_headers.started", {"request": _SENDING})

    config = aiohttp.TraceConfig()
    config.on_request_start.append(started)
    config.on_connection_create_end.append(connected)
    config.on_connection_reuseconn.append(connected)
    return config


def _translated(error: Exception) -> httpx.TransportError:
    """The error of httpx' that says the same, with nothing of aiohttp's on it."""
    reason = type(error).__name__
    if isinstance(error, aiohttp.ClientProxyConnectionError | aiohttp.ClientHttpProxyError):
        return httpx.ProxyError(reason)
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return httpx.ConnectTimeout(reason)
    if isinstance(error, TimeoutError):
        return httpx.ReadTimeout(reason)
    if isinstance(error, aiohttp.ClientConnectorCertificateError):  # in aiohttp 3.12 it has no `os_error`
        return httpx.ConnectError(f"{reason}: {error.certificate_error}")
    if isinstance(error, aiohttp.ClientConnectorError):
        return httpx.ConnectError(f"{reason}: {error.os_error.strerror or error.os_error}")
    if isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientPayloadError):
        return httpx.RemoteProtocolError(reason)
    return httpx.ReadError(reason)
