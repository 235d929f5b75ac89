"""State that the operation handlers share: database, ids, clock and permissions."""

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
from .request_paging import Listings, RequestedPage
from .sandbox_settings import SandboxSettings

__all__ = ["CampusState", "RecordedChange", "Row"]

Row = sqlite3.Row

# Only constants are formatted into SQL; values from requests are always bound parameters.
_FIND = "SELECT * FROM {} WHERE number = ?"
_BY_NUMBER = "{} WHERE {} IN (SELECT value FROM json_each(?))"
_WORDS = {"syllabus": "syllabus", "assignment_status": "assignment status", "field": "custom field"}


@dataclasses.dataclass(frozen=True, slots=True)
class RecordedChange:
    """A change made by a request: what happened, and the id of the affected record."""

    what: str
    id: str


class CampusState:
    """State of one campus. It is used by one thread, and each request is a transaction."""

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
        """Return the first row of a query, or None."""
        found: Row | None = self.connection.execute(sql, arguments).fetchone()
        return found

    def rows(self, sql: str, *arguments: Any) -> list[Row]:
        """Return all rows of a query."""
        return self.connection.execute(sql, arguments).fetchall()

    def find(self, kind: str, text: str) -> Row:
        """Return the row with an id of `kind`. Raises a 409 refusal with code 3 if there is none."""
        number = self.ids.number(kind, text)
        found = None if number is None else self.row(_FIND.format(kind), number)
        if found is None:
            raise not_found(_WORDS.get(kind, kind.replace("_", " ")))
        return found

    def page(self, sql: str, arguments: Sequence[Any], paging: RequestedPage) -> tuple[array.array[int], int]:
        """Return the row numbers on one page of a listing, and the total number of its rows."""
        numbers = self._listings.numbers(sql, arguments, self.version)
        return numbers[paging.start : paging.start + paging.size], len(numbers)

    def by_number(self, sql: str, numbers: Iterable[int], column: str = "number") -> list[Row]:
        """Return the rows of `sql` whose `column` is one of `numbers`, in the order of `numbers`."""
        wanted = list(numbers)
        found = self.rows(_BY_NUMBER.format(sql, column), json.dumps(wanted))
        rows = {row[0]: row for row in found}
        return [rows[number] for number in wanted if number in rows]

    def change(self, sql: str, *arguments: Any) -> int:
        """Run a statement that changes the campus, and return the number of the inserted row."""
        self.version += 1
        return self.connection.execute(sql, arguments).lastrowid or 0

    def record_change(self, what: str, thing_id: str) -> None:
        """Record a change for the request log."""
        self.changes.append(RecordedChange(what, thing_id))

    def remember(self) -> None:
        """Save a copy of the campus for `restore`."""
        self._kept = sqlite3.connect(":memory:")
        self.connection.backup(self._kept)

    def close(self) -> None:
        """Close the database."""
        self.connection.close()
        if self._kept is not None:
            self._kept.close()

    def restore(self) -> None:
        """Restore the copy that `remember` saved. Raises ValueError if there is none."""
        if self._kept is None:
            raise ValueError("only a campus in memory of at most 50,000 enrollments can be reset")
        self._kept.backup(self.connection)
        self.version += 1
