"""The connections of a client: where they go through, their TLS context, and which of them a request takes."""

import os
import ssl
from collections.abc import Callable
from functools import cache
from urllib.request import getproxies, proxy_bypass

import httpx

from nexport_client.types import Secret

from ._errors import ConfigurationError
from ._secrets import SecretURL
from ._settings import Settings

__all__ = ["Lanes", "with_token"]


@cache
def _shared_context(cert_file: str | None, cert_dir: str | None) -> ssl.SSLContext:
    """The default TLS context, once per process: making one costs more than a hundred small calls."""
    return httpx.create_ssl_context()


def _verify(settings: Settings) -> ssl.SSLContext | str | bool:
    if settings.verify is True:
        return _shared_context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
    return settings.verify


def _proxy(settings: Settings) -> httpx.Proxy | None:
    """The proxy that was given, or the one that the environment names for the campus's host."""
    given = settings.proxy
    if given is None:
        host = settings.base_url.host
        found = getproxies()
        given = None if proxy_bypass(host) else found.get(settings.base_url.scheme) or found.get("all")
        given = f"http://{given}" if given and "://" not in given else given
    if not given:
        return None
    try:
        return given if isinstance(given, httpx.Proxy) else httpx.Proxy(given)
    except (ValueError, httpx.InvalidURL):
        # The address may hold a password: it is not repeated.
        raise ConfigurationError(
            "the proxy's address can't be used: it must be like http://host:port"
        ) from None


class Lanes:
    """A stack of transports with one connection each, the one used last on top.

    httpcore's pool looks at all its connections on every event and closes them above twenty; a stack does neither
    (measured: three times the throughput at 50 calls at once). A lane on which a request failed or was cancelled is
    closed, so that no half-read answer and no leaked slot stays behind.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._idle: list[httpx.AsyncBaseTransport] = []
        self._make: Callable[[], httpx.AsyncBaseTransport] | None = None

    def take(self) -> httpx.AsyncBaseTransport:
        """A transport for one request, to be given back with `give` or `drop`."""
        if self._settings.transport is not None:
            return self._settings.transport
        if self._idle:
            return self._idle.pop()
        if self._make is None:
            self._make = self._factory()
        return self._make()

    def give(self, lane: httpx.AsyncBaseTransport) -> None:
        """Take back a transport whose answer was read whole."""
        if lane is not self._settings.transport:
            self._idle.append(lane)

    async def drop(self, lane: httpx.AsyncBaseTransport) -> None:
        """Close a transport whose request came to no good end."""
        if lane is not self._settings.transport:
            await lane.aclose()

    async def aclose(self) -> None:
        """Close all connections, and the user's transport, which the client took over."""
        while self._idle:
            await self._idle.pop().aclose()
        if self._settings.transport is not None:
            await self._settings.transport.aclose()

    def _factory(self) -> Callable[[], httpx.AsyncBaseTransport]:
        proxy, limits = _proxy(self._settings), httpx.Limits(max_connections=1, max_keepalive_connections=1)
        tls = self._settings.base_url.scheme == "https" or proxy is not None
        verify = _verify(self._settings) if tls else False
        try:
            httpx.AsyncHTTPTransport(verify=verify, proxy=proxy, limits=limits)
        except ImportError as error:
            raise ConfigurationError(f"this proxy needs a package that is not installed: {error}") from error
        return lambda: httpx.AsyncHTTPTransport(verify=verify, proxy=proxy, limits=limits)


def with_token(transport: httpx.AsyncBaseTransport, request: httpx.Request, token: Secret) -> httpx.Request:
    """A copy of a request that carries the token, hidden as deep as the transport allows.

    Transports that send `raw_path` get a URL that shows the token to nobody else. Others may build their request from
    the URL's text, so they get a plain one; it exists in this copy alone.
    """
    url: httpx.URL = SecretURL(request.url, token)
    if not _sends_raw_path(transport):
        url = request.url.copy_add_param("access_token", token.reveal())
    copy = httpx.Request(request.method, request.url, headers=request.headers, stream=request.stream)
    copy.extensions = request.extensions
    copy.url = url
    return copy


def _sends_raw_path(transport: object) -> bool:
    """Whether this transport, or the one that it wraps (as OpenTelemetry's does in `_transport`), is one of httpx' own."""
    for _ in range(8):
        if isinstance(transport, httpx.AsyncHTTPTransport | httpx.ASGITransport):
            return True
        transport = getattr(transport, "_transport", None)
    return False
