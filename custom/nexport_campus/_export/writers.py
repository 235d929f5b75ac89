"""Writers of JSON Lines and CSV. The one of Parquet, in `parquet_writer`, needs pyarrow."""

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
        """No-op: nothing is buffered."""

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
