"""The mixed calls, in batches: each ends with a check of the request log, which keeps the latest entries only."""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from random import Random

import attrs

from nexport_campus import NexportCampus
from nexport_campus.sandbox import Books, Sandbox

from .ledger import WriteLedger
from .memory import Memory
from .reads import read_something
from .tally import Tally
from .targets import Targets
from .writes import BatchWriter

__all__ = ["AT_ONCE", "Traffic", "choose_portion_size", "count_needed_targets"]

AT_ONCE = 16
_WRITES = 0.36
_LARGEST_PORTION = 4000
_SAMPLE_EVERY = 50
_Job = Callable[[], Awaitable[None]]


def choose_portion_size(calls: int) -> int:
    """Calls between two checks of the request log, few enough that it still holds all of them."""
    return max(1, min(_LARGEST_PORTION, calls // 5))


def count_needed_targets(calls: int) -> int:
    """Return how many seats and attempts one batch writes to, each once."""
    return _count_writes_of_each_kind(choose_portion_size(calls))


def _count_writes_of_each_kind(calls: int) -> int:
    return int(calls * _WRITES / 3)


@attrs.define
class Traffic:
    """Mixed calls and their outcomes, with the request log's figures: requests, and `struck` by fault."""

    sandbox: Sandbox
    campus: NexportCampus
    targets: Targets
    seed: int
    faults: dict[int, str]
    tally: Tally = attrs.field(factory=Tally)
    memory: Memory = attrs.field(factory=Memory)
    struck: Counter[str] = attrs.field(factory=Counter)
    requests: int = 0
    changes: int = 0
    seconds: float = 0.0
    _made: int = 0
    _read_up_to: int = 0
    _numbers: Iterator[int] = attrs.field(factory=itertools.count)

    async def run(self, calls: int) -> None:
        """Make `count` calls."""
        self._read_up_to = (await self.sandbox.books()).last
        rng, started = Random(self.seed), time.monotonic()  # noqa: S311 -- reproducible, not secret
        while self._made < calls:
            await self._run_portion(rng, min(choose_portion_size(calls), calls - self._made), calls)
        self.seconds = time.monotonic() - started

    async def _run_portion(self, rng: Random, count: int, calls: int) -> None:
        writer = BatchWriter(self.campus, self.targets.org_id, self.tally, self._numbers)
        jobs = iter(self._make_jobs(rng, count, writer))

        async def work() -> None:
            for job in jobs:
                await job()
                self._made += 1
                if self._made % _SAMPLE_EVERY == 0:
                    self.memory.sample(self._made / calls)

        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(work())
        await writer.settle_unknown()
        self._settle(writer.ledger, await self.sandbox.books(since=self._read_up_to))

    def _make_jobs(self, rng: Random, count: int, writer: BatchWriter) -> list[_Job]:
        """Return `count` calls in random order; no two of them write to the same target."""
        seats, attempts = self.targets.seats, self.targets.attempts
        each = min(_count_writes_of_each_kind(count), len(seats), len(attempts))
        jobs: list[_Job] = [
            *(
                _make_job(writer.change_seat, seat, number)
                for number, seat in enumerate(rng.sample(seats, each))
            ),
            *(_make_job(writer.set_field, attempt) for attempt in rng.sample(attempts, each)),
            *(_make_job(writer.edit_scorm, attempt) for attempt in rng.sample(attempts, each)),
        ]
        jobs += [_make_job(read_something, self.campus, self.targets, rng, self.tally)] * (count - len(jobs))
        rng.shuffle(jobs)
        return jobs

    def _settle(self, ledger: WriteLedger, books: Books) -> None:
        """Compare the known outcomes with the request log."""
        numbers = [entry.number for entry in books.entries]
        if numbers != list(range(self._read_up_to + 1, self._read_up_to + 1 + len(numbers))):
            self.tally.mistakes.append("the books have forgotten requests: the portion was too large")
        self.tally.mistakes += ledger.find_mistakes(books.changes)
        self.tally.writes += ledger.count_outcomes()
        self.requests += len(numbers)
        self.changes += len(books.changes)
        self.struck.update(self.faults[entry.fault] for entry in books.entries if entry.fault is not None)
        self._read_up_to = books.last or self._read_up_to


def _make_job(call: Callable[..., Awaitable[None]], *arguments: object) -> _Job:
    return lambda: call(*arguments)
