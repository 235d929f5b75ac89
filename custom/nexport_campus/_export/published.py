"""Rows that are complete: in the SQLite file that was asked for, or in the state beside any other file.

They change in one transaction, at the end of a run, and with them what they are and until when they are complete.
"""

# ruff: noqa: S608 -- names of tables and columns are put into statements, values never

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

import attrs

from nexport_campus._errors import ConfigurationError

from .database import Database, quoted
from .kinds import Kind
from .layout import Table
from .store import Parent, Run

__all__ = ["Counts", "Former", "Published"]

_BUSY: Final = 30_000
_BATCH: Final = 2000
_TABLES: Final = {
    "nexport_exports": "table_name TEXT PRIMARY KEY, scope TEXT NOT NULL, cursor TEXT NOT NULL",
    "nexport_failed": "table_name TEXT, identity TEXT, ids TEXT, PRIMARY KEY (table_name, identity)",
    "nexport_labels": "table_name TEXT, column_name TEXT, number INTEGER, label TEXT,"
    " PRIMARY KEY (table_name, column_name, number)",
}


@attrs.frozen
class Former:
    """What earlier runs left: what they were asked, until when their rows are complete, and what failed in the last."""

    scope: dict[str, Any]
    cursor: datetime
    failed: list[Parent]


@attrs.frozen
class Counts:
    """How many rows there are, and how many of them are new, changed, or gone."""

    rows: int
    new: int
    updated: int
    removed: int


