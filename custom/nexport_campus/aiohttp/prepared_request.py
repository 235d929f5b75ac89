"""A request in the form that aiohttp takes, made from one of httpx or of the client."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import attrs
import httpx
from multidict import CIMultiDict
from yarl import URL

from nexport_campus._auth.redaction import SecretBytes
from nexport_campus._auth.secret_headers import HiddenHeaders, SecretHeaders
from nexport_campus._http.outgoing_request import OutgoingRequest, SendTracker

from .wire_request import Report, RequestBody, SecretSender

__all__ = ["PreparedRequest"]


@attrs.frozen(eq=False, repr=False)
class PreparedRequest:
    """A request whose secrets are apart from what aiohttp may show.

    `url` has no query, because `query` is secret. `headers` are those that may be shown. `timeout` limits the phases of
    the request. `report` is notified of its progress.
    """

    method: str
    url: URL
    query: bytes
    headers: CIMultiDict[str]
    secret_headers: SecretHeaders
    body: RequestBody | None
    timeout: httpx.Timeout
    report: Report | None

    @classmethod
    async def from_httpx(cls, request: httpx.Request) -> PreparedRequest:
        """Return a request of httpx in this form."""
        phases = request.extensions.get("timeout", {})
        timeout = httpx.Timeout(**{name: phases.get(name) for name in ("connect", "read", "write", "pool")})
        shown, hidden = _split_headers(request.headers)
        return cls(
            method=request.method,
            url=_convert_url(request.url),
            query=SecretBytes(request.url.raw_path.partition(b"?")[2]),
            headers=_convert_headers(shown.raw),
            secret_headers=hidden,
            body=_convert_body(await request.aread(), timeout),
            timeout=timeout,
            report=request.extensions.get("trace"),
        )

    @classmethod
    def from_client(cls, request: OutgoingRequest, tracker: SendTracker) -> PreparedRequest:
        """Return a request of the client in this form."""
        return cls(
            method=request.method,
            url=_convert_url(request.url),
            query=request.whole_query,
            headers=_convert_headers_once(tuple(request.all_headers.raw)).copy(),
            secret_headers=request.secret_headers,
            body=_convert_body(request.content or b"", request.phase_timeouts),
            timeout=request.phase_timeouts,
            report=tracker.trace,
        )

    def make_sender(self) -> SecretSender:
        """Return the middleware that sends the request with its secrets."""
        return SecretSender(self.url, self.query, self.secret_headers, self.report)


def _convert_url(url: httpx.URL) -> URL:
    """Return a URL without its query in aiohttp's form."""
    return _parse_url_once(url.scheme, url.netloc, url.raw_path.partition(b"?")[0])


@lru_cache(maxsize=256)
def _parse_url_once(scheme: str, netloc: bytes, path: bytes) -> URL:
    return URL(f"{scheme}://{netloc.decode('ascii')}{path.decode('ascii')}", encoded=True)


def _split_headers(headers: httpx.Headers) -> tuple[httpx.Headers, SecretHeaders]:
    """Return the headers that aiohttp may show, and those that only the wire gets."""
    if isinstance(headers, HiddenHeaders):
        return headers.shown, headers.hidden
    return headers, SecretHeaders()


def _convert_headers(raw: Iterable[tuple[bytes, bytes]]) -> CIMultiDict[str]:
    # aiohttp writes UTF-8.
    return CIMultiDict((name.decode(), value.decode()) for name, value in raw)


_convert_headers_once = lru_cache(maxsize=256)(_convert_headers)
"""For the client's own headers, which are few and not secret. Copy the result: instrumentation adds headers to it."""


def _convert_body(content: bytes, timeout: httpx.Timeout) -> RequestBody | None:
    return RequestBody(content, timeout.write) if content else None
