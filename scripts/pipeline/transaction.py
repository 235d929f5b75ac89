"""Puts all results of a run in place, or none of them, even if the process is killed.

Results are written into `.regenerate/new`. When all are there, the list of them is written
atomically as `.regenerate/commit.json`. From then on the run is committed: results are moved into place, and the next
run completes the moves if this one is interrupted, unless the files have changed since.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from .errors import PipelineError


class Transaction:
    """The staging folder of a run's results."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder = root / ".regenerate"
        self.new = self._folder / "new"
        self._old = self._folder / "old"
        self._list = self._folder / "commit.json"

    def begin(self) -> None:
        """Discard an uncommitted run, and create an empty staging folder.

        Raises:
            PipelineError: A committed run is not complete.
        """
        self.refuse_if_pending()
        shutil.rmtree(self._folder, ignore_errors=True)
        self.new.mkdir(parents=True)

    def commit(self, names: Sequence[str]) -> None:
        """Move the named results, paths relative to the root, into place.

        Raises:
            PipelineError: One of them can't be put in place; nothing has been written.
        """
        for name in names:
            self._check_place(name)
        self._old.mkdir(exist_ok=True)
        fresh = self._list.with_suffix(".new")
        states = {name: [digest(self._root / name), digest(self.new / name)] for name in names}
        with fresh.open("w", encoding="utf-8") as file:
            json.dump({"files": states, "index": read_git_index(self._root)}, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._list)
        self.finish()

    def pending(self) -> bool:
        """Return whether a committed run has not been completed."""
        return self._list.exists()

    def refuse_if_pending(self) -> None:
        """Raise a PipelineError if a committed run has not been completed."""
        if self.pending():
            raise PipelineError(
                "a run of scripts/regenerate was killed at its end; run it again to finish it, or with --discard to drop "
                "its results"
            )

    def recover(self) -> list[str]:
        """Complete a run that was killed while it moved its results; return their names.

        Raises:
            PipelineError: The files have changed since, as after a `git checkout`.
        """
        if not self.pending():
            return []
        states = self._states()
        if self._is_before_the_first_move(states) and self._read_list()["index"] != read_git_index(
            self._root
        ):
            raise PipelineError(
                "a run of scripts/regenerate was killed before it put its results in place, and git has changed files or its "
                "index since, as by a `git checkout`; run it with --discard to drop its results"
            )
        if changed := [
            name for name, (before, after) in states.items() if self._is_changed(name, before, after)
        ]:
            raise PipelineError(
                f"a run of scripts/regenerate was killed at its end, and {', '.join(changed)} changed since, as after a "
                "`git checkout`; run it with --discard to drop its results"
            )
        self.finish()
        return list(states)

    def finish(self) -> None:
        """Move the committed results that are still staged into place."""
        for name in self._states():
            source, target, old = self.new / name, self._root / name, self._old / name
            if not source.exists():
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.exists():
                _remove(old)
                old.parent.mkdir(parents=True, exist_ok=True)
                target.rename(old)
            source.rename(target)
        self._list.unlink()
        self.discard()

    def discard(self) -> None:
        """Remove the staging folder."""
        self._list.unlink(missing_ok=True)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _states(self) -> dict[str, list[str]]:
        """Return the digests of each committed result: before, and after."""
        states: dict[str, list[str]] = self._read_list()["files"]
        return states

    def _read_list(self) -> dict[str, Any]:
        listed: dict[str, Any] = json.loads(self._list.read_text(encoding="utf-8"))
        return listed

    def _is_before_the_first_move(self, names: Iterable[str]) -> bool:
        return all((self.new / name).exists() and not (self._old / name).exists() for name in names)

    def _is_changed(self, name: str, before: str, after: str) -> bool:
        """Return whether a file is neither as the killed run found it nor as it left it."""
        now = digest(self._root / name)
        if not (self.new / name).exists():
            return now != after
        if (self._old / name).exists():  # moved away, and nothing has been put in its place yet
            return bool(now)
        return now != before

    def _check_place(self, name: str) -> None:
        """Raise a PipelineError if a result can't be put in place."""
        source, target = self.new / name, self._root / name
        if target.exists() and source.is_dir() != target.is_dir():
            kinds = ("folder", "file") if source.is_dir() else ("file", "folder")
            raise PipelineError(f"{name} must be a {kinds[0]}, but is a {kinds[1]}; move it away")
        existing = next(parent for parent in target.parents if parent.exists())
        for place in (existing, target) if target.is_dir() else (existing,):
            if not place.is_dir() or not os.access(place, os.W_OK):
                raise PipelineError(f"{place} cannot be written to; nothing was written")


def read_git_index(root: Path) -> list[int]:
    """Return what identifies the present version of git's index; empty without a repository.

    A `git checkout` writes the index anew, also where it changes no file.
    """
    pointer = root / ".git"
    try:
        folder = (
            root / pointer.read_text(encoding="utf-8").removeprefix("gitdir:").strip()
            if pointer.is_file()
            else pointer
        )
        found = (folder / "index").stat()
    except (OSError, UnicodeDecodeError):
        return []
    return [found.st_ino, found.st_mtime_ns]


def digest(path: Path) -> str:
    """Return a digest of a file, or of all files of a folder; empty if there is none."""
    if not path.exists():
        return ""
    files = [path] if path.is_file() else sorted(item for item in path.rglob("*") if item.is_file())
    made = hashlib.sha256()
    for file in files:
        if "__pycache__" not in file.parts:
            name = file.relative_to(path).as_posix().encode()
            made.update(name + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return made.hexdigest()


@contextlib.contextmanager
def locked(root: Path) -> Iterator[None]:
    """Lock the repository's `openapi` folder against a concurrent run.

    Raises:
        PipelineError: Another run holds the lock, or there is no such folder.
    """
    try:
        handle = os.open(root / "openapi", os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise PipelineError(f"openapi must be a folder: {error.strerror}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise PipelineError("another scripts/regenerate is running; wait until it has finished") from error
    finally:
        os.close(handle)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
