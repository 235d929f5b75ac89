"""A campus that answers whatever a test wants, without a socket, and what a client makes of it."""

import asyncio
import warnings
from collections.abc import AsyncIterator, Iterable, Mapping
from types import TracebackType
from typing import Any, Self

import attrs
import httpx
from hypothesis import currently_in_test_context, note

from nexport_campus import NexportCampus, NexportError, RetryPolicy, StaticToken
from nexport_campus._decode import NO_MATCH, Decoder
from tests.support.spec import SpecOperation

__all__ = ["TOKEN", "FakeCampus", "Outcome", "call", "note_if_testing", "required_arguments"]

TOKEN = "5eed0000-0000-4000-8000-00000000c0de"
_NO_RETRY = RetryPolicy(max_attempts=1)


@attrs.frozen
class Outcome:
    """What a call came to: a result, or the SDK's error. Anything else has failed the test."""

    result: Any = None
    error: NexportError | None = None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Outcome):
            return NotImplemented
        return self.result == other.result and _told(self.error) == _told(other.error)

    __hash__ = None  # type: ignore[assignment]


def _told(error: NexportError | None) -> tuple[Any, ...]:
    if error is None:
        return ()
    return (
        type(error),
        getattr(error, "error_code", None),
        getattr(error, "path", None),
        error.maybe_applied,
    )


class _Stream(httpx.AsyncByteStream):
    """A body that is decompressed as it is read, as one from a socket is."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._content


class _Tolerant(Decoder):
    """A decoder without its fast path."""

    def fast(self, kind: Any, content: bytes) -> Any:
        return NO_MATCH


class FakeCampus:
    """Answers every request with `status`, `headers` and `content`; keeps the last one in `request`."""

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
    ) -> list[Outcome]:
        """What one client makes of these answers, one after the other.

        `tolerant`: without the fast path. `listed`: a list's records as the pager gives them, not one whole answer.
        """

        async def calls() -> list[Outcome]:
            async with self.client() as campus:
                if tolerant:
                    use_tolerant(campus)
                found = []
                for body in bodies:
                    self.content = body
                    found.append(
                        await outcome(campus, operation, required_arguments(operation), listed=listed)
                    )
                return found

        return self._runner.run(calls())

    def arguments(self, operation: SpecOperation, arguments: Mapping[str, Any], answer: bytes) -> Outcome:
        """What a call with these arguments comes to; `request` is what was sent, or None."""

        async def one() -> Outcome:
            async with self.client() as campus:
                return await outcome(campus, operation, arguments)

        self.request, self.content = None, answer
        return self._runner.run(one())

    def client(self, retry: RetryPolicy = _NO_RETRY) -> NexportCampus:
        """A client that doesn't complain about drift."""
        transport = httpx.MockTransport(self._answer)
        return NexportCampus(
            StaticToken(TOKEN), transport=transport, retry=retry, on_drift=lambda drift: None
        )

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        self.request = request
        return httpx.Response(self.status, headers=list(self.headers), stream=_Stream(self.content))


def note_if_testing(words: str) -> None:
    """Have hypothesis print these words if the test fails; without it, say nothing."""
    if currently_in_test_context():
        note(words)


def use_tolerant(campus: NexportCampus) -> None:
    """Take the fast path from a client."""
    runner = campus._caller._runner  # type: ignore[attr-defined]
    runner.decoder.__class__ = _Tolerant


def required_arguments(operation: SpecOperation) -> dict[str, Any]:
    """The arguments of a call that asks for nothing in particular."""
    return {argument.name: argument.given for argument in operation.arguments if argument.required}


def call(campus: Any, operation: SpecOperation, arguments: Mapping[str, Any]) -> Any:
    """The operation's method, called; obsolete ones say so elsewhere."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return getattr(getattr(campus, operation.area), operation.name)(**arguments)


async def outcome(
    campus: NexportCampus, operation: SpecOperation, arguments: Mapping[str, Any], *, listed: bool = False
) -> Outcome:
    """What a call comes to."""
    try:
        if listed:
            return Outcome([item async for item in call(campus, operation, arguments)])
        return Outcome((await call(campus.raw, operation, arguments)).parsed)
    except NexportError as error:
        return Outcome(error=error)
