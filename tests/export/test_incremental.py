"""Incremental exports: changes are merged into the file of the previous export."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from nexport_campus import ConfigurationError, NexportCampus
from nexport_campus._export.request import LAST
from nexport_campus.sandbox import Samples, Sandbox
from tests.export.running import file_names, make_request, read_rows, run
from tests.support.clients import campus_with
from tests.support.scripted_server import Request, Response, error_entity, json_response

pytestmark = pytest.mark.nexport_sandbox(enrollments=500)
TARGETS = ["e.jsonl", "e.db"]
ORGANIZATION = "11111111-1111-4111-8111-111111111111"


async def enroll(campus: NexportCampus, samples: Samples) -> str:
    """Create an enrollment."""
    made = await campus.ensure_enrollment(
        org_id=samples.org_id, user_id=samples.user_id, syllabus_id=samples.section_id
    )
    assert made.created
    return str(made.enrollment_id)


async def count_searches(sandbox: Sandbox) -> int:
    """Return the number of searches."""
    return (await sandbox.books()).counts.get("LearningApi_SearchEnrollments", 0)


@pytest.mark.parametrize("name", TARGETS)
async def test_the_next_run_fetches_changes(
    campus: NexportCampus, nexport_sandbox: Sandbox, samples: Samples, tmp_path: Path, name: str
) -> None:
    """The first run is complete; the next adds new enrollments, active or not, with few requests."""
    request, target = make_request("enrollments", samples.org_id, since=LAST), tmp_path / name
    first = await run(campus, request, target)
    before = await count_searches(nexport_sandbox)
    made = await enroll(campus, samples)
    again = await run(campus, request, target)
    assert (again.rows, again.new) == (first.rows + 1, 1)
    assert (again.updated, again.removed) == (0, 0)
    assert made in {row["enrollment_id"] for row in read_rows(target)}
    assert await count_searches(nexport_sandbox) - before < 8
    assert again.complete_until >= first.complete_until


@pytest.mark.parametrize("name", TARGETS)
async def test_a_full_export_removes_rows(
    campus: NexportCampus, samples: Samples, tmp_path: Path, name: str
) -> None:
    """An incremental run removes no row; a full one leaves exactly what the campus has."""
    everything, target = make_request("enrollments", samples.org_id), tmp_path / name
    first = await run(campus, everything, target)
    await campus.learning.delete_enrollment(enrollment_id=samples.finished_enrollment_id)
    changed = await run(campus, make_request("enrollments", samples.org_id, since=LAST), target)
    assert changed.rows == first.rows
    full = await run(campus, everything, target)
    assert (full.rows, full.removed) == (first.rows - 1, 1)
    assert samples.finished_enrollment_id not in {row["enrollment_id"] for row in read_rows(target)}


async def test_the_overlap_reaches_back(campus: NexportCampus, samples: Samples, tmp_path: Path) -> None:
    """A run begins the overlap before the previous run began, by the campus's clock."""
    target = tmp_path / "e.jsonl"
    first = await run(campus, make_request("enrollments", samples.org_id, since=LAST), target)
    assert abs(first.complete_until - datetime.now(UTC)) < timedelta(minutes=5)
    years = make_request("enrollments", samples.org_id, since=LAST, overlap=timedelta(days=365))
    again = await run(campus, years, target)
    assert (again.rows, again.new, again.updated) == (first.rows, 0, 0)


@pytest.mark.parametrize(
    ("kind", "overlap", "seconds"),
    [
        *(("enrollments", overlap, overlap.total_seconds()) for overlap in (timedelta(0), timedelta(days=3))),
        *((kind, None, 3600) for kind in ("enrollments", "assignment-statuses", "scorm-data")),
        ("sessions", None, 86400),
    ],
    ids=str,
)
async def test_where_an_incremental_run_starts(
    tmp_path: Path, kind: str, overlap: timedelta | None, seconds: float
) -> None:
    """Its searches begin a second more than the overlap (an hour, or a day for sessions) before the previous run began."""
    page = {"enrollments": [], "page": 1, "page_size": 40, "total_count": 0} | error_entity()

    async def respond(request: Request) -> Response:
        return json_response(page, headers={"Date": "Thu, 01 Oct 2026 12:00:00 GMT"})

    request = make_request(kind, ORGANIZATION, since=LAST, overlap=overlap)
    async with campus_with(respond) as (campus, server):
        first = await run(campus, request, tmp_path / "e.jsonl")
        before = len(server.requests)
        await run(campus, request, tmp_path / "e.jsonl")
    bounds = {
        datetime.fromisoformat(value)
        for request in server.requests[before:]
        for name, value in request.json.items()
        if name.endswith("_after")
    }
    assert bounds == {first.complete_until - timedelta(seconds=seconds + 1)}


async def test_a_date_later_than_the_last_export_leaves_no_gap(
    campus: NexportCampus, samples: Samples, tmp_path: Path
) -> None:
    """Records between the last export and a later `since` are fetched by the next run."""
    target, until = tmp_path / "e.jsonl", datetime(2026, 3, 1, tzinfo=UTC)
    first = await run(campus, make_request("enrollments", samples.org_id, until=until), target)
    assert first.complete_until == until
    later = await run(
        campus, make_request("enrollments", samples.org_id, since=until + timedelta(days=60)), target
    )
    assert later.new
    assert later.complete_until == until
    last = await run(campus, make_request("enrollments", samples.org_id, since=LAST), target)
    assert last.new
    await run(campus, make_request("enrollments", samples.org_id), tmp_path / "all.jsonl")
    assert read_rows(target) == read_rows(tmp_path / "all.jsonl")


