"""The rows of completed exports: in the target if that is an SQLite file, otherwise in the state file next to it.

At the end of an export, its rows are published in one transaction, with their scope and the time up to which they are complete.
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
    """The result of earlier exports into the same target.

    `cursor`: the time up to which the rows are complete. `failed`: the parents that the last export couldn't fetch.
    """

    scope: dict[str, Any]
    cursor: datetime
    failed: list[Parent]


@attrs.frozen
class Counts:
    """The number of rows, and how many of them are new, updated or removed."""

    rows: int
    new: int
    updated: int
    removed: int


@attrs.frozen
class CompletedRows:
    """The completed rows of one dataset, in the table `name` of the SQLite file `target`, or of the state file if that is None.

    `force`: whether to replace a target that isn't an SQLite file, or a table of that name that no export created.
    """

    database: Database
    dataset: Dataset
    name: str
    table: Table
    target: Path | None
    force: bool = attrs.field(default=False, kw_only=True)

    def find_previous(self) -> PreviousExport | None:
        """Return the result of earlier exports, or None before the first.

        Raises:
            TargetError: The target isn't an SQLite file, or has a table of that name that no export created.
        """
        if self.target is not None and not self._has_tables():
            return None
        with self._attach() as schema:
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
                "{file} has a table {name} that no export created:"
                " choose another {target}, or add {force} to replace the table",
                file=self.target.name,
                name=self.name,
            )
        return None

    def publish(self, run: ExportRun) -> Counts:
        """Publish the staged rows: merge them into the earlier rows or replace these. Can be repeated after any failure.

        Raises:
            TargetError: As for `find_previous`: another program may have written to the target in the meantime.
        """
        self.find_previous()
        if self.target is not None and not self._has_tables():
            os.close(os.open(self.target, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600))
        with self._attach() as schema, self.database.transaction():
            for name, columns in _TABLES.items():
                self._execute(f"CREATE TABLE IF NOT EXISTS {schema}.{name} ({columns})")
            rows = f"{schema}.{quote_name(self.name)}"
            self._make_table(schema, rows, run)
            counts = self._publish_rows(rows, run)
            if counts.new or counts.updated or counts.removed:
                self._mark_file_outdated()
            self._write_metadata(schema, run)
        return counts

    def iterate_batches(self) -> Iterator[list[str]]:
        """Yield all rows of the state file as JSON strings, in order."""
        found = self.database.connection.execute(f"SELECT data FROM {self.name} ORDER BY moment, identity")
        while batch := found.fetchmany(_BATCH):
            yield [data for (data,) in batch]

    def _make_table(self, schema: str, rows: str, run: ExportRun) -> None:
        """Create the table, or add missing columns; drop the table of an export with another scope first."""
        found = self._fetch_all(f"SELECT scope FROM {schema}.nexport_exports WHERE table_name = ?", self.name)
        if not found or json.loads(found[0][0]) != run.scope:
            lookup = f"SELECT upper(type) FROM {schema}.sqlite_master WHERE lower(name) = ?"
            for (object_type,) in self._fetch_all(lookup, self.name):
                self._execute(f"DROP {object_type} {rows}")
                self._mark_file_outdated()
        self._execute(self.table.create(rows))
        present = {
            name for _, name, *_ in self._fetch_all(f"PRAGMA {schema}.table_info({quote_name(self.name)})")
        }
        for column, sql_type in self.table.columns.items():
            if column not in present:
                self._execute(f"ALTER TABLE {rows} ADD COLUMN {quote_name(column)} {sql_type}")

    def _mark_file_outdated(self) -> None:
        """Note that the file, if there is one, no longer holds these rows."""
        if self._fetch_all("SELECT 1 FROM main.sqlite_master WHERE name = 'written'"):
            self._execute("UPDATE main.written SET form = NULL")

    def _publish_rows(self, rows: str, run: ExportRun) -> Counts:
        if not self._fetch_all("SELECT 1 FROM main.sqlite_master WHERE name = 'staged'"):
            # They were published before the export was interrupted.
            return Counts(self._count(rows), 0, 0, 0)
        if run.replaces:
            self._keep_rows_of_failed(rows)
        if run.replaces and self.target is None:
            return self._replace(rows)
        return self._merge(rows, run)

    def _merge(self, rows: str, run: ExportRun) -> Counts:
        """Write only the rows that differ, so that triggers and replication see nothing but real changes."""
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
        # Without `WHERE true`, SQLite would parse ON CONFLICT as the condition of a join.
        written = self._execute(self.table.upsert(rows, f"SELECT {names} FROM {differing} WHERE true"))
        total = self._count(rows)
        new = total - (before - removed)
        return Counts(total, new, written - new, removed)

    def _keep_rows_of_failed(self, rows: str) -> None:
        """Keep the earlier rows of parents that couldn't be fetched: their records may still exist."""
        failed = "FROM main.parent WHERE outcome = 'failed'"
        if not self.dataset.parent_columns or not self._fetch_all(f"SELECT 1 {failed} LIMIT 1"):
            return
        columns = [self.table.expression(column) for column in self.dataset.parent_columns]
        ids = ", ".join(f"json_extract(ids, '$.{name}')" for name in self.dataset.parent_columns.values())
        # A row without its parent's id may belong to one of them.
        unknown = " OR ".join(f"{column} IS NULL" for column in columns)
        self._execute(
            f"INSERT OR IGNORE INTO main.staged ({self.table.names}) SELECT {self.table.names} FROM {rows}"
            f" WHERE ({', '.join(columns)}) IN (SELECT {ids} {failed}) OR {unknown}"
        )

    def _replace(self, rows: str) -> Counts:
        """Replace the table by the staged one. Only a state file allows this: nothing else refers to its tables."""
        total, before = self._count("staged"), self._count(rows)
        kept = self._count(f"staged JOIN {self.name} USING (identity)") if before else 0
        same = self._count(f"staged JOIN {self.name} USING (identity, data)") if before else 0
        self._execute(f"DROP TABLE {rows}")
        self._execute(f"ALTER TABLE staged RENAME TO {self.name}")
        return Counts(total, total - kept, kept - same, before - kept)

    def _write_metadata(self, schema: str, run: ExportRun) -> None:
        """Write the scope and cursor of the rows, the failed parents, and the labels of enum values."""
        data = (self.name, json.dumps(run.scope), run.cursor)
        self._execute(f"INSERT OR REPLACE INTO {schema}.nexport_exports VALUES (?, ?, ?)", *data)
        self._execute(f"DELETE FROM {schema}.nexport_failed WHERE table_name = ?", self.name)
        failed = f"INSERT INTO {schema}.nexport_failed SELECT ?, identity, ids FROM parent WHERE outcome = 'failed'"
        self._execute(failed, self.name)
        label = f"INSERT OR REPLACE INTO {schema}.nexport_labels VALUES (?, ?, ?, ?)"
        for column, cls in self.dataset.columns().items():
            if self.target is not None and issubclass(cls, IntEnum):
                self.database.connection.executemany(
                    label,
                    [(self.name, column, int(each), getattr(each, "label", each.name)) for each in cls],
                )

    @contextmanager
    def _attach(self) -> Iterator[str]:
        """Attach the target for the block, and yield the name of the schema that holds the rows."""
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
        """Return whether the target is an SQLite file; with `force`, treat any other file as empty.

        Raises:
            TargetError: The target is another kind of file.
        """
        if self.target is None or not self.target.exists() or not self.target.stat().st_size:
            return False
        with self.target.open("rb") as file:
            is_sqlite = file.read(len(_MAGIC)) == _MAGIC
        if not is_sqlite and not self.force:
            raise TargetError(
                "{name} isn't an SQLite file: choose another {target}, or add {force} to overwrite it",
                name=self.target.name,
            )
        return is_sqlite

    def _execute(self, sql: str, *arguments: Any) -> int:
        return self.database.connection.execute(sql, arguments).rowcount

    def _fetch_all(self, sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
        return self.database.connection.execute(sql, arguments).fetchall()

    def _count(self, rows: str) -> int:
        (found,) = self.database.connection.execute(f"SELECT count(*) FROM {rows}").fetchone()
        return int(found)
