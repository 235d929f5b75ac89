"""What belongs to one event loop: connections, the calls under way, and the limits on how many and how fast they start."""

import asyncio
import os
import threading
from collections.abc import AsyncGenerator
from contextlib import suppress
from types import TracebackType
from typing import Any

from ._clock import Clock
from ._errors import NexportError
from ._settings import Settings
from ._transport import Lanes
from ._turns import Turns

__all__ = ["Limiter", "Session", "Sessions"]


class Limiter:
    """At most `max_concurrency` requests at a time, at most `rate_limit` started a second."""

    def __init__(self, max_concurrency: int, rate_limit: float | None, clock: Clock) -> None:
        self._slots = asyncio.Semaphore(max_concurrency)
        self._interval = 1.0 / rate_limit if rate_limit else 0.0
        self._clock = clock
        self._queue = asyncio.Lock()
        self._next_start = 0.0

    async def __aenter__(self) -> bool:
        """Take a slot; tells whether it had to be waited for."""
        waits = self._slots.locked()
        await self._slots.acquire()
        return waits

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._slots.release()

    async def turn(self) -> bool:
        """Wait until the next request may start; tells whether it waited. Who is cancelled meanwhile uses up no turn."""
        if not self._interval:
            return False
        async with self._queue:
            wait = self._next_start - self._clock.monotonic()
            if wait > 0:
                await self._clock.sleep(wait)
            self._next_start = max(self._next_start, self._clock.monotonic()) + self._interval
        return wait > 0


class Session:
    """The connections, calls and limits of one event loop."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.loop = asyncio.get_running_loop()
        self.lanes = Lanes(settings)
        self.limiter = Limiter(settings.max_concurrency, settings.rate_limit, clock)
        self.reading = Turns()
        self._begun = 0
        self.closed = False
        self._calls: set[asyncio.Timeout] = set()
        self._drained = asyncio.Event()
        self._guard = _until_the_loop_ends(self.lanes)
        _advance(self._guard.__anext__())

    def enter(self, limit: asyncio.Timeout) -> int:
        """A call begins, within this time limit; its number is one more than that of the call before."""
        self._calls.add(limit)
        self._begun += 1
        return self._begun

    def leave(self, limit: asyncio.Timeout) -> None:
        """A call has ended."""
        self._calls.discard(limit)
        if not self._calls:
            self._drained.set()

    def refuse(self) -> None:
        """End the calls under way: their time is over, whatever they wait for."""
        self.closed = True
        for limit in self._calls:
            if not limit.expired():
                limit.reschedule(self.loop.time())

    async def aclose(self) -> None:
        """End the calls under way and close the connections, on this session's own loop."""
        self.refuse()
        if self._calls:
            self._drained.clear()
            await self._drained.wait()
        await self._guard.aclose()

    def abandon(self) -> None:
        """Close the connections from outside: this session's loop doesn't run any more."""
        self.closed = True
        self.lanes.abandon(self.loop)
        _advance(self._guard.aclose())


async def _until_the_loop_ends(lanes: Lanes) -> AsyncGenerator[None, None]:
    """Closes the connections when the loop ends: `asyncio.run` and its like end all asynchronous generators (PEP 525)."""
    try:
        yield
    finally:
        await lanes.aclose()


def _advance(step: Any) -> None:
    """Run a step of the guard that doesn't suspend."""
    with suppress(StopIteration, StopAsyncIteration):
        step.send(None)


class Sessions:
    """The sessions of a client, one for each loop; it may serve several loops, but one at a time."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._sessions: dict[asyncio.AbstractEventLoop, Session] = {}
        self._current: Session | None = None
        self._changing = threading.Lock()
        self._process = os.getpid()
        self._inherited: list[object] = []
        self._closed = self._ended = False

    def current(self) -> tuple[Session, bool]:
        """The session of the running loop, and whether another one was current before. Raises NexportError."""
        if self._closed:
            raise NexportError(
                "this client is closed: make another one, or make the call inside its async with block"
            )
        session = self._current
        if (
            session is not None
            and session.loop is asyncio.get_running_loop()
            and self._process == os.getpid()
        ):
            return session, False
        with self._changing:
            self._current = self._changed(asyncio.get_running_loop())
        return self._current, True

    def _changed(self, loop: asyncio.AbstractEventLoop) -> Session:
        if self._process != os.getpid():
            # The connections are the parent's, and so is what hangs on them: leave them as they are.
            self._inherited.append(self._sessions)
            self._sessions, self._process = {}, os.getpid()
        for other, session in list(self._sessions.items()):
            if other is not loop and other.is_running():
                raise NexportError(
                    "this client serves another event loop at the moment: use one client for each running loop"
                )
            if other.is_closed():
                session.abandon()
                del self._sessions[other]
        if loop not in self._sessions:
            self._sessions[loop] = Session(self._settings, self._clock)
        return self._sessions[loop]

    def refuse(self) -> None:
        """Refuse calls from now on, and end those of this loop that are under way."""
        self._closed = True
        session = self._sessions.get(asyncio.get_running_loop())
        if session is not None and self._process == os.getpid():
            session.refuse()

    async def aclose(self) -> None:
        """Close the connections, of all loops; calls are refused from now on."""
        first = not self._ended
        self._ended = True
        self.refuse()
        sessions, self._sessions, self._current = self._sessions, {}, None
        if self._process != os.getpid():
            self._inherited.append(sessions)
            sessions = {}
        for loop, session in sessions.items():
            if loop is asyncio.get_running_loop():
                await session.aclose()
            elif loop.is_running():
                asyncio.run_coroutine_threadsafe(session.aclose(), loop)
            else:
                session.abandon()
        if first and self._settings.transport is not None:
            await self._settings.transport.aclose()
