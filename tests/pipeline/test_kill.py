"""A run that is killed at any step has written either everything or nothing."""

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline import steps
from pipeline.jsontext import dumps
from pipeline.layout import Layout
from pipeline.pages import Stated
from pipeline.readme import BEGIN, END
from pipeline.transaction import Transaction
from tests.support.examples import STRIDE

Document = dict[str, Any]
Make = Callable[..., Document]
Snapshot = Callable[[Path], dict[str, bytes]]

OVERLAY = """overlay: 1.0.0
info: {title: Corrections, version: 0.1.0}
actions:
  - target: $.info
    description: Harmless.
    update: {description: Corrected.}
  - target: $.paths.*[?@.operationId == 'LearningApi_Old']
    description: Looks up.
    update: {x-nexport-effect: read}
"""
WRITES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "shutil.rmtree"}


@pytest.fixture
def root(tmp_path: Path, make_document: Make, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a small repository with a fast generator."""

    def generate(document: Document, _: Layout, output: Path) -> None:
        output.mkdir()
        for path in document["paths"]:
            (output / f"{path.rsplit('/', 1)[-1]}.py").write_text(json.dumps(document), encoding="utf-8")

    monkeypatch.setattr(steps, "generate", generate)
    for name in ("LearningApi_Old", "LearningApi_Kept"):
        file = tmp_path / "root/openapi/fragments" / f"{name}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dumps(make_document(name)), encoding="utf-8")
    (tmp_path / "root/openapi/overlay.yaml").write_text(OVERLAY, encoding="utf-8")
    (tmp_path / "root/README.md").write_text(f"# A\n\n{BEGIN}{END}", encoding="utf-8")
    steps.regenerate(tmp_path / "root")
    return tmp_path / "root"


def killed_at(step: int, root: Path, stated: Stated) -> bool:
    """Run in a child process that is killed before its step-th change on disk; return whether it was killed."""
    child = os.fork()
    if child == 0:
        count = 0

        def hook(event: str, arguments: tuple[Any, ...]) -> None:
            nonlocal count
            changes = event in WRITES or (
                event == "open" and isinstance(arguments[2], int) and arguments[2] & os.O_CREAT
            )
            count += bool(changes)
            if changes and count == step:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        try:
            steps.regenerate(root, stated)
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def test_a_kill_at_any_step_writes_all_or_nothing(
    root: Path, tmp_path: Path, make_document: Make, snapshot: Snapshot
) -> None:
    """Before the commit nothing has changed; after it, the next run completes the changes."""
    stated = Stated(
        {name: make_document(name) for name in ("LearningApi_Kept", "LearningApi_New")}, {"LearningApi"}
    )
    shutil.copytree(root, tmp_path / "done")
    steps.regenerate(tmp_path / "done", stated)
    old, new = snapshot(root), snapshot(tmp_path / "done")
    assert old != new
    outcomes = []
    for step in range(1, 1000, STRIDE):
        copy = tmp_path / f"step{step}"
        shutil.copytree(root, copy)
        if not killed_at(step, copy, stated):
            break
        committed = Transaction(copy).pending()
        remaining = {
            name: data for name, data in snapshot(copy).items() if not name.startswith(".regenerate")
        }
        assert committed or remaining in (old, new)
        assert bool(Transaction(copy).recover()) == committed
        steps.regenerate(copy)
        outcomes.append(snapshot(copy))
        assert outcomes[-1] == (new if committed or remaining == new else old)
        shutil.rmtree(copy)
    assert len(outcomes) > 60 // STRIDE
    first_new = outcomes.index(new)
    assert outcomes == [old] * first_new + [new] * (len(outcomes) - first_new)
