"""Walking by date: nothing that stays is missed, whatever comes and goes meanwhile."""

from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nexport_campus._export.date_cursor import Step, walk
from tests.export.lists import Enrollments, enrollment

START = datetime(2026, 1, 1, tzinfo=UTC)
offsets = st.lists(st.integers(0, 40), max_size=60)


def at(seconds: float) -> datetime:
    """An instant, by its distance from the start."""
    return START + timedelta(seconds=seconds)


async def walked(enrollments: Enrollments, after: datetime | None = None) -> list[Step]:
    """All steps of a walk, of which there are not endlessly many."""
    steps = []
    search: Any = enrollments.search
    async with aclosing(walk(search, after)) as walking:
        async for step in walking:
            steps.append(step)
            assert len(steps) <= 10 * (len(enrollments.items) + 10)
    return steps


def ids(steps: list[Step]) -> set[UUID]:
    """Whom a walk has met."""
    return {item.enrollment_id for step in steps for item in step.items}


@given(offsets, st.integers(1, 12), st.booleans(), st.booleans())
async def test_everything_is_met(seconds: list[int], size: int, strict: bool, tells: bool) -> None:
    """Over a list that stays as it is, every enrollment is met, those of one instant and edges included."""
    items = [enrollment(number, at(second)) for number, second in enumerate(seconds)]
    steps = await walked(Enrollments(items, size, strict=strict, tells=tells))
    assert ids(steps) == {item.enrollment_id for item in items}


@settings(max_examples=40)
@given(st.integers(0, 150), st.integers(30, 60), st.randoms(use_true_random=False))
async def test_what_stays_is_met_while_others_come_and_go(count: int, size: int, random: Any) -> None:
    """Between all pages, enrollments are removed and made, early and late; none of the others is missed."""
    staying = [enrollment(number, at(10 * number)) for number in range(count)]
    moving = [enrollment(1000 + number, at(10 * number + 5)) for number in range(count)]

    def change(enrollments: Enrollments) -> None:
        enrollments.items = staying + [item for item in moving if random.random() < 0.5]

    steps = await walked(Enrollments(staying, size, change))
    assert {item.enrollment_id for item in staying} <= ids(steps)


async def test_removals_cost_no_enrollment() -> None:
    """Page numbers would miss what moves to an earlier page; a walk by date doesn't."""
    items = [enrollment(number, at(10 * number)) for number in range(100)]

    def remove(enrollments: Enrollments) -> None:
        if enrollments.pages:
            enrollments.items = enrollments.items[3:]

    enrollments = Enrollments(list(items), 10, remove)
    steps = await walked(enrollments)
    assert {item.enrollment_id for item in enrollments.items} <= ids(steps)
    met = [item.enrollment_id for step in steps for item in step.items]
    assert set(met) == {item.enrollment_id for item in items}


async def test_a_walk_goes_on_where_it_was() -> None:
    """From the date of any step on, a new walk meets all that the first one had still to come."""
    items = [enrollment(number, at(number / 2)) for number in range(95)]
    enrollments = Enrollments(items, 10)
    steps = await walked(enrollments)
    for place, step in enumerate(steps[:-1]):
        rest = await walked(Enrollments(items, 10), step.after)
        assert ids(steps[: place + 1]) | ids(rest) == {item.enrollment_id for item in items}
        assert len(rest) < len(steps) + 2


@pytest.mark.parametrize("hours", [-7, 7])
async def test_dates_that_are_not_those_compared(hours: int) -> None:
    """Where the campus shows other dates than it compares, the pages are walked by number, and none is missed."""
    items = [enrollment(number, at(600 * number)) for number in range(100)]
    shift = timedelta(hours=hours)
    steps = await walked(Enrollments(items, 10, compared=lambda date: date + shift))
    assert ids(steps) == {item.enrollment_id for item in items}


async def test_lists_without_order_or_dates() -> None:
    """A list in another order, and enrollments without a date, are walked by number."""
    backwards = [enrollment(number, at(-600 * number)) for number in range(50)]
    assert len(ids(await walked(Enrollments(backwards, 10, ordered=False)))) == 50
    undated = [enrollment(number, None) for number in range(50)]
    assert len(ids(await walked(Enrollments(undated, 10)))) == 50
    unset = [enrollment(number, datetime(1, 1, 1, tzinfo=UTC)) for number in range(50)]
    assert len(ids(await walked(Enrollments(unset, 10)))) == 50


async def test_steps_tell_how_far_they_are() -> None:
    """Enrollments that come again on the next page are no news, and only the end is the last step."""
    items = [enrollment(number, at(600 * number)) for number in range(95)]
    steps = await walked(Enrollments(items, 10))
    assert sum(step.fresh for step in steps) == 95
    assert [step.last for step in steps] == [False] * (len(steps) - 1) + [True]
    assert steps[0].total == 95
