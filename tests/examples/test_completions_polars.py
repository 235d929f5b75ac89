"""The example of completions per month, run as a program against the sandbox."""

import subprocess
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from nexport_campus import NexportCampus
from nexport_campus.models import Result
from nexport_campus.sandbox import Samples

pytestmark = pytest.mark.nexport_sandbox(enrollments=2000)
Run = Callable[..., subprocess.CompletedProcess[str]]
HEADER = ["month", "Completions", "Not Graded", "Passed", "Failed"]


def parse_table(printed: str) -> list[list[str]]:
    """Return the cells of a printed table."""
    return [
        [cell.strip() for cell in line.strip("│").split("┆")] for line in printed.splitlines() if "┆" in line
    ]


async def test_completions_by_month(run: Run, samples: Samples, campus: NexportCampus) -> None:
    """Months, by the calendar of the zone, agree with the campus's records counted in another way."""
    since, zone = datetime(2026, 1, 1, tzinfo=UTC), ZoneInfo("America/Chicago")
    completions: Counter[str] = Counter()
    passed: Counter[str] = Counter()
    async for item in campus.learning.search_enrollments(org_ids=[samples.org_id], utc_completed_after=since):
        assert item.completion_date is not None
        month = f"{item.completion_date.astimezone(zone):%Y-%m}"
        completions[month] += 1
        passed[month] += item.result is Result.PASSED
    done = run("completions_polars.py", samples.org_id, "--since", since.isoformat(), "--zone", zone.key)
    assert (done.returncode, done.stderr) == (0, "")
    header, *rows = parse_table(done.stdout)
    assert header == HEADER
    assert [(row[0], int(row[1]), int(row[3])) for row in rows] == [
        (month, completions[month], passed[month]) for month in sorted(completions)
    ]
    assert rows


def test_no_completions(run: Run, samples: Samples) -> None:
    """Without completions the table has its columns, and no row."""
    done = run("completions_polars.py", samples.org_id, "--since", "2100-01-01")
    assert (done.returncode, done.stderr) == (0, "")
    assert parse_table(done.stdout) == [HEADER]