async def test_a_backfill_keeps_the_cursor(campus: NexportCampus, samples: Samples, tmp_path: Path) -> None:
    """A backfill of earlier months is merged into the file, and doesn't move the cursor."""
    target, cut = tmp_path / "e.jsonl", datetime(2026, 1, 1, tzinfo=UTC)
    recent = await run(campus, make_request("enrollments", samples.org_id, since=cut), target)
    older = make_request(
        "enrollments", samples.org_id, since=datetime(2023, 1, 1, tzinfo=UTC), until=cut, by="month"
    )
    backfilled = await run(campus, older, target)
    assert backfilled.complete_until == recent.complete_until
    await run(campus, make_request("enrollments", samples.org_id), tmp_path / "all.jsonl")
    assert read_rows(target) == read_rows(tmp_path / "all.jsonl")


@pytest.mark.parametrize("name", TARGETS)
async def test_other_filters_are_refused(
    campus: NexportCampus, samples: Samples, tmp_path: Path, name: str
) -> None:
    """A file belongs to one set of options; others are refused by name, or replace it on request."""
    target = tmp_path / name
    await run(campus, make_request("enrollments", samples.org_id), target)
    before = target.read_bytes()
    other = make_request("enrollments", samples.org_id, filters={"syllabus_ids": (UUID(samples.section_id),)})
    with pytest.raises(ConfigurationError, match=r"holds another export \(it differs in --syllabus\)"):
        await run(campus, other, target)
    assert target.read_bytes() == before
    await run(campus, other, target, restart=True)
    assert {row["syllabus_id"] for row in read_rows(target)} == {samples.section_id}


async def test_a_foreign_file(campus: NexportCampus, samples: Samples, tmp_path: Path) -> None:
    """Changes can't be merged into a file without state."""
    since = make_request("enrollments", samples.org_id, since=datetime(2026, 6, 1, tzinfo=UTC))
    (tmp_path / "e.csv").write_text("mine")
    with pytest.raises(ConfigurationError, match="no state file next to it"):
        await run(campus, since, tmp_path / "e.csv")
    (tmp_path / "text.db").write_text("mine, and no database; " * 100)
    with pytest.raises(ConfigurationError, match=r"text\.db isn't an SQLite file"):
        await run(campus, since, tmp_path / "text.db")
    assert file_names(tmp_path) == ["e.csv", "text.db"]


async def test_a_foreign_state_file(campus: NexportCampus, samples: Samples, tmp_path: Path) -> None:
    """A foreign file with the state's name is neither used nor deleted."""
    state = tmp_path / "e.csv.state"
    state.write_text("mine, and no database; " * 100)
    with pytest.raises(
        ConfigurationError, match=r"e\.csv\.state isn't a state file that this version of nexport can read"
    ):
        await run(campus, make_request("enrollments", samples.org_id), tmp_path / "e.csv")
    state.unlink()
    with closing(sqlite3.connect(state)) as connection:
        connection.execute("CREATE TABLE mine (text)")
    with pytest.raises(
        ConfigurationError, match=r"e\.csv\.state isn't a state file that this version of nexport can read"
    ):
        await run(campus, make_request("enrollments", samples.org_id), tmp_path / "e.csv")
    assert file_names(tmp_path) == ["e.csv.state"]


async def test_datasets_share_an_sqlite_file(campus: NexportCampus, samples: Samples, tmp_path: Path) -> None:
    """Each dataset has its table and its cursor; a user's table and index are untouched."""
    target, since = tmp_path / "campus.db", datetime(2026, 6, 1, tzinfo=UTC)
    await run(campus, make_request("enrollments", samples.org_id), target)
    with closing(sqlite3.connect(target)) as connection:
        connection.execute("CREATE TABLE notes (text)")
        connection.execute("CREATE INDEX by_user ON enrollments (user_id)")
        connection.execute("CREATE TABLE scorm_data (mine)")
        connection.commit()
    await run(campus, make_request("sessions", samples.org_id, since=since), target)
    await run(campus, make_request("enrollments", samples.org_id), target)
    assert read_rows(target)
    assert read_rows(target, "sessions")
    names = {row["name"] for row in read_rows(target, "sqlite_master")}
    assert {"notes", "by_user"} <= names
    scorm = make_request("scorm-data", samples.org_id, filters={"utc_enrolled_after": since})
    with pytest.raises(ConfigurationError, match="has a table scorm_data that no export created"):
        await run(campus, scorm, target)
    with pytest.raises(ConfigurationError, match="has a table scorm_data that no export created"):
        await run(campus, scorm, target, restart=True)


async def test_a_table_that_was_dropped(campus: NexportCampus, samples: Samples, tmp_path: Path) -> None:
    """If the table is gone, everything is fetched again."""
    request, target = make_request("enrollments", samples.org_id, since=LAST), tmp_path / "e.db"
    first = await run(campus, request, target)
    with closing(sqlite3.connect(target)) as connection:
        connection.execute("DROP TABLE enrollments")
    again = await run(campus, request, target)
    assert again.rows == first.rows == len(read_rows(target))


async def test_no_state_is_left_if_unwanted(campus: NexportCampus, samples: Samples, tmp_path: Path) -> None:
    """Without state nothing shows that an export wrote the file, so another one needs `force`."""
    request, target = make_request("enrollments", samples.org_id), tmp_path / "e.csv"
    await run(campus, request, target, keep_state=False)
    with pytest.raises(ConfigurationError, match="no state file next to it"):
        await run(campus, request, target, keep_state=False)
    await run(campus, request, target, keep_state=False, force=True)
    assert file_names(tmp_path) == ["e.csv"]
    again = await run(campus, make_request("enrollments", samples.org_id, since=LAST), target, force=True)
    assert again.new == again.rows > 0
