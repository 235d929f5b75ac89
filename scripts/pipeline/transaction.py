"""All of a run's results, or none of them: also after a kill at any moment.

Results are written into `.regenerate/new`. When all are there, the list of them is written, in one step, as
`.regenerate/commit.json`; from then on the run counts as done, and putting each in its place is mere work, which the next
run finishes if this one cannot.
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
    """Where the results of a run stand before they are put in their places."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder = root / ".regenerate"
        self.new = self._folder / "new"
        self._old = self._folder / "old"
        self._list = self._folder / "commit.json"

    def begin(self) -> None:
        """Finish a run that was killed after its commit, forget one that was killed before, and start empty."""
        self.recover()
        shutil.rmtree(self._folder, ignore_errors=True)
        self.new.mkdir(parents=True)

    def commit(self, names: Sequence[str]) -> None:
        """Put the named results, paths relative to the root, in their places."""
        fresh = self._list.with_suffix(".new")
        with fresh.open("w", encoding="utf-8") as file:
            json.dump(list(names), file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._list)
        self.recover()

    def pending(self) -> bool:
        """Tell whether a run was killed between its commit and its end."""
        return self._list.exists()

    def recover(self) -> None:
        """Put what a commit lists, and what is not there yet, in its place."""
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
        """Leave nothing behind."""
        shutil.rmtree(self._folder, ignore_errors=True)


@contextlib.contextmanager
def alone(root: Path) -> Iterator[None]:
    """Hold the repository's `openapi` folder against a second run at the same time.

    Raises:
        PipelineError: another run is under way.
    """
    handle = os.open(root / "openapi", os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise PipelineError("another run of scripts/regenerate is under way; wait for it to end") from error
    finally:
        os.close(handle)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
