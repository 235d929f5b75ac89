"""A mirror of an organization's enrollments and completions in PostgreSQL.

    pip install nexport-campus "sqlalchemy[asyncio]" "psycopg[binary]"
    export DATABASE_URL=postgresql+psycopg://user:secret@localhost/training
    NEXPORT_USERNAME=... NEXPORT_PASSWORD=... python mirror_completions.py ORGANIZATION_ID [--find-removed]

Run it as often as you like: each run stores what has changed. Run it with --find-removed once a day: it marks enrollments
that the campus no longer has, and stores corrected results. It may be killed at any moment; the next run continues.
"""

import asyncio
import os
import sys
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, DateTime, MetaData, SmallInteger, String, Table, Uuid, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from nexport_campus import NexportCampus
from nexport_campus.models import ApiEnrollmentItem

TABLES = MetaData()
ENROLLMENTS = Table(
    "enrollments",
    TABLES,
    Column("enrollment_id", Uuid, primary_key=True),
    *(Column(name, Uuid) for name in ("organization_id", "user_id", "syllabus_id")),
    *(Column(name, SmallInteger) for name in ("phase", "result")),
    *(Column(f"{name}_date", DateTime(timezone=True)) for name in ("enrollment", "completion", "missing")),
)
CURSORS = Table(
    "cursors", TABLES, Column("organization_id", Uuid, primary_key=True), Column("cursor", String)
)


async def upsert(connection: AsyncConnection, table: Table, rows: list[dict[str, Any]]) -> None:
    """Insert rows, or replace those with the same key."""
    if rows:
        new = insert(table)
        values = {name: new.excluded[name] for name in rows[0]}
        await connection.execute(new.on_conflict_do_update(constraint=table.primary_key, set_=values), rows)


def to_row(org: UUID, item: ApiEnrollmentItem) -> dict[str, Any]:
    """Return the row of an enrollment that exists: it has no `missing_date`."""
    return {each.name: getattr(item, each.name, None) for each in ENROLLMENTS.c} | {"organization_id": org}


async def store_changes(campus: NexportCampus, engine: AsyncEngine, org: UUID) -> None:
    """Store what has changed since the last run: each batch and its cursor in one transaction."""
    async with engine.begin() as connection:
        await connection.run_sync(TABLES.create_all)
        cursor = await connection.scalar(select(CURSORS.c.cursor).where(CURSORS.c.organization_id == org))
    async for batch in campus.enrollment_changes(org_ids=[org], cursor=cursor):
        async with engine.begin() as connection:
            await upsert(connection, ENROLLMENTS, [to_row(org, item) for item in batch.items])
            await upsert(connection, CURSORS, [{"organization_id": org, "cursor": batch.cursor}])


async def find_removed(campus: NexportCampus, engine: AsyncEngine, org: UUID) -> None:
    """Date the enrollments that the campus doesn't find any more, and store the current state of the others."""
    key, missing_date = ENROLLMENTS.c.enrollment_id, ENROLLMENTS.c.missing_date
    async with engine.connect() as connection:
        known = select(key).where(ENROLLMENTS.c.organization_id == org, missing_date.is_(None))
        ids = (await connection.scalars(known)).all()
    for start in range(0, len(ids), 5000):
        found = await campus.get_enrollments_by_id(ids[start : start + 5000], org_ids=[org])
        async with engine.begin() as connection:
            await upsert(connection, ENROLLMENTS, [to_row(org, item) for item in found.enrollments])
            gone = update(ENROLLMENTS).where(key.in_(found.missing))
            await connection.execute(gone.values(missing_date=datetime.now(UTC)))


async def main(org: UUID, *options: str) -> None:
    """Mirror an organization."""
    engine = create_async_engine(os.environ["DATABASE_URL"])
    async with NexportCampus.from_env() as campus:
        await store_changes(campus, engine, org)
        if "--find-removed" in options:
            await find_removed(campus, engine, org)
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(main(UUID(sys.argv[1]), *sys.argv[2:]))
