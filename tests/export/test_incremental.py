"""Exports that go on from the one before: what changed is put in, and nothing is mixed."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from nexport_campus import ConfigurationError, NexportCampus
from nexport_campus._export.request import LAST
from nexport_campus.sandbox import Samples, Sandbox
from tests.export.running import names_in, plan_of, read_rows, run

pytestmark = pytest.mark.nexport_sandbox(enrollments=500)
TARGETS = ["e.jsonl", "e.db"]


async def enroll(campus: NexportCampus, samples: Samples) -> str:
    """A new enrollment."""
    made = await campus.ensure_enrollment(
        org_id=samples.org_id, user_id=samples.user_id, syllabus_id=samples.section_id
    )
    assert made.created
    return str(made.enrollment_id)


async def searches(sandbox: Sandbox) -> int:
    """How many searches the campus was asked for."""
    return (await sandbox.books()).counts.get("LearningApi_SearchEnrollments", 0)


@pytest.mark.parametrize("name", TARGETS)
async def test_the_next_run_fetches_what_changed(
    campus: NexportCampus, nexport_sandbox: Sandbox, samples: Samples, tmp_path: Path, name: str
) -> None:
    """The first one is everything; the next adds who enrolled since, active or not, and reads little for it."""
    plan, target = plan_of("enrollments", samples.org_id, since=LAST), tmp_path / name
    first = await run(campus, plan, target)
    before = await searches(nexport_sandbox)
    made = await enroll(campus, samples)
    again = await run(campus, plan, target)
    assert (again.counts.rows, again.counts.new) == (first.counts.rows + 1, 1)
    assert (again.counts.updated, again.counts.removed) == (0, 0)
    assert made in {row["enrollment_id"] for row in read_rows(target)}
    assert await searches(nexport_sandbox) - before < 8
    assert again.cursor >= first.cursor


@pytest.mark.parametrize("name", TARGETS)
async def test_a_full_export_loses_what_is_gone(
    campus: NexportCampus, samples: Samples, tmp_path: Path, name: str
) -> None:
    """What changed never takes a row away; everything has exactly what the campus has."""
    everything, target = plan_of("enrollments", samples.org_id), tmp_path / name
    first = await run(campus, everything, target)
    await campus.learning.delete_enrollment(enrollment_id=samples.finished_enrollment_id)
    changed = await run(campus, plan_of("enrollments", samples.org_id, since=LAST), target)
    assert changed.counts.rows == first.counts.rows
    full = await run(campus, everything, target)
    assert (full.counts.rows, full.counts.removed) == (first.counts.rows - 1, 1)
    assert samples.finished_enrollment_id not in {row["enrollment_id"] for row in read_rows(target)}


async def test_the_overlap_reaches_back(campus: NexportCampus, samples: Samples, tmp_path: Path) -> None:
    """A run begins that much before the last one began, by the campus's clock."""
    target = tmp_path / "e.jsonl"
    first = await run(campus, plan_of("enrollments", samples.org_id, since=LAST), target)
    assert abs(first.cursor - datetime.now(UTC)) < timedelta(minutes=5)
    years = plan_of("enrollments", samples.org_id, since=LAST, overlap=timedelta(days=365))
    again = await run(campus, years, target)
    assert (again.counts.rows, again.counts.new, again.counts.updated) == (first.counts.rows, 0, 0)


async def test_a_date_later_than_the_last_export_leaves_no_gap(
    campus: NexportCampus, samples: Samples, tmp_path: Path
) -> None:
    """What such a run skips is fetched by the next one: rows are complete until where they were."""
    target, until = tmp_path / "e.jsonl", datetime(2026, 3, 1, tzinfo=UTC)
    first = await run(campus, plan_of("enrollments", samples.org_id, until=until), target)
    assert first.cursor == until
    later = await run(
        campus, plan_of("enrollments", samples.org_id, since=until + timedelta(days=60)), target
    )
    assert later.counts.new
    assert later.cursor == until
    last = await run(campus, plan_of("enrollments", samples.org_id, since=LAST), target)
    assert last.counts.new
    await run(campus, plan_of("enrollments", samples.org_id), tmp_path / "all.jsonl")
    assert read_rows(target) == read_rows(tmp_path / "all.jsonl")


async def test_an_older_portion_is_put_in(campus: NexportCampus, samples: Samples, tmp_path: Path) -> None:
    """A backfill of earlier months goes into the same file, and leaves the cursor where it is."""
    target, cut = tmp_path / "e.jsonl", datetime(2026, 1, 1, tzinfo=UTC)
    recent = await run(campus, plan_of("enrollments", samples.org_id, since=cut), target)
    older = plan_of(
        "enrollments", samples.org_id, since=datetime(2023, 1, 1, tzinfo=UTC), until=cut, by="month"
    )
    backfilled = await run(campus, older, target)
    assert backfilled.cursor == recent.cursor
    await run(campus, plan_of("enrollments", samples.org_id), tmp_path / "all.jsonl")
    assert read_rows(target) == read_rows(tmp_path / "all.jsonl")


