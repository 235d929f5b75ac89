"""Results are written all or none, even if a run is killed."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.cli import main
from pipeline.errors import PipelineError
from pipeline.transaction import Transaction, locked

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


def prepare(root: Path) -> Transaction:
    """Return an uncommitted transaction with all new results."""
    transaction = Transaction(root)
    transaction.begin()
    write(transaction.new, NEW)
    return transaction


def test_a_commit_replaces_everything(root: Path, snapshot: Snapshot) -> None:
    """After a commit only the new files exist, and no temporary files are left."""
    prepare(root).commit(["client", "spec.json"])
    assert snapshot(root) == NEW


def test_nothing_changes_without_a_commit(root: Path, snapshot: Snapshot) -> None:
    """A run that stops leaves the old state."""
    prepare(root).discard()
    assert snapshot(root) == OLD


def test_a_kill_before_the_commit_has_no_effect(root: Path, snapshot: Snapshot) -> None:
    """The next run starts over."""
    prepare(root)
    later = Transaction(root)
    later.begin()
    later.discard()
    assert snapshot(root) == OLD


def killed_before(step: int, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commit, and kill the run before one of its renames."""
    count = 0
    rename = Path.rename

    def killed(self: Path, target: Path) -> Path:
        nonlocal count
        count += 1
        if count == step:
            raise KeyboardInterrupt
        return rename(self, target)

    transaction = prepare(root)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            transaction.commit(["client", "spec.json"])


@pytest.mark.parametrize("step", range(1, 5))
def test_a_kill_during_the_commit_is_completed_by_the_next_run(
    root: Path, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """Whichever rename a run is killed before, the next run completes the commit."""
    killed_before(step, root, monkeypatch)
    assert Transaction(root).pending()
    with pytest.raises(PipelineError, match="run it again to finish it, or with --discard"):
        Transaction(root).begin()
    assert Transaction(root).recover() == ["client", "spec.json"]
    assert snapshot(root) == NEW
    assert Transaction(root).recover() == []


@pytest.mark.parametrize("step", range(2, 5))
def test_a_killed_commit_is_not_completed_over_changes(
    root: Path, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """After a `git checkout`, or any other change, the results can only be discarded."""
    killed_before(step, root, monkeypatch)
    shutil.rmtree(root / "client", ignore_errors=True)
    write(root, OLD)
    with pytest.raises(PipelineError, match=r"client.* changed since, as after a `git checkout`"):
        Transaction(root).recover()
    Transaction(root).discard()
    assert snapshot(root) == OLD


@pytest.mark.parametrize(
    "command", [["checkout", "."], ["reset", "-q", "--hard"], ["checkout", "-q", "HEAD~1"]], ids=" ".join
)
def test_a_checkout_before_the_first_move(
    root: Path, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    """A `git checkout` is noticed even if the killed run had moved nothing, so that it had no file to restore."""
    (root / ".gitignore").write_text(".regenerate/\n", encoding="utf-8")
    git(root, "init", "-q")
    for message in ("one", "two"):
        (root / "other").write_text(message, encoding="utf-8")
        git(root, "add", ".")
        git(root, "commit", "-q", "-m", message)
    killed_before(1, root, monkeypatch)
    git(root, *command)
    before = snapshot(root)
    with pytest.raises(PipelineError, match="as by a `git checkout`; run it with --discard"):
        Transaction(root).recover()
    assert snapshot(root) == before
    Transaction(root).discard()
    Transaction(root).begin()


def test_a_look_at_the_repository_is_no_change(
    root: Path, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`git diff` between a killed run and the next one change nothing."""
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "one")
    killed_before(1, root, monkeypatch)
    git(root, "diff")
    assert Transaction(root).recover() == ["client", "spec.json"]
    assert {name: data for name, data in snapshot(root).items() if not name.startswith(".git/")} == NEW


def git(root: Path, *arguments: str) -> None:
    """Run git in a repository, without the user's settings."""
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
    environment = os.environ | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", *identity, *arguments], cwd=root, env=environment, check=True, capture_output=True)


def test_a_result_that_has_no_place_is_refused_before_anything_is_written(
    root: Path, snapshot: Snapshot
) -> None:
    """A file where a folder should be, or the other way round, is named."""
    (root / "spec.json").unlink()
    (root / "spec.json").mkdir()
    with pytest.raises(PipelineError, match=r"spec\.json must be a file, but is a folder"):
        prepare(root).commit(["client", "spec.json"])
    Transaction(root).discard()
    assert snapshot(root) == {name: data for name, data in OLD.items() if name != "spec.json"}


def test_concurrent_runs_are_refused(tmp_path: Path) -> None:
    """A second run reports that another one is running, and does nothing."""
    (tmp_path / "openapi").mkdir()
    with locked(tmp_path):
        code = (
            f"import sys, pathlib; sys.path[:0] = {sys.path!r}\n"
            "from pipeline.transaction import locked\n"
            f"with locked(pathlib.Path({str(tmp_path)!r})): pass"
        )
        completed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "PipelineError: another scripts/regenerate is running" in completed.stderr
    with locked(tmp_path):
        pass


@pytest.mark.parametrize("arguments", [["--discard"], []], ids=["--discard", "none"])
def test_no_command_touches_the_results_of_a_run_in_progress(
    root: Path, snapshot: Snapshot, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    """While another run holds the lock, a command reports that, and leaves the results that it has staged."""
    (root / "openapi").mkdir()
    with locked(root):
        prepare(root)
        before = snapshot(root)
        assert main(arguments, root) == 1
        assert snapshot(root) == before
    assert "another scripts/regenerate is running" in capsys.readouterr().err


def test_a_failure_releases_the_lock(tmp_path: Path) -> None:
    """The lock is released however a run ends."""
    (tmp_path / "openapi").mkdir()
    with pytest.raises(PipelineError, match="mine"), locked(tmp_path):
        raise PipelineError("mine")
    with locked(tmp_path):
        pass
