"""Creation of a seeded campus, reproducible on every machine and every day."""

from __future__ import annotations

import sqlite3
from typing import Final

from nexport_campus.sandbox.aspnet_values import DAY
from nexport_campus.sandbox.database_schema import connect, create_indexes, create_tables
from nexport_campus.sandbox.sandbox_settings import SandboxSettings

from .seed_enrollments import HISTORY_END, seed_enrollments
from .seed_fields import seed_fields
from .seed_learning import seed_assignments, seed_catalogs, seed_syllabi
from .seed_people import seed_accounts, seed_organizations, seed_students
from .seed_profile_fields import seed_profile_fields

__all__ = ["CLOCK_START", "open_store"]

CLOCK_START: Final = HISTORY_END + 60 * DAY
"""The earliest present that a campus knows: after all that was seeded."""

_TABLES: Final = "2"
"""Version of the tables: a file with other ones cannot be opened."""


def open_store(settings: SandboxSettings) -> sqlite3.Connection:
    """Open a seeded campus, creating it unless the file already holds one.

    Raises ValueError if the campus in the file has another seed or size.
    """
    connection = connect(settings.database)
    made = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if made:
        _check(connection, settings)
    else:
        _seed(connection, settings)
    return connection


def _seed(connection: sqlite3.Connection, settings: SandboxSettings) -> None:
    create_tables(connection)
    connection.execute("BEGIN")
    seed_organizations(connection)
    seed_accounts(connection, settings.seed)
    seed_syllabi(connection, settings.seed)
    seed_assignments(connection, settings.seed)
    seed_catalogs(connection, settings.seed)
    seed_fields(connection)
    seed_profile_fields(connection)
    seed_students(connection, settings.seed, settings.enrollments)
    seed_enrollments(connection, settings.seed, settings.enrollments)
    connection.executemany("INSERT INTO meta VALUES (?, ?)", _make_identity(settings).items())
    connection.execute("COMMIT")
    create_indexes(connection)


def _check(connection: sqlite3.Connection, settings: SandboxSettings) -> None:
    found = {row["name"]: row["value"] for row in connection.execute("SELECT name, value FROM meta")}
    if found != _make_identity(settings):
        raise ValueError(f"database: it holds another campus ({found}, not {_make_identity(settings)})")


def _make_identity(settings: SandboxSettings) -> dict[str, str]:
    return {"seed": str(settings.seed), "enrollments": str(settings.enrollments), "tables": _TABLES}
