"""The checkpoint of an export: its progress, stored in the same transactions as the rows.

The table `run` has one row, the export itself. `span` holds the time ranges that are left; they are processed in order.
`scan` holds the queries of the current time range, `parent` the parents whose records are fetched one by one, and
`staged` the rows.
"""

# ruff: noqa: S608 -- names of tables and columns are put into statements, values never

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal

import attrs

from .database import Database
from .datasets import Record
from .queries import TimeRange
from .tables import Table

__all__ = ["Checkpoint", "ExportRun", "Parent", "ParentState", "Query", "parse_date"]

ParentState = Literal["open", "done", "absent", "failed"]
"""The state of a parent's fetch. `absent`: the campus has no such parent."""

# Version 0.1 named these tables and columns, and its files must still open. `told` holds an ExportRun as JSON, `span` holds
# time ranges and `scan` queries.
_TABLES = {
    "run": "only INTEGER PRIMARY KEY CHECK (only = 1), told TEXT NOT NULL",
    "span": "number INTEGER PRIMARY KEY, first TEXT, last TEXT, begun INTEGER NOT NULL DEFAULT 0",
    "scan": "number INTEGER PRIMARY KEY, arguments TEXT NOT NULL, begun INTEGER NOT NULL DEFAULT 0, after TEXT",
    "parent": "number INTEGER PRIMARY KEY, identity TEXT NOT NULL UNIQUE, ids TEXT NOT NULL,"
    " outcome TEXT NOT NULL DEFAULT 'open', error TEXT",
}


@attrs.frozen(kw_only=True)
class ExportRun:
    """One export, as it is stored.

    `scope`, `span`: the scope and the time parameters of its request. `replaces`: whether its rows replace all earlier
    ones. `base`: the cursor of the rows that it updates, or None if it
    replaces them. `started`: the start time by the campus's clock. `cursor`: the time up to which its rows are complete.
    """

    scope: dict[str, Any]
    span: dict[str, Any]
    replaces: bool
    base: str | None
    started: str
    cursor: str


@attrs.frozen
class Query:
    """A query for enrollments.

    `arguments`: the arguments of SearchEnrollments, as JSON. `begun`: whether the first page is stored. `after`: the
    enrollment date to resume after.
    """

    number: int
    arguments: dict[str, Any]
    begun: bool
    after: datetime | None


@attrs.frozen
class Parent:
    """An enrollment or user whose records are fetched with a request: a unique key, and the arguments of the request."""

    identity: str
    ids: dict[str, str]


