"""The file that an export works in: an SQLite database that one process has, and others are refused."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nexport_campus._errors import ConfigurationError, ExportError

__all__ = ["Database", "quoted"]

_VERSION = 0x4E584531
"""NXE1: what marks a file as an export's, of this form."""
_CACHE = 32 * 1024


def quoted(name: str) -> str:
    """A name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'


class Database:
    """One connection, which is used by one thread at a time.

    What is committed outlives the process; a loss of power may take the last transactions with it, whole ones, in order.

    Args:
        path: Where it is; a new file can be read by its owner alone.

    Raises:
        ConfigurationError: Another process has it, or the file is something else.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.exists():
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self.connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            self._take()
        except sqlite3.Error as error:
            self.connection.close()
            raise self._refusal(error) from None

    def _take(self) -> None:
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
        # Ids come in no order: what doesn't find room here is read and written again and again.
        execute(f"PRAGMA cache_size = -{_CACHE}")

    def _refusal(self, error: sqlite3.Error) -> Exception:
        if "locked" in str(error):
            return ConfigurationError(f"another export is at work here: it has {self.path.name}")
        if "not a database" in str(error):
            return ConfigurationError(
                f"{self.path.name} is no state that this version of nexport made: move it, or choose another --to"
            )
        return ExportError(f"{self.path}: {error}")

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
        self.connection.execute("PRAGMA journal_mode = MEMORY")
        if os.name == "posix":
            self.path.unlink(missing_ok=True)
            self.connection.close()
        else:
            self.connection.close()
            self.path.unlink(missing_ok=True)
