"""The destination of an export's rows: a new file, a file that an export wrote, or standard output.

An export replaces its target. To protect the user's data, it accepts only regular files whose content an export wrote:
the state file next to the target holds a digest of it.
"""

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final, Protocol

import attrs

from .database import Database
from .errors import TargetChangedError, TargetError
from .file_replacement import replace_file

__all__ = ["Destination", "StandardOutput", "TargetFile", "check_writable", "resolve_target"]

_KINDS: Final[tuple[tuple[Callable[[int], bool], str], ...]] = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
_OWN_SUFFIXES: Final = (".state", ".state.tmp")
_MOST_LINKS: Final = 40


class Destination(Protocol):
    """A destination for rows in a file format."""

    def is_current(self) -> bool:
        """Return whether it already holds the rows, in the same format."""

    def writing(self) -> AbstractContextManager[BinaryIO]:
        """Return a context manager that yields the file, and completes it at the end of the block."""


def resolve_target(path: Path) -> Path:
    """Return the path of the regular file that a target is or will be, following links. Raises TargetError."""
    if _is_descriptor(path):
        raise TargetError("{to}: {path} is an open stream of this process: {pass_stream}", path=path)
    status = _get_status(path)
    if status is not None and not stat.S_ISREG(status.st_mode):
        kind = next((words for is_kind, words in _KINDS if is_kind(status.st_mode)), "not a regular file")
        raise TargetError(
            "{to}: {path} is {kind}: an export writes to regular files, {or_to_stream}", path=path, kind=kind
        )
    if status is not None and _is_output(status):
        raise TargetError(
            "{to}: {path} is already the destination of standard output or error: {pass_stream}", path=path
        )
    try:
        path = path.resolve()
    except OSError as error:  # the working directory was deleted
        raise TargetError("{to}: {path}: {reason}", path=path, reason=error.strerror) from None
    if not path.parent.is_dir():
        raise TargetError("{to}: there is no folder {path}", path=path.parent)
    if path.name.endswith(_OWN_SUFFIXES):
        raise TargetError(
            "{to}: {name} is a name reserved for state files: choose another one", name=path.name
        )
    return path


def check_writable(path: Path) -> None:
    """Raise TargetError if a file is read-only. Replacing a file doesn't require permission to write to it."""
    status = _get_status(path)
    if status is not None and not (status.st_mode & 0o222 and os.access(path, os.W_OK)):
        raise TargetError(
            "{to}: {name} is read-only: choose another {target}, or make it writable", name=path.name
        )


class TargetFile:
    """A file that an export creates, or overwrites if an export wrote its content.

    Args:
        database: The state of the export, with the digests of what exports wrote.
        path: The file, as `resolve_target` returns it.
        form: Describes how rows are written: the same rows in the same form make the same file.
    """

    def __init__(self, database: Database, path: Path, form: str) -> None:
        self._database = database
        self._path = path
        self._form = form
        self._expected: tuple[int, ...] | None = None
        self._known: set[str] = set()

    def check(self, *, force: bool, exported_before: bool) -> None:
        """Raise TargetError if the file has content that no export wrote.

        Args:
            force: Accept any content.
            exported_before: Whether the state holds a completed export.
        """
        status = _get_status(self._path)
        self._expected = _get_signature(status)
        self._known = self._read_digests(exported_before=exported_before)
        if force or status is None:
            return
        check_writable(self._path)
        if not status.st_size or _compute_digest(self._path) in self._known:
            return
        reason = (
            "was changed after an export wrote it"
            if self._known
            else "exists, and no state file next to it shows that an export wrote it"
        )
        raise TargetError(
            "{name} {reason}: choose another {target}, or add {force} to overwrite the file",
            name=self._path.name,
            reason=reason,
        )

    def is_current(self) -> bool:
        """Return whether the file already holds the rows, in the same form."""
        with self._database.transaction() as connection:
            found = connection.execute("SELECT digest FROM written WHERE form = ?", (self._form,)).fetchall()
        return bool(found) and _get_status(self._path) is not None and (_compute_digest(self._path),) in found

    @contextmanager
    def writing(self) -> Iterator[BinaryIO]:
        """Yield a file that replaces the target at the end of the block.

        Raises:
            TargetChangedError: Another program wrote to the target after it was checked.
        """
        with replace_file(self._path, self._prepare) as file:
            yield file
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM written WHERE rowid < (SELECT max(rowid) FROM written)")

    def _prepare(self, written: Path) -> None:
        """Store the digest of the new file before it replaces the target, so that a crash in between leaves a known file."""
        status = _get_status(self._path)
        if (
            status
            and _get_signature(status) != self._expected
            and _compute_digest(self._path) not in self._known
        ):
            raise TargetChangedError(
                "{name} was changed while the export ran; its rows are kept: move the file,"
                " or add {force} to overwrite it, and {run_again}",
                name=self._path.name,
            )
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO written (digest, form) VALUES (?, ?)",
                (_compute_digest(written), self._form),
            )

    def _read_digests(self, *, exported_before: bool) -> set[str]:
        """Return the digests of the last export's file, and of one that an interrupted export may have put in place."""
        with self._database.transaction() as connection:
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'written'").fetchone():
                connection.execute(
                    "CREATE TABLE written (rowid INTEGER PRIMARY KEY AUTOINCREMENT, digest TEXT UNIQUE)"
                )
                # Version 0.1 stored no digests. Its state is trusted once.
                if exported_before and self._path.exists():
                    connection.execute(
                        "INSERT INTO written (digest) VALUES (?)", (_compute_digest(self._path),)
                    )
            if "form" not in {name for _, name, *_ in connection.execute("PRAGMA table_info(written)")}:
                # Null once the rows have changed since the file was written.
                connection.execute("ALTER TABLE written ADD COLUMN form TEXT")
            return {digest for (digest,) in connection.execute("SELECT digest FROM written")}


@attrs.frozen
class StandardOutput:
    """Standard output. It gets all rows at the end of an export, and none if the export fails."""

    stream: BinaryIO

    def is_current(self) -> bool:
        """Return False: a stream gets the rows of each export."""
        return False

    @contextmanager
    def writing(self) -> Iterator[BinaryIO]:
        """Yield the stream, and flush it at the end of the block."""
        yield self.stream
        self.stream.flush()


def _get_status(path: Path) -> os.stat_result | None:
    """Return the status of a file, or None if it doesn't exist. Raises TargetError if it can't be read."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise TargetError(
            "{to}: {path}: {reason}", path=path, reason=getattr(error, "strerror", None) or error
        ) from None


def _get_signature(status: os.stat_result | None) -> tuple[int, ...] | None:
    """Return attributes of a file that change when it is written or replaced."""
    if status is None:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _compute_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_descriptor(path: Path) -> bool:
    """Return whether a path leads to an open descriptor, as /dev/stdout does, whatever it is connected to."""
    with suppress(OSError, ValueError):
        for _ in range(_MOST_LINKS):
            if os.path.realpath(path.parent).startswith(("/proc/", "/dev/fd")):
                return True
            if not path.is_symlink():
                return False
            path = path.parent / path.readlink()
    return False


def _is_output(status: os.stat_result) -> bool:
    """Return whether a file is what standard output or standard error is redirected to."""
    for descriptor in (1, 2):
        with suppress(OSError):
            if os.path.samestat(status, os.fstat(descriptor)):
                return True
    return False
