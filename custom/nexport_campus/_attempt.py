"""One attempt: a request goes out, an answer or a failure comes back."""

import asyncio
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NoReturn, TypeGuard

import attrs
import httpx

from nexport_client.types import Secret

from ._body import read_body
from ._errors import NexportError, RequestTimeoutError, ResponseDecodeError, TransportError
from ._retry import Failure
from ._secrets import Scrubber, SecretURL
from ._settings import Settings
from ._transport import Lane, Lanes, with_token
from ._version import USER_AGENT

__all__ = ["Answer", "AttemptFailed", "Wire", "build_request", "send"]

_BELOW = frozenset({"anyio", "h11", "httpcore"})
_QUOTED = re.compile(r"(bytearray\()?\bb['\"].*", re.DOTALL)


@attrs.frozen(eq=False, repr=False)
class Answer:
    """What the campus answered. `readable`: False for a body of an error status that can't be used; `content` is empty then."""

    status_code: int
    headers: httpx.Headers
    content: bytes
    readable: bool = True

    @property
    def empty(self) -> bool:
        """Whether the body was read, and holds nothing."""
        return self.readable and not self.content.strip()


class AttemptFailed(Exception):
    """An attempt that came to nothing: the error that the user would get, and what matters for another attempt."""

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


class Wire:
    """How far one request has come on its way, as httpcore's trace tells; a transport that tells nothing may have sent."""

    def __init__(self) -> None:
        self.lane: Lane | None = None
        self._told = self._begun = False

    async def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        """Take note of an event; httpcore calls this as the request's `trace` extension."""
        self._told = True
        if event.endswith("connect_tcp.complete") and self.lane is not None:
            self.lane.connected(info["return_value"])
        elif event.endswith("send_request_headers.started"):
            # A proxy is asked for a tunnel first: that request isn't ours.
            self._begun = self._begun or info["request"].method != b"CONNECT"

    @property
    def provably_not_sent(self) -> bool:
        """Whether the campus can't have got any of it."""
        return self.lane is None or (self._told and not self._begun)


async def send(
    lanes: Lanes,
    settings: Settings,
    request: httpx.Request,
    token: Secret | None,
    wire: Wire,
    scrubber: Scrubber,
) -> Answer:
    """Send a request with a token and read its answer whole, within `timeout`. Raises AttemptFailed.

    A redirect is an answer like any other: it is not followed, so nothing secret goes to another place.
    """
    seconds = settings.timeout if isinstance(settings.timeout, int | float) else None
    lane = wire.lane = lanes.take()
    request.extensions = {"timeout": httpx.Timeout(settings.timeout).as_dict(), "trace": wire}
    try:
        async with asyncio.timeout(seconds):
            # The copy with the token has no name here: a traceback's locals don't show it.
            response = await lane.transport.handle_async_request(with_token(lane.transport, request, token))
            try:
                content = await _content(response, settings.max_response_bytes)
            finally:
                await response.aclose()
    except BaseException as error:
        await lanes.drop(lane)
        if _is_from_below(error):
            _fail(error, request, wire, scrubber)
        raise
    await lanes.give(lane)
    return Answer(response.status_code, response.headers, content or b"", readable=content is not None)


async def _content(response: httpx.Response, most: int) -> bytes | None:
    """Return the body; None for one that can't be used, where the status says enough. Raises AttemptFailed."""
    try:
        return await read_body(response, most)
    except ResponseDecodeError as error:
        if response.status_code >= 300:
            return None
        raise AttemptFailed(error, Failure.CONSIDERED, unknown_outcome=True) from None


def _is_from_below(error: BaseException) -> TypeGuard[Exception]:
    """Whether it is a failure of the libraries that carry our requests; anything else is a mistake, and stays one."""
    if isinstance(error, httpx.HTTPError | httpx.InvalidURL | httpx.StreamError | OSError | ValueError):
        return True
    return isinstance(error, Exception) and type(error).__module__.partition(".")[0] in _BELOW


def _fail(error: Exception, request: httpx.Request, wire: Wire, scrubber: Scrubber) -> NoReturn:
    """Raise what a failure of the transport means to us."""
    if isinstance(error, httpx.RequestError):
        # The transport's own request may carry the token in its URL.
        error.request = request
    _censor(error, scrubber)
    # Told apart by class too: not every transport has a trace.
    not_sent = wire.provably_not_sent or isinstance(
        error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.ProxyError
    )
    undecodable = isinstance(error, httpx.DecodingError)
    failure = Failure.NOT_SENT if not_sent else Failure.CONSIDERED if undecodable else Failure.NO_ANSWER
    translated = _translated(error, request.url.netloc.decode("ascii"), not_sent=not_sent)
    translated.__cause__ = error
    raise AttemptFailed(translated, failure, unknown_outcome=not not_sent) from error


def _censor(error: BaseException, scrubber: Scrubber) -> None:
    """Take out of an exception, and of those behind it, the answer's bytes that it quotes, and known secrets."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        found = waiting.pop()
        if found is None or id(found) in seen:
            continue
        seen.add(id(found))
        found.args = tuple(
            scrubber.text(_QUOTED.sub("...", item)) if isinstance(item, str) else item for item in found.args
        )
        waiting += [found.__cause__, found.__context__]


def _translated(error: Exception, host: str, *, not_sent: bool) -> NexportError:
    """The error for a failure of the transport, to the most specific class."""
    reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        doing = "connecting to" if not_sent else "waiting for"
        return RequestTimeoutError(f"timed out {doing} {host}; raise timeout if the campus needs longer")
    if isinstance(error, httpx.DecodingError):
        return ResponseDecodeError(f"the body can't be decompressed ({type(error).__name__})")
    if isinstance(error, httpx.ProxyError):
        return TransportError(f"the proxy doesn't let us through to {host} ({reason})")
    if not_sent:
        return TransportError(f"can't connect to {host}: check base_url, network and certificates ({reason})")
    return TransportError(f"the connection to {host} broke ({reason})")


def build_request(settings: Settings, method: str, path: str, query: str, content: Any) -> httpx.Request:
    """The request of a call, without its token; its URL hides the query."""
    headers = {
        "Accept": "application/json",
        "Accept-Encoding": "gzip, deflate",
        "Connection": "keep-alive",
        "User-Agent": settings.user_agent or USER_AGENT,
    }
    if content is not None:
        headers["Content-Type"] = "application/json"
    request = httpx.Request(method, _address(str(settings.base_url), path), headers=headers, content=content)
    request.url = SecretURL(request.url, query)
    return request


@lru_cache(maxsize=1024)
def _address(base_url: str, path: str) -> httpx.URL:
    """Where an operation is, without its query; to read a URL takes longer than all else before a call is sent."""
    return httpx.URL(base_url.rstrip("/") + path)
