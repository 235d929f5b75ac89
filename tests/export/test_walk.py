"""Walking by date: no enrollment that exists throughout is missed, whatever else changes."""

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
    """Return an instant, by its distance from the start."""
    return START + timedelta(seconds=seconds)


async def collect_steps(enrollments: Enrollments, after: datetime | None = None) -> list[Step]:
    """Return all steps of a walk, whose number is bounded."""
    steps = []
    search: Any = enrollments.search
    async with aclosing(walk(search, after)) as walking:
        async for step in walking:
            steps.append(step)
            assert len(steps) <= 10 * (len(enrollments.items) + 10)
    return steps


def enrollment_ids(steps: list[Step]) -> set[UUID]:
    """Return the ids of all enrollments in these steps."""
    return {item.enrollment_id for step in steps for item in step.items}


@given(offsets, st.integers(1, 12), st.booleans(), st.booleans())
async def test_an_unchanging_list(seconds: list[int], size: int, strict: bool, has_total: bool) -> None:
    """Every enrollment of an unchanging list is met, also at equal dates and at bounds."""
    items = [enrollment(number, at(second)) for number, second in enumerate(seconds)]
    steps = await collect_steps(Enrollments(items, size, strict=strict, has_total=has_total))
    assert enrollment_ids(steps) == {item.enrollment_id for item in items}


@settings(max_examples=40)
@given(st.integers(0, 150), st.integers(30, 60), st.randoms(use_true_random=False))
async def test_a_changing_list(count: int, size: int, random: Any) -> None:
    """Enrollments that exist throughout are met while others are removed and created between pages."""
    staying = [enrollment(number, at(10 * number)) for number in range(count)]
    moving = [enrollment(1000 + number, at(10 * number + 5)) for number in range(count)]

    def change(enrollments: Enrollments) -> None:
        enrollments.items = staying + [item for item in moving if random.random() < 0.5]

    steps = await collect_steps(Enrollments(staying, size, change))
    assert {item.enrollment_id for item in staying} <= enrollment_ids(steps)


async def test_removals_cost_no_enrollment() -> None:
    """Removals, which shift page numbers, hide no enrollment from a walk by date."""
    items = [enrollment(number, at(10 * number)) for number in range(100)]

    def remove(enrollments: Enrollments) -> None:
        if enrollments.pages:
            enrollments.items = enrollments.items[3:]

    enrollments = Enrollments(list(items), 10, remove)
    steps = await collect_steps(enrollments)
    assert {item.enrollment_id for item in enrollments.items} <= enrollment_ids(steps)
    met = [item.enrollment_id for step in steps for item in step.items]
    assert set(met) == {item.enrollment_id for item in items}


async def test_resuming_a_walk() -> None:
    """A walk from the date of any step meets all enrollments that the first walk had still to meet."""
    items = [enrollment(number, at(number / 2)) for number in range(95)]
    enrollments = Enrollments(items, 10)
    steps = await collect_steps(enrollments)
    for place, step in enumerate(steps[:-1]):
        rest = await collect_steps(Enrollments(items, 10), step.after)
        assert enrollment_ids(steps[: place + 1]) | enrollment_ids(rest) == {
            item.enrollment_id for item in items
        }
        assert len(rest) < len(steps) + 2


@pytest.mark.parametrize("hours", [-7, 7])
async def test_dates_that_are_not_those_compared(hours: int) -> None:
    """If the campus shows other dates than it compares, pages are walked by number, and none is missed."""
    items = [enrollment(number, at(600 * number)) for number in range(100)]
    shift = timedelta(hours=hours)
    steps = await collect_steps(Enrollments(items, 10, compared=lambda date: date + shift))
    assert enrollment_ids(steps) == {item.enrollment_id for item in items}


async def test_lists_without_order_or_dates() -> None:
    """A list in another order, and enrollments without a date, are walked by number."""
    backwards = [enrollment(number, at(-600 * number)) for number in range(50)]
    assert len(enrollment_ids(await collect_steps(Enrollments(backwards, 10, ordered=False)))) == 50
    undated = [enrollment(number, None) for number in range(50)]
    assert len(enrollment_ids(await collect_steps(Enrollments(undated, 10)))) == 50
    unset = [enrollment(number, datetime(1, 1, 1, tzinfo=UTC)) for number in range(50)]
    assert len(enrollment_ids(await collect_steps(Enrollments(unset, 10)))) == 50


async def test_progress_of_steps() -> None:
    """Repeated enrollments aren't counted as new, and only the end is the last step."""
    items = [enrollment(number, at(600 * number)) for number in range(95)]
    steps = await collect_steps(Enrollments(items, 10))
    assert sum(step.fresh for step in steps) == 95
    assert [step.last for step in steps] == [False] * (len(steps) - 1) + [True]
    assert steps[0].total == 95