@attrs.frozen
class Published:
    """The complete rows of one kind, in the table `name` of the SQLite file `target`, or of the state where that is None."""

    database: Database
    kind: Kind
    name: str
    table: Table
    target: Path | None

    def former(self) -> Former | None:
        """What earlier runs left; None before the first.

        Raises:
            ConfigurationError: The target is no SQLite file, or has a table of that name that no export made.
        """
        if self.target is not None and not self.target.exists():
            return None
        with self._attached() as schema:
            tables = {name for (name,) in self._all(f"SELECT name FROM {schema}.sqlite_master")}
            found = failed = None
            if "nexport_exports" in tables:
                where = f"FROM {schema}.{{}} WHERE table_name = ?"
                found = self._all("SELECT scope, cursor " + where.format("nexport_exports"), self.name)
                failed = self._all("SELECT identity, ids " + where.format("nexport_failed"), self.name)
        if found:
            (scope, cursor), *_ = found
            parents = [Parent(identity, json.loads(ids)) for identity, ids in failed or ()]
            return Former(json.loads(scope), datetime.fromisoformat(cursor), parents)
        if self.name in tables and self.target is not None:
            raise ConfigurationError(f"{self.target.name} has a table {self.name} that no export made")
        return None

    def publish(self, run: Run) -> Counts:
        """Put the rows of a run in place, or in the place of all others; it may be done again after any failure."""
        if self.target is not None and not self.target.exists():
            os.close(os.open(self.target, os.O_RDWR | os.O_CREAT, 0o600))
        with self._attached() as schema, self.database.transaction():
            for name, columns in _TABLES.items():
                self._run(f"CREATE TABLE IF NOT EXISTS {schema}.{name} ({columns})")
            rows = f"{schema}.{quoted(self.name)}"
            self._make_table(schema, rows, run)
            counts = self._take(rows, run)
            self._tell(schema, run)
        return counts

    def batches(self) -> Iterator[list[str]]:
        """All rows of a state as JSON texts, in order."""
        found = self.database.connection.execute(f"SELECT data FROM {self.name} ORDER BY moment, identity")
        while batch := found.fetchmany(_BATCH):
            yield [data for (data,) in batch]

    def _make_table(self, schema: str, rows: str, run: Run) -> None:
        """The table with all columns; one of an export that was asked something else is made anew."""
        found = self._all(f"SELECT scope FROM {schema}.nexport_exports WHERE table_name = ?", self.name)
        if found and json.loads(found[0][0]) != run.scope:
            self._run(f"DROP TABLE {rows}")
        self._run(self.table.create(rows))
        present = {name for _, name, *_ in self._all(f"PRAGMA {schema}.table_info({quoted(self.name)})")}
        for column, kind in self.table.columns.items():
            if column not in present:
                self._run(f"ALTER TABLE {rows} ADD COLUMN {quoted(column)} {kind}")

    def _take(self, rows: str, run: Run) -> Counts:
        if not self._all("SELECT 1 FROM main.sqlite_master WHERE name = 'staged'"):
            # They are in place since before the run was cut short.
            return Counts(self._count(rows), 0, 0, 0)
        if run.replaces and self.target is None:
            return self._exchange(rows)
        return self._move(rows, run)

    def _move(self, rows: str, run: Run) -> Counts:
        """Write what differs, and nothing else: who keeps up with the file sees what has changed."""
        before = self._count(rows)
        removed = 0
        if run.replaces:
            same = " AND ".join(f"staged.{quoted(key)} = {rows}.{quoted(key)}" for key in self.table.key)
            removed = self._run(f"DELETE FROM {rows} WHERE NOT EXISTS (SELECT 1 FROM staged WHERE {same})")
        names = self.table.names
        differing = "staged"
        if before > removed:
            differing = f"(SELECT {names} FROM staged EXCEPT SELECT {names} FROM {rows})"
        # `WHERE true` parts the select from ON CONFLICT, which would read as the condition of a join.
        written = self._run(self.table.upsert(rows, f"SELECT {names} FROM {differing} WHERE true"))
        total = self._count(rows)
        new = total - (before - removed)
        return Counts(total, new, written - new, removed)

    def _exchange(self, rows: str) -> Counts:
        """Let the new rows be the table: in a state of its own there is nothing else to keep."""
        total, before = self._count("staged"), self._count(rows)
        kept = self._count(f"staged JOIN {self.name} USING (identity)") if before else 0
        same = self._count(f"staged JOIN {self.name} USING (identity, data)") if before else 0
        self._run(f"DROP TABLE {rows}")
        self._run(f"ALTER TABLE staged RENAME TO {self.name}")
        return Counts(total, total - kept, kept - same, before - kept)

    def _tell(self, schema: str, run: Run) -> None:
        """What the rows are, until when they are complete, what failed, and what the numbers in them mean."""
        told = (self.name, json.dumps(run.scope), run.cursor)
        self._run(f"INSERT OR REPLACE INTO {schema}.nexport_exports VALUES (?, ?, ?)", *told)
        self._run(f"DELETE FROM {schema}.nexport_failed WHERE table_name = ?", self.name)
        failed = f"INSERT INTO {schema}.nexport_failed SELECT ?, identity, ids FROM parent WHERE outcome = 'failed'"
        self._run(failed, self.name)
        label = f"INSERT OR REPLACE INTO {schema}.nexport_labels VALUES (?, ?, ?, ?)"
        for column, held in self.kind.columns().items():
            if self.target is not None and issubclass(held, IntEnum):
                self.database.connection.executemany(
                    label,
                    [(self.name, column, int(each), getattr(each, "label", each.name)) for each in held],
                )

    @contextmanager
    def _attached(self) -> Iterator[str]:
        """The schema that the rows are in."""
        if self.target is None:
            yield "main"
            return
        self._run(f"PRAGMA busy_timeout = {_BUSY}")
        try:
            self._run("ATTACH ? AS target", str(self.target))
        except sqlite3.DatabaseError as error:
            if "not a database" in str(error):
                raise ConfigurationError(f"{self.target.name} is no SQLite file") from None
            raise
        try:
            yield "target"
        finally:
            self._run("DETACH target")

    def _run(self, sql: str, *arguments: Any) -> int:
        return self.database.connection.execute(sql, arguments).rowcount

    def _all(self, sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
        return self.database.connection.execute(sql, arguments).fetchall()

    def _count(self, rows: str) -> int:
        (found,) = self.database.connection.execute(f"SELECT count(*) FROM {rows}").fetchone()
        return int(found)
