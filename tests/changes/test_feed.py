"""The change feed: its batches and cursors, its arguments, and what a run costs."""

import asyncio
import base64
import gc
import json
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from nexport_campus import ArgumentError, ChangeBatch, NexportCampus, ServerError
from nexport_campus._changes.cursor import Position, decode_cursor, encode_cursor
from tests.support.clients import campus_with
from tests.support.manual_clock import ManualClock, campus_on
from tests.support.moving_campus import ORG, OTHER_ORG, START, USER, MovingCampus
from tests.support.scripted_server import Request, Response, ScriptedServer, error_entity, json_response

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


async def collect(campus: NexportCampus, **options: Any) -> list[ChangeBatch]:
    """Return all batches of a run."""
    options = {"org_ids": [ORG]} | options
    return [batch async for batch in campus.enrollment_changes(**options)]


def ids(batches: list[ChangeBatch]) -> set[UUID]:
    """Return the enrollments of these batches."""
    return {item.enrollment_id for batch in batches for item in batch.items}


def old(count: int, **options: Any) -> MovingCampus:
    """Return a campus with enrollments made, and active, days ago."""
    server = MovingCampus(**options)
    for number in range(count):
        server.add(START - 5 * DAY + timedelta(minutes=number), active=START - 2 * DAY)
    return server


async def test_a_full_run_delivers_everything_once() -> None:
    """Batches are pages, and the last one, which is empty, completes the run."""
    server = old(95, clamp=10)
    async with campus_with(server.respond) as (campus, _):
        batches = await collect(campus)
    assert ids(batches) == set(server.records)
    assert sum(len(batch.items) for batch in batches) == 95
    assert max(len(batch.items) for batch in batches) == 10
    assert [batch.caught_up for batch in batches] == [False] * (len(batches) - 1) + [True]


async def test_an_unchanged_campus_costs_three_searches() -> None:
    """The second run sends three requests for up to 500 ids, and delivers nothing but the final batch."""
    server = old(3000)
    async with campus_with(server.respond) as (campus, _):
        *_, last = await collect(campus)
        server.now += 3 * HOUR
        server.searches.clear()
        server.returned = 0
        (only,) = await collect(campus, cursor=last.cursor)
    assert (only.items, only.caught_up) == ([], True)
    assert (len(server.searches), server.returned) == (3, 0)


async def test_three_searches_for_each_500_ids() -> None:
    """No request names more than 500 ids of a kind."""
    server = MovingCampus()
    orgs = [ORG, *(UUID(int=10**6 + number) for number in range(1200))]
    async with campus_with(server.respond) as (campus, _):
        await collect(campus, org_ids=orgs, since=START - HOUR)
    assert len(server.searches) == 9
    assert {len(search["org_ids"]) for search in server.searches} == {500, 201}


async def test_what_was_created_or_moved_is_delivered() -> None:
    """A creation, an activity and a completion each suffice, whatever other dates are missing."""
    server = old(20)
    async with campus_with(server.respond) as (campus, _):
        *_, last = await collect(campus)
        server.now += 3 * HOUR
        made = server.add(server.now)
        active, completed, undated, *_ = server.records.values()
        active.active = completed.completed = server.now
        undated.enrolled, undated.active = None, server.now
        finished = server.add(None, completed=server.now)
        batches = await collect(campus, cursor=last.cursor)
    assert ids(batches) == {made.id, active.id, completed.id, undated.id, finished.id}


async def test_since_is_the_start_and_until_the_end() -> None:
    """Changes from `since` on and before `until` are delivered, and the cursor continues at `until`."""
    server = MovingCampus()
    records = [server.add(START - DAY + number * HOUR) for number in range(10)]
    async with campus_with(server.respond) as (campus, _):
        since, until = records[3].enrolled, records[6].enrolled
        batches = await collect(campus, since=since, until=until)
        assert ids(batches) == {record.id for record in records[3:6]}
        rest = await collect(campus, cursor=batches[-1].cursor, overlap=timedelta())
        assert ids(rest) == {record.id for record in records[6:]}
        everything = await collect(campus, until=until)
        assert ids(everything) == {record.id for record in records[:6]}


