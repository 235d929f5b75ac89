"""The promise of the change feed, against a campus that changes between any two requests."""

import random as pseudo_random
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nexport_campus import PaginationError
from tests.changes.following import Mirror
from tests.support.clients import campus_with
from tests.support.moving_campus import START, MovingCampus, Record

SECOND = timedelta(seconds=1)


@attrs.define
class Churn:
    """Creates, completes and removes enrollments between any two requests, at most `budget` times.

    `moved` has the time of each enrollment's last change that a search by date can find.
    """

    random: Any
    skew: timedelta
    budget: int
    moved: dict[UUID, datetime] = attrs.field(factory=dict)
    resting: bool = False

    def __call__(self, campus: MovingCampus) -> None:
        campus.now += timedelta(seconds=self.random.choice([0, 0.25, 1, 40]))
        for _ in range(self.random.choice([0, 1, 1, 2])):
            if self.budget and not self.resting:
                self.budget -= 1
                self.change(campus)

    def change(self, campus: MovingCampus) -> None:
        stamp = campus.now + self.skew
        action = self.random.choice(["create", "create", "backdate", "act", "complete", "remove", "remove"])
        if action == "create":
            self.moved[campus.add(stamp).id] = campus.now
        elif action == "backdate":
            # Nothing but a run from nothing finds it, unless it moves.
            campus.add(self.random.choice([START - timedelta(hours=5), None]))
        elif campus.records:
            record = self.random.choice(list(campus.records.values()))
            if action == "remove":
                del campus.records[record.id]
                self.moved.pop(record.id, None)
                return
            record.active = stamp
            record.completed = stamp if action == "complete" else record.completed
            self.moved[record.id] = campus.now


def seeded(random: Any, count: int, **options: Any) -> MovingCampus:
    """Return a campus with enrollments of many kinds: with unique dates, with equal ones, and without some of them."""
    campus = MovingCampus(**options)
    for _ in range(count):
        kind = random.choice(["single", "crowd", "crowd", "undated"])
        enrolled = START - timedelta(days=random.randrange(400), seconds=random.randrange(10**5))
        if kind == "crowd":
            enrolled = START - random.choice([timedelta(hours=5), timedelta(hours=5, seconds=0.5), SECOND])
        record = campus.add(None if kind == "undated" else enrolled)
        record.active = random.choice([None, enrolled + timedelta(hours=1)])
    return campus


options = st.fixed_dictionaries(
    {
        "inclusive": st.booleans(),
        "undated": st.sampled_from(["first", "last"]),
        "clamp": st.sampled_from([3, 8, 30, 1000]),
        "totals": st.booleans(),
    }
)


@given(st.integers(0, 2**32), st.integers(0, 60), options, st.sampled_from([0, -25, 25]), st.integers(0, 50))
async def test_nothing_is_missed(
    seed: int, count: int, campus_options: dict[str, Any], skew: int, budget: int
) -> None:
    """What exists throughout a full run is delivered, and what changes is delivered by the next run.

    The campus's clock is minutes from that of its records, runs crash after any batch, and once the campus rests, the
    mirror is equal to it after one more run.
    """
    await prove(seed, count, campus_options, skew, budget)


@pytest.mark.full
@settings(max_examples=3000)
@given(st.integers(0, 2**32), st.integers(0, 90), options, st.sampled_from([0, -25, 25]), st.integers(0, 90))
async def test_nothing_is_missed_in_thousands_of_runs(
    seed: int, count: int, campus_options: dict[str, Any], skew: int, budget: int
) -> None:
    """The same, for as long as a night allows."""
    await prove(seed, count, campus_options, skew, budget)


async def prove(seed: int, count: int, campus_options: dict[str, Any], skew: int, budget: int) -> None:
    """Follow a campus that changes, and check every sentence of the promise."""
    random = pseudo_random.Random(seed)
    server = seeded(random, count, **campus_options)
    churn = Churn(random, timedelta(minutes=skew), budget)
    overlap = timedelta(hours=1) if skew else timedelta()
    crashes = iter([random.random() < 0.15 for _ in range(60)])
    async with campus_with(server.respond) as (campus, _):
        mirror = Mirror(campus, overlap=overlap, crashes=lambda: next(crashes, False))
        server.between = churn
        existing = set(server.records)
        await _run(mirror)
        throughout = existing & set(server.records)
        assert throughout <= set(mirror.records)
        for _ in range(random.randrange(3)):
            begun, before = server.now, len(mirror.delivered)
            expected = {key for key, moved in churn.moved.items() if moved < begun - SECOND}
            known = set(mirror.records)
            await _run(mirror)
            delivered = known | set(mirror.delivered[before:])
            assert {key for key in expected if key in server.records} <= delivered
        churn.resting = True
        await _run(mirror)
        _assert_equal(mirror, server, throughout | set(churn.moved))


async def _run(mirror: Mirror) -> None:
    """Complete a run as a job does: after an error, start again from the last cursor."""
    while True:
        try:
            await mirror.run()
        except PaginationError:
            continue
        return


def _assert_equal(mirror: Mirror, server: MovingCampus, wanted: set[UUID]) -> None:
    for key in wanted & set(server.records):
        record, copy = server.records[key], mirror.records[key]
        assert _dates(record) == (copy.enrollment_date, copy.last_activity_date, copy.completion_date)


def _dates(record: Record) -> tuple[datetime | None, ...]:
    return record.enrolled, record.active, record.completed
