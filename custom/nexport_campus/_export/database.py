"""The file that an export works in: an SQLite database that one process has, and others are refused."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nexport_campus._errors import ExportError

from .errors import TargetError

__all__ = ["Database", "quote_name"]

_VERSION = 0x4E584531
"""NXE1: what marks a file as an export's, of this form."""
_CACHE = 32 * 1024


def quote_name(name: str) -> str:
    """A name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'


class Database:
    """One connection, which is used by one thread at a time.

    What is committed outlives the process; a loss of power may take the last transactions with it, whole ones, in order.

    Args:
        path: The file; a new one can be read by its owner only. None is a temporary file, which nothing is left of.

    Raises:
        TargetError: Another process has it, or the file is something else.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        if path is not None and not path.exists():
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self.connection = sqlite3.connect(
            "" if path is None else path, timeout=0, isolation_level=None, check_same_thread=False
        )
        if path is not None:
            self._take(path)
        # Ids come in no order: what doesn't find room here is read and written again and again.
        self.connection.execute(f"PRAGMA cache_size = -{_CACHE}")

    def _take(self, path: Path) -> None:
        try:
            self._lock()
        except sqlite3.Error as error:
            self.connection.close()
            raise _to_error(path, error) from None

    def _lock(self) -> None:
        execute = self.connection.execute
        execute("PRAGMA main.locking_mode = EXCLUSIVE")
        (pages,), (version,) = (
            execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "user_version")
        )
        if pages and version != _VERSION:
            raise sqlite3.DatabaseError("not a database of an export's")
        # The first write: before it the file is empty, and nobody's.
        execute(f"PRAGMA user_version = {_VERSION}")
        execute("PRAGMA journal_mode = WAL")
        execute("PRAGMA synchronous = NORMAL")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All that is done within, or nothing of it."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield self.connection
        except BaseException:
            # A full disk has ended it already.
            with suppress(sqlite3.Error):
                self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def close(self) -> None:
        """Let others have it."""
        self.connection.close()

    def delete(self) -> None:
        """Close it, and leave nothing of it; nobody can take it in between."""
        if self.path is None:
            self.connection.close()
            return
        self.connection.execute("PRAGMA journal_mode = MEMORY")
        if os.name == "posix":
            self.path.unlink(missing_ok=True)
            self.connection.close()
        else:
            self.connection.close()
            self.path.unlink(missing_ok=True)


def _to_error(path: Path, error: sqlite3.Error) -> ExportError:
    if "locked" in str(error):
        return TargetError(f"another export is at work here: it uses {path.name}")
    if "not a database" in str(error):
        return TargetError(
            f"{path.name} is no state that this version of nexport made: move it, or choose another --to"
        )
    return ExportError(f"{path}: {error}")
