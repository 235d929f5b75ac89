"""A campus without a socket that sends any response, and the outcomes that a client makes of it."""

import asyncio
import warnings
from collections.abc import AsyncIterator, Iterable, Mapping
from types import TracebackType
from typing import Any, Self

import attrs
import httpx
from hypothesis import currently_in_test_context, note

from nexport_campus import NexportCampus, NexportError, RetryPolicy, StaticToken
from nexport_campus._decoding.decoder import NO_MATCH, Decoder
from tests.support.spec import SpecOperation

__all__ = ["TOKEN", "CallOutcome", "FakeCampus", "call", "note_if_testing", "required_arguments"]

TOKEN = "5eed0000-0000-4000-8000-00000000c0de"
_NO_RETRY = RetryPolicy(max_attempts=1)


@attrs.frozen
class CallOutcome:
    """The outcome of a call: a result, or the SDK's error. Any other exception has already failed the test."""

    result: Any = None
    error: NexportError | None = None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CallOutcome):
            return NotImplemented
        return self.result == other.result and _describe(self.error) == _describe(other.error)

    __hash__ = None  # type: ignore[assignment]


def _describe(error: NexportError | None) -> tuple[Any, ...]:
    if error is None:
        return ()
    return (
        type(error),
        getattr(error, "error_code", None),
        getattr(error, "path", None),
        error.maybe_applied,
    )


class _Stream(httpx.AsyncByteStream):
    """A body that is decompressed while it is read, as from a socket."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._content


class _Tolerant(Decoder):
    """A decoder without its fast path."""

    def fast(self, kind: Any, content: bytes) -> Any:
        return NO_MATCH


class FakeCampus:
    """Sends `status`, `headers` and `content` as every response, and keeps the last request in `request`."""

    def __init__(self) -> None:
        self.status = 200
        self.headers: Iterable[tuple[bytes, bytes]] = ()
        self.content = b""
        self.request: httpx.Request | None = None
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        self._runner.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._runner.__exit__(kind, error, trace)

    def outcomes(
        self,
        operation: SpecOperation,
        bodies: Iterable[bytes],
        *,
        tolerant: bool = False,
        listed: bool = False,
    ) -> list[CallOutcome]:
        """Return one client's outcomes for these bodies, in order.

        `tolerant`: without the fast path. `listed`: iterate over the records with the pager, instead of
        requesting one raw response.
        """

        async def calls() -> list[CallOutcome]:
            async with self.client() as campus:
                if tolerant:
                    use_tolerant(campus)
                outcomes = []
                for body in bodies:
                    self.content = body
                    outcomes.append(
                        await outcome(campus, operation, required_arguments(operation), listed=listed)
                    )
                return outcomes

        return self._runner.run(calls())

    def arguments(
        self, operation: SpecOperation, arguments: Mapping[str, Any], content: bytes
    ) -> CallOutcome:
        """Return the outcome of a call with these arguments; `request` is what was sent, or None."""

        async def one() -> CallOutcome:
            async with self.client() as campus:
                return await outcome(campus, operation, arguments)

        self.request, self.content = None, content
        return self._runner.run(one())

    def client(self, retry: RetryPolicy = _NO_RETRY) -> NexportCampus:
        """Return a client that ignores drift."""
        transport = httpx.MockTransport(self._respond)
        return NexportCampus(
            StaticToken(TOKEN), transport=transport, retry=retry, on_drift=lambda drift: None
        )

    async def _respond(self, request: httpx.Request) -> httpx.Response:
        self.request = request
        return httpx.Response(self.status, headers=list(self.headers), stream=_Stream(self.content))


def note_if_testing(message: str) -> None:
    """Have hypothesis print this if the test fails; do nothing outside of hypothesis."""
    if currently_in_test_context():
        note(message)


def use_tolerant(campus: NexportCampus) -> None:
    """Disable the client's fast path."""
    campus._caller.decoder.__class__ = _Tolerant  # type: ignore[attr-defined]


def required_arguments(operation: SpecOperation) -> dict[str, Any]:
    """Return the required arguments of a call."""
    return {argument.name: argument.given for argument in operation.arguments if argument.required}


def call(campus: Any, operation: SpecOperation, arguments: Mapping[str, Any]) -> Any:
    """Call the operation's method, ignoring deprecation warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return getattr(getattr(campus, operation.area), operation.name)(**arguments)


async def outcome(
    campus: NexportCampus, operation: SpecOperation, arguments: Mapping[str, Any], *, listed: bool = False
) -> CallOutcome:
    """Return the outcome of a call."""
    try:
        if listed:
            return CallOutcome([item async for item in call(campus, operation, arguments)])
        return CallOutcome((await call(campus.raw, operation, arguments)).parsed)
    except NexportError as error:
        return CallOutcome(error=error)
