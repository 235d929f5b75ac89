"""Time and chance as the pipeline sees them, so that tests can stand in for both."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

import attrs

__all__ = ["REAL_CLOCK", "Clock"]


@attrs.frozen
class Clock:
    """`monotonic` gives seconds that only ever grow, `sleep` waits for seconds, `random` is from 0 up to 1."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    random: Callable[[], float] = random.random


REAL_CLOCK = Clock()
