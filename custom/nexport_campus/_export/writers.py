"""Writers of JSON Lines and CSV. The one of Parquet, in `parquet_writer`, needs pyarrow."""

import csv
import io
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, BinaryIO, Final, Protocol
from uuid import UUID

from .datasets import Dataset
from .stored_rows import StoredRows

__all__ = ["CsvWriter", "JsonLinesWriter", "Writer"]

# First characters of cells that spreadsheets treat as formulas: OWASP's list ("CSV Injection", and NUL from ASVS 1.2.10),
# the full-width forms, which a Japanese Excel accepts, and the similar small forms. A signed number is not a formula.
_FORMULA: Final = re.compile("[=+\\-@\\t\\r\\n\\x00\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b]")
_NUMBER: Final = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?")


class Writer(Protocol):
    """A writer of records, given as JSON strings, to a file."""

    def write(self, records: Sequence[str]) -> None:
        """Write a batch of records."""

    def close(self) -> None:
        """Write the end of the file, without closing it."""

    def abandon(self) -> None:
        """Discard the rest of a file that can't be completed."""


class JsonLinesWriter:
    """A writer of one JSON object per line: the model's `to_dict()`, with enums as numbers."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, records: Sequence[str]) -> None:
        self._file.write("".join(f"{record}\n" for record in records).encode())

    def close(self) -> None:
        """No-op: nothing follows the last record."""

    def abandon(self) -> None:
        """No-op: nothing is buffered."""


class CsvWriter:
    """A writer of CSV according to RFC 4180, in UTF-8, with a header.

    Strings that a spreadsheet would treat as formulas are prefixed with an apostrophe, as OWASP advises, because learners
    and course content control what ends up in cells.

    Args:
        file: The file to write to.
        dataset: The dataset of the records.
        elements: The CMI elements that have columns.
        labels: Whether enums are written as the vendor's labels instead of numbers.
        bom: Whether the file starts with a byte order mark, from which Excel detects UTF-8.
    """

    def __init__(
        self, file: BinaryIO, dataset: Dataset, elements: tuple[str, ...], *, labels: bool, bom: bool
    ) -> None:
        self._file = file
        self._rows = StoredRows(dataset, elements, labels=labels)
        self._cells = [_choose_cell_function(held) for held in self._rows.columns.values()]
        self._write([list(self._rows.columns)], encoding="utf-8-sig" if bom else "utf-8")

    def write(self, records: Sequence[str]) -> None:
        self._write(
            [
                ["" if value is None else cell(value) for cell, value in zip(self._cells, row, strict=True)]
                for row in self._rows.read(records)
            ]
        )

    def close(self) -> None:
        """No-op: nothing follows the last record."""

    def abandon(self) -> None:
        """No-op: nothing is buffered."""

    def _write(self, rows: list[list[str]], encoding: str = "utf-8") -> None:
        text = io.StringIO(newline="")
        csv.writer(text).writerows(rows)
        self._file.write(text.getvalue().encode(encoding))


def _choose_cell_function(held: type) -> Callable[[Any], str]:
    """Return the function that makes cells of values of a type."""
    if issubclass(held, bool):
        return lambda value: "true" if value else "false"
    return str if issubclass(held, datetime | UUID) else _to_text_cell


def _to_text_cell(value: object) -> str:
    if isinstance(value, str) and _FORMULA.match(value) and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return str(value)
