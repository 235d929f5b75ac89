"""Walking by date: which enrollments are found, in how many requests, and where a walk resumes."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import attrs
import pytest

from nexport_campus import PaginationError
from nexport_campus._changes.date_walk import DateWalk, Step
from nexport_campus._changes.enrollment_search import EnrollmentSearch
from tests.support.clients import campus_with
from tests.support.moving_campus import ORG, START, MovingCampus
from tests.support.scripted_server import error_entity, json_response

FIRST = START - timedelta(days=9)
SECOND = timedelta(seconds=1)


async def walk(server: MovingCampus, filters: dict[str, Any] | None = None, **options: Any) -> list[Step]:
    """Return all steps of a walk."""
    steps = []
    async with campus_with(options.pop("respond", server.respond)) as (campus, _):
        search = EnrollmentSearch(campus, {"org_ids": [str(ORG)]} | (filters or {}))
        walk = DateWalk(search, options.pop("after", None), now=lambda: server.now, **options)
        while (step := await walk.next()) is not None:
            steps.append(step)
    return steps


def ids(steps: list[Step]) -> set[UUID]:
    """Return the enrollments of these steps."""
    return {item.enrollment_id for step in steps for item in step.items}


def in_sequence(count: int, apart: timedelta = timedelta(minutes=10), **options: Any) -> MovingCampus:
    """Return a campus with enrollments at regular intervals."""
    server = MovingCampus(**options)
    for number in range(count):
        server.add(FIRST + number * apart)
    return server


def at_requests(**changes: Callable[[MovingCampus], object]) -> Callable[[MovingCampus], object]:
    """Return a function for `between` that changes the campus before the requests with these numbers, from 1."""

    def between(server: MovingCampus) -> None:
        change = changes.get(f"r{len(server.searches) + 1}")
        if change is not None:
            change(server)

    return between


async def test_each_enrollment_comes_once_while_nothing_changes() -> None:
    """The repeated end of a page is left out, only the last step is last, and the first one has the total."""
    server = in_sequence(95, clamp=10)
    steps = await walk(server)
    assert sum(len(step.items) for step in steps) == len(ids(steps)) == 95
    assert [step.last for step in steps if step.items][:-1] == [False] * (len(steps) - 2)
    assert steps[0].total == 95
    assert steps[-1].last


async def test_a_walk_resumes_after_any_step() -> None:
    """A new walk from the date of a step finds everything that the first one had left."""
    server = in_sequence(60, timedelta(seconds=0.5), clamp=7)
    steps = await walk(server)
    for place, step in enumerate(steps):
        rest = await walk(server, after=step.after)
        assert ids(steps[: place + 1]) | ids(rest) == set(server.records)


async def test_removals_cost_no_enrollment() -> None:
    """Page numbers would skip what moves to an earlier page."""
    server = in_sequence(100, clamp=10)
    removed = iter(list(server.records)[:60])
    server.between = lambda server: [server.records.pop(next(removed), None) for _ in range(3)]
    steps = await walk(server)
    assert set(server.records) <= ids(steps)


async def test_thousands_of_equal_dates() -> None:
    """They are read by page number, in one pass if nothing changes and none can have been added."""
    server = in_sequence(3500, timedelta())
    steps = await walk(server)
    assert ids(steps) == set(server.records)
    pages = [search["page"] for search in server.searches]
    assert max(pages) == 4
    assert len(pages) <= 8


@pytest.mark.parametrize("hours", [0, 23])
async def test_fresh_equal_dates_are_confirmed(hours: int) -> None:
    """An enrollment that was added hides one that was removed, so a pass over recent dates is confirmed by another."""
    server, date = MovingCampus(clamp=10), START - timedelta(hours=hours)
    for _ in range(30):
        server.add(date)
    last = max(server.records.values(), key=lambda record: record.number * 7919 % 10007)
    first = min(server.records.values(), key=lambda record: record.number * 7919 % 10007)

    def exchange(server: MovingCampus) -> None:
        del server.records[first.id]
        # Sorts behind everything, so that the pass counts 30 enrollments, one of which is gone.
        while server.add(date).number * 7919 % 10007 < last.number * 7919 % 10007:
            server.records.popitem()

    server.between = at_requests(r4=exchange)
    steps = await walk(server)
    assert set(server.records) <= ids(steps)


async def test_a_crowd_that_never_rests() -> None:
    """After five passes, during each of which something changed, the error says what to do."""
    server = MovingCampus(clamp=10, between=lambda server: server.add(START))
    for _ in range(30):
        server.add(START)
    with pytest.raises(PaginationError, match=r"5 passes.*try again"):
        await walk(server)
    firsts = [search for search in server.searches if search["page"] == 1]
    assert len(firsts) == 2 + 5


async def test_a_total_that_promises_more() -> None:
    """Two passes that agree don't outrank a total that says that an enrollment is missing from both."""
    server = in_sequence(30, timedelta(), clamp=10)
    respond = server.respond

    async def one_more(request: Any) -> Any:
        response = await respond(request)
        body = json.loads(response.body)
        return json_response(body | {"total_count": body["total_count"] + 1})

    with pytest.raises(PaginationError, match="5 passes"):
        await walk(server, respond=one_more)


