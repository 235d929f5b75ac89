"""The campus that the handlers work on: its store, its ids, its clock, who may do what."""

from __future__ import annotations

import array
import dataclasses
import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from .campus_clock import CampusClock
from .ids import Ids
from .operation_results import not_found
from .permissions import Permissions
from .request_paging import Listings, Paging
from .sandbox_settings import SandboxSettings

__all__ = ["CampusState", "RecordedChange", "Row"]

Row = sqlite3.Row

# Kinds and columns are the sandbox's own words; what a caller sends is always a parameter.
_FIND = "SELECT * FROM {} WHERE number = ?"
_BY_NUMBER = "{} WHERE {} IN (SELECT value FROM json_each(?))"
_WORDS = {"syllabus": "syllabus", "assignment_status": "assignment status", "field": "custom field"}


@dataclasses.dataclass(frozen=True, slots=True)
class RecordedChange:
    """Something that a call changed: what happened, and the id of the thing it happened to."""

    what: str
    id: str


class CampusState:
    """One campus, used by one thread: each call is a transaction of its own."""

    def __init__(self, settings: SandboxSettings, connection: sqlite3.Connection, clock: CampusClock) -> None:
        self.settings = settings
        self.connection = connection
        self.clock = clock
        self.ids = Ids(settings.seed)
        self.permissions = Permissions(connection)
        self.changes: list[RecordedChange] = []
        self.version = 0
        self._kept: sqlite3.Connection | None = None
        self._listings = Listings(connection)

    def row(self, sql: str, *arguments: Any) -> Row | None:
        """The first row of a query."""
        found: Row | None = self.connection.execute(sql, arguments).fetchone()
        return found

    def rows(self, sql: str, *arguments: Any) -> list[Row]:
        """All rows of a query."""
        return self.connection.execute(sql, arguments).fetchall()

    def find(self, kind: str, text: str) -> Row:
        """The row that has an id of `kind`; 409, code 3, where there is none."""
        number = self.ids.number(kind, text)
        found = None if number is None else self.row(_FIND.format(kind), number)
        if found is None:
            raise not_found(_WORDS.get(kind, kind.replace("_", " ")))
        return found

    def page(self, sql: str, arguments: Sequence[Any], paging: Paging) -> tuple[array.array[int], int]:
        """The row numbers on a page of a listing, and how many the listing has in all."""
        numbers = self._listings.numbers(sql, arguments, self.version)
        return numbers[paging.start : paging.start + paging.size], len(numbers)

    def by_number(self, sql: str, numbers: Iterable[int], column: str = "number") -> list[Row]:
        """The rows of `sql` whose `column` is one of `numbers`, in the order of the numbers."""
        wanted = list(numbers)
        found = self.rows(_BY_NUMBER.format(sql, column), json.dumps(wanted))
        rows = {row[0]: row for row in found}
        return [rows[number] for number in wanted if number in rows]

    def change(self, sql: str, *arguments: Any) -> int:
        """Run a statement that changes the campus; answers the number of the row it inserted."""
        self.version += 1
        return self.connection.execute(sql, arguments).lastrowid or 0

    def record_change(self, what: str, thing_id: str) -> None:
        """Note a change for the books."""
        self.changes.append(RecordedChange(what, thing_id))

    def remember(self) -> None:
        """Keep the campus as it is now, for `restore`."""
        self._kept = sqlite3.connect(":memory:")
        self.connection.backup(self._kept)

    def close(self) -> None:
        """Close the store."""
        self.connection.close()
        if self._kept is not None:
            self._kept.close()

    def restore(self) -> None:
        """Make the campus as it was when it was remembered. Raises ValueError if it never was."""
        if self._kept is None:
            raise ValueError("only a campus in memory of at most 50,000 enrollments can be reset")
        self._kept.backup(self.connection)
        self.version += 1
