"""Tables of records: typed columns for SQLite targets, lossless JSON for all other formats."""

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

__all__ = ["ROWS", "Table", "check_range", "make_json_table", "make_typed_table", "to_text"]

_logger = logging.getLogger("nexport_campus")

ROWS: Final = "rows"
"""The table of rows in the state file of an export into a file."""

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
    """A table: its columns with their SQL types, and its primary key.

    `values`: returns the values of a record for the columns. `expression`: returns the SQL for a field of a record.
    """

    columns: dict[str, str]
    key: tuple[str, ...]
    values: Callable[[Record], tuple[Any, ...]]
    expression: Callable[[str], str]

    @property
    def names(self) -> str:
        """The quoted column names, separated by commas."""
        return ", ".join(map(quote_name, self.columns))

    def create(self, name: str) -> str:
        """Return the statement that creates the table unless it exists."""
        columns = ", ".join(f"{quote_name(column)} {sql_type}" for column, sql_type in self.columns.items())
        return f"CREATE TABLE IF NOT EXISTS {name} ({columns}, PRIMARY KEY ({', '.join(map(quote_name, self.key))}))"

    def upsert(self, name: str, source: str) -> str:
        """Return the statement that inserts rows, replacing those with the same key."""
        others = [column for column in self.columns if column not in self.key]
        updates = ", ".join(f"{quote_name(column)} = excluded.{quote_name(column)}" for column in others)
        keys = ", ".join(map(quote_name, self.key))
        return f"INSERT INTO {name} ({self.names}) {source} ON CONFLICT ({keys}) DO UPDATE SET {updates}"

    def insert(self, name: str) -> str:
        """Return the statement that inserts one row, replacing one with the same key."""
        return self.upsert(name, f"VALUES ({', '.join('?' * len(self.columns))})")


def make_json_table(dataset: Dataset) -> Table:
    """Return a table of records as JSON, with their key and the date that they are sorted by."""

    def values(record: Record) -> tuple[str, str, str]:
        data = json.dumps(record.to_dict(), ensure_ascii=False, separators=(",", ":"))
        return dataset.get_identity(record), dataset.get_moment(record), data

    columns = dict.fromkeys(("identity", "moment", "data"), "TEXT")
    return Table(columns, ("identity",), values, lambda name: f"json_extract(data, '$.{name}')")


def make_typed_table(dataset: Dataset, elements: tuple[str, ...]) -> Table:
    """Return a table of typed columns: enums as numbers, dates as strings in UTC, booleans as 0 and 1."""
    columns = {name: _choose_affinity(cls) for name, cls in dataset.columns(elements).items()}

    def values(record: Record) -> tuple[Any, ...]:
        row = dataset.make_row(record, elements)
        return tuple(_to_sql(name, row[name]) for name in columns)

    return Table(columns, dataset.key, values, quote_name)


def check_range(column: str, value: int, bits: int) -> bool:
    """Return whether a number fits into an integer column of a number of bits; log a warning if it doesn't."""
    if -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
        return True
    _logger.warning(
        "%s %d is too large for its column, which is left empty; export to JSON Lines or CSV to keep the value",
        column,
        value,
    )
    return False


def _to_sql(column: str, value: Any) -> Any:
    if isinstance(value, datetime):
        return to_text(value)
    return None if isinstance(value, int) and not check_range(column, value, 64) else value


def to_text(date: datetime) -> str:
    """Return a date in UTC as a sortable string that SQLite's date functions accept."""
    return date.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _choose_affinity(cls: type) -> str:
    return next(affinity for base, affinity in _AFFINITIES if issubclass(cls, base))
