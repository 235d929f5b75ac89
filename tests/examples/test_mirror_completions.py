"""The nightly mirror, run as a program against the sandbox."""

import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from nexport_campus import NexportCampus
from nexport_campus.sandbox import Samples, Sandbox

pytestmark = pytest.mark.nexport_sandbox(enrollments=5000)
SEARCH = "LearningApi_SearchEnrollments"
Run = Callable[..., subprocess.CompletedProcess[str]]


def rows(database: Path, query: str) -> list[Any]:
    """Return the rows of a query on the mirror."""
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(query).fetchall()


async def completed_enrollments(campus: NexportCampus, samples: Samples) -> set[str]:
    """Return the organization's completed enrollments, as the campus has them."""
    found = campus.learning.search_enrollments(org_ids=[samples.org_id])
    return {str(item.enrollment_id) async for item in found if item.completion_date}


async def test_every_completion_once(
    run: Run, tmp_path: Path, samples: Samples, campus: NexportCampus
) -> None:
    """The first run stores all completions; the second finds nothing new, and changes nothing."""
    database = tmp_path / "mirror.sqlite3"
    for _ in range(2):
        done = run("mirror_completions.py", str(database), samples.org_id)
        assert (done.returncode, done.stderr) == (0, "")
        mirrored = rows(database, "SELECT enrollment_id FROM completions WHERE gone IS NULL")
        assert {row[0] for row in mirrored} == await completed_enrollments(campus, samples)
    assert rows(database, "SELECT finished FROM runs") == [(1,), (1,)]


@pytest.mark.parametrize("nth", [1, 2, 4])
async def test_resuming_after_a_failure(
    run: Run, tmp_path: Path, samples: Samples, campus: NexportCampus, nexport_sandbox: Sandbox, nth: int
) -> None:
    """After a failure of any request, stored rows are kept, and the next run resumes and completes."""
    database = tmp_path / "mirror.sqlite3"
    body = '{"api_error_entity": {"error_code": 1, "error_message": "out of order"}}'
    await nexport_sandbox.faults.add(operation=SEARCH, nth=nth, status=500, body=body)
    failed = run("mirror_completions.py", str(database), samples.org_id)
    assert failed.returncode == 1
    assert "out of order" in failed.stderr
    stored = rows(database, "SELECT count(*) FROM completions")[0][0]
    assert (stored > 0) == (nth > 1)
    assert run("mirror_completions.py", str(database), samples.org_id).returncode == 0
    assert {
        row[0] for row in rows(database, "SELECT enrollment_id FROM completions")
    } == await completed_enrollments(campus, samples)
    assert rows(database, "SELECT finished FROM runs") == [(1,)]


async def test_removed_enrollments_are_marked(
    run: Run, tmp_path: Path, samples: Samples, campus: NexportCampus
) -> None:
    """A dropped and a deleted enrollment get a date and stay; the mirror of another organization isn't touched."""
    database = tmp_path / "mirror.sqlite3"
    other = next(org for org in samples.org_ids if org != samples.org_id)
    for organization in (samples.org_id, other):
        assert run("mirror_completions.py", str(database), organization).returncode == 0
    deleted = min(await completed_enrollments(campus, samples) - {samples.finished_enrollment_id})
    await campus.learning.drop_enrollment(enrollment_id=samples.finished_enrollment_id)
    await campus.learning.delete_enrollment(enrollment_id=deleted)
    done = run("mirror_completions.py", str(database), samples.org_id)
    assert "2 of them gone" in done.stdout
    gone = rows(database, "SELECT enrollment_id FROM completions WHERE gone IS NOT NULL")
    assert {row[0] for row in gone} == {deleted, samples.finished_enrollment_id}