@pytest.mark.parametrize("totals", [True, False], ids=["totals", "no totals"])
@pytest.mark.parametrize("undated", ["first", "last"])
@pytest.mark.parametrize("count", [1, 9, 10, 35])
async def test_enrollments_without_a_date(count: int, undated: Any, totals: bool) -> None:
    """They are found at either end of the list, though no filter finds them."""
    server = in_sequence(35, clamp=10, undated=undated, totals=totals)
    for _ in range(count):
        server.add(None)
    steps = await walk(server)
    assert ids(steps) == set(server.records)
    assert len(server.searches) < 40


async def test_the_pages_of_leading_enrollments_without_a_date() -> None:
    """They are read twice, up to the page where dates begin, and no further."""
    server = in_sequence(35, clamp=10, undated="first")
    for _ in range(15):
        server.add(None)
    await walk(server)
    assert [search["page"] for search in server.searches][:6] == [1, 1, 2, 1, 2, 1]
    server = in_sequence(35, clamp=10, undated="first")
    for _ in range(5):
        server.add(None)
    await walk(server)
    # The first page has them all, and no filter by date finds them again.
    assert [search["page"] for search in server.searches] == [1] * 5
    assert all("utc_enrolled_after" in search for search in server.searches[1:])


async def test_only_enrollments_without_a_date() -> None:
    """Nothing else may be there."""
    server = MovingCampus(clamp=10)
    for _ in range(35):
        server.add(None)
    assert ids(await walk(server)) == set(server.records)


async def test_undated_enrollments_that_shift_while_they_are_read() -> None:
    """Enrollments before them that come and go shift them from page to page, and none is missed."""
    server = in_sequence(35, clamp=10, undated="last")
    undated = {server.add(None).id for _ in range(25)}
    dated = [key for key in server.records if key not in undated]

    def add(server: MovingCampus) -> None:
        server.add(START)

    server.between = at_requests(r6=add, r7=lambda server: server.records.pop(dated[0]), r8=add, r9=add)
    assert undated <= ids(await walk(server))


async def test_undated_enrollments_that_shift_past_a_full_page_and_back() -> None:
    """The page after a full one is empty for a moment, while its only enrollment is on the full one."""
    server = in_sequence(35, clamp=10, undated="last", totals=False)
    undated = {server.add(None).id for _ in range(6)}
    dated = [key for key in server.records if key not in undated]

    def add(server: MovingCampus) -> None:
        server.add(START)

    # The walk fetches page 4, page 5 when it is empty, and page 4 again.
    server.between = at_requests(r6=lambda server: server.records.pop(dated[0]), r7=add)
    assert undated <= ids(await walk(server))
    assert [search["page"] for search in server.searches[4:7]] == [4, 5, 4]


