"""Rate limits: the interface, a limit for one process, and what happens when a limiter fails."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Protocol, runtime_checkable
from weakref import WeakKeyDictionary

from . import _setting_values as values
from ._clock import REAL_CLOCK, Clock
from ._errors import ConfigurationError
from ._inputs import describe
from ._outage_log import OutageLog

__all__ = ["GuardedLimiter", "LocalRateLimiter", "RateLimiter", "check_rate_limit", "make_limiter"]

_LOCAL_SECONDS = 5.0


@runtime_checkable
class RateLimiter(Protocol):
    """A limit on the number of requests per second, which any number of clients can share."""

    async def acquire(self) -> None:
        """Wait until the next request may be sent.

        It is called once for each HTTP request, including logins and retries. If it is cancelled, its turn must go to
        the next caller.
        """

    async def pause(self, seconds: float) -> None:
        """Let no request start for some seconds: the campus responded 429 or 503 with `Retry-After`."""


class LocalRateLimiter:
    """A `RateLimiter` for the clients of one process: a turn every `1 / per_second` seconds, in order of arrival.

    `NexportCampus(rate_limit=20)` creates one; the same object can be given to several clients.

    Raises:
        ConfigurationError: `per_second` isn't a positive number.
    """

    def __init__(self, per_second: float, *, _clock: Clock = REAL_CLOCK) -> None:
        self.per_second = values.check_positive("per_second", per_second, "requests per second")
        self._clock = _clock
        self._next_turn = float("-inf")
        self._changing = threading.Lock()
        self._queues: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()

    async def acquire(self) -> None:
        """Wait for a turn."""
        async with self._queue():
            while (wait := self._take_turn()) > 0:
                await self._clock.sleep(wait)

    async def pause(self, seconds: float) -> None:
        """Give no turns for some seconds."""
        with self._changing:
            self._next_turn = max(self._next_turn, self._clock.monotonic() + seconds)

    def _queue(self) -> asyncio.Lock:
        """Return the queue of the running event loop. Clients on several loops, in threads, share only the turns."""
        with self._changing:
            return self._queues.setdefault(asyncio.get_running_loop(), asyncio.Lock())

    def _take_turn(self) -> float:
        """Take the next turn if it is due and return 0, or else return the seconds until then."""
        with self._changing:
            now = self._clock.monotonic()
            if now < self._next_turn:
                return self._next_turn - now
            self._next_turn = now + 1 / self.per_second
            return 0.0

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.per_second:g})"


class GuardedLimiter:
    """A limiter of the user's whose failures are logged once. While it fails, `local` limits this process, if any."""

    def __init__(self, limiter: RateLimiter, local: LocalRateLimiter | None, clock: Clock) -> None:
        self._limiter = limiter
        self._local = local
        self._clock = clock
        limit = "no limit holds" if local is None else f"{local.per_second:g} requests per second"
        self._outage = OutageLog("the rate limiter", f"{limit} in this process meanwhile", clock.monotonic)
        self._local_until = float("-inf")

    async def acquire(self) -> None:
        """Wait for a turn. Never raises an error of the limiter."""
        if not await self._succeeds(self._limiter.acquire) and self._local is not None:
            await self._local.acquire()

    async def pause(self, seconds: float) -> None:
        """Let no request start for some seconds. Never raises an error of the limiter."""
        if self._local is not None:
            await self._local.pause(seconds)
        await self._succeeds(lambda: self._limiter.pause(seconds))

    async def _succeeds(self, call: Callable[[], Awaitable[None]]) -> bool:
        """Return whether a call succeeded. After a failure, the limiter isn't called for a while."""
        if self._clock.monotonic() < self._local_until:
            return False
        try:
            await call()
        except Exception as error:  # noqa: BLE001 -- a limiter may raise anything
            self._outage.failed(error)
            self._local_until = self._clock.monotonic() + _LOCAL_SECONDS
            return False
        return True


def check_rate_limit(value: object) -> float | RateLimiter | None:
    """Return a validated `rate_limit`. Raises ConfigurationError."""
    if value is None or isinstance(value, RateLimiter):
        if isinstance(value, type):
            raise ConfigurationError(f"rate_limit must be an instance: {value.__name__}(...)")
        return value
    if hasattr(value, "acquire"):
        raise ConfigurationError(f"rate_limit must have the methods acquire and pause, got {describe(value)}")
    return values.check_positive("rate_limit", value, "requests per second")


def make_limiter(rate: float | RateLimiter | None, clock: Clock) -> RateLimiter | None:
    """Return the limiter that a client uses for its `rate_limit`."""
    if rate is None or isinstance(rate, LocalRateLimiter):
        return rate
    if not isinstance(rate, RateLimiter):
        return LocalRateLimiter(rate, _clock=clock)
    per_second = getattr(rate, "per_second", None)
    local = LocalRateLimiter(per_second, _clock=clock) if isinstance(per_second, int | float) else None
    return GuardedLimiter(rate, local, clock)
