"""How a user's program is typed, by mypy and by pyright: what is right passes, and each mistake is found."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

USERS = Path(__file__).with_name("users")
PYRIGHT = Path(sys.executable).with_name("basedpyright")
_FOUND = re.compile(r"mistakes\.py:(\d+): error: .*\[([\w-]+)\]$", re.MULTILINE)

Findings = set[tuple[int, str]]
Checker = Callable[[Path], Findings]


def mypy(folder: Path) -> Findings:
    """Return line and code of each of mypy's findings; a use of what is obsolete is one."""
    command = [sys.executable, "-m", "mypy", "--strict", "--enable-error-code", "deprecated"]
    done = subprocess.run([*command, "."], cwd=folder, capture_output=True, text=True, check=False)
    found = _FOUND.findall(done.stdout)
    assert done.returncode == bool(found), done.stdout + done.stderr
    return {(int(line), code) for line, code in found}


def pyright(folder: Path) -> Findings:
    """Return line and rule of each of pyright's findings, in its own strict mode."""
    settings = {"typeCheckingMode": "strict", "failOnWarnings": False}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    command = [str(PYRIGHT), "--outputjson", "--pythonpath", sys.executable]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)
    assert report["summary"]["filesAnalyzed"] == 1, done.stdout + done.stderr
    return {(item["range"]["start"]["line"] + 1, item["rule"]) for item in report["generalDiagnostics"]}


CHECKERS = pytest.mark.parametrize(("checker", "column"), [(mypy, 0), (pyright, 1)], ids=["mypy", "pyright"])


@CHECKERS
def test_a_program_without_mistakes_passes(checker: Checker, column: int, tmp_path: Path) -> None:
    """Nothing that the package gives or takes is unknown to a strict checker."""
    shutil.copy(USERS / "program.py", tmp_path)
    assert checker(tmp_path) == set()


@CHECKERS
def test_each_mistake_is_found(checker: Checker, column: int, tmp_path: Path) -> None:
    """A wrong name, a wrong type, a missing argument, None that was forgotten: each is found where it is, and no more."""
    text = (USERS / "mistakes.txt").read_text(encoding="utf-8")
    (tmp_path / "mistakes.py").write_text(text, encoding="utf-8")
    lines = enumerate(text.splitlines(), start=1)
    planted = {(number, line.split("  # ")[1].split()[column]) for number, line in lines if "  # " in line}
    # What pyright calls unknown is what hangs on a mistake.
    found = {(line, rule) for line, rule in checker(tmp_path) if not rule.startswith("reportUnknown")}
    assert found == planted