@pytest.mark.parametrize("hours", [-7, 7])
async def test_a_campus_that_compares_other_dates_than_it_shows(hours: int) -> None:
    """The whole search is read by page number, and nothing is missed."""
    server = in_sequence(100, clamp=10, shift=timedelta(hours=hours))
    assert ids(await walk(server)) == set(server.records)


@pytest.mark.parametrize("hours", [-7, 7])
async def test_a_walk_by_page_number_resumes_from_its_start(hours: int) -> None:
    """Once page numbers are used, no step has a date to resume after, because the campus compares other dates."""
    server = in_sequence(100, clamp=10, shift=timedelta(hours=hours))
    steps = await walk(server)
    assert {step.after for step in steps[1:]} == {None}
    begin = FIRST - timedelta(days=2)
    steps = await walk(server, after=begin)
    assert {step.after for step in steps[1:]} == {begin}


async def test_a_campus_that_lists_the_newest_first() -> None:
    """The whole search is read by page number."""
    server = in_sequence(50, clamp=10, newest_first=True)
    assert ids(await walk(server)) == set(server.records)


async def test_a_removed_tail_does_not_contradict_the_total() -> None:
    """When all enrollments that the next page should repeat were removed, a search by id says so, and the walk continues."""
    server = in_sequence(40, clamp=10)
    tenth = list(server.records)[9]
    server.between = at_requests(r2=lambda server: server.records.pop(tenth))
    steps = await walk(server)
    assert set(server.records) <= ids(steps)
    assert [search["enrollment_ids"] for search in server.searches if "enrollment_ids" in search] == [
        [str(tenth)]
    ]
    assert {search["page"] for search in server.searches} <= {1, 4}


async def test_a_campus_that_ignores_page_numbers() -> None:
    """A page that comes again ends a pass, so that no walk is endless."""
    server = MovingCampus(clamp=10, totals=False)
    for _ in range(30):
        server.add(FIRST)
    respond = server.respond

    async def first_page(request: Any) -> Any:
        target = request.target.replace("page=2", "page=1").replace("page=3", "page=1")
        return await respond(attrs.evolve(request, target=target))

    async with campus_with(first_page) as (campus, _):
        walk = DateWalk(EnrollmentSearch(campus, {"org_ids": [str(ORG)]}))
        while await walk.next() is not None:
            assert len(server.searches) < 40


async def test_a_walk_that_ends_at_a_date() -> None:
    """It stops there, and still finds enrollments without a date."""
    server = in_sequence(60, timedelta(hours=1), clamp=10, undated="last")
    undated = server.add(None).id
    end = FIRST + timedelta(hours=20)
    steps = await walk(server, before=end)
    assert ids(steps) == {*list(server.records)[:20], undated}
    assert len(server.searches) <= 7


async def test_the_filters_own_bounds_hold() -> None:
    """A walk neither leaves the filters' dates nor looks for enrollments without one."""
    server = in_sequence(60, timedelta(seconds=1), clamp=10)
    server.add(None)
    bounds = {
        "utc_enrolled_after": FIRST + 10 * SECOND - timedelta(milliseconds=1),
        "utc_enrolled_before": FIRST + 50 * SECOND,
    }
    steps = await walk(server, bounds)
    assert ids(steps) == set(list(server.records)[10:50])


@pytest.mark.parametrize(
    "body",
    [{}, {"total_count": 7, "enrollments": []}, {"total_count": 7}],
    ids=["nothing", "none of 7", "no list"],
)
async def test_a_response_without_its_enrollments(body: dict[str, Any]) -> None:
    """It is an error, not an empty list."""
    response = json_response({"page": 1, "page_size": 1000} | body | error_entity())
    async with campus_with(response) as (campus, _):
        with pytest.raises(PaginationError, match="no enrollments"):
            await EnrollmentSearch(campus, {"org_ids": [str(ORG)]}).fetch()
