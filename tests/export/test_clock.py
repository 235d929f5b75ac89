"""Completeness in time: by the campus's clock, unless its Date header can't be right."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nexport_campus import NexportCampus, StaticToken
from nexport_campus._changes.campus_time import estimate_campus_time
from nexport_campus._export.request import LAST
from tests.export.running import make_request, run
from tests.support.scripted_server import Request, Response, ScriptedServer, error_entity, json_response

ORG = "8ebf2d8d-01eb-4af5-a317-4279e2b752d4"
DAY = timedelta(days=1)


@asynccontextmanager
async def campus_with_dates(*dates: str | None) -> AsyncIterator[tuple[NexportCampus, ScriptedServer]]:
    """Return a campus without enrollments that sends these Date headers, one per export."""
    headers = [{} if date is None else {"Date": date} for date in dates]
    found = {"enrollments": [], "page": 1, "page_size": 1, "total_count": 0}

    async def respond(request: Request) -> Response:
        first = dict(request.query)["per_page"] == "1"
        return json_response(found | error_entity(), headers=headers.pop(0) if first else {"Date": "another"})

    async with (
        ScriptedServer(respond) as server,
        NexportCampus(StaticToken("any"), base_url=server.url) as campus,
    ):
        yield campus, server


@pytest.mark.parametrize("apart", [timedelta(minutes=-7), timedelta(), timedelta(hours=3)])
async def test_the_campuss_clock_counts(tmp_path: Path, apart: timedelta) -> None:
    """If the clocks differ by minutes or hours, the campus's clock decides, because records have its dates."""
    theirs = (datetime.now(UTC) + apart).replace(microsecond=0)
    async with campus_with_dates(format_datetime(theirs, usegmt=True)) as (campus, _):
        assert (
            await run(campus, make_request("enrollments", ORG), tmp_path / "e.csv")
        ).complete_until == theirs


@pytest.mark.parametrize(
    "date",
    [
        None,
        "",
        "soon",
        "Mon, 32 Foo 2026 99:99:99 GMT",
        "Mon, 01 Jan 99999 00:00:00 GMT",
        "Fri, 31 Dec 9999 23:59:59 -1400",
        "Fri, 01 Jan 2100 00:00:00 GMT",
        "Thu, 01 Jan 2026 00:00:00 +99999999999999999999",
        "1e999",
    ],
)
async def test_dates_that_cannot_be_right(
    tmp_path: Path, date: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    """With an impossible Date header, rows count as complete until now by the local clock, where the next export begins."""
    before = datetime.now(UTC)
    async with campus_with_dates(date, date) as (campus, server):
        request, target = make_request("enrollments", ORG, since=LAST), tmp_path / "e.csv"
        first = await run(campus, request, target)
        assert before <= first.complete_until <= datetime.now(UTC)
        server.requests.clear()
        await run(campus, request, target)
        searched = [request.json.get("utc_enrolled_after") for request in server.requests]
        assert any(after and datetime.fromisoformat(after) < first.complete_until for after in searched)
    assert ("the campus's clock says" in caplog.text) == bool(date and "2100" in date)


async def test_a_clock_of_long_ago(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """If one of both clocks is far off, the earlier one is used, so that no record is lost, and a warning is logged."""
    theirs = datetime(1970, 1, 1, tzinfo=UTC)
    async with campus_with_dates(format_datetime(theirs, usegmt=True)) as (campus, _):
        assert (
            await run(campus, make_request("enrollments", ORG), tmp_path / "e.csv")
        ).complete_until == theirs
    assert "the campus's clock says 1970-01-01 00:00:00+00:00" in caplog.text


@given(
    st.text() | st.from_regex(r"(Mon, )?[0-9]{1,6} (Jan|Feb) [0-9]{1,6} [0-9:]{0,8} ([+-][0-9]{1,30}|GMT)")
)
@example("Mon, 01 Jan 0001 00:00:00 +1400")
@example("Thu, 01 Jan 2026 00:00:00 +99999999999999999999")
def test_any_header(header: str) -> None:
    """Any value of the header gives a plausible time: one that searches can go back from, and not one far ahead."""
    now = datetime.now(UTC)
    assert datetime(1899, 1, 1, tzinfo=UTC) <= estimate_campus_time(header, now) - DAY <= now
