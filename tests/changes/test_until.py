"""Runs of the change feed that end at `until`: what their cursors continue from."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from nexport_campus import ChangeBatch, NexportCampus
from tests.support.clients import campus_with
from tests.support.moving_campus import ORG, START, MovingCampus

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


async def collect(
    campus: NexportCampus,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    cursor: str | None = None,
) -> list[ChangeBatch]:
    """Return all batches of a run, without an overlap."""
    changes = campus.enrollment_changes(
        org_ids=[ORG], since=since, until=until, cursor=cursor, overlap=timedelta()
    )
    return [batch async for batch in changes]


def ids(batches: list[ChangeBatch]) -> set[UUID]:
    """Return the enrollments of these batches."""
    return {item.enrollment_id for batch in batches for item in batch.items}


@pytest.mark.parametrize("since", [None, START - 9 * DAY], ids=["everything", "since"])
@pytest.mark.parametrize("clock", [START, START - 17 * timedelta(minutes=1)], ids=["right", "behind"])
async def test_an_end_in_the_future_is_not_reached(clock: datetime, since: datetime | None) -> None:
    """The cursor continues at the start of the run, by the campus's clock, so that nothing until the end is missed."""
    server = MovingCampus(now=clock)
    server.add(START - 5 * DAY)
    async with campus_with(server.respond) as (campus, _):
        *_, last = await collect(campus, since=since, until=START + 6 * HOUR)
        server.now += HOUR
        made = server.add(server.now)
        assert made.id in ids(await collect(campus, cursor=last.cursor))


@pytest.mark.parametrize("since", [None, START - 90 * DAY], ids=["everything", "since"])
@pytest.mark.parametrize("later", [None, START - DAY], ids=["no end", "a later end"])
async def test_a_resumed_run_keeps_its_earlier_end(later: datetime | None, since: datetime | None) -> None:
    """After any batch, the run can be resumed with a later end: what its first searches left out comes in the next run."""
    server, until = MovingCampus(clamp=10), START - 5 * DAY
    for number in range(40):
        enrolled = until + (number - 20) * HOUR
        server.add(enrolled, active=enrolled + 3 * HOUR if number % 3 else None)
    async with campus_with(server.respond) as (campus, _):
        batches = await collect(campus, since=since, until=until)
        for place, batch in enumerate(batches[:-1]):
            before = batches[: place + 1]
            resumed = await collect(campus, cursor=batch.cursor, until=later)
            following = await collect(campus, cursor=resumed[-1].cursor)
            assert ids(before) | ids(resumed) | ids(following) == set(server.records)


async def test_a_resumed_run_may_end_earlier() -> None:
    """With an earlier end, it delivers no later change, and the next run continues at that end."""
    server = MovingCampus(clamp=10)
    for number in range(40):
        server.add(START - 5 * DAY + number * HOUR)
    until = START - 5 * DAY + 25 * HOUR
    async with campus_with(server.respond) as (campus, _):
        first = (await collect(campus, since=START - 9 * DAY))[0]
        resumed = await collect(campus, cursor=first.cursor, until=until)
        assert ids([first, *resumed]) == set(list(server.records)[:25])
        following = await collect(campus, cursor=resumed[-1].cursor)
    assert ids([first, *resumed, *following]) == set(server.records)
