"""What an exception of the libraries below may show: no secret, no body, nothing of a response."""

import re
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import httpx

from .redaction import Scrubber

__all__ = ["censor", "hide_frames"]

_QUOTED = re.compile(r"(bytearray\()?\bb['\"].*", re.DOTALL)
_HIDDEN = frozenset({"aiohttp", "anyio", "asyncio", "h11", "httpcore", "httpx", "ssl"})


def censor(
    error: BaseException, shown: httpx.Request, scrubber: Scrubber, *, outer: BaseException | None
) -> None:
    """Remove what must not be shown from an exception, and from its causes and contexts.

    Messages lose known secrets, and the bytes of responses that they quote. Where an exception holds a request or a
    response of httpx, it holds `shown` afterwards, or a response without headers and body. Tracebacks lose the frames of
    the libraries below, whose locals have the request's body; error trackers record them.

    Args:
        error: What was caught.
        shown: The request as it may be shown.
        scrubber: Knows the secrets.
        outer: The exception that the user's code was handling when it made the call. It is the last context, and stays
            as it is.
    """
    for found in _chain(error, outer):
        found.args = tuple(
            scrubber.text(_QUOTED.sub("...", item)) if isinstance(item, str) else item for item in found.args
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
    """Remove the frames of the libraries below from the tracebacks of an exception, its causes and its contexts."""
    for found in _chain(error, outer):
        _hide_frames(found)


def _hide_frames(error: BaseException) -> None:
    frames = [
        found
        for found in _links(error.__traceback__)
        if found.tb_frame.f_globals.get("__name__", "").partition(".")[0] not in _HIDDEN
    ]
    kept: TracebackType | None = None
    for found in reversed(frames):
        kept = TracebackType(kept, found.tb_frame, found.tb_lasti, found.tb_lineno)
    error.__traceback__ = kept


def _links(traceback: TracebackType | None) -> Iterator[TracebackType]:
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next


def _chain(error: BaseException, outer: BaseException | None) -> Iterator[Any]:
    """Yield an exception, and all that is behind it up to the outer one."""
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