@pytest.mark.parametrize("inclusive", [True, False])
async def test_since_includes_its_instant(inclusive: bool) -> None:
    """Whether the campus's filters include theirs or not."""
    server = MovingCampus(inclusive=inclusive)
    record = server.add(START - HOUR)
    async with campus_with(server.respond) as (campus, _):
        assert ids(await collect(campus, since=record.enrolled)) == {record.id}
        assert not ids(await collect(campus, until=record.enrolled))


async def test_the_overlap_applies_to_completed_cursors_only() -> None:
    """It precedes the start of the previous run, not `since`, nor a run that is resumed."""
    server = old(30, clamp=10)
    async with campus_with(server.respond) as (campus, _):
        batches = await collect(campus)
        server.searches.clear()
        await collect(campus, cursor=batches[-1].cursor, overlap=5 * HOUR)
        assert _earliest(server) == START - 5 * HOUR - timedelta(seconds=1)
        server.searches.clear()
        await collect(campus, since=START - HOUR, overlap=5 * HOUR)
        assert _earliest(server) == START - HOUR - timedelta(seconds=1)
        within = (await collect(campus, since=START - 9 * DAY))[0].cursor
        server.searches.clear()
        await collect(campus, cursor=within, overlap=99 * DAY)
        assert _earliest(server) == START - 9 * DAY - timedelta(seconds=1)


async def test_the_overlap_is_an_hour_by_default() -> None:
    """A change that the campus stores up to an hour later than it dates it is delivered by the next run."""
    server = old(3)
    async with campus_with(server.respond) as (campus, _):
        *_, last = await collect(campus)
        late = server.add(server.now - timedelta(minutes=59))
        server.add(server.now - timedelta(minutes=61))
        batches = await collect(campus, cursor=last.cursor)
    assert ids(batches) == {late.id}


def _earliest(server: MovingCampus) -> datetime:
    bounds = (search[name] for search in server.searches for name in search if name.endswith("_after"))
    return min(map(datetime.fromisoformat, bounds))


async def test_the_campuss_clock_counts() -> None:
    """The next run starts where this one started by the Date header, not by this machine's clock."""
    server = MovingCampus(now=START - timedelta(minutes=17))
    async with campus_with(server.respond) as (campus, _):
        *_, last = await collect(campus)
        made = server.add(server.now)
        server.searches.clear()
        assert ids(await collect(campus, cursor=last.cursor, overlap=timedelta())) == {made.id}
        assert _earliest(server) == server.now - timedelta(seconds=1)


async def test_equal_dates_are_recent_by_the_campuss_clock() -> None:
    """They are read twice, as recent ones are, although the campus's clock is days behind this machine's."""
    searches = []
    for behind in (timedelta(), 3 * DAY):
        server = MovingCampus(clamp=10, now=START - behind)
        for _ in range(30):
            server.add(server.now)
        async with campus_with(server.respond) as (campus, _):
            assert ids(await collect(campus)) == set(server.records)
        searches.append(len(server.searches))
    assert searches[0] == searches[1]


async def test_without_a_date_header_the_local_clock_counts() -> None:
    """Without one, the time at which the first request was sent is the start."""
    server = MovingCampus(date_header=lambda _: None)
    async with campus_with(server.respond) as (campus, _):
        before = datetime.now(UTC)
        *_, last = await collect(campus)
        await collect(campus, cursor=last.cursor, overlap=timedelta())
    assert before - timedelta(seconds=1) <= _earliest(server) <= datetime.now(UTC)


