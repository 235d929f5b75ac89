"""Files, written row by row: JSON Lines for machines, CSV for people. Parquet has a module of its own."""

import csv
import io
import json
import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from .kinds import Kind
from .layout import as_text

__all__ = ["CsvWriter", "JsonLinesWriter", "Writer", "replacing"]

# What a spreadsheet takes for a formula; a number in a text is none.
_FORMULA: Final = re.compile(r"[=+\-@\t\r\n]")
_NUMBER: Final = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?")


class Writer(Protocol):
    """Writes records, given as JSON texts, to a file."""

    def write(self, records: Sequence[str]) -> None:
        """Write some more of them."""

    def close(self) -> None:
        """Write what there is to write at the end; the file stays open."""


class JsonLinesWriter:
    """One JSON object a line: the model's `to_dict()`, enums by number."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, records: Sequence[str]) -> None:
        self._file.write("".join(f"{record}\n" for record in records).encode())

    def close(self) -> None:
        """There is no more."""


class CsvWriter:
    """A header and a line for each record, in UTF-8, as RFC 4180 has it.

    A text that a spreadsheet would take for a formula begins with an apostrophe, as OWASP advises: what learners and
    courses write ends up in cells.

    Args:
        file: Where to.
        kind: What is written.
        elements: The CMI elements that have columns.
        labels: Enums by the vendor's words instead of by number.
        bom: Whether it begins with a byte order mark, by which Excel knows UTF-8.
    """

    def __init__(
        self, file: BinaryIO, kind: Kind, elements: tuple[str, ...], *, labels: bool, bom: bool
    ) -> None:
        self._file = file
        self._kind = kind
        self._elements = elements
        self._labels = labels
        self._write([list(kind.columns(elements))], encoding="utf-8-sig" if bom else "utf-8")

    def write(self, records: Sequence[str]) -> None:
        found = (self._kind.from_dict(json.loads(record)) for record in records)
        rows = (self._kind.row(record, self._elements, labels=self._labels) for record in found)
        self._write([[_cell(value) for value in row.values()] for row in rows])

    def close(self) -> None:
        """There is no more."""

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
        return as_text(value)
    if isinstance(value, str) and _FORMULA.match(value) and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return str(value)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file that takes the place of another, whole and on the disk, or not at all.

    It may be read by those who could read the other one, and a new one by its owner alone.
    """
    partial = path.with_name(f"{path.name}.partial")
    with suppress(FileNotFoundError):
        partial.unlink()
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileNotFoundError):
            partial.chmod(stat.S_IMODE(path.stat().st_mode))
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Have the new name on the disk too; not every system lets folders be opened."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
