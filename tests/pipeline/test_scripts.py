"""The scripts themselves: what a fresh clone runs first."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = ["check", "regenerate", "test"]


@pytest.mark.parametrize("name", ["_bootstrap.py", *SCRIPTS])
def test_an_old_python_can_read_as_far_as_the_message(name: str) -> None:
    """Nothing in a script's own file is a syntax error before Python 3.11, so that the clear line comes out."""
    ast.parse((ROOT / "scripts" / name).read_text(encoding="utf-8"), feature_version=(3, 7))


@pytest.mark.parametrize("name", SCRIPTS)
def test_nothing_is_imported_before_the_environment_is_there(name: str) -> None:
    """Until `enter` has been called, a script imports the standard library and the bootstrap only."""
    tree = ast.parse((ROOT / "scripts" / name).read_text(encoding="utf-8"))
    modules = {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
    modules |= {str(node.module) for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert modules <= sys.stdlib_module_names | {"_bootstrap"}


@pytest.mark.parametrize("name", SCRIPTS)
def test_help_works_from_anywhere_and_without_a_home(name: str, tmp_path: Path) -> None:
    """A script finds its repository by itself, and needs nothing of the user's."""
    environment = {key: value for key, value in os.environ.items() if key != "HOME"} | {"HOME": ""}
    done = subprocess.run(
        [ROOT / "scripts" / name, "--help"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "usage: scripts/" in done.stdout.lower()
    assert list(tmp_path.iterdir()) == []


def test_the_lock_records_no_place() -> None:
    """What development needs is locked by hash, without the address of a registry or a path of one machine."""
    lines = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8").splitlines()
    assert not [line for line in lines if "://" in line or line.startswith(("-", "/"))]
    requirements = [line for line in lines if line and not line.startswith((" ", "#"))]
    assert all("==" in line for line in requirements)
    assert "openapi-python-client==0.29.1 \\" in requirements
