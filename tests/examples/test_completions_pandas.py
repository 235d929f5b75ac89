"""The example of completion times, run as a program against the sandbox."""

import csv
import runpy
import subprocess
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import median
from uuid import UUID

import pytest

from nexport_campus import NexportCampus
from nexport_campus.models import ApiEnrollmentItem, SectionResponse
from nexport_campus.sandbox import Samples

pytestmark = pytest.mark.nexport_sandbox(enrollments=2000)
Run = Callable[..., subprocess.CompletedProcess[str]]


def lines(file: Path) -> dict[UUID, dict[str, str]]:
    """Return the rows of a table, by section."""
    with file.open(encoding="utf-8", newline="") as opened:
        return {UUID(line["syllabus_id"]): line for line in csv.DictReader(opened)}


async def test_times_by_section(run: Run, tmp_path: Path, samples: Samples, campus: NexportCampus) -> None:
    """The table agrees with the times computed from the campus's records in another way."""
    enrolled: Counter[UUID] = Counter()
    days: dict[UUID, list[float]] = defaultdict(list)
    async for item in campus.learning.search_enrollments(org_ids=[samples.org_id]):
        assert item.syllabus_id is not None
        assert item.enrollment_date is not None
        enrolled[item.syllabus_id] += 1
        if item.completion_date:
            days[item.syllabus_id].append(
                (item.completion_date - item.enrollment_date).total_seconds() / 86400
            )
    sections = (await campus.get_sections_by_id(enrolled)).sections
    done = run("completions_pandas.py", samples.org_id, str(tmp_path / "times.csv"))
    assert (done.returncode, done.stderr) == (0, "")
    found = lines(tmp_path / "times.csv")
    assert set(found) == {section.syllabus_id for section in sections}
    for section in sections:
        line, taken = found[section.syllabus_id], days[section.syllabus_id]
        assert (line["title"], line["section_number"]) == (section.title, section.section_number)
        assert (int(line["enrolled"]), int(line["completed"])) == (enrolled[section.syllabus_id], len(taken))
        if taken:
            assert float(line["days_of_half"]) == pytest.approx(median(taken), abs=0.06)
            assert float(line["days_of_half"]) <= float(line["days_of_nine_in_ten"])
        else:
            assert line["days_of_half"] == ""
    assert any(days.values())


def test_no_enrollments() -> None:
    """Without enrollments the table has its columns, and no row."""
    example = runpy.run_path(str(Path(__file__).parents[2] / "examples" / "completions_pandas.py"))
    frames = (example["frame"](model, []) for model in (ApiEnrollmentItem, SectionResponse))
    times = example["times_by_section"](*frames)
    columns = ["syllabus_id", "section_number", "title", "enrolled", "completed"]
    assert list(times) == [*columns, "days_of_half", "days_of_nine_in_ten"]
    assert times.empty
