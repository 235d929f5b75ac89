"""Complete exports of the sandbox: every dataset in every format."""

import asyncio
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from nexport_campus import NexportCampus, PasswordAuth, PermissionDeniedError
from nexport_campus.models import ApiEnrollmentItem
from nexport_campus.sandbox import Samples, Sandbox
from tests.export.running import file_names, make_request, read_rows, run

pytestmark = pytest.mark.nexport_sandbox(enrollments=500)
SINCE = datetime(2026, 5, 1, tzinfo=UTC)
SPRING = datetime(2024, 3, 1, tzinfo=UTC)


@pytest.fixture
async def enrollments(campus: NexportCampus, samples: Samples) -> list[ApiEnrollmentItem]:
    """Return all enrollments of the organization, as the SDK returns them."""
    return await campus.learning.search_enrollments(org_ids=[samples.org_id]).collect()


async def test_enrollments_as_json_lines(
    campus: NexportCampus, samples: Samples, enrollments: list[ApiEnrollmentItem], tmp_path: Path
) -> None:
    """A line is the model's `to_dict()`; the lines are in order of enrollment."""
    summary = await run(campus, make_request("enrollments", samples.org_id), tmp_path / "e.jsonl")
    assert read_rows(tmp_path / "e.jsonl") == [item.to_dict() for item in enrollments]
    assert (summary.rows, summary.new) == (len(enrollments), len(enrollments))
    assert not summary.resumed


async def test_enrollments_as_csv(
    campus: NexportCampus, samples: Samples, enrollments: list[ApiEnrollmentItem], tmp_path: Path
) -> None:
    """Enums are written with the vendor's words, or as numbers on request."""
    request = make_request("enrollments", samples.org_id)
    await run(campus, request, tmp_path / "words.csv", labels=True)
    await run(campus, request, tmp_path / "numbers.csv")
    words, numbers = read_rows(tmp_path / "words.csv"), read_rows(tmp_path / "numbers.csv")
    assert [row["phase"] for row in words] == [item.phase.label for item in enrollments]
    assert [row["phase"] for row in numbers] == [str(int(item.phase)) for item in enrollments]
    assert list(words[0]) == list(ApiEnrollmentItem.columns())
    for row, item in zip(words, enrollments, strict=True):
        assert row["completion_date"] == (
            item.completion_date.isoformat(timespec="microseconds").replace("+00:00", "Z")
            if item.completion_date
            else ""
        )


async def test_enrollments_as_sqlite(
    campus: NexportCampus, samples: Samples, enrollments: list[ApiEnrollmentItem], tmp_path: Path
) -> None:
    """The table has typed columns, a primary key, and enums as numbers beside their labels; no other file is left."""
    target = tmp_path / "e.db"
    await run(campus, make_request("enrollments", samples.org_id), target)
    rows = {row["enrollment_id"]: row for row in read_rows(target)}
    assert len(rows) == len(enrollments)
    for item in enrollments:
        row, expected = rows[str(item.enrollment_id)], item.to_row()
        assert {name for name in row if isinstance(expected[name], datetime)} <= {
            name for name in row if row[name]
        }
        assert row["phase"] == item.phase
        assert row["user_id"] == str(item.user_id)
        if item.completion_date:
            assert datetime.fromisoformat(row["completion_date"]) == item.completion_date
    labels = {
        (row["column_name"], row["number"]): row["label"] for row in read_rows(target, "nexport_labels")
    }
    assert labels["phase", 16] == "Resubmit Required"
    assert file_names(tmp_path) == ["e.db"]


@pytest.mark.parametrize("labels", [False, True])
async def test_enrollments_as_parquet(
    campus: NexportCampus,
    samples: Samples,
    enrollments: list[ApiEnrollmentItem],
    tmp_path: Path,
    labels: bool,
) -> None:
    """A row is the model's `to_row()`, with dates as timestamps in UTC."""
    await run(campus, make_request("enrollments", samples.org_id), tmp_path / "e.parquet", labels=labels)
    assert read_rows(tmp_path / "e.parquet") == [item.to_row(labels=labels) for item in enrollments]


async def test_assignment_statuses(
    campus: NexportCampus, samples: Samples, enrollments: list[ApiEnrollmentItem], tmp_path: Path
) -> None:
    """The statuses of every section enrollment are exported; training plans have none, and are counted."""
    early = [item for item in enrollments if item.enrollment_date and item.enrollment_date < SPRING]
    expected: list[dict[str, Any]] = []
    sections = (
        await campus.get_sections_by_id(item.syllabus_id for item in early if item.syllabus_id)
    ).sections
    in_sections = {section.syllabus_id for section in sections}
    taken = [item for item in early if item.syllabus_id in in_sections]
    for item in taken:
        found = await campus.learning.get_assignment_statuses(enrollment_id=item.enrollment_id).collect()
        expected += [status.to_dict() for status in found]
    request = make_request("assignment-statuses", samples.org_id, filters={"utc_enrolled_before": SPRING})
    summary = await run(campus, request, tmp_path / "s.jsonl")
    key = "assignment_status_id"
    assert sorted(read_rows(tmp_path / "s.jsonl"), key=lambda row: row[key]) == sorted(
        expected, key=lambda row: row[key]
    )
    assert summary.absent == len(early) - len(taken) > 0


