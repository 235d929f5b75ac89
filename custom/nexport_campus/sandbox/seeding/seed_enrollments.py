"""Seeding of the enrollments in the order of their dates, fast enough for a million of them."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from typing import Any, Final

from nexport_campus.sandbox.aspnet_values import DAY, HOUR, SECOND, to_ticks
from nexport_campus.sandbox.database_schema import insert

from .random_streams import make_random_stream
from .seed_learning import SECTIONS, TRAINING_PLANS
from .seed_people import count_subscriptions

__all__ = ["HISTORY_END", "seed_enrollments"]

_COLUMNS: Final = 15
_START: Final = to_ticks(2024, 1, 1)
HISTORY_END: Final = to_ticks(2026, 7, 1)
_MILLISECOND: Final = 10_000
_PRECISIONS: Final = (1, _MILLISECOND, SECOND)

# First enrollments share ten syllabi, second ones a hundred, so that some lists are long.
_POPULAR: Final[tuple[int, ...]] = (*range(1, 9), SECTIONS + 1, SECTIONS + 2)
_COMMON: Final[tuple[int, ...]] = (*range(9, 104), *range(SECTIONS + 3, SECTIONS + 8))
_RARE: Final[tuple[int, ...]] = (
    *range(104, SECTIONS + 1),
    *range(SECTIONS + 8, SECTIONS + TRAINING_PLANS + 1),
)


def seed_enrollments(connection: sqlite3.Connection, seed: int, count: int) -> None:
    """Insert `count` enrollments; no subscription has the same syllabus twice."""
    shapes = {
        row["number"]: (
            row["assignment_count"],
            row["enrollment_duration"] if row["ends_after_period"] else None,
        )
        for row in connection.execute(
            "SELECT number, assignment_count, enrollment_duration, ends_after_period FROM syllabus"
        )
    }
    people = {
        row["number"]: (row["user"], row["organization"])
        for row in connection.execute("SELECT number, user, organization FROM subscription")
    }
    insert(
        connection,
        "enrollment",
        _generate_rows(make_random_stream(seed, "enrollments"), count, people, shapes),
        _COLUMNS,
    )


def _generate_rows(
    rng: random.Random,
    count: int,
    people: dict[int, tuple[int, int]],
    shapes: dict[int, tuple[int, int | None]],
) -> Iterator[tuple[Any, ...]]:
    subscriptions = count_subscriptions(count)
    # One slot per enrollment, in whole seconds, so that dates stay in order when fractions are cut.
    step = (HISTORY_END - _START) // count // SECOND * SECOND
    for place in range(count):
        bits = rng.getrandbits(128)
        subscription, turn = _choose_subscription(place, subscriptions)
        user, organization = people[subscription]
        syllabus = _choose_syllabus(subscription, turn)
        assignments, duration = shapes[syllabus]
        enrolled = _START + place * step + bits % step // _PRECISIONS[place % 3] * _PRECISIONS[place % 3]
        expires = None if duration is None else enrolled + duration * DAY
        course = _make_progress(bits >> 48, enrolled, assignments)
        yield (
            place + 1,
            subscription,
            user,
            organization,
            syllabus,
            enrolled,
            course[0],
            expires,
            *course[1:],
        )


def _choose_subscription(place: int, subscriptions: int) -> tuple[int, int]:
    """Return the subscription of the enrollment at `place`, and its turn there: a tenth get extra ones."""
    fifth, rest = divmod(place, 5)
    if rest == 4:
        busy = max(1, subscriptions // 10)
        return fifth % busy + 1, 100 + fifth // busy
    others = fifth * 4 + rest
    return others % subscriptions + 1, others // subscriptions


def _choose_syllabus(subscription: int, turn: int) -> int:
    # Homes repeat every twenty subscriptions; adding the quotient gives each syllabus students of all homes.
    mixed = subscription + subscription // 20
    if turn == 0:
        return _POPULAR[mixed % len(_POPULAR)]
    if turn == 1:
        return _COMMON[mixed % len(_COMMON)]
    return _RARE[(subscription * 31 + turn * 7) % len(_RARE)]


def _make_progress(bits: int, enrolled: int, assignments: int) -> tuple[int | None, ...]:
    """Return started, completed, first and last activity, result, phase, assignments done and score."""
    luck, grade, some = bits % 100, bits // 100 % 100, bits >> 16
    if luck < 15:
        return (None, None, None, None, 0, 0, 0, 0)
    started = enrolled + some % (240 * HOUR) // SECOND * SECOND
    last = started + (some >> 8) % (40 * DAY) // _MILLISECOND * _MILLISECOND
    if luck < 45:
        return (started, None, started, last, 0, 1, some % assignments, 50 + grade // 2)
    if luck < 95:
        passed = grade < 85
        score = 70 + grade * 30 // 85 if passed else 20 + grade // 3
        return (started, last, started, last, 1 if passed else 2, 2, assignments, score)
    return (started, None, started, last, 0, 15 if luck < 98 else 16, assignments - 1, 60 + grade // 3)