@pytest.mark.parametrize("name", TARGETS)
async def test_other_filters_are_refused(
    campus: NexportCampus, samples: Samples, tmp_path: Path, name: str
) -> None:
    """A target holds one export; another is refused by its options' names, or replaces it when told to."""
    target = tmp_path / name
    await run(campus, plan_of("enrollments", samples.org_id), target)
    before = target.read_bytes()
    other = plan_of("enrollments", samples.org_id, filters={"syllabus_ids": (UUID(samples.section_id),)})
    with pytest.raises(ConfigurationError, match=r"holds another export \(it differs in --syllabus\)"):
        await run(campus, other, target)
    assert target.read_bytes() == before
    await run(campus, other, target, restart=True)
    assert {row["syllabus_id"] for row in read_rows(target)} == {samples.section_id}


async def test_a_file_of_somebody_elses(campus: NexportCampus, samples: Samples, tmp_path: Path) -> None:
    """Changes can't be put into a file that nothing is known of."""
    since = plan_of("enrollments", samples.org_id, since=datetime(2026, 6, 1, tzinfo=UTC))
    (tmp_path / "e.csv").write_text("mine")
    with pytest.raises(ConfigurationError, match="no state file next to it"):
        await run(campus, since, tmp_path / "e.csv")
    (tmp_path / "text.db").write_text("mine, and no database; " * 100)
    with pytest.raises(ConfigurationError, match=r"text\.db isn't an SQLite file"):
        await run(campus, since, tmp_path / "text.db")
    assert names_in(tmp_path) == ["e.csv", "text.db"]


async def test_a_state_that_is_none(campus: NexportCampus, samples: Samples, tmp_path: Path) -> None:
    """Another's file under the state's name is neither used nor deleted, whatever it is."""
    state = tmp_path / "e.csv.state"
    state.write_text("mine, and no database; " * 100)
    with pytest.raises(
        ConfigurationError, match=r"e\.csv\.state isn't a state file that this version of nexport can read"
    ):
        await run(campus, plan_of("enrollments", samples.org_id), tmp_path / "e.csv")
    state.unlink()
    with closing(sqlite3.connect(state)) as connection:
        connection.execute("CREATE TABLE mine (text)")
    with pytest.raises(
        ConfigurationError, match=r"e\.csv\.state isn't a state file that this version of nexport can read"
    ):
        await run(campus, plan_of("enrollments", samples.org_id), tmp_path / "e.csv")
    assert names_in(tmp_path) == ["e.csv.state"]


async def test_kinds_share_an_sqlite_file(campus: NexportCampus, samples: Samples, tmp_path: Path) -> None:
    """Each has its table and its cursor; a user's own table and index are left alone."""
    target, since = tmp_path / "campus.db", datetime(2026, 6, 1, tzinfo=UTC)
    await run(campus, plan_of("enrollments", samples.org_id), target)
    with closing(sqlite3.connect(target)) as connection:
        connection.execute("CREATE TABLE notes (text)")
        connection.execute("CREATE INDEX by_user ON enrollments (user_id)")
        connection.execute("CREATE TABLE scorm_data (mine)")
        connection.commit()
    await run(campus, plan_of("sessions", samples.org_id, since=since), target)
    await run(campus, plan_of("enrollments", samples.org_id), target)
    assert read_rows(target)
    assert read_rows(target, "sessions")
    names = {row["name"] for row in read_rows(target, "sqlite_master")}
    assert {"notes", "by_user"} <= names
    scorm = plan_of("scorm-data", samples.org_id, filters={"utc_enrolled_after": since})
    with pytest.raises(ConfigurationError, match="has a table scorm_data that no export created"):
        await run(campus, scorm, target)
    with pytest.raises(ConfigurationError, match="has a table scorm_data that no export created"):
        await run(campus, scorm, target, restart=True)


async def test_a_table_that_was_dropped(campus: NexportCampus, samples: Samples, tmp_path: Path) -> None:
    """Changes of rows that aren't there any more would pass for all of them: everything is fetched again."""
    plan, target = plan_of("enrollments", samples.org_id, since=LAST), tmp_path / "e.db"
    first = await run(campus, plan, target)
    with closing(sqlite3.connect(target)) as connection:
        connection.execute("DROP TABLE enrollments")
    again = await run(campus, plan, target)
    assert again.counts.rows == first.counts.rows == len(read_rows(target))


async def test_no_state_is_left_if_unwanted(campus: NexportCampus, samples: Samples, tmp_path: Path) -> None:
    """Then nothing shows that an export wrote the file, so that another one needs `force`."""
    plan, target = plan_of("enrollments", samples.org_id), tmp_path / "e.csv"
    await run(campus, plan, target, keep_state=False)
    with pytest.raises(ConfigurationError, match="no state file next to it"):
        await run(campus, plan, target, keep_state=False)
    await run(campus, plan, target, keep_state=False, force=True)
    assert names_in(tmp_path) == ["e.csv"]
    again = await run(campus, plan_of("enrollments", samples.org_id, since=LAST), target, force=True)
    assert again.counts.new == again.counts.rows > 0