async def test_sessions_of_the_time_range_are_exported(
    campus: NexportCampus, samples: Samples, enrollments: list[ApiEnrollmentItem], tmp_path: Path
) -> None:
    """Sessions of all users that began in the time range are exported, in one go or month by month."""
    until = datetime(2026, 6, 20, tzinfo=UTC)
    expected: dict[str, dict[str, Any]] = {}
    for user in {item.user_id for item in enrollments}:
        sessions = campus.learning.get_student_sessions(
            user_id=user, org_id=samples.org_id, from_date=SINCE, to_date=until
        )
        expected |= {str(session.id): session.to_dict() async for session in sessions}
    whole = make_request("sessions", samples.org_id, since=SINCE, until=until)
    await run(campus, whole, tmp_path / "whole.jsonl")
    monthly = make_request(
        "sessions", samples.org_id, since=SINCE, until=until, by="month", zone="America/Chicago"
    )
    await run(campus, monthly, tmp_path / "monthly.jsonl")
    rows = read_rows(tmp_path / "whole.jsonl")
    assert {row.pop("session_key"): row for row in rows} == expected
    assert (tmp_path / "whole.jsonl").read_bytes() == (tmp_path / "monthly.jsonl").read_bytes()


async def test_scorm_data(campus: NexportCampus, samples: Samples, tmp_path: Path) -> None:
    """A row is one SCO with its elements as columns, and has the ids that identify it."""
    names = ("cmi.core.lesson_status", "cmi.core.score.raw", "cmi.no_such_element")
    request = make_request(
        "scorm-data", filters={"enrollment_ids": (UUID(samples.scorm_enrollment_id),)}, elements=names
    )
    await run(campus, request, tmp_path / "scorm.parquet")
    rows = [
        row
        for row in read_rows(tmp_path / "scorm.parquet")
        if row["assignment_id"] == samples.scorm_assignment_id
    ]
    items = await campus.scorm.get_cmi_data(
        enrollment_id=samples.scorm_enrollment_id,
        assignment_id=samples.scorm_assignment_id,
        cmi_element_names=names,
    ).collect()
    assert [row["sco_id"] for row in rows] == [item.sco_id for item in items]
    for row, item in zip(rows, items, strict=True):
        values = {field.cmi_element_name: field.cmi_element_value for field in item.cmi_fields}
        assert row["cmi.core.lesson_status"] == values["cmi.core.lesson_status"]
        assert row["cmi.core.score.raw"] == values["cmi.core.score.raw"]
        assert row["cmi.no_such_element"] is None
        assert row["assignment_status_id"]
        assert row["occurrence"] == 0


@pytest.mark.parametrize("by", ["month", "day"])
async def test_portions_equal_one_run(
    campus: NexportCampus, samples: Samples, tmp_path: Path, by: Any
) -> None:
    """Month by month or day by day, a time range gives the same rows as in one go."""
    since, until = datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 6, 20, 5, tzinfo=UTC)
    whole = make_request("enrollments", samples.org_id, since=since, until=until)
    parted = make_request("enrollments", samples.org_id, since=since, until=until, by=by, zone="Asia/Kolkata")
    await run(campus, whole, tmp_path / "whole.jsonl")
    await run(campus, parted, tmp_path / "parted.jsonl")
    rows = read_rows(tmp_path / "whole.jsonl")
    assert rows
    assert rows == read_rows(tmp_path / "parted.jsonl")


@pytest.mark.parametrize("concurrency", [1, 3, 16])
async def test_concurrency_changes_nothing(
    campus: NexportCampus,
    samples: Samples,
    enrollments: list[ApiEnrollmentItem],
    tmp_path: Path,
    concurrency: int,
) -> None:
    """The file is the same for any number of concurrent requests."""
    request = make_request("enrollments", samples.org_id, per_page=7, concurrency=concurrency)
    await run(campus, request, tmp_path / "e.jsonl")
    assert read_rows(tmp_path / "e.jsonl") == [item.to_dict() for item in enrollments]


