"""Redaction of exceptions from the HTTP libraries: no secrets, no bodies, nothing of a response."""

import re
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import httpx

from .redaction import Scrubber

__all__ = ["hide_frames", "redact_exception"]

_QUOTED = re.compile(r"(bytearray\()?\bb['\"].*", re.DOTALL)
_HIDDEN = frozenset({"aiohttp", "anyio", "asyncio", "h11", "httpcore", "httpx", "ssl"})


def redact_exception(
    error: BaseException, shown: httpx.Request, scrubber: Scrubber, *, outer: BaseException | None
) -> None:
    """Remove everything confidential from an exception, its causes and its contexts.

    Known secrets, and the bytes of responses, are removed from messages. References to httpx requests and responses are
    replaced by `shown` or by a response without headers and body. Tracebacks lose the frames of the HTTP libraries,
    because error trackers record their locals, which hold the request's body.

    Args:
        error: The exception that was caught.
        shown: The redacted request.
        scrubber: The scrubber that knows the secrets.
        outer: The exception that the user's code was handling when it made the call. It is the last context and is
            left unchanged.
    """
    for found in _iterate_chain(error, outer):
        found.args = tuple(
            scrubber.scrub(_QUOTED.sub("...", item)) if isinstance(item, str) else item for item in found.args
        )
        for name, value in list(vars(found).items()):
            if isinstance(value, httpx.Request):
                setattr(found, name, shown)
            elif isinstance(value, httpx.Response):
                setattr(found, name, httpx.Response(value.status_code, request=shown))
        if isinstance(found, httpx.RequestError):
            found.request = shown
        _hide_frames(found)


def hide_frames(error: BaseException, *, outer: BaseException | None) -> None:
    """Remove the frames of the HTTP libraries from the tracebacks of an exception, its causes and its contexts."""
    for found in _iterate_chain(error, outer):
        _hide_frames(found)


def _hide_frames(error: BaseException) -> None:
    frames = [
        found
        for found in _iterate_links(error.__traceback__)
        if found.tb_frame.f_globals.get("__name__", "").partition(".")[0] not in _HIDDEN
    ]
    kept: TracebackType | None = None
    for found in reversed(frames):
        kept = TracebackType(kept, found.tb_frame, found.tb_lasti, found.tb_lineno)
    error.__traceback__ = kept


def _iterate_links(traceback: TracebackType | None) -> Iterator[TracebackType]:
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next


def _iterate_chain(error: BaseException, outer: BaseException | None) -> Iterator[Any]:
    """Yield an exception, its causes and its contexts, up to the outer one."""
    seen = {id(outer)}
    waiting: list[BaseException | None] = [error]
    while waiting:
        found = waiting.pop()
        if found is not None and id(found) not in seen:
            seen.add(id(found))
            yield found
            waiting += [found.__cause__, found.__context__]
            if isinstance(found, BaseExceptionGroup):
                waiting += found.exceptions
