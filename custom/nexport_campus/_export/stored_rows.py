"""Rows from the JSON of the state file.

The state holds records as `Record.to_dict` returned them, in one form each. So a row is read from the JSON object itself:
making the models again would take several times as long.
"""

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from enum import IntEnum
from functools import cache
from typing import Any, Final, cast

from nexport_client.rows import get_columns
from nexport_client.types import fields_of

from .datasets import Dataset
from .tables import to_text

__all__ = ["StoredRows"]

_REST: Final = "additional_properties"
_SECONDS, _MICROSECONDS = len("2026-01-31T08:00:00"), len("2026-01-31T08:00:00.000000")


class StoredRows:
    """Reads the rows of a dataset.

    `columns`: the names of the columns, and the types of their values. In rows, dates are sortable strings in UTC, and ids
    and JSON are strings.

    Args:
        dataset: The dataset of the records.
        elements: The CMI elements that have columns.
        labels: Whether enums are the vendor's labels instead of numbers.
    """

    def __init__(self, dataset: Dataset, elements: tuple[str, ...] = (), *, labels: bool = False) -> None:
        self.columns = dataset.columns(elements)
        self._elements = elements
        keys = {field.attribute: field.key for field in fields_of(dataset.cls)}
        self._known = {*dataset.own, *keys.values()}
        # The unknown fields follow all others, and the elements follow them.
        direct = [name for name in self.columns if name not in elements and name != _REST]
        self._keys = [keys.get(name, name) for name in direct]
        writes = {column.name: column.write for column in get_columns(cast("Any", dataset.cls))}
        converters = (
            (place, self._choose_converter(name, writes, labels=labels)) for place, name in enumerate(direct)
        )
        self._converters = [(place, convert) for place, convert in converters if convert is not None]

    def read(self, records: Iterable[str]) -> list[list[Any]]:
        """Return the rows of records, given as JSON strings, with the values in the order of the columns."""
        return [self._make_row(json.loads(record)) for record in records]

    def _make_row(self, data: dict[str, Any]) -> list[Any]:
        row = [data.get(key) for key in self._keys]
        for place, convert in self._converters:
            value = row[place]
            if value is not None:
                row[place] = convert(value)
        rest = None if data.keys() <= self._known else self._dump_unknown(data)
        row.append(rest)
        if self._elements:
            row += self._read_elements(data)
        return row

    def _dump_unknown(self, data: dict[str, Any]) -> str:
        rest = {key: value for key, value in data.items() if key not in self._known}
        return json.dumps(rest, ensure_ascii=False)

    def _read_elements(self, data: dict[str, Any]) -> list[Any]:
        fields = data.get("cmi_fields") or ()
        values = {
            field.get("cmi_element_name"): field.get("cmi_element_value")
            for field in fields
            if not field.get("error_message")
        }
        return [values.get(element) for element in self._elements]

    def _choose_converter(
        self, name: str, writes: dict[str, Callable[[Any], Any]], *, labels: bool
    ) -> Callable[[Any], Any] | None:
        """Return the function for the values of a column, or None if they remain as they are."""
        held = self.columns[name]
        if issubclass(held, datetime):
            return _make_date_converter(writes[name])
        if issubclass(held, float):
            return float
        if labels and issubclass(held, IntEnum):
            return cache(lambda number: cast("Any", held)(number).label)
        return None


def _make_date_converter(write: Callable[[Any], Any]) -> Callable[[str], str]:
    def convert(text: str) -> str:
        # Nearly all dates are in UTC.
        body = text[:-1] if text.endswith("Z") else text.removesuffix("+00:00")
        if len(body) == _SECONDS:
            return f"{body}.000000Z"
        if len(body) == _MICROSECONDS and len(text) != len(body):
            return f"{body}Z"
        return to_text(write(datetime.fromisoformat(text)))

    return convert
