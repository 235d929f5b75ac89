"""A transport on aiohttp for programs with many concurrent calls: several times the throughput of httpx.

    campus = NexportCampus(auth, transport=AiohttpTransport())

It needs the `aiohttp` extra. The client still handles retries, tokens, limits and errors, as with every transport.
"""

import asyncio
import os
import ssl
from collections.abc import Coroutine
from functools import cached_property
from typing import Any

import httpx

from nexport_campus._certificates import check_verify, get_tls_context
from nexport_campus._http.outgoing_request import OutgoingRequest, SendTracker
from nexport_campus._http.user_transport import DirectSender
from nexport_campus._setting_values import check_proxy, check_seconds
from nexport_campus._version import describe_missing_extra

try:
    import aiohttp
    from yarl import URL
except ImportError as _error:
    raise ModuleNotFoundError(describe_missing_extra(__name__, "aiohttp"), name=_error.name) from _error

from .loop_session import LoopSession
from .prepared_request import PreparedRequest
from .wire_request import FAILURES, get_proxy_url, translate_error
from .wire_response import WireResponse

__all__ = ["AiohttpTransport"]


class AiohttpTransport(httpx.AsyncBaseTransport):
    """An httpx transport that sends requests with aiohttp.

    Args:
        verify: TLS verification, as for `NexportCampus`: True, False, an `ssl.SSLContext`, or the path of a PEM file or
            folder of certificates.
        proxy: The address of an http or https proxy, with user name and password if it needs them. None uses the proxy
            that the environment specifies, if any. `verify` also applies to an https proxy in front of an https campus,
            because aiohttp takes one setting for both; the default transport verifies a proxy regardless.
        keepalive_seconds: How long an idle connection is kept.

    Connections belong to an event loop and end with it. One transport may serve any number of loops.

    Raises:
        ConfigurationError: The certificates can't be read, the proxy's address is invalid, or the seconds are negative.
    """

    sends_raw_path = True
    """Declares that a URL may carry its token in `raw_path` only."""

    def __init__(
        self,
        *,
        verify: ssl.SSLContext | str | os.PathLike[str] | bool = True,
        proxy: str | None = None,
        keepalive_seconds: float = 15.0,
    ) -> None:
        self._verify = check_verify(verify)
        self._proxy = None if proxy is None else check_proxy(proxy)
        if self._proxy is not None:
            get_proxy_url(self._proxy)
        self._keepalive = check_seconds("keepalive_seconds", keepalive_seconds)
        self._sessions: dict[asyncio.AbstractEventLoop, LoopSession] = {}
        self._process = os.getpid()

    @property
    def direct_sender(self) -> DirectSender | None:
        """The function by which `NexportCampus` sends requests, which spares the conversion to httpx' classes.

        None if `handle_async_request` was replaced, in a subclass or otherwise, because the client must then use it.
        """
        handler = getattr(self.handle_async_request, "__func__", None)
        return self._send if handler is _HANDLER else None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and return its response with the body unread. Raises httpx.TransportError."""
        prepared = await PreparedRequest.from_httpx(request)
        proxy = self._find_proxy(self._get_session(), request.url)
        sending = self._send_through_session(prepared, proxy)
        response = await _translate_failures(sending)
        return httpx.Response(response.status_code, headers=response.headers, stream=response)

    async def _send(self, request: OutgoingRequest, tracker: SendTracker) -> WireResponse:
        """Send a request of the client and return its response with the body unread. Raises httpx.TransportError."""
        session = self._get_session()
        proxy, sender = self._find_proxy(session, request.url), session.sessionless
        if proxy is None and sender.accepts(request):
            return await _translate_failures(sender.send(request, tracker, self._tls_for(request.url)))
        prepared = PreparedRequest.from_client(request, tracker)
        return await _translate_failures(self._send_through_session(prepared, proxy))

    async def _send_through_session(self, request: PreparedRequest, proxy: URL | None) -> WireResponse:
        """Send a request with aiohttp's session, where tracers see it. Raises the exceptions of aiohttp."""
        if request.report is not None:
            await request.report("aiohttp.request.started", {})
        response = await self._get_session().aiohttp.request(
            request.method,
            request.url,
            headers=request.headers,
            data=request.body,
            allow_redirects=False,
            proxy=proxy,
            ssl=self._tls_for(request.url),
            timeout=aiohttp.ClientTimeout(
                total=None, connect=request.timeout.connect, sock_read=request.timeout.read
            ),
            middlewares=(request.make_sender(),),
        )
        return WireResponse(response.status, response.raw_headers, response.content, response)

    def _find_proxy(self, session: LoopSession, url: httpx.URL) -> URL | None:
        """Return the address of the proxy for a URL, if any. Raises ConfigurationError."""
        proxy = self._proxy or session.environment_proxy(url)
        return None if proxy is None else get_proxy_url(proxy)

    def _tls_for(self, url: httpx.URL | URL) -> ssl.SSLContext | bool:
        return self._tls if url.scheme == "https" else True

    async def aclose(self) -> None:
        """Close the connections of all event loops."""
        self._leave_to_parent()
        sessions, self._sessions = self._sessions, {}
        for loop, session in sessions.items():
            if loop is asyncio.get_running_loop():
                await session.aclose()
            else:
                session.close_from_elsewhere()

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return get_tls_context(self._verify)

    def _get_session(self) -> LoopSession:
        self._leave_to_parent()
        loop = asyncio.get_running_loop()
        found = self._sessions.get(loop)
        if found is None or found.aiohttp.closed:
            self._forget_closed_loops()
            found = self._sessions[loop] = LoopSession(self._keepalive)
        return found

    def _leave_to_parent(self) -> None:
        """Forget the connections inherited from the parent process after a fork."""
        if self._process != os.getpid():
            for session in self._sessions.values():
                session.forget()
            self._sessions, self._process = {}, os.getpid()

    def _forget_closed_loops(self) -> None:
        """Close the connections left by loops that were closed without cleanup.

        A merely paused loop keeps its connections.
        """
        for loop in [loop for loop in self._sessions if loop.is_closed()]:
            self._sessions.pop(loop).close_from_elsewhere()


_HANDLER = AiohttpTransport.handle_async_request


async def _translate_failures(sending: Coroutine[Any, Any, WireResponse]) -> WireResponse:
    """Return the response that is awaited. Raises httpx.TransportError without references to aiohttp's frames."""
    try:
        response = await sending
    except asyncio.CancelledError as cancelled:
        # aiohttp's frames hold the body.
        raise cancelled.with_traceback(None) from None
    except FAILURES as error:
        failure = translate_error(error)
    else:
        if 200 <= response.status_code <= 999:
            return response
        await response.aclose()
        failure = httpx.RemoteProtocolError("no final HTTP status")
    # Outside the handler, so that the exception doesn't reference aiohttp's.
    raise failure
