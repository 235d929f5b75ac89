"""The state of one event loop: connections, calls in flight, and the limit on concurrency."""

import asyncio
import os
import threading
from collections.abc import Iterable
from contextlib import suppress
from types import TracebackType

import httpx

from nexport_campus._errors import NexportError
from nexport_campus._settings import Settings

from .connections import ConnectionStack
from .decode_queue import DecodeQueue
from .loop_guard import LoopGuard

__all__ = ["LoopState", "LoopStates", "Slots"]


class Slots:
    """A limiter for `max_concurrency` concurrent requests."""

    def __init__(self, max_concurrency: int) -> None:
        self._slots = asyncio.Semaphore(max_concurrency)

    async def __aenter__(self) -> bool:
        """Acquire a slot. Returns whether the caller had to wait."""
        waits = self._slots.locked()
        await self._slots.acquire()
        return waits

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._slots.release()


class LoopState:
    """The connections, calls and limits of one event loop."""

    def __init__(self, settings: Settings) -> None:
        self.loop = asyncio.get_running_loop()
        self.connections = ConnectionStack(settings)
        self.slots = Slots(settings.max_concurrency)
        self.decode_queue = DecodeQueue()
        self._count = 0
        self.closed = False
        self._calls: set[asyncio.Timeout] = set()
        self._drained = asyncio.Event()
        self._guard = LoopGuard(self.connections.aclose)
        self._ending: asyncio.Task[None] | None = None

    def enter(self, limit: asyncio.Timeout) -> int:
        """Register a call with its time limit. Returns its number, one more than that of the previous call."""
        self._calls.add(limit)
        self._count += 1
        return self._count

    def leave(self, limit: asyncio.Timeout) -> None:
        """Unregister a call that has ended."""
        self._calls.discard(limit)
        if not self._calls:
            self._drained.set()

    def cancel_calls(self) -> None:
        """Cancel the calls in flight by expiring their time limits."""
        self.closed = True
        for limit in self._calls:
            if not limit.expired():
                limit.reschedule(self.loop.time())

    async def aclose(self) -> None:
        """Cancel the calls in flight and close the connections, on the loop itself."""
        await self._end_calls()
        await self._guard.aclose()

    def close_from_elsewhere(self) -> None:
        """Close the connections from outside the loop.

        The connections of a closed loop are closed at once. Another loop may be running in its own thread, or be paused
        between two runs: its idle connections are closed now, and the others when the loop runs again or ends.
        """
        self.closed = True
        if self.loop.is_closed():
            self.connections.abandon()
        else:
            self.connections.close_idle()
            if self._calls or self.connections.needs_loop or self.loop.is_running():
                with suppress(RuntimeError):  # the loop was closed just now
                    self.loop.call_soon_threadsafe(self._close_soon)
                return
        self._guard.close_after_loop()

    def _close_soon(self) -> None:
        self._ending = self.loop.create_task(self._close_here())

    async def _close_here(self) -> None:
        await self._end_calls()
        # Not through the guard: the loop may be ending it at the same time.
        await self.connections.aclose()

    async def _end_calls(self) -> None:
        self.cancel_calls()
        if self._calls:
            self._drained.clear()
            await self._drained.wait()


class LoopStates:
    """The state of each event loop that a client is used in. A client may use several loops, but one at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._states: dict[asyncio.AbstractEventLoop, LoopState] = {}
        self._current: LoopState | None = None
        self._changing = threading.Lock()
        self._process = os.getpid()
        self._inherited: list[object] = []
        self._closed = self._ended = False

    def current(self) -> tuple[LoopState, bool]:
        """Return the state of the running loop, and whether another one was current before. Raises NexportError."""
        if self._closed:
            raise NexportError(
                "this client is closed: make another one, or make the call inside its async with block"
            )
        state = self._current
        if state is not None and state.loop is asyncio.get_running_loop() and self._process == os.getpid():
            return state, False
        with self._changing:
            self._current = self._switch(asyncio.get_running_loop())
        return self._current, True

    def _switch(self, loop: asyncio.AbstractEventLoop) -> LoopState:
        if self._process != os.getpid():
            # These connections, and the sockets behind them, belong to the parent process: leave them open.
            self._inherited.append(self._states)
            self._states, self._process = {}, os.getpid()
        for other, state in list(self._states.items()):
            if other is not loop and other.is_running():
                raise NexportError(
                    "this client serves another event loop at the moment: use one client for each running loop"
                )
            if other.is_closed():
                state.close_from_elsewhere()
                del self._states[other]
        if loop not in self._states:
            self._states[loop] = LoopState(self._settings)
        return self._states[loop]

    def reject_calls(self) -> None:
        """Reject new calls, and cancel those of this loop that are in flight."""
        self._closed = True
        state = self._states.get(asyncio.get_running_loop())
        if state is not None and self._process == os.getpid():
            state.cancel_calls()

    async def aclose(self) -> None:
        """Close the connections of all loops and reject new calls."""
        first = not self._ended
        self._ended = True
        self.reject_calls()
        states, self._states, self._current = self._states, {}, None
        if self._process != os.getpid():
            self._inherited.append(states)
            states = {}
        own = states.pop(asyncio.get_running_loop(), None)
        for state in states.values():
            state.close_from_elsewhere()
        if own is not None:
            await own.aclose()
        if first and self._settings.transport is not None and not _closes_later(self._settings, states):
            await self._settings.transport.aclose()


def _closes_later(settings: Settings, loops: Iterable[asyncio.AbstractEventLoop]) -> bool:
    """Return whether the user's transport must be closed on another loop. httpx' own has its connections there."""
    return isinstance(settings.transport, httpx.AsyncHTTPTransport) and not all(
        loop.is_closed() for loop in loops
    )
