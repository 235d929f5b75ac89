"""Count an organization's completions by month and result, with polars.

    NEXPORT_USERNAME=... NEXPORT_PASSWORD=... python completions_polars.py ORGANIZATION_ID --zone America/Chicago

Includes completions since the date given with `--since` (default: one year ago). Months are in the given time zone.
"""

import argparse
import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import polars as pl

from nexport_campus import NexportCampus
from nexport_campus.models import ApiEnrollmentItem, Result

# All other columns are strings: UUIDs, and enums as labels.
TYPES = {bool: pl.Boolean(), int: pl.Int64(), float: pl.Float64(), datetime: pl.Datetime("us", "UTC")}


def frame(items: Iterable[ApiEnrollmentItem]) -> pl.DataFrame:
    """Return a frame with one row per enrollment. Columns and types are the same even if values or all items are missing."""
    schema = {name: TYPES.get(kind, pl.String()) for name, kind in ApiEnrollmentItem.columns().items()}
    return pl.DataFrame([item.to_row(labels=True) for item in items], schema=schema)


def by_month(enrollments: pl.DataFrame, zone: str) -> pl.DataFrame:
    """Return the number of completions by month, in total and for each result."""
    month = pl.col("completion_date").dt.convert_time_zone(zone).dt.strftime("%Y-%m").alias("month")
    results = [(pl.col("result") == result.label).sum().alias(result.label) for result in Result]
    completed = enrollments.drop_nulls("completion_date")
    return completed.group_by(month).agg(pl.len().alias("Completions"), *results).sort("month")


async def fetch(organization: UUID, since: datetime) -> pl.DataFrame:
    """Return the organization's completions since a date. Raises NexportError."""
    async with NexportCampus.from_env() as campus:
        found = campus.learning.search_enrollments(org_ids=[organization], utc_completed_after=since)
        return frame(await found.collect())


def main() -> None:
    """Print the table for the organization given on the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("organization", type=UUID)
    parser.add_argument(
        "--since", type=datetime.fromisoformat, default=datetime.now(UTC) - timedelta(days=365)
    )
    parser.add_argument("--zone", default="UTC")
    given = parser.parse_args()
    # A date without an offset is in this machine's time zone.
    enrollments = asyncio.run(fetch(given.organization, given.since.astimezone(UTC)))
    with pl.Config(tbl_rows=-1, tbl_cols=-1, tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True):
        print(by_month(enrollments, given.zone))


if __name__ == "__main__":
    main()
