"""What belongs to one event loop: connections, and the limits on how many requests run and how fast they start."""

import asyncio
import time
from types import TracebackType

from ._errors import NexportError
from ._settings import Settings
from ._transport import Lanes

__all__ = ["Limiter", "Session", "Sessions"]


class Limiter:
    """At most `max_concurrency` requests at a time, at most `rate_limit` started a second."""

    def __init__(self, max_concurrency: int, rate_limit: float | None) -> None:
        self._slots = asyncio.Semaphore(max_concurrency)
        self._interval = 1.0 / rate_limit if rate_limit else 0.0
        self._next_start = 0.0

    async def __aenter__(self) -> None:
        await self._slots.acquire()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._slots.release()

    async def turn(self) -> None:
        """Wait until the next request may start."""
        if not self._interval:
            return
        now = time.monotonic()
        start = max(now, self._next_start)
        self._next_start = start + self._interval
        if start > now:
            await asyncio.sleep(start - now)


class Session:
    """The connections and limits of one event loop."""

    def __init__(self, settings: Settings) -> None:
        self.loop = asyncio.get_running_loop()
        self.lanes = Lanes(settings)
        self.limiter = Limiter(settings.max_concurrency, settings.rate_limit)


class Sessions:
    """The session of the loop that runs; a client may serve several loops, one after another."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._session: Session | None = None
        self._closed = False

    def current(self) -> tuple[Session, bool]:
        """The session of the running loop, and whether it was made just now. Raises NexportError."""
        if self._closed:
            raise NexportError(
                "this client is closed: make another one, or make the call inside its async with block"
            )
        session, loop = self._session, asyncio.get_running_loop()
        if session is not None and session.loop is loop:
            return session, False
        if session is not None and session.loop.is_running():
            raise NexportError(
                "this client serves another event loop at the moment: use one client for each running loop"
            )
        self._session = Session(self._settings)
        return self._session, True

    async def aclose(self) -> None:
        """Close the connections; calls are refused from now on."""
        self._closed = True
        session, self._session = self._session, None
        if session is not None and session.loop is asyncio.get_running_loop():
            await session.lanes.aclose()
        elif self._settings.transport is not None:
            await self._settings.transport.aclose()
