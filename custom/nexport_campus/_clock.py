"""Time and randomness behind one object, so that tests can replace both."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

import attrs

__all__ = ["REAL_CLOCK", "Clock"]


@attrs.frozen
class Clock:
    """Source of time and randomness: `monotonic` and `sleep` use seconds, `random` is in [0, 1)."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    random: Callable[[], float] = random.random


REAL_CLOCK = Clock()
