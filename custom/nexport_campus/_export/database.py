"""The state file of an export: an SQLite database that one process locks for itself."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nexport_campus._errors import ExportError

from .errors import TargetError

__all__ = ["Database", "quote_name"]

_VERSION = 0x4E584531
"""NXE1: identifies the file as an export's state, and the version of its format."""
_CACHE = 32 * 1024


def quote_name(name: str) -> str:
    """Return a name quoted for SQL."""
    return '"' + name.replace('"', '""') + '"'


class Database:
    """A connection that one thread at a time may use.

    Committed transactions survive a crash of the process; a power failure may lose the most recent ones.

    Args:
        path: The file; a new one is readable by its owner only. None stands for a temporary file.

    Raises:
        TargetError: Another process has locked the file, or it isn't an export's state.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        if path is not None and not path.exists():
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self.connection = sqlite3.connect(
            "" if path is None else path, timeout=0, isolation_level=None, check_same_thread=False
        )
        if path is not None:
            self._open(path)
        # Ids arrive in random order: index pages that don't fit into the cache are read and written over and over.
        self.connection.execute(f"PRAGMA cache_size = -{_CACHE}")

    def _open(self, path: Path) -> None:
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
            raise sqlite3.DatabaseError("not a database of an export")
        # This first write takes the lock; before it the file is empty and unlocked.
        execute(f"PRAGMA user_version = {_VERSION}")
        execute("PRAGMA journal_mode = WAL")
        execute("PRAGMA synchronous = NORMAL")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Commit the statements of the block together, or roll all of them back."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield self.connection
        except BaseException:
            # After an error such as a full disk, SQLite has rolled back already.
            with suppress(sqlite3.Error):
                self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def close(self) -> None:
        """Close the connection and release the lock."""
        self.connection.close()

    def delete(self) -> None:
        """Close the connection and delete the file, without a moment in which another process could lock it."""
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
        return TargetError("another export is running: it uses {name}", name=path.name)
    if "not a database" in str(error):
        return TargetError(
            "{name} isn't a state file that this version of nexport can read: move it, or choose another {target}",
            name=path.name,
        )
    return ExportError(f"{path}: {error}")
