"""Interleaved measurements: all contenders take turns, so that other load on the machine affects them equally."""

import asyncio
import contextlib
import gc
import multiprocessing
import statistics
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor

import attrs

__all__ = ["Figure", "Figures", "Maker", "measure_milliseconds", "measure_rate", "round_figure"]

Figures = dict[str, "Figure"]
# Makes what is measured, in the process that measures it; must be picklable.
Maker = Callable[[], Callable[[], object]]
_CALLS_IN_A_ROW = 5
# The contender of this process, where it measures one.
_prepared: list[Callable[[], object]] = []


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


def measure_milliseconds(contenders: dict[str, Maker], runs: int) -> Figures:
    """Return milliseconds of CPU time per call of each contender, including garbage collection.

    Each contender has a process to itself, in which it is made and called: in memory that other contenders have
    fragmented, the same call takes longer. A run is the mean of several calls in a row: the first one after a full
    collection finds nothing in the processor's cache, and a page through the whole client takes 0.9 ms besides decoding
    instead of 0.2 ms. A contender whose library isn't installed is skipped.
    """
    with contextlib.ExitStack() as stack:
        processes = {}
        for name, make in contenders.items():
            process = stack.enter_context(
                ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
            )
            with contextlib.suppress(ImportError):
                process.submit(_prepare, make).result()
                processes[name] = process
        taken: dict[str, list[float]] = {name: [] for name in processes}
        for _ in range(runs):
            for name, process in processes.items():
                taken[name].append(process.submit(_time_calls).result())
    return {name: Figure(values) for name, values in taken.items()}


def _prepare(make: Maker) -> None:
    """Make the contender of this process and call it once, which fills its caches."""
    _prepared.append(make())
    _prepared[0]()


def _time_calls() -> float:
    """Return the milliseconds of CPU time that a call takes, freeing its result included."""
    gc.collect()
    started = time.process_time()
    for _ in range(_CALLS_IN_A_ROW):
        made = _prepared[0]()
        del made
    return (time.process_time() - started) * 1000 / _CALLS_IN_A_ROW


async def measure_rate(call: Callable[[], Awaitable[object]], concurrency: int, seconds: float) -> float:
    """Return calls per second at a given concurrency, of the calls that begin within some seconds."""
    calls = 0

    async def worker() -> None:
        nonlocal calls
        while time.perf_counter() < started + seconds:
            await call()
            calls += 1

    started = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(concurrency)))
    return calls / (time.perf_counter() - started)


def round_figure(value: float) -> str:
    """Format a figure with about three significant digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
