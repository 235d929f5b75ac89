"""Interleaved runs: each contender once, then each again, so that what else the machine does meets them all alike."""

import asyncio
import gc
import statistics
import time
from collections.abc import Awaitable, Callable

import attrs

__all__ = ["Figure", "Figures", "rate", "rounded", "seconds"]

Figures = dict[str, "Figure"]


@attrs.frozen
class Figure:
    """What one contender reached: median, lowest and highest of its runs, in the unit of its table."""

    runs: list[float]

    @property
    def median(self) -> float:
        """The middle of the runs."""
        return statistics.median(self.runs)

    def times(self, other: "Figure") -> float:
        """How many times the other's median this one is."""
        return self.median / other.median


def seconds(contenders: dict[str, Callable[[], object]], runs: int) -> Figures:
    """Milliseconds a call of each contender takes, garbage collection of what it made included."""
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for contender in contenders.values():
        contender()
    for _ in range(runs):
        for name, contender in contenders.items():
            gc.collect()
            started = time.perf_counter()
            made = contender()
            del made
            taken[name].append((time.perf_counter() - started) * 1000)
    return {name: Figure(values) for name, values in taken.items()}


async def rate(call: Callable[[], Awaitable[object]], concurrency: int, calls: int) -> float:
    """Calls a second, so many at a time."""
    remaining = iter(range(calls))

    async def worker() -> None:
        for _ in remaining:
            await call()

    started = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(concurrency)))
    return calls / (time.perf_counter() - started)


def rounded(value: float) -> str:
    """A figure as people read it: three digits or so."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
