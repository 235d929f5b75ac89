"""Interleaved measurements: all contenders take turns, so that other load on the machine affects them equally."""

import asyncio
import gc
import statistics
import time
from collections.abc import Awaitable, Callable

import attrs

__all__ = ["Figure", "Figures", "measure_milliseconds", "measure_rate", "round_figure"]

Figures = dict[str, "Figure"]


@attrs.frozen
class Figure:
    """One contender's median, minimum and maximum, in the unit of its table."""

    runs: list[float]

    @property
    def median(self) -> float:
        """The median of the runs."""
        return statistics.median(self.runs)

    def times(self, other: "Figure") -> float:
        """Return the ratio of this median to another."""
        return self.median / other.median


def measure_milliseconds(contenders: dict[str, Callable[[], object]], runs: int) -> Figures:
    """Return milliseconds of CPU time per call of each contender, including garbage collection."""
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for contender in contenders.values():
        contender()
    for _ in range(runs):
        for name, contender in contenders.items():
            gc.collect()
            started = time.process_time()
            made = contender()
            del made
            taken[name].append((time.process_time() - started) * 1000)
    return {name: Figure(values) for name, values in taken.items()}


async def measure_rate(call: Callable[[], Awaitable[object]], concurrency: int, calls: int) -> float:
    """Return calls per second at a given concurrency."""
    remaining = iter(range(calls))

    async def worker() -> None:
        for _ in remaining:
            await call()

    started = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(concurrency)))
    return calls / (time.perf_counter() - started)


def round_figure(value: float) -> str:
    """Format a figure with about three significant digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