async def test_a_slow_first_response_starts_the_run_earlier() -> None:
    """What is created while the campus takes its time may be missing from the response, and comes in the next run."""
    server, clock = MovingCampus(), ManualClock()

    async def respond(request: Request) -> Response:
        response = await server.respond(request)
        if len(server.searches) == 1:
            clock.now += 30
            server.now += timedelta(seconds=30)
            late = await server.respond(request)
            return Response(headers=late.headers, body=response.body)
        return response

    async with ScriptedServer(respond) as scripted, campus_on(clock, scripted) as campus:
        *_, last = await collect(campus)
        made = server.add(START + timedelta(seconds=2))
        assert made.id in ids(await collect(campus, cursor=last.cursor, overlap=timedelta()))


async def test_every_cursor_resumes() -> None:
    """After any batch, a new process gets the rest, and the cursor at its end is that of an uninterrupted run."""
    server = old(60, clamp=7)
    async with campus_with(server.respond) as (campus, _):
        batches = await collect(campus, since=START - 9 * DAY)
        for place, batch in enumerate(batches[:-1]):
            rest = await collect(campus, cursor=batch.cursor)
            assert ids(batches[: place + 1]) | ids(rest) == set(server.records)
            assert rest[-1].cursor == batches[-1].cursor


async def test_nothing_is_fetched_ahead() -> None:
    """While the consumer holds a batch, no request is sent."""
    server = old(60, clamp=7)
    async with (
        campus_with(server.respond) as (campus, _),
        aclosing(campus.enrollment_changes(org_ids=[ORG])) as changes,
    ):
        assert not server.searches
        await anext(changes)
        assert len(server.searches) == 1
        await asyncio.sleep(0.02)
        assert len(server.searches) == 1


async def test_an_abandoned_feed_leaves_nothing_behind() -> None:
    """Neither a task nor a warning."""
    server = old(60, clamp=7)
    async with campus_with(server.respond) as (campus, _):
        async for _batch in campus.enrollment_changes(org_ids=[ORG]):
            break
        gc.collect()
        await asyncio.sleep(0)
        assert not [task for task in asyncio.all_tasks() if "enrollment_changes" in repr(task)]
        assert len(server.searches) == 1


async def test_polling_continues_from_the_cursor_of_each_round() -> None:
    """Each round ends with a batch that is caught up, waits the interval, and continues from its cursor."""
    server, clock = old(5), ManualClock()

    async def enroll(_: int) -> None:
        server.now += 2 * HOUR
        server.add(server.now)

    clock.between = enroll
    async with ScriptedServer(server.respond) as scripted, campus_on(clock, scripted) as campus:
        rounds: list[list[ChangeBatch]] = [[]]
        changes = campus.enrollment_changes(org_ids=[ORG], poll_interval=timedelta(minutes=5))
        async with aclosing(changes):
            async for batch in changes:
                rounds[-1].append(batch)
                if batch.caught_up and len(rounds) == 4:
                    break
                if batch.caught_up:
                    rounds.append([])
    assert clock.waits == [300, 300, 300]
    assert [len(ids(each)) for each in rounds] == [5, 1, 2, 2]


async def test_polling_ends_with_its_task() -> None:
    """Cancelling the task that waits for the next batch ends the feed."""
    server, clock = old(5), ManualClock()
    clock.gate = asyncio.Event()
    async with ScriptedServer(server.respond) as scripted, campus_on(clock, scripted) as campus:

        async def follow() -> None:
            async for _ in campus.enrollment_changes(org_ids=[ORG], poll_interval=DAY):
                pass

        task = asyncio.create_task(follow())
        await clock.waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_an_error_is_raised_and_the_last_cursor_resumes() -> None:
    """Earlier batches are not delivered again, except for records with equal dates."""
    server = old(60, clamp=10)

    async def respond(request: Request) -> Response:
        if len(server.searches) == 3:
            server.searches.append({})
            return json_response(error_entity(1, "out of order"), 500)
        return await server.respond(request)

    async with campus_with(respond) as (campus, _):
        changes = campus.enrollment_changes(org_ids=[ORG])
        batches = [await anext(changes), await anext(changes), await anext(changes)]
        with pytest.raises(ServerError, match="out of order"):
            await anext(changes)
        rest = await collect(campus, cursor=batches[-1].cursor)
    assert ids(batches) | ids(rest) == set(server.records)
    assert len(ids(batches)) + sum(len(batch.items) for batch in rest) <= 60 + 3


