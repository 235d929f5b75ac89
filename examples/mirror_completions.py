"""A nightly mirror of an organization's completions in SQLite.

    NEXPORT_USERNAME=... NEXPORT_PASSWORD=... python mirror_completions.py mirror.sqlite3 ORGANIZATION_ID

Each run fetches the completions since the last one. It then updates results that have changed, and marks enrollments that
were dropped or deleted with the date on which they were first missing. An interrupted run is resumed by the next start.
"""

import argparse
import asyncio
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from uuid import UUID

from nexport_campus import NexportCampus
from nexport_campus.models import ApiEnrollmentItem

SCHEMA = """
CREATE TABLE IF NOT EXISTS completions (
    enrollment_id TEXT PRIMARY KEY, user_id TEXT NOT NULL, syllabus_id TEXT, completed TEXT,
    phase INTEGER, result INTEGER, organization TEXT NOT NULL, gone TEXT
);
CREATE TABLE IF NOT EXISTS runs (
    number INTEGER PRIMARY KEY, organization TEXT NOT NULL, started TEXT NOT NULL, completed_after TEXT,
    enrolled_after TEXT, fetched INTEGER NOT NULL DEFAULT 0, checked TEXT NOT NULL DEFAULT '',
    finished INTEGER NOT NULL DEFAULT 0
);
"""
# Completions may be backdated, and the campus's clock may differ from ours.
OVERLAP = timedelta(days=1)
BATCH = 500


class Mirror:
    """The database, with the completions and the progress of the current run."""

    def __init__(self, database: sqlite3.Connection, organization: UUID) -> None:
        self.database = database
        self.organization = organization
        database.row_factory = sqlite3.Row
        database.executescript(SCHEMA)

    def run(self) -> sqlite3.Row:
        """Return the interrupted run, or else a new one that begins at the start of the last one."""
        key = (str(self.organization),)
        last = self.database.execute(
            "SELECT * FROM runs WHERE organization = ? ORDER BY number DESC LIMIT 1", key
        ).fetchone()
        if last is None or last["finished"]:
            after = (datetime.fromisoformat(last["started"]) - OVERLAP).isoformat() if last else None
            with self.database:
                self.database.execute(
                    "INSERT INTO runs (organization, started, completed_after) VALUES (?, ?, ?)",
                    (*key, datetime.now(UTC).isoformat(), after),
                )
            return self.run()
        run: sqlite3.Row = last
        return run

    def keep(
        self,
        run: sqlite3.Row,
        items: Iterable[ApiEnrollmentItem],
        *,
        enrolled_after: str | None = None,
        fetched: bool = False,
        checked: str = "",
        finished: bool = False,
    ) -> None:
        """Store completions together with the progress of the run, in one transaction."""
        rows = [(*_row(item), str(self.organization)) for item in items]
        with self.database:
            self.database.executemany(
                "INSERT OR REPLACE INTO completions VALUES (?, ?, ?, ?, ?, ?, ?, NULL)", rows
            )
            self.database.execute(
                "UPDATE runs SET enrolled_after = coalesce(?, enrolled_after), fetched = max(fetched, ?),"
                " checked = max(checked, ?), finished = max(finished, ?) WHERE number = ?",
                (enrolled_after, fetched, checked, finished, run["number"]),
            )

    def lose(self, ids: Iterable[str]) -> None:
        """Record that the campus no longer has these enrollments."""
        now = datetime.now(UTC).isoformat()
        with self.database:
            self.database.executemany(
                "UPDATE completions SET gone = ? WHERE enrollment_id = ?", [(now, missing) for missing in ids]
            )

    def known(self, after: str) -> list[str]:
        """Return the next IDs, in ascending order, of enrollments that are not known to be gone."""
        rows = self.database.execute(
            "SELECT enrollment_id FROM completions WHERE organization = ? AND gone IS NULL AND enrollment_id > ?"
            " ORDER BY enrollment_id LIMIT ?",
            (str(self.organization), after, BATCH),
        )
        return [row[0] for row in rows]


async def fetch(campus: NexportCampus, mirror: Mirror, run: sqlite3.Row) -> None:
    """Fetch the completions since the last run.

    The campus lists the earliest enrollment first, so a run resumes at the last enrollment date that it stored. It can't
    resume by page number, because pages shift when enrollments are removed in the meantime.
    """
    found = campus.learning.search_enrollments(
        org_ids=[mirror.organization],
        utc_completed_after=_date(run["completed_after"]) or datetime(1970, 1, 1, tzinfo=UTC),
        utc_enrolled_after=_date(run["enrolled_after"]),
    )
    async for page in found.pages():
        dates = [item.enrollment_date for item in page.items if item.enrollment_date]
        # Others may have enrolled at the same instant, which "after" excludes.
        reached = (max(dates) - timedelta(seconds=1)).isoformat() if dates else None
        mirror.keep(run, page.items, enrolled_after=reached)
    mirror.keep(run, [], fetched=True)


async def reconcile(campus: NexportCampus, mirror: Mirror, run: sqlite3.Row) -> None:
    """Update the stored completions. Enrollments that the campus no longer finds by ID were dropped or deleted."""
    last = run["checked"]
    while ids := mirror.known(last):
        search = campus.learning.search_enrollments(org_ids=[mirror.organization], enrollment_ids=ids)
        found = await search.collect()
        mirror.lose(set(ids) - {str(item.enrollment_id) for item in found})
        last = ids[-1]
        mirror.keep(run, found, checked=last)


async def mirror_once(campus: NexportCampus, mirror: Mirror) -> None:
    """Complete one run, new or interrupted. Raises NexportError; everything stored so far is kept."""
    run = mirror.run()
    if not run["fetched"]:
        await fetch(campus, mirror, run)
    await reconcile(campus, mirror, run)
    mirror.keep(run, [], finished=True)


def _row(item: ApiEnrollmentItem) -> tuple[object, ...]:
    completed = item.completion_date.isoformat() if item.completion_date else None
    syllabus = str(item.syllabus_id) if item.syllabus_id else None
    return str(item.enrollment_id), str(item.user_id), syllabus, completed, item.phase, item.result


def _date(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


async def main() -> None:
    """Mirror the organization given on the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("database")
    parser.add_argument("organization", type=UUID)
    given = parser.parse_args()
    with closing(sqlite3.connect(given.database)) as database:
        mirror = Mirror(database, given.organization)
        async with NexportCampus.from_env() as campus:
            await mirror_once(campus, mirror)
        count, gone = database.execute("SELECT count(*), count(gone) FROM completions").fetchone()
    print(f"{count} completions, {gone} of them gone from the campus")


if __name__ == "__main__":
    asyncio.run(main())
