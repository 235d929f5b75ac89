"""What a run has done and has still to do: kept together with the rows that came of it, in the same transactions.

A run is the one row of `run`. Its spans are finished one after the other; those that are left are in `span`. The
searches of the span in work are in `scan`, and what has to be asked one by one in `parent`. `staged` holds the rows.
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

__all__ = ["Checkpoint", "ExportRun", "Outcome", "Parent", "Query"]

Outcome = Literal["open", "done", "absent", "failed"]
"""How asking a parent ended; absent: the campus has no such thing."""

_TABLES = {
    "run": "only INTEGER PRIMARY KEY CHECK (only = 1), told TEXT NOT NULL",
    "span": "number INTEGER PRIMARY KEY, first TEXT, last TEXT, begun INTEGER NOT NULL DEFAULT 0",
    "scan": "number INTEGER PRIMARY KEY, arguments TEXT NOT NULL, begun INTEGER NOT NULL DEFAULT 0, after TEXT",
    "parent": "number INTEGER PRIMARY KEY, identity TEXT NOT NULL UNIQUE, ids TEXT NOT NULL,"
    " outcome TEXT NOT NULL DEFAULT 'open', error TEXT",
}


@attrs.frozen(kw_only=True)
class ExportRun:
    """A run: the plan's `scope` and `span`, whether it `replaces` all earlier rows, and the `cursor` that it leaves.

    `base`: the cursor of the rows that it changes, None where it replaces them. `started`: when, by the campus's clock.
    """

    scope: dict[str, Any]
    span: dict[str, Any]
    replaces: bool
    base: str | None
    started: str
    cursor: str


@attrs.frozen
class Query:
    """A search: its arguments as JSON, whether its first page is stored, and after which enrollment date it goes on."""

    number: int
    arguments: dict[str, Any]
    begun: bool
    after: datetime | None


@attrs.frozen
class Parent:
    """Something that is asked for its records: what tells it from others, and the arguments for asking."""

    identity: str
    ids: dict[str, str]


class Checkpoint:
    """The tables of a run; each method that writes is one transaction."""

    def __init__(self, database: Database, staged: Table) -> None:
        self._database = database
        self._staged = staged
        with database.transaction() as connection:
            for name, columns in _TABLES.items():
                connection.execute(f"CREATE TABLE IF NOT EXISTS {name} ({columns})")
            connection.execute("CREATE INDEX IF NOT EXISTS parent_by_outcome ON parent (outcome)")

    def run(self) -> ExportRun | None:
        """The run that is under way, or was cut short."""
        found = self._fetch_one("SELECT told FROM run")
        return ExportRun(**json.loads(found[0])) if found else None

    def begin(self, run: ExportRun, spans: Iterable[TimeRange], parents: Iterable[Parent]) -> None:
        """Begin a run; of an earlier one nothing is left."""
        self.clear()
        with self._database.transaction() as connection:
            connection.execute("INSERT INTO run (only, told) VALUES (1, ?)", (json.dumps(attrs.asdict(run)),))
            bounds = [(_text(span.start), _text(span.end)) for span in spans]
            connection.executemany("INSERT INTO span (first, last) VALUES (?, ?)", bounds)
            self._add(parents)
            connection.execute(self._staged.create("staged"))

    def clear(self) -> None:
        """Forget the run and its rows."""
        with self._database.transaction() as connection:
            for name in _TABLES:
                connection.execute(f"DELETE FROM {name}")
            connection.execute("DROP TABLE IF EXISTS staged")

    def next_span(self) -> tuple[int, TimeRange] | None:
        """The first span that isn't finished, with its number."""
        found = self._fetch_one("SELECT number, first, last FROM span ORDER BY number LIMIT 1")
        return (found[0], TimeRange(_date(found[1]), _date(found[2]))) if found else None

    def begin_span(self, number: int, queries: Iterable[dict[str, Any]]) -> None:
        """Note what has to be searched for a span, unless that was done before."""
        with self._database.transaction() as connection:
            if connection.execute("SELECT begun FROM span WHERE number = ?", (number,)).fetchone()[0]:
                return
            data = ((json.dumps(query),) for query in queries)
            connection.executemany("INSERT INTO scan (arguments) VALUES (?)", data)
            connection.execute("UPDATE span SET begun = 1 WHERE number = ?", (number,))

    def end_span(self, number: int) -> None:
        """A span is finished."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM span WHERE number = ?", (number,))

    def queries(self) -> list[Query]:
        """The searches that aren't finished."""
        found = self._database.connection.execute(
            "SELECT number, arguments, begun, after FROM scan ORDER BY number"
        )
        return [
            Query(number, json.loads(data), bool(begun), _date(after)) for number, data, begun, after in found
        ]

    def save_page(
        self,
        query: Query,
        found: Iterable[Record | Parent],
        after: datetime | None,
        parts: Sequence[Query] = (),
    ) -> None:
        """Store what a page of a search held, and where it goes on; or else the `parts` that take the search's place."""
        things = list(found)
        with self._database.transaction() as connection:
            self._stage(thing for thing in things if isinstance(thing, Record))
            self._add(thing for thing in things if isinstance(thing, Parent))
            connection.execute(
                "UPDATE scan SET begun = 1, after = ? WHERE number = ?", (_text(after), query.number)
            )
            if parts:
                connection.execute("DELETE FROM scan WHERE number = ?", (query.number,))
            data = ((json.dumps(part.arguments), part.begun, _text(part.after)) for part in parts)
            connection.executemany("INSERT INTO scan (arguments, begun, after) VALUES (?, ?, ?)", data)

    def end_query(self, query: Query) -> None:
        """A search is finished."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM scan WHERE number = ?", (query.number,))

    def parents(self, limit: int, after: int = 0) -> list[tuple[int, Parent]]:
        """The next parents, after the one with that number, that were not asked yet."""
        found = self._database.connection.execute(
            "SELECT number, identity, ids FROM parent WHERE outcome = 'open' AND number > ? ORDER BY number LIMIT ?",
            (after, limit),
        )
        return [(number, Parent(identity, json.loads(ids))) for number, identity, ids in found]

    def save_parent(
        self, number: int, records: Iterable[Record], outcome: Outcome, error: str | None = None
    ) -> None:
        """Store what a parent has, and how asking it ended."""
        with self._database.transaction() as connection:
            self._stage(records)
            connection.execute(
                "UPDATE parent SET outcome = ?, error = ? WHERE number = ?", (outcome, error, number)
            )

    def reopen(self) -> int:
        """Let those that failed be asked again; answers how many there are."""
        with self._database.transaction() as connection:
            return connection.execute("UPDATE parent SET outcome = 'open' WHERE outcome = 'failed'").rowcount

    def count(self, outcome: Outcome | None = None) -> int:
        """How many parents there are, or how many whose asking ended so."""
        found = self._fetch_one(
            "SELECT count(*) FROM parent WHERE ? IS NULL OR outcome = ?", outcome, outcome
        )
        return int(found[0])

    def failures(self, limit: int) -> list[str]:
        """What went wrong with some of the parents that failed."""
        found = self._database.connection.execute(
            "SELECT error FROM parent WHERE outcome = 'failed' ORDER BY number LIMIT ?", (limit,)
        )
        return [error for (error,) in found]

    def _stage(self, records: Iterable[Record]) -> None:
        rows = map(self._staged.values, records)
        self._database.connection.executemany(self._staged.insert("staged"), rows)

    def _add(self, parents: Iterable[Parent]) -> None:
        """Parents that are known already stay as they are."""
        self._database.connection.executemany(
            "INSERT OR IGNORE INTO parent (identity, ids) VALUES (?, ?)",
            ((parent.identity, json.dumps(parent.ids)) for parent in parents),
        )

    def _fetch_one(self, sql: str, *arguments: Any) -> Any:
        return self._database.connection.execute(sql, arguments).fetchone()


def _text(date: datetime | None) -> str | None:
    return date.isoformat() if date else None


def _date(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