async def test_filters_match_together() -> None:
    """Organizations and users, as UUIDs or strings, in any order and any iterable, make the same feed."""
    server = MovingCampus()
    mine = server.add(START - DAY)
    server.add(START - DAY, org=OTHER_ORG)
    server.add(START - DAY, user=UUID(int=77))
    async with campus_with(server.respond) as (campus, _):
        found = await collect(campus, org_ids=iter([ORG]), user_ids=(str(USER),))
        assert ids(found) == {mine.id}
        assert await collect(campus, user_ids=[USER, str(USER)], cursor=found[-1].cursor)
        many = await collect(campus, org_ids=[ORG, OTHER_ORG])
        assert await collect(campus, org_ids=[str(OTHER_ORG), ORG, ORG], cursor=many[-1].cursor)


async def test_the_last_copy_is_the_newest() -> None:
    """Searches run one after another: an older copy never follows a newer one."""
    server = old(40, clamp=10)
    counts = iter(range(10**6))

    def act(server: MovingCampus) -> None:
        server.now += timedelta(seconds=next(counts) % 3)
        for record in list(server.records.values())[::7]:
            record.active = server.now

    server.between = act
    async with campus_with(server.respond) as (campus, _):
        seen: dict[UUID, datetime] = {}
        for batch in await collect(campus, since=START - 9 * DAY):
            for item in batch.items:
                assert item.last_activity_date is not None
                assert seen.get(item.enrollment_id, item.last_activity_date) <= item.last_activity_date
                seen[item.enrollment_id] = item.last_activity_date


NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001 -- refused


