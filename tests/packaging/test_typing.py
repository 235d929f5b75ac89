"""A user's program under mypy and pyright: correct code passes, and each mistake is reported."""

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
_REPORTED = re.compile(r"mistakes\.py:(\d+): error: .*\[([\w-]+)\]$", re.MULTILINE)

Findings = set[tuple[int, str]]
Checker = Callable[[Path], Findings]


def mypy(folder: Path) -> Findings:
    """Return line and code of each error that mypy reports, including uses of deprecated methods."""
    command = [sys.executable, "-m", "mypy", "--strict", "--enable-error-code", "deprecated"]
    completed = subprocess.run([*command, "."], cwd=folder, capture_output=True, text=True, check=False)
    found = _REPORTED.findall(completed.stdout)
    assert completed.returncode == bool(found), completed.stdout + completed.stderr
    return {(int(line), code) for line, code in found}


def pyright(folder: Path) -> Findings:
    """Return line and rule of each error that pyright reports in strict mode."""
    settings = {"typeCheckingMode": "strict", "failOnWarnings": False}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    command = [str(PYRIGHT), "--outputjson", "--pythonpath", sys.executable]
    completed = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    report = json.loads(completed.stdout)
    assert report["summary"]["filesAnalyzed"] == 1, completed.stdout + completed.stderr
    return {(item["range"]["start"]["line"] + 1, item["rule"]) for item in report["generalDiagnostics"]}


CHECKERS = pytest.mark.parametrize(("checker", "column"), [(mypy, 0), (pyright, 1)], ids=["mypy", "pyright"])


@CHECKERS
def test_a_correct_program_passes(checker: Checker, column: int, tmp_path: Path) -> None:
    """No type in the package's interface is unknown to a strict checker."""
    shutil.copy(USERS / "program.py", tmp_path)
    assert checker(tmp_path) == set()


@CHECKERS
def test_each_mistake_is_reported(checker: Checker, column: int, tmp_path: Path) -> None:
    """Wrong names, wrong types, missing arguments and forgotten None are reported, each on its line, and nothing else."""
    program = (USERS / "mistakes.txt").read_text(encoding="utf-8")
    (tmp_path / "mistakes.py").write_text(program, encoding="utf-8")
    lines = enumerate(program.splitlines(), start=1)
    planted = {(number, line.split("  # ")[1].split()[column]) for number, line in lines if "  # " in line}
    # pyright's "unknown" reports are consequences of other mistakes.
    found = {(line, rule) for line, rule in checker(tmp_path) if not rule.startswith("reportUnknown")}
    assert found == planted
