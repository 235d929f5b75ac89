"""Writes JSON Lines and CSV, row by row. Parquet has a module of its own."""

import csv
import io
import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import BinaryIO, Final, Protocol

from .datasets import Dataset
from .tables import to_text

__all__ = ["CsvWriter", "JsonLinesWriter", "Writer"]

# The first characters by which spreadsheets know a formula: OWASP's list ("CSV Injection", and NUL from ASVS 1.2.10).
# Excel reads the full-width forms in Japanese, and the small forms are alike to it. A number in a string is no formula.
_FORMULA: Final = re.compile("[=+\\-@\\t\\r\\n\\x00\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b]")
_NUMBER: Final = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?")


class Writer(Protocol):
    """Writes records, given as JSON texts, to a file."""

    def write(self, records: Sequence[str]) -> None:
        """Write some more of them."""

    def close(self) -> None:
        """Write what there is to write at the end; the file stays open."""

    def abandon(self) -> None:
        """Give up a file that can't be completed."""


class JsonLinesWriter:
    """One JSON object a line: the model's `to_dict()`, enums by number."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, records: Sequence[str]) -> None:
        self._file.write("".join(f"{record}\n" for record in records).encode())

    def close(self) -> None:
        """No-op: nothing follows the last record."""

    def abandon(self) -> None:
        """No-op: nothing is held back."""


class CsvWriter:
    """A header and a line for each record, in UTF-8, as RFC 4180 has it.

    A string that a spreadsheet would take for a formula gets an apostrophe in front, as OWASP advises: learners and
    courses write what ends up in cells.

    Args:
        file: Where to.
        kind: What is written.
        elements: The CMI elements that have columns.
        labels: Enums by the vendor's words instead of by number.
        bom: Whether it begins with a byte order mark, by which Excel knows UTF-8.
    """

    def __init__(
        self, file: BinaryIO, dataset: Dataset, elements: tuple[str, ...], *, labels: bool, bom: bool
    ) -> None:
        self._file = file
        self._kind = dataset
        self._elements = elements
        self._labels = labels
        self._write([list(dataset.columns(elements))], encoding="utf-8-sig" if bom else "utf-8")

    def write(self, records: Sequence[str]) -> None:
        found = (self._kind.from_dict(json.loads(record)) for record in records)
        rows = (self._kind.row(record, self._elements, labels=self._labels) for record in found)
        self._write([[_cell(value) for value in row.values()] for row in rows])

    def close(self) -> None:
        """No-op: nothing follows the last record."""

    def abandon(self) -> None:
        """No-op: nothing is held back."""

    def _write(self, rows: list[list[str]], encoding: str = "utf-8") -> None:
        text = io.StringIO(newline="")
        csv.writer(text).writerows(rows)
        self._file.write(text.getvalue().encode(encoding))


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return to_text(value)
    if isinstance(value, str) and _FORMULA.match(value) and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return str(value)
