"""A single attempt: send one request and return its response or raise its failure."""

import asyncio
import sys
from functools import lru_cache
from typing import Any, NoReturn, TypeGuard

import attrs
import httpx

from nexport_campus._auth.exception_redaction import hide_frames, redact_exception
from nexport_campus._auth.redaction import Scrubber
from nexport_campus._errors import NexportError, RequestTimeoutError, ResponseDecodeError, TransportError
from nexport_campus._retry import Failure
from nexport_campus._settings import Settings
from nexport_campus._version import USER_AGENT
from nexport_client.operation import Operation
from nexport_client.types import Secret

from .body import UnreadResponse, read_body
from .connections import ConnectionStack
from .encoded_request import EncodedRequest
from .outgoing_request import OutgoingRequest, SendTracker

__all__ = ["AttemptFailed", "HttpResponse", "build_request", "send"]

_BELOW = frozenset({"anyio", "h11", "httpcore"})


@attrs.frozen(eq=False, repr=False)
class HttpResponse:
    """A response of the campus.

    `readable` is False for an unusable body of an error status; `content` is then empty.
    """

    status_code: int
    headers: httpx.Headers
    content: bytes
    readable: bool = True

    @property
    def empty(self) -> bool:
        """Whether the body was read and is empty."""
        return self.readable and not self.content.strip()

    def with_content(self, content: bytes) -> "HttpResponse":
        """Return this response with another body."""
        return self if content is self.content else attrs.evolve(self, content=content)


class AttemptFailed(Exception):
    """A failed attempt: the error for the user, and the facts that decide whether to retry."""

    def __init__(
        self,
        error: NexportError,
        failure: Failure,
        *,
        status: int | None = None,
        unknown_outcome: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(str(error))
        self.error = error
        self.failure = failure
        self.status = status
        self.unknown_outcome = unknown_outcome
        self.retry_after = retry_after


async def send(
    connections: ConnectionStack,
    settings: Settings,
    request: OutgoingRequest,
    tracker: SendTracker,
    scrubber: Scrubber,
) -> HttpResponse:
    """Send a request and read its whole response within `timeout`. Raises AttemptFailed.

    Redirects are returned like any other response, not followed, so no secret reaches another host.
    """
    seconds = settings.timeout if isinstance(settings.timeout, int | float) else None
    outer = sys.exception()
    connection = connections.take()
    try:
        async with asyncio.timeout(seconds):
            response = await connection.send(request, tracker)
            try:
                content = await _read_content(response, settings.max_response_bytes)
            finally:
                await response.aclose()
    except BaseException as error:
        connections.drop(connection)
        if _is_from_below(error):
            redact_exception(error, request.redacted(), scrubber, outer=outer)
            _fail(error, request, tracker)
        if isinstance(error, asyncio.CancelledError):
            hide_frames(error, outer=outer)
        raise
    connections.give(connection)
    return HttpResponse(response.status_code, response.headers, content or b"", readable=content is not None)


async def _read_content(response: UnreadResponse, most: int) -> bytes | None:
    """Return the body, or None if it is unusable but the status says enough. Raises AttemptFailed."""
    try:
        return await read_body(response, most)
    except ResponseDecodeError as error:
        if response.status_code >= 300:
            return None
        raise AttemptFailed(error, Failure.PROCESSED, unknown_outcome=True) from None


def _is_from_below(error: BaseException) -> TypeGuard[Exception]:
    """Return whether an error is a failure of the HTTP libraries. Anything else is a bug and propagates unchanged."""
    if isinstance(error, httpx.HTTPError | httpx.InvalidURL | httpx.StreamError | OSError | ValueError):
        return True
    return isinstance(error, Exception) and type(error).__module__.partition(".")[0] in _BELOW


def _fail(error: Exception, request: OutgoingRequest, tracker: SendTracker) -> NoReturn:
    """Raise the SDK's error for a failure of the transport."""
    # The class decides as well, because not every transport emits trace events.
    not_sent = tracker.provably_not_sent or isinstance(
        error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.ProxyError
    )
    undecodable = isinstance(error, httpx.DecodingError)
    failure = Failure.NOT_SENT if not_sent else Failure.PROCESSED if undecodable else Failure.NO_RESPONSE
    translated = _translate(error, request.url.netloc.decode("ascii"), not_sent=not_sent)
    translated.__cause__ = error
    raise AttemptFailed(translated, failure, unknown_outcome=not not_sent) from error


def _translate(error: Exception, host: str, *, not_sent: bool) -> NexportError:
    """Return the most specific error for a failure of the transport."""
    reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        doing = "connecting to" if not_sent else "waiting for"
        return RequestTimeoutError(f"timed out {doing} {host}; raise timeout if the campus needs longer")
    if isinstance(error, httpx.DecodingError):
        return ResponseDecodeError(f"the body can't be decompressed ({type(error).__name__})")
    if isinstance(error, httpx.LocalProtocolError):
        return TransportError(f"the request to {host} can't be written ({reason})")
    if isinstance(error, httpx.ProxyError):
        return TransportError(f"the proxy refused to connect to {host} ({reason})")
    if not_sent:
        return TransportError(f"can't connect to {host}: check base_url, network and certificates ({reason})")
    return TransportError(f"the connection to {host} broke ({reason})")


def build_request(
    settings: Settings, operation: Operation[Any], encoded: EncodedRequest, token: Secret | None
) -> OutgoingRequest:
    """Return the request of a call. A header that is an argument replaces one of the user's own."""
    content = encoded.encode_body()
    secret_headers = settings.headers.without(encoded.headers)
    headers = {
        "Accept": "application/json",
        "Accept-Encoding": "gzip, deflate",
        "Connection": "keep-alive",
        "User-Agent": settings.user_agent or USER_AGENT,
    }
    if content is not None:
        headers["Content-Type"] = "application/json"
    if any(name.lower() == "accept" for name in secret_headers):
        del headers["Accept"]
    return OutgoingRequest(
        operation.method,
        _make_url(str(settings.base_url), encoded.path or operation.path),
        encoded.query,
        headers | dict(encoded.headers),
        secret_headers,
        content,
        token,
        settings.timeout,
    )


@lru_cache(maxsize=1024)
def _make_url(base_url: str, path: str) -> httpx.URL:
    """Return the URL of an operation without its query.

    Cached, because parsing it is the slowest step before sending.
    """
    return httpx.URL(base_url.rstrip("/") + path)