@pytest.mark.parametrize(
    ("options", "argument"),
    [
        ({}, "org_ids"),
        ({"org_ids": []}, "org_ids"),
        ({"user_ids": ()}, "user_ids"),
        ({"org_ids": [ORG], "user_ids": []}, "user_ids"),
        ({"org_ids": ["no id"]}, "org_ids"),
        ({"org_ids": str(ORG)}, "org_ids"),
        ({"org_ids": [ORG], "since": NAIVE}, "since"),
        ({"org_ids": [ORG], "since": "2026-01-01"}, "since"),
        ({"org_ids": [ORG], "until": NAIVE}, "until"),
        ({"org_ids": [ORG], "since": START, "until": START}, "until"),
        ({"org_ids": [ORG], "since": START, "cursor": "any"}, "since"),
        ({"org_ids": [ORG], "cursor": ""}, "cursor"),
        ({"org_ids": [ORG], "cursor": "not a cursor"}, "cursor"),
        ({"org_ids": [ORG], "cursor": "ü"}, "cursor"),
        ({"org_ids": [ORG], "cursor": b"bytes"}, "cursor"),
        ({"org_ids": [ORG], "overlap": -HOUR}, "overlap"),
        ({"org_ids": [ORG], "overlap": 3600}, "overlap"),
        ({"org_ids": [ORG], "poll_interval": timedelta()}, "poll_interval"),
        ({"org_ids": [ORG], "poll_interval": -HOUR}, "poll_interval"),
        ({"org_ids": [ORG], "poll_interval": 60}, "poll_interval"),
        ({"org_ids": [ORG], "poll_interval": HOUR, "until": START}, "poll_interval"),
        ({"org_ids": [ORG], "per_page": 0}, "per_page"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
async def test_arguments_that_are_refused(options: dict[str, Any], argument: str) -> None:
    """At once, before anything is sent; the error names the argument."""
    async with campus_with() as (campus, server):
        with pytest.raises(ArgumentError, match=rf"\b{argument} .*; nothing was sent$") as refused:
            campus.enrollment_changes(**options)
        assert refused.value.argument == argument
        assert not server.requests


async def test_cursors_of_other_feeds_are_refused() -> None:
    """Those of other filters, of another campus, of a later version, and those that were changed or cut off."""
    server = old(30, clamp=10)
    async with campus_with(server.respond) as (campus, _), campus_with(server.respond) as (another, _):
        for cursor in (batch.cursor for batch in await collect(campus)):
            others: list[dict[str, Any]] = [
                {"org_ids": [OTHER_ORG]},
                {"user_ids": [ORG]},
                {"org_ids": [ORG], "user_ids": [USER]},
            ]
            for options in others:
                with pytest.raises(ArgumentError, match="other org_ids or user_ids"):
                    campus.enrollment_changes(**options, cursor=cursor)
            with pytest.raises(ArgumentError, match="another campus"):
                another.enrollment_changes(org_ids=[ORG], cursor=cursor)
            for damaged in (cursor[:-2], cursor[1:], cursor + "A", cursor.lower(), cursor + "\n"):
                with pytest.raises(ArgumentError, match="cursor"):
                    campus.enrollment_changes(org_ids=[ORG], cursor=damaged)


def test_cursors_of_a_later_version_are_refused() -> None:
    """The message says that the SDK is too old for it."""
    later = base64.urlsafe_b64encode(json.dumps({"version": 2, "feed": "any"}).encode()).decode()
    with pytest.raises(ArgumentError, match="format version 2"):
        decode_cursor("any", later.rstrip("="))


def test_deeply_nested_cursors_are_refused() -> None:
    """What is nested more deeply than the parser allows isn't a cursor either."""
    nested = base64.urlsafe_b64encode(b'{"position": ' + b"[" * 100_000).decode()
    with pytest.raises(ArgumentError, match="not one of this feed's"):
        decode_cursor("any", nested.rstrip("="))


@pytest.mark.parametrize(
    "position",
    [
        Position(),
        Position(reached=START, started=START),
        Position(started=START, search=-1),
        Position(reached=NAIVE),
    ],
    ids=["empty", "both", "negative", "naive"],
)
def test_impossible_positions_are_refused(position: Position) -> None:
    """They can't come from the feed."""
    with pytest.raises(ArgumentError, match="cursor"):
        decode_cursor("feed", encode_cursor("feed", position))


async def test_dates_at_the_ends_of_time() -> None:
    """The earliest `since`, the largest overlap and the latest `until` are accepted."""
    server = old(5)
    earliest, latest = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    async with campus_with(server.respond) as (campus, _):
        batches = await collect(campus, since=earliest, until=latest)
        assert ids(batches) == set(server.records)
        again = await collect(campus, cursor=batches[-1].cursor, overlap=timedelta.max)
        assert ids(again) == set(server.records)
        early = await collect(campus, cursor=batches[-1].cursor, until=START - 900 * DAY)
        assert [(batch.items, batch.caught_up) for batch in early] == [([], True)]


async def test_a_feed_is_an_async_generator() -> None:
    """So that `aclosing` closes it."""
    async with campus_with() as (campus, _):
        changes = campus.enrollment_changes(org_ids=[ORG])
        assert isinstance(changes, AsyncGenerator)
        await changes.aclose()


async def test_nothing_secret_in_a_cursor_or_a_log(caplog: pytest.LogCaptureFixture) -> None:
    """A cursor holds no id and no token."""
    server = old(30, clamp=10)
    with caplog.at_level(logging.DEBUG):
        async with campus_with(server.respond) as (campus, _):
            for batch in await collect(campus):
                content = base64.urlsafe_b64decode(batch.cursor + "==").decode()
                assert ORG.hex not in content.replace("-", "")
                assert "5eed" not in content
    assert "5eed0000" not in caplog.text
