"""Benchmark of paging: time, longest blocking of the event loop, and memory, with pages of 1000 records."""

import asyncio
import contextlib
import gc
import importlib
import resource
import time
from collections.abc import Awaitable, Callable

from benchmarks.measure import Figure, Figures
from nexport_campus import NexportCampus, StaticToken

__all__ = ["measure_longest_hold", "measure_memory", "measure_paging"]

ORG = "12345678-1234-5678-9abc-123456789abc"
TOKEN = "5eed0000-0000-4000-8000-00000000c0de"
Walk = Callable[[], Awaitable[int]]


async def measure_paging(url: str, runs: int, records: int) -> Figures:
    """Return the seconds to read so many records; the stock client is skipped if it is not installed."""
    async with NexportCampus(StaticToken(TOKEN), base_url=url) as campus:
        walks: dict[str, Walk] = {
            "nexport-campus, concurrent(8)": lambda: _walk(campus, 8),
            "nexport-campus, sequential": lambda: _walk(campus, 1),
        }
        with contextlib.suppress(ImportError):
            walks["stock client, sequential"] = _stock(url)
        taken: dict[str, list[float]] = {name: [] for name in walks}
        for _ in range(runs):
            for name, walk in walks.items():
                gc.collect()
                started = time.perf_counter()
                met = await walk()
                taken[name].append(time.perf_counter() - started)
                assert met == records, f"{name} walked over {met} records"
    return {name: Figure(values) for name, values in taken.items()}


async def measure_longest_hold(url: str, runs: int) -> Figure:
    """Return the longest blocking of the event loop in milliseconds while pages are consumed."""
    holds = []
    async with NexportCampus(StaticToken(TOKEN), base_url=url) as campus:
        for _ in range(runs):
            gc.collect()
            watch = _Watch()
            task = asyncio.create_task(watch.run())
            await _walk(campus, 8)
            task.cancel()
            holds.append(watch.longest * 1000)
    return Figure(holds)


async def measure_memory(url: str, records: int) -> float:
    """Return the growth of the process's peak memory in MiB after the first tenth of the records."""
    met, early = 0, 0
    async with NexportCampus(StaticToken(TOKEN), base_url=url) as campus:
        async for _ in campus.learning.search_enrollments(org_ids=[ORG]).concurrent(8):
            met += 1
            if met == records // 10:
                early = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert met == records, f"{met} records of {records}"
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - early) / 1024


class _Watch:
    """Yields to the event loop repeatedly and records the longest wait."""

    def __init__(self) -> None:
        self.longest = 0.0

    async def run(self) -> None:
        last = time.perf_counter()
        while True:
            await asyncio.sleep(0)
            now = time.perf_counter()
            self.longest = max(self.longest, now - last)
            last = now


async def _walk(campus: NexportCampus, ahead: int) -> int:
    count = 0
    async for _ in campus.learning.search_enrollments(org_ids=[ORG]).concurrent(ahead):
        count += 1
    return count


def _stock(url: str) -> Walk:
    client_class = importlib.import_module("stock").Client
    module = importlib.import_module("stock.api.learning_api.learning_api_search_enrollments")
    models = importlib.import_module("stock.models")

    async def walk() -> int:
        count, page = 0, 1
        body = models.EnrollmentSearchFilter.from_dict({"org_ids": [ORG]})
        async with client_class(base_url=url) as client:
            while True:
                answer = await module.asyncio(
                    client=client, body=body, access_token=TOKEN, page=page, per_page=1000
                )
                count += len(answer.enrollments)
                if count >= answer.total_count:
                    return count
                page += 1

    return walk
