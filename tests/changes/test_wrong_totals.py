"""Totals that contradict the pages beside them: no enrollment is left out because of them."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from nexport_campus.export import export_records
from tests.support.clients import campus_with
from tests.support.moving_campus import ORG, START, MovingCampus
from tests.support.scripted_server import Request, Response, json_response

DAY = timedelta(days=1)


def in_sequence() -> MovingCampus:
    """Return a campus with enrollments on consecutive days."""
    server = MovingCampus(clamp=10)
    for number in range(35):
        server.add(START - 90 * DAY + number * DAY)
    return server


def at_once() -> MovingCampus:
    """Return a campus with enrollments that share a date, and are read by page number."""
    server = MovingCampus(clamp=10)
    for _ in range(35):
        server.add(START - 90 * DAY)
    return server


def without_dates() -> MovingCampus:
    """Return a campus with enrollments without a date, before others."""
    server = in_sequence()
    for _ in range(25):
        server.add(None)
    return server


CAMPUSES = [in_sequence, at_once, without_dates]
lists = pytest.mark.parametrize("make", CAMPUSES, ids=[make.__name__ for make in CAMPUSES])


class WrongTotals:
    """A campus that states this total beside all enrollments, in the body or in a header."""

    def __init__(self, server: MovingCampus, place: str, total: int) -> None:
        self._server, self._place, self._total = server, place, total

    async def respond(self, request: Request) -> Response:
        """Handle a request."""
        response = await self._server.respond(request)
        body, headers = json.loads(response.body), dict(response.headers)
        if body["enrollments"]:
            body["total_count"] = self._total if self._place == "body" else None
            headers |= {"X-Total-Count": str(self._total)} if self._place == "header" else {}
        return json_response(body, headers=headers)


@lists
@pytest.mark.parametrize("total", [0, 1])
@pytest.mark.parametrize("place", ["body", "header"])
async def test_a_feed_reads_on(make: Callable[[], MovingCampus], total: int, place: str) -> None:
    """A total that is less than the number of records on its page doesn't end a run of the change feed."""
    server = make()
    async with campus_with(WrongTotals(server, place, total).respond) as (campus, _):
        batches = [batch async for batch in campus.enrollment_changes(org_ids=[ORG])]
    assert {item.enrollment_id for batch in batches for item in batch.items} == set(server.records)


@lists
async def test_an_export_reads_on(make: Callable[[], MovingCampus], tmp_path: Path) -> None:
    """Nor does it end an export."""
    server = make()
    async with campus_with(WrongTotals(server, "body", 0).respond) as (campus, _):
        summary = await export_records(campus, "enrollments", tmp_path / "e.jsonl", org_ids=[ORG])
    assert summary.rows == len(server.records)