class Checkpoint:
    """The tables of a checkpoint; each writing method is one transaction."""

    def __init__(self, database: Database, staged: Table) -> None:
        self._database = database
        self._staged = staged
        with database.transaction() as connection:
            for name, columns in _TABLES.items():
                connection.execute(f"CREATE TABLE IF NOT EXISTS {name} ({columns})")
            connection.execute("CREATE INDEX IF NOT EXISTS parent_by_outcome ON parent (outcome)")

    def load_run(self) -> ExportRun | None:
        """Return the export that is running or was interrupted, if any."""
        found = self._fetch_one("SELECT told FROM run")
        return ExportRun(**json.loads(found[0])) if found else None

    def begin(self, run: ExportRun, time_ranges: Iterable[TimeRange], parents: Iterable[Parent]) -> None:
        """Start an export, discarding any earlier one."""
        self.clear()
        with self._database.transaction() as connection:
            connection.execute("INSERT INTO run (only, told) VALUES (1, ?)", (json.dumps(attrs.asdict(run)),))
            bounds = [(_format_date(each.start), _format_date(each.end)) for each in time_ranges]
            connection.executemany("INSERT INTO span (first, last) VALUES (?, ?)", bounds)
            self._add(parents)
            connection.execute(self._staged.create("staged"))

    def clear(self) -> None:
        """Delete the export and its rows."""
        with self._database.transaction() as connection:
            for name in _TABLES:
                connection.execute(f"DELETE FROM {name}")
            connection.execute("DROP TABLE IF EXISTS staged")

    def get_next_range(self) -> tuple[int, TimeRange] | None:
        """Return the first unfinished time range with its number, or None."""
        found = self._fetch_one("SELECT number, first, last FROM span ORDER BY number LIMIT 1")
        return (found[0], TimeRange(parse_date(found[1]), parse_date(found[2]))) if found else None

    def begin_range(self, number: int, queries: Iterable[dict[str, Any]]) -> None:
        """Store the queries of a time range, unless they are stored already."""
        with self._database.transaction() as connection:
            if connection.execute("SELECT begun FROM span WHERE number = ?", (number,)).fetchone()[0]:
                return
            data = ((json.dumps(query),) for query in queries)
            connection.executemany("INSERT INTO scan (arguments) VALUES (?)", data)
            connection.execute("UPDATE span SET begun = 1 WHERE number = ?", (number,))

    def end_range(self, number: int) -> None:
        """Mark a time range as finished."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM span WHERE number = ?", (number,))

    def load_queries(self) -> list[Query]:
        """Return the unfinished queries of the current time range."""
        found = self._database.connection.execute(
            "SELECT number, arguments, begun, after FROM scan ORDER BY number"
        )
        return [
            Query(number, json.loads(data), bool(begun), parse_date(after))
            for number, data, begun, after in found
        ]

    def save_page(
        self,
        query: Query,
        found: Iterable[Record | Parent],
        after: datetime | None,
        parts: Sequence[Query] = (),
    ) -> None:
        """Store the content of a page and the date to resume after, or replace the query by `parts` of it."""
        items = list(found)
        with self._database.transaction() as connection:
            self._stage(item for item in items if isinstance(item, Record))
            self._add(item for item in items if isinstance(item, Parent))
            connection.execute(
                "UPDATE scan SET begun = 1, after = ? WHERE number = ?", (_format_date(after), query.number)
            )
            if parts:
                connection.execute("DELETE FROM scan WHERE number = ?", (query.number,))
            data = ((json.dumps(part.arguments), part.begun, _format_date(part.after)) for part in parts)
            connection.executemany("INSERT INTO scan (arguments, begun, after) VALUES (?, ?, ?)", data)

    def end_query(self, query: Query) -> None:
        """Mark a query as finished."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM scan WHERE number = ?", (query.number,))

    def load_parents(self, limit: int, after: int = 0) -> list[tuple[int, Parent]]:
        """Return up to `limit` parents that weren't fetched yet, with numbers greater than `after`."""
        found = self._database.connection.execute(
            "SELECT number, identity, ids FROM parent WHERE outcome = 'open' AND number > ? ORDER BY number LIMIT ?",
            (after, limit),
        )
        return [(number, Parent(identity, json.loads(ids))) for number, identity, ids in found]

    def save_parent(
        self, number: int, records: Iterable[Record], outcome: ParentState, error: str | None = None
    ) -> None:
        """Store the records of a parent and the outcome of its fetch."""
        with self._database.transaction() as connection:
            self._stage(records)
            connection.execute(
                "UPDATE parent SET outcome = ?, error = ? WHERE number = ?", (outcome, error, number)
            )

    def reopen(self) -> int:
        """Reset failed parents to be fetched again, and return their number."""
        with self._database.transaction() as connection:
            return connection.execute("UPDATE parent SET outcome = 'open' WHERE outcome = 'failed'").rowcount

    def count(self, outcome: ParentState | None = None) -> int:
        """Return the number of parents, or of those with an outcome."""
        found = self._fetch_one(
            "SELECT count(*) FROM parent WHERE ? IS NULL OR outcome = ?", outcome, outcome
        )
        return int(found[0])

    def load_failures(self) -> list[str]:
        """Return the errors of the failed parents."""
        found = self._database.connection.execute(
            "SELECT error FROM parent WHERE outcome = 'failed' ORDER BY number"
        )
        return [error for (error,) in found]

    def _stage(self, records: Iterable[Record]) -> None:
        rows = map(self._staged.values, records)
        self._database.connection.executemany(self._staged.insert("staged"), rows)

    def _add(self, parents: Iterable[Parent]) -> None:
        """Insert parents, ignoring known ones."""
        self._database.connection.executemany(
            "INSERT OR IGNORE INTO parent (identity, ids) VALUES (?, ?)",
            ((parent.identity, json.dumps(parent.ids)) for parent in parents),
        )

    def _fetch_one(self, sql: str, *arguments: Any) -> Any:
        return self._database.connection.execute(sql, arguments).fetchone()


def _format_date(date: datetime | None) -> str | None:
    return date.isoformat() if date else None


def parse_date(value: str | None) -> datetime | None:
    """Return a date from its ISO 8601 string; None for None."""
    return datetime.fromisoformat(value) if value else None