async def test_records_that_move_while_they_are_read(
    campus: NexportCampus, samples: Samples, enrollments: list[ApiEnrollmentItem], tmp_path: Path
) -> None:
    """Enrollments that exist throughout are exported once each while others are removed and created."""
    leaving = enrollments[::4]
    staying = {str(item.enrollment_id) for item in enrollments} - {
        str(item.enrollment_id) for item in leaving
    }

    async def churn() -> None:
        for item in leaving:
            await campus.learning.delete_enrollment(enrollment_id=item.enrollment_id)

    request = make_request("enrollments", samples.org_id, per_page=20, concurrency=2)
    await asyncio.gather(run(campus, request, tmp_path / "e.jsonl"), churn())
    ids = [row["enrollment_id"] for row in read_rows(tmp_path / "e.jsonl")]
    assert len(ids) == len(set(ids))
    assert staying <= set(ids) <= {str(item.enrollment_id) for item in enrollments}


async def test_enrollments_removed_meanwhile(
    campus: NexportCampus, samples: Samples, enrollments: list[ApiEnrollmentItem], tmp_path: Path
) -> None:
    """An enrollment removed meanwhile has no records and isn't a failure; the others have all of theirs."""
    chosen = {"utc_enrolled_after": SINCE}
    request = make_request("assignment-statuses", samples.org_id, filters=chosen, concurrency=1)
    await run(campus, request, tmp_path / "before.jsonl")
    recent = [item for item in enrollments if item.enrollment_date and item.enrollment_date > SINCE]
    leaving = {str(item.enrollment_id) for item in recent[::2]}

    async def leave() -> None:
        for enrollment_id in leaving:
            await campus.learning.delete_enrollment(enrollment_id=enrollment_id)

    summary, _ = await asyncio.gather(run(campus, request, tmp_path / "s.jsonl"), leave())
    assert summary.failed == 0
    rows = read_rows(tmp_path / "s.jsonl")
    staying = [row for row in read_rows(tmp_path / "before.jsonl") if row["enrollment_id"] not in leaving]
    assert [row for row in rows if row["enrollment_id"] not in leaving] == staying


async def test_nothing_to_export(campus: NexportCampus, samples: Samples, tmp_path: Path) -> None:
    """An export without rows writes a complete file with its header."""
    request = make_request(
        "enrollments", samples.org_id, filters={"utc_enrolled_after": datetime(2030, 1, 1, tzinfo=UTC)}
    )
    for suffix in ("jsonl", "csv", "db", "parquet"):
        target = tmp_path / f"e.{suffix}"
        assert (await run(campus, request, target)).rows == 0
        assert read_rows(target) == []
    assert (tmp_path / "e.csv").read_text().startswith("enrollment_id,")


async def test_file_permissions(campus: NexportCampus, samples: Samples, tmp_path: Path) -> None:
    """New files are readable by their owner only; an existing target keeps its permissions."""
    request = make_request("enrollments", samples.org_id)
    readable = tmp_path / "readable.csv"
    readable.touch()
    readable.chmod(0o640)
    for target in (readable, tmp_path / "new.csv", tmp_path / "new.db"):
        await run(campus, request, target)
    modes = {name: stat.S_IMODE((tmp_path / name).stat().st_mode) for name in file_names(tmp_path)}
    assert modes.pop("readable.csv") == 0o640
    assert set(modes.values()) == {0o600}
    assert set(modes) == {"new.csv", "new.csv.state", "new.db", "readable.csv.state"}


async def test_a_link_keeps_its_place(campus: NexportCampus, samples: Samples, tmp_path: Path) -> None:
    """A symbolic link stays, and its target is replaced."""
    (tmp_path / "there").mkdir()
    link = tmp_path / "e.jsonl"
    link.symlink_to(tmp_path / "there" / "real.jsonl")
    await run(campus, make_request("enrollments", samples.org_id), link)
    assert link.is_symlink()
    assert read_rows(link)


async def test_no_secret_is_kept(nexport_sandbox: Sandbox, samples: Samples, tmp_path: Path) -> None:
    """No file contains password or user name."""
    auth = PasswordAuth(nexport_sandbox.username, nexport_sandbox.password)
    async with NexportCampus(auth, base_url=nexport_sandbox.url) as campus:
        await run(campus, make_request("enrollments", samples.org_id), tmp_path / "e.csv")
        await run(campus, make_request("enrollments", samples.org_id), tmp_path / "e.db")
    for name in file_names(tmp_path):
        content = (tmp_path / name).read_bytes()
        assert nexport_sandbox.password.encode() not in content
        assert b"access_token" not in content


async def test_a_missing_permission_stops_the_export(
    nexport_sandbox: Sandbox, samples: Samples, tmp_path: Path
) -> None:
    """Without permission to read, the export stops at once, and leaves no file."""
    account = nexport_sandbox.accounts["instructor"]
    auth = PasswordAuth(account.username, account.password)
    async with NexportCampus(auth, base_url=nexport_sandbox.url) as campus:
        with pytest.raises(PermissionDeniedError):
            await run(campus, make_request("enrollments", samples.org_id), tmp_path / "e.csv")
    assert file_names(tmp_path) == []
