"""Rows that are complete: in the SQLite file that was asked for, or in the state beside any other file.

They change in one transaction, at the end of a run, and with them what they are and until when they are complete.
"""

# ruff: noqa: S608 -- names of tables and columns are put into statements, values never

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

import attrs

from .checkpoint import ExportRun, Parent
from .database import Database, quote_name
from .datasets import Dataset
from .errors import TargetError
from .tables import Table

__all__ = ["CompletedRows", "Counts", "PreviousExport"]

_BUSY: Final = 30_000
_BATCH: Final = 2000
_MAGIC: Final = b"SQLite format 3\0"
_TABLES: Final = {
    "nexport_exports": "table_name TEXT PRIMARY KEY, scope TEXT NOT NULL, cursor TEXT NOT NULL",
    "nexport_failed": "table_name TEXT, identity TEXT, ids TEXT, PRIMARY KEY (table_name, identity)",
    "nexport_labels": "table_name TEXT, column_name TEXT, number INTEGER, label TEXT,"
    " PRIMARY KEY (table_name, column_name, number)",
}


@attrs.frozen
class PreviousExport:
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
class CompletedRows:
    """The complete rows of one kind, in the table `name` of the SQLite file `target`, or of the state where that is None.

    `force`: whether a target that is no SQLite file, or a table of that name that no export made, may be replaced.
    """

    database: Database
    dataset: Dataset
    name: str
    table: Table
    target: Path | None
    force: bool = attrs.field(default=False, kw_only=True)

    def previous(self) -> PreviousExport | None:
        """What earlier runs left; None before the first.

        Raises:
            TargetError: The target is no SQLite file, or has a table of that name that no export made.
        """
        if self.target is not None and not self._has_tables():
            return None
        with self._attached() as schema:
            # SQLite ignores case in names.
            tables = {name.lower() for (name,) in self._fetch_all(f"SELECT name FROM {schema}.sqlite_master")}
            found = failed = None
            if "nexport_exports" in tables:
                where = f"FROM {schema}.{{}} WHERE table_name = ?"
                found = self._fetch_all("SELECT scope, cursor " + where.format("nexport_exports"), self.name)
                failed = self._fetch_all("SELECT identity, ids " + where.format("nexport_failed"), self.name)
        if found and self.name in tables:
            (scope, cursor), *_ = found
            parents = [Parent(identity, json.loads(ids)) for identity, ids in failed or ()]
            return PreviousExport(json.loads(scope), datetime.fromisoformat(cursor), parents)
        if self.name in tables and self.target is not None and not self.force:
            raise TargetError(
                f"{self.target.name} has a table {self.name} that no export made:"
                " choose another --to, or add --force to replace the table"
            )
        return None

    def publish(self, run: ExportRun) -> Counts:
        """Put the rows of a run in place, or in the place of all others; it may be done again after any failure.

        Raises:
            TargetError: As `former` does: other programs may have written to the target meanwhile.
        """
        self.previous()
        if self.target is not None and not self._has_tables():
            os.close(os.open(self.target, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600))
        with self._attached() as schema, self.database.transaction():
            for name, columns in _TABLES.items():
                self._execute(f"CREATE TABLE IF NOT EXISTS {schema}.{name} ({columns})")
            rows = f"{schema}.{quote_name(self.name)}"
            self._make_table(schema, rows, run)
            counts = self._take(rows, run)
            self._write_metadata(schema, run)
        return counts

    def batches(self) -> Iterator[list[str]]:
        """All rows of a state as JSON texts, in order."""
        found = self.database.connection.execute(f"SELECT data FROM {self.name} ORDER BY moment, identity")
        while batch := found.fetchmany(_BATCH):
            yield [data for (data,) in batch]

    def _make_table(self, schema: str, rows: str, run: ExportRun) -> None:
        """The table with all columns; one of an export that was asked something else is made anew."""
        found = self._fetch_all(f"SELECT scope FROM {schema}.nexport_exports WHERE table_name = ?", self.name)
        if not found or json.loads(found[0][0]) != run.scope:
            there = f"SELECT upper(type) FROM {schema}.sqlite_master WHERE lower(name) = ?"
            for (object_type,) in self._fetch_all(there, self.name):
                self._execute(f"DROP {object_type} {rows}")
        self._execute(self.table.create(rows))
        present = {
            name for _, name, *_ in self._fetch_all(f"PRAGMA {schema}.table_info({quote_name(self.name)})")
        }
        for column, sql_type in self.table.columns.items():
            if column not in present:
                self._execute(f"ALTER TABLE {rows} ADD COLUMN {quote_name(column)} {sql_type}")

    def _take(self, rows: str, run: ExportRun) -> Counts:
        if not self._fetch_all("SELECT 1 FROM main.sqlite_master WHERE name = 'staged'"):
            # They are in place since before the run was cut short.
            return Counts(self._count(rows), 0, 0, 0)
        if run.replaces:
            self._keep_rows_of_failed(rows)
        if run.replaces and self.target is None:
            return self._exchange(rows)
        return self._move(rows, run)

    def _move(self, rows: str, run: ExportRun) -> Counts:
        """Write what differs, and nothing else: who keeps up with the file sees what has changed."""
        before = self._count(rows)
        removed = 0
        if run.replaces:
            same = " AND ".join(
                f"staged.{quote_name(key)} = {rows}.{quote_name(key)}" for key in self.table.key
            )
            removed = self._execute(
                f"DELETE FROM {rows} WHERE NOT EXISTS (SELECT 1 FROM staged WHERE {same})"
            )
        names = self.table.names
        differing = "staged"
        if before > removed:
            differing = f"(SELECT {names} FROM staged EXCEPT SELECT {names} FROM {rows})"
        # `WHERE true` parts the select from ON CONFLICT, which would read as the condition of a join.
        written = self._execute(self.table.upsert(rows, f"SELECT {names} FROM {differing} WHERE true"))
        total = self._count(rows)
        new = total - (before - removed)
        return Counts(total, new, written - new, removed)

    def _keep_rows_of_failed(self, rows: str) -> None:
        """Take over the earlier rows of parents that couldn't be read: that says nothing about their records."""
        failed = "FROM main.parent WHERE outcome = 'failed'"
        if not self.dataset.parent_columns or not self._fetch_all(f"SELECT 1 {failed} LIMIT 1"):
            return
        columns = [self.table.expression(column) for column in self.dataset.parent_columns]
        ids = ", ".join(f"json_extract(ids, '$.{name}')" for name in self.dataset.parent_columns.values())
        # Where a row doesn't tell whose it is, it may be one of them.
        unknown = " OR ".join(f"{column} IS NULL" for column in columns)
        self._execute(
            f"INSERT OR IGNORE INTO main.staged ({self.table.names}) SELECT {self.table.names} FROM {rows}"
            f" WHERE ({', '.join(columns)}) IN (SELECT {ids} {failed}) OR {unknown}"
        )

    def _exchange(self, rows: str) -> Counts:
        """Let the new rows be the table: in a state of its own there is nothing else to keep."""
        total, before = self._count("staged"), self._count(rows)
        kept = self._count(f"staged JOIN {self.name} USING (identity)") if before else 0
        same = self._count(f"staged JOIN {self.name} USING (identity, data)") if before else 0
        self._execute(f"DROP TABLE {rows}")
        self._execute(f"ALTER TABLE staged RENAME TO {self.name}")
        return Counts(total, total - kept, kept - same, before - kept)

    def _write_metadata(self, schema: str, run: ExportRun) -> None:
        """What the rows are, until when they are complete, what failed, and what the numbers in them mean."""
        data = (self.name, json.dumps(run.scope), run.cursor)
        self._execute(f"INSERT OR REPLACE INTO {schema}.nexport_exports VALUES (?, ?, ?)", *data)
        self._execute(f"DELETE FROM {schema}.nexport_failed WHERE table_name = ?", self.name)
        failed = f"INSERT INTO {schema}.nexport_failed SELECT ?, identity, ids FROM parent WHERE outcome = 'failed'"
        self._execute(failed, self.name)
        label = f"INSERT OR REPLACE INTO {schema}.nexport_labels VALUES (?, ?, ?, ?)"
        for column, held in self.dataset.columns().items():
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
        self._execute(f"PRAGMA busy_timeout = {_BUSY}")
        self._execute("ATTACH ? AS target", str(self.target))
        try:
            yield "target"
        finally:
            self._execute("DETACH target")

    def _has_tables(self) -> bool:
        """Return whether the target is an SQLite file; with `force`, any other file counts as an empty one.

        Raises:
            TargetError: It is another file.
        """
        if self.target is None or not self.target.exists() or not self.target.stat().st_size:
            return False
        with self.target.open("rb") as file:
            is_sqlite = file.read(len(_MAGIC)) == _MAGIC
        if not is_sqlite and not self.force:
            raise TargetError(
                f"{self.target.name} is no SQLite file: choose another --to, or add --force to overwrite it"
            )
        return is_sqlite

    def _execute(self, sql: str, *arguments: Any) -> int:
        return self.database.connection.execute(sql, arguments).rowcount

    def _fetch_all(self, sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
        return self.database.connection.execute(sql, arguments).fetchall()

    def _count(self, rows: str) -> int:
        (found,) = self.database.connection.execute(f"SELECT count(*) FROM {rows}").fetchone()
        return int(found)
