"""Calls that are interrupted while they wait for a limiter, such as one in Redis: they end, and send nothing more."""

import asyncio
from collections.abc import Callable

import attrs
import pytest

from nexport_campus import NexportCampus, NexportError, RequestTimeoutError, RetryPolicy
from tests.support.clients import campus_with
from tests.support.scripted_server import json_response
from tests.support.spec import SOME_ID

BUSY = json_response({}, 429, {"Retry-After": "0.01"})


@attrs.define
class HangingLimiter:
    """A limiter that doesn't respond to one of its methods."""

    hangs: str
    waiting: asyncio.Event = attrs.field(factory=asyncio.Event)

    async def acquire(self) -> None:
        await self._wait("acquire")

    async def pause(self, seconds: float) -> None:
        await self._wait("pause")

    async def _wait(self, name: str) -> None:
        if name == self.hangs:
            self.waiting.set()
            await asyncio.Event().wait()


class LimitedHangingLimiter(HangingLimiter):
    """One that has a local limit in its place."""

    per_second = 1000


async def drop(campus: NexportCampus) -> None:
    """Make a call that writes."""
    await campus.learning.drop_enrollment(enrollment_id=SOME_ID)


LIMITERS = pytest.mark.parametrize("make", [HangingLimiter, LimitedHangingLimiter], ids=["no rate", "rate"])
METHODS = pytest.mark.parametrize(("hangs", "sent"), [("acquire", 0), ("pause", 1)], ids=["acquire", "pause"])


@LIMITERS
@METHODS
async def test_a_cancelled_call_ends(make: Callable[[str], HangingLimiter], hangs: str, sent: int) -> None:
    """The cancellation is no failure of the limiter, after which the call would be sent."""
    limiter = make(hangs)
    async with campus_with(*[BUSY] * sent, rate_limit=limiter, retry=RetryPolicy()) as (campus, server):
        task = asyncio.create_task(drop(campus))
        await limiter.waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(server.requests) == sent


@LIMITERS
@METHODS
async def test_the_total_time_ends_the_wait(
    make: Callable[[str], HangingLimiter], hangs: str, sent: int
) -> None:
    """A call that gets no response of the limiter in time times out."""
    retry = RetryPolicy(total_timeout=0.05)
    async with campus_with(*[BUSY] * sent, rate_limit=make(hangs), retry=retry) as (campus, server):
        with pytest.raises(RequestTimeoutError, match="total_timeout"):
            await drop(campus)
        assert len(server.requests) == sent


@LIMITERS
@METHODS
async def test_closing_the_client_ends_the_wait(
    make: Callable[[str], HangingLimiter], hangs: str, sent: int
) -> None:
    """The call raises that the client was closed."""
    limiter = make(hangs)
    async with campus_with(*[BUSY] * sent, rate_limit=limiter, retry=RetryPolicy()) as (campus, server):
        task = asyncio.create_task(drop(campus))
        await limiter.waiting.wait()
        await campus.aclose()
        with pytest.raises(NexportError, match="closed"):
            await task
        assert len(server.requests) == sent
