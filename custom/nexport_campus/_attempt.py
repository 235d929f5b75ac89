"""One attempt: a request goes out, an answer or a failure comes back."""

import asyncio
from typing import Any, NoReturn

import attrs
import httpx

from nexport_client.types import Secret

from ._errors import NexportError, RequestTimeoutError, ResponseDecodeError, TransportError
from ._retry import Failure
from ._settings import Settings
from ._transport import Lanes, with_token
from ._version import USER_AGENT

__all__ = ["Answer", "AttemptFailed", "build_request", "send"]


@attrs.frozen(eq=False, repr=False)
class Answer:
    """What the campus answered."""

    status_code: int
    headers: httpx.Headers
    content: bytes


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


class _Progress:
    """Whether a request has begun to leave, as httpcore's trace tells; a transport that tells nothing may have sent."""

    def __init__(self) -> None:
        self._told = self._begun = False

    async def __call__(self, event: str, info: object) -> None:
        self._told = True
        self._begun = self._begun or event.endswith("send_request_headers.started")

    @property
    def provably_not_sent(self) -> bool:
        return self._told and not self._begun


async def send(
    lanes: Lanes, settings: Settings, request: httpx.Request, token: Secret | None, seconds: float | None
) -> Answer:
    """Send a request with a token and read its answer whole, within `seconds`. Raises AttemptFailed.

    A redirect is an answer like any other: it is not followed, so nothing secret goes to another place.
    """
    lane = lanes.take()
    progress = _Progress()
    request.extensions = {"timeout": _phases(settings, seconds), "trace": progress}
    try:
        async with asyncio.timeout(seconds):
            # The copy with the token has no name here: a traceback's locals don't show it.
            response = await lane.handle_async_request(
                request if token is None else with_token(lane, request, token)
            )
            try:
                content = await _read(response, settings.max_response_bytes)
            finally:
                await response.aclose()
    except BaseException as error:
        await lanes.drop(lane)
        if isinstance(error, httpx.HTTPError | httpx.InvalidURL | httpx.StreamError | OSError):
            _fail(error, request, progress)
        raise
    lanes.give(lane)
    return Answer(response.status_code, response.headers, content)


def _phases(settings: Settings, seconds: float | None) -> dict[str, float | None]:
    timeout = settings.timeout
    return timeout.as_dict() if isinstance(timeout, httpx.Timeout) else httpx.Timeout(seconds).as_dict()


async def _read(response: httpx.Response, most: int) -> bytes:
    """The body, decompressed. Raises AttemptFailed for one that is larger than allowed."""
    parts, size = [], 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > most:
            message = f"the answer is larger than max_response_bytes, {most}"
            raise AttemptFailed(ResponseDecodeError(message), Failure.CONSIDERED, unknown_outcome=True)
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _fail(error: Exception, request: httpx.Request, progress: _Progress) -> NoReturn:
    """Raise what a failure of the transport means to us."""
    if isinstance(error, httpx.RequestError):
        # The transport's own request may carry the token in its URL.
        error.request = request
    host = request.url.netloc.decode("ascii")
    not_sent = isinstance(
        error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.ProxyError
    )
    not_sent = not_sent or progress.provably_not_sent
    raised = AttemptFailed(
        _translated(error, host, not_sent=not_sent),
        Failure.NOT_SENT if not_sent else Failure.NO_ANSWER,
        unknown_outcome=not not_sent,
    )
    if isinstance(error, httpx.DecodingError):
        raised.failure = Failure.CONSIDERED
    raised.error.__cause__ = error
    raise raised from error


def _translated(error: Exception, host: str, *, not_sent: bool) -> NexportError:
    """The error for a failure of the transport, to the most specific class."""
    reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        doing = "connecting to" if not_sent else "waiting for"
        return RequestTimeoutError(f"timed out {doing} {host}; raise timeout if the campus needs longer")
    if isinstance(error, httpx.DecodingError):
        return ResponseDecodeError(f"the body can't be decompressed ({reason})")
    if isinstance(error, httpx.ProxyError):
        return TransportError(f"the proxy doesn't let us through to {host} ({reason})")
    if isinstance(error, httpx.ConnectError):
        return TransportError(f"can't connect to {host}: check base_url, network and certificates ({reason})")
    return TransportError(f"the connection to {host} broke ({reason})")


def build_request(settings: Settings, method: str, path: str, query: str, content: Any) -> httpx.Request:
    """The request of a call, without its token."""
    headers = {
        "Accept": "application/json",
        "Accept-Encoding": "gzip, deflate",
        "Connection": "keep-alive",
        "User-Agent": settings.user_agent or USER_AGENT,
    }
    if content is not None:
        headers["Content-Type"] = "application/json"
    target = f"{settings.base_url.raw_path.decode('ascii').rstrip('/')}{path}"
    url = settings.base_url.copy_with(
        raw_path=f"{target}?{query}".encode("ascii") if query else target.encode("ascii")
    )
    return httpx.Request(method, url, headers=headers, content=content)
