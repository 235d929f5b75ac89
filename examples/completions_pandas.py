"""Compute how long an organization's students take to complete each section, with pandas.

    NEXPORT_USERNAME=... NEXPORT_PASSWORD=... python completions_pandas.py ORGANIZATION_ID times.csv

Writes one line per section: number, title, the number of students who enrolled and who completed it, and the median and
90th percentile of the days it took them.
"""

import argparse
import asyncio
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import pandas as pd

from nexport_campus import NexportCampus
from nexport_campus.models import ApiEnrollmentItem, SectionResponse


def frame(
    model: type[ApiEnrollmentItem | SectionResponse], items: Sequence[ApiEnrollmentItem | SectionResponse]
) -> pd.DataFrame:
    """Return a frame with one row per item. Columns and date types are the same even if values or all items are missing."""
    columns = model.columns()
    made = pd.DataFrame([item.to_row() for item in items], columns=list(columns))
    return made.astype({name: "datetime64[us, UTC]" for name, kind in columns.items() if kind is datetime})


def times_by_section(enrollments: pd.DataFrame, sections: pd.DataFrame) -> pd.DataFrame:
    """Return enrollments, completions and days to completion by section, the section with most enrollments first."""
    taken = enrollments["completion_date"] - enrollments["enrollment_date"]
    days = (taken.dt.total_seconds() / 86400).groupby(enrollments["syllabus_id"])
    times = pd.DataFrame({"enrolled": days.size(), "completed": days.count()})
    for column, share in (("days_of_half", 0.5), ("days_of_nine_in_ten", 0.9)):
        times[column] = days.quantile(share).round(1)
    titled = sections[["syllabus_id", "section_number", "title"]].merge(
        times, left_on="syllabus_id", right_index=True
    )
    return titled.sort_values("enrolled", ascending=False)


async def fetch(organization: UUID) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the organization's enrollments and their sections. Raises NexportError."""
    async with NexportCampus.from_env() as campus:
        enrollments = await campus.learning.search_enrollments(org_ids=[organization]).collect()
        syllabi = {item.syllabus_id for item in enrollments if item.syllabus_id}
        found = await campus.get_sections_by_id(syllabi)  # training plans are not among the sections
    return frame(ApiEnrollmentItem, enrollments), frame(SectionResponse, found.sections)


def main() -> None:
    """Write the table for the organization given on the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("organization", type=UUID)
    parser.add_argument("csv")
    given = parser.parse_args()
    times = times_by_section(*asyncio.run(fetch(given.organization)))
    times.to_csv(given.csv, index=False)
    print(times.head(10).to_string(index=False))


if __name__ == "__main__":
    main()
