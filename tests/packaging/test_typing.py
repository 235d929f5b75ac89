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
_REPORTED = re.compile(r"(\w+\.py):(\d+): error: .*\[([\w-]+)\]$", re.MULTILINE)

Findings = set[tuple[str, int, str]]
Checker = Callable[[Path], Findings]


def mypy(folder: Path) -> Findings:
    """Return file, line and code of each error that mypy reports, including uses of deprecated methods."""
    command = [sys.executable, "-m", "mypy", "--strict", "--enable-error-code", "deprecated"]
    completed = subprocess.run([*command, "."], cwd=folder, capture_output=True, text=True, check=False)
    found = _REPORTED.findall(completed.stdout)
    assert completed.returncode == bool(found), completed.stdout + completed.stderr
    return {(file, int(line), code) for file, line, code in found}


def pyright(folder: Path) -> Findings:
    """Return file, line and rule of each error that pyright reports in strict mode."""
    settings = {"typeCheckingMode": "strict", "failOnWarnings": False}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    command = [str(PYRIGHT), "--outputjson", "--pythonpath", sys.executable]
    completed = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    report = json.loads(completed.stdout)
    assert report["summary"]["filesAnalyzed"] == 2, completed.stdout + completed.stderr
    return {
        (Path(item["file"]).name, item["range"]["start"]["line"] + 1, item["rule"])
        for item in report["generalDiagnostics"]
    }


@pytest.mark.full
@pytest.mark.parametrize(("checker", "column"), [(mypy, 0), (pyright, 1)], ids=["mypy", "pyright"])
def test_only_mistakes_are_reported(checker: Checker, column: int, tmp_path: Path) -> None:
    """Wrong names, wrong types, missing arguments and forgotten None are reported, each on its line.

    Nothing is reported in a correct program: no type in the package's interface is unknown to a strict checker.
    """
    shutil.copy(USERS / "program.py", tmp_path)
    program = (USERS / "mistakes.txt").read_text(encoding="utf-8")
    (tmp_path / "mistakes.py").write_text(program, encoding="utf-8")
    lines = enumerate(program.splitlines(), start=1)
    planted = {
        ("mistakes.py", number, line.split("  # ")[1].split()[column])
        for number, line in lines
        if "  # " in line
    }
    # pyright's "unknown" reports on mistakes are consequences of other mistakes.
    found = {
        finding
        for finding in checker(tmp_path)
        if finding[0] == "program.py" or not finding[2].startswith("reportUnknown")
    }
    assert found == planted
