"""All results or none, also after a kill."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.errors import PipelineError
from pipeline.transaction import Transaction, alone

Snapshot = Callable[[Path], dict[str, bytes]]

OLD = {"client/a.py": b"old", "client/gone.py": b"old", "spec.json": b"old"}
NEW = {"client/a.py": b"new", "client/added.py": b"new", "spec.json": b"new"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a folder with the old state."""
    write(tmp_path, OLD)
    return tmp_path


def write(root: Path, files: dict[str, bytes]) -> None:
    """Write files."""
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)


def prepared(root: Path) -> Transaction:
    """Return a transaction that has all the new results, uncommitted."""
    transaction = Transaction(root)
    transaction.begin()
    write(transaction.new, NEW)
    return transaction


def test_a_commit_puts_everything_in_place(root: Path, snapshot: Snapshot) -> None:
    """After a commit there are the new files only, and nothing is left behind."""
    prepared(root).commit(["client", "spec.json"])
    assert snapshot(root) == NEW


def test_nothing_happens_without_a_commit(root: Path, snapshot: Snapshot) -> None:
    """A run that stops leaves the old state."""
    prepared(root).discard()
    assert snapshot(root) == OLD


def test_a_kill_before_the_commit_is_forgotten(root: Path, snapshot: Snapshot) -> None:
    """The next run starts over."""
    prepared(root)
    later = Transaction(root)
    later.begin()
    later.discard()
    assert snapshot(root) == OLD


@pytest.mark.parametrize("step", range(1, 5))
def test_a_kill_within_the_commit_is_finished_by_the_next_run(
    root: Path, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """Wherever between the renames a run is killed, the next one completes what was committed."""
    count = 0
    rename = Path.rename

    def killed(self: Path, target: Path) -> Path:
        nonlocal count
        count += 1
        if count == step:
            raise KeyboardInterrupt
        return rename(self, target)

    transaction = prepared(root)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            transaction.commit(["client", "spec.json"])
    assert Transaction(root).pending()
    later = Transaction(root)
    later.begin()
    later.discard()
    assert snapshot(root) == NEW


def test_two_runs_at_once_are_refused(tmp_path: Path) -> None:
    """A second run says that another one is under way, and does nothing."""
    (tmp_path / "openapi").mkdir()
    with alone(tmp_path):
        code = (
            f"import sys, pathlib; sys.path[:0] = {sys.path!r}\n"
            "from pipeline.transaction import alone\n"
            f"with alone(pathlib.Path({str(tmp_path)!r})): pass"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "PipelineError: another run of scripts/regenerate is under way" in done.stderr
    with alone(tmp_path):
        pass


def test_a_failure_inside_is_not_taken_for_a_second_run(tmp_path: Path) -> None:
    """The lock is let go however a run ends."""
    (tmp_path / "openapi").mkdir()
    with pytest.raises(PipelineError, match="mine"), alone(tmp_path):
        raise PipelineError("mine")
    with alone(tmp_path):
        pass
