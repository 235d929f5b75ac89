"""How records lie in tables: as typed columns where SQLite is what was asked for, else as JSON that keeps everything."""

import json
import logging
from collections.abc import Callable
from datetime import datetime
from enum import IntEnum
from typing import Any, Final
from uuid import UUID

import attrs

from .database import quote_name
from .datasets import Dataset, Record

__all__ = ["ROWS", "Table", "fits", "json_table", "to_text", "typed_table"]

_logger = logging.getLogger("nexport_campus")

ROWS: Final = "rows"
"""The table of an export into a file, in the state beside that file."""

_AFFINITIES: Final[tuple[tuple[type, str], ...]] = (
    (bool, "INTEGER"),
    (IntEnum, "INTEGER"),
    (int, "INTEGER"),
    (float, "REAL"),
    (str, "TEXT"),
    (UUID, "TEXT"),
    (datetime, "TEXT"),
)


@attrs.frozen(eq=False)
class Table:
    """The columns of a table with their SQL types, its primary key, and a record's values for them.

    `expression`: SQL for a field of a record.
    """

    columns: dict[str, str]
    key: tuple[str, ...]
    values: Callable[[Record], tuple[Any, ...]]
    expression: Callable[[str], str]

    @property
    def names(self) -> str:
        """All columns, as SQL lists them."""
        return ", ".join(map(quote_name, self.columns))

    def create(self, name: str) -> str:
        """The statement that makes it, unless it is there."""
        columns = ", ".join(f"{quote_name(column)} {sql_type}" for column, sql_type in self.columns.items())
        return f"CREATE TABLE IF NOT EXISTS {name} ({columns}, PRIMARY KEY ({', '.join(map(quote_name, self.key))}))"

    def upsert(self, name: str, source: str) -> str:
        """The statement that puts rows into it, in place of those with the same key."""
        others = [column for column in self.columns if column not in self.key]
        updates = ", ".join(f"{quote_name(column)} = excluded.{quote_name(column)}" for column in others)
        keys = ", ".join(map(quote_name, self.key))
        return f"INSERT INTO {name} ({self.names}) {source} ON CONFLICT ({keys}) DO UPDATE SET {updates}"

    def insert(self, name: str) -> str:
        """The same for the values of one row."""
        return self.upsert(name, f"VALUES ({', '.join('?' * len(self.columns))})")


def json_table(dataset: Dataset) -> Table:
    """Records as JSON, by their identity and the date that they are sorted by."""

    def values(record: Record) -> tuple[str, str, str]:
        data = json.dumps(record.to_dict(), ensure_ascii=False, separators=(",", ":"))
        return dataset.identity(record), dataset.moment(record), data

    columns = dict.fromkeys(("identity", "moment", "data"), "TEXT")
    return Table(columns, ("identity",), values, lambda name: f"json_extract(data, '$.{name}')")


def typed_table(dataset: Dataset, elements: tuple[str, ...]) -> Table:
    """Records as rows: enums by number, dates in UTC as text, booleans as 0 and 1."""
    columns = {name: _affinity(held) for name, held in dataset.columns(elements).items()}

    def values(record: Record) -> tuple[Any, ...]:
        row = dataset.row(record, elements)
        return tuple(_sql_value(name, row[name]) for name in columns)

    return Table(columns, dataset.key, values, quote_name)


def fits(column: str, value: int, bits: int) -> bool:
    """Return whether a number fits into a column of integers with so many bits; log a warning if it doesn't."""
    if -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
        return True
    _logger.warning(
        "%s %d is too large for its column, and left empty; JSON Lines and CSV have it", column, value
    )
    return False


def _sql_value(column: str, value: Any) -> Any:
    if isinstance(value, datetime):
        return to_text(value)
    return None if isinstance(value, int) and not fits(column, value, 64) else value


def to_text(date: datetime) -> str:
    """A date in UTC, as a text that sorts, and that SQLite's date functions read."""
    return date.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _affinity(held: type) -> str:
    return next(affinity for cls, affinity in _AFFINITIES if issubclass(held, cls))
