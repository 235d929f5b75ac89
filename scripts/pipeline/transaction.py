"""Puts all results of a run in place, or none of them, even if the process is killed.

Results are written into `.regenerate/new`. When all are there, the list of them is written
atomically as `.regenerate/commit.json`. From then on the run is committed: results are moved into place, and the next
run completes the moves if this one is interrupted.
"""

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

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
        """Complete a committed run, discard an uncommitted one, and create an empty staging folder."""
        self.recover()
        shutil.rmtree(self._folder, ignore_errors=True)
        self.new.mkdir(parents=True)

    def commit(self, names: Sequence[str]) -> None:
        """Move the named results, paths relative to the root, into place."""
        fresh = self._list.with_suffix(".new")
        with fresh.open("w", encoding="utf-8") as file:
            json.dump(list(names), file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._list)
        self.recover()

    def pending(self) -> bool:
        """Return whether a committed run has not been completed."""
        return self._list.exists()

    def recover(self) -> None:
        """Move the committed results that are still staged into place."""
        if not self.pending():
            return
        for name in json.loads(self._list.read_text(encoding="utf-8")):
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
        shutil.rmtree(self._folder, ignore_errors=True)


@contextlib.contextmanager
def locked(root: Path) -> Iterator[None]:
    """Lock the repository's `openapi` folder against a concurrent run.

    Raises:
        PipelineError: Another run holds the lock.
    """
    handle = os.open(root / "openapi", os.O_RDONLY)
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
