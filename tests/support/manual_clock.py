"""A clock for tests: waiting takes no time, and every wait is recorded."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from nexport_campus import NexportCampus
from nexport_campus._calling.client_state import ClientState
from nexport_campus._clock import Clock
from tests.support.clients import campus_of
from tests.support.scripted_server import ScriptedServer

__all__ = ["ManualClock", "campus_on"]


class ManualClock:
    """Advances only when something waits.

    `waits` holds the seconds of every wait. `between`, if set, is called during each wait with its number,
    from 1. `gate`, if set, holds every wait until the event is set.
    """

    def __init__(self, jitter: float = 1.0) -> None:
        self.now = 1000.0
        self.waits: list[float] = []
        self.jitter = jitter
        self.between: Callable[[int], Awaitable[object]] | None = None
        self.gate: asyncio.Event | None = None
        self.waiting = asyncio.Event()

    def clock(self) -> Clock:
        """Return the clock as the client takes it."""
        return Clock(monotonic=lambda: self.now, sleep=self._sleep, random=lambda: self.jitter)

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.waiting.set()
        if self.between is not None:
            await self.between(len(self.waits))
        if self.gate is not None:
            await self.gate.wait()
        self.now += seconds


def campus_on(clock: ManualClock, server: ScriptedServer, **settings: Any) -> NexportCampus:
    """Return a client of `server` that runs on this clock."""
    campus = campus_of(server, **settings)
    state = ClientState(campus._state._auth, campus._settings, clock.clock())
    campus._begin(state, campus._settings, owns=True)
    return campus
