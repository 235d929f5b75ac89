"""An area that the repository doesn't know, from its page to calls of its methods."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.cli import main
from tests.support import new_area

ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).with_name("new_area") / "program.txt"

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def regenerated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of this repository that was regenerated from the page."""
    root = tmp_path_factory.mktemp("new_area")
    caches = shutil.ignore_patterns("__pycache__")
    for name in ("openapi", "nexport_client", "custom"):
        shutil.copytree(ROOT / name, root / name, ignore=caches)
    for name in ("generator-config.yaml", "pyproject.toml"):
        shutil.copy(ROOT / name, root / name)
    (root / "page.md").write_text(new_area.page(root), encoding="utf-8")
    shutil.copy(PROGRAM, root / "program.py")
    assert main(["--pages", str(root / "page.md")], root) == 0
    return root


def run(root: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the copy, with the copy's packages before the installed ones."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(root / "custom"), str(root)])}
    return subprocess.run(
        [sys.executable, *command], cwd=root, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.full
def test_the_new_methods_work(regenerated: Path) -> None:
    """Each method of the new area is called once, with its request, its result and its errors."""
    completed = run(regenerated, "-W", "error", "program.py")
    assert completed.returncode == 0, completed.stdout + completed.stderr


@pytest.mark.full
def test_the_result_is_typed(regenerated: Path) -> None:
    """The regenerated package, and the program that uses it, pass mypy --strict."""
    paths = ["nexport_client", "custom/nexport_campus/_client.py", "program.py"]
    completed = run(regenerated, "-m", "mypy", "--strict", "--warn-unused-ignores", *paths)
    assert completed.returncode == 0, completed.stdout + completed.stderr


@pytest.mark.full
def test_the_result_is_stable(regenerated: Path, capsys: Capture) -> None:
    """Another run changes nothing, and again reports missing marks and names."""
    assert main(["--check"], regenerated) == 0
    output = capsys.readouterr().out
    assert "AssessmentApi_GetTests counts as writing" in output
    assert "/components/schemas/Test/properties/mode is an enum without names" in output
    sdk = (regenerated / "openapi/nexport.sdk.json").read_text(encoding="utf-8")
    assert "paer_page" not in sdk
    assert "text/json" not in sdk
