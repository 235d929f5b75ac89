"""The scripts that a fresh clone runs first."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TypeGuard

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = ["check", "demo", "mutate", "regenerate", "test"]


@pytest.mark.parametrize("name", ["_bootstrap.py", *SCRIPTS])
def test_an_old_python_reaches_the_version_message(name: str) -> None:
    """The scripts' own files have no syntax newer than Python 3.7, so that an old Python prints the message."""
    ast.parse((ROOT / "scripts" / name).read_text(encoding="utf-8"), feature_version=(3, 7))


@pytest.mark.parametrize("name", SCRIPTS)
def test_nothing_is_imported_before_the_environment_exists(name: str) -> None:
    """Before `enter` is called, a script imports only the standard library and the bootstrap."""
    tree = ast.parse((ROOT / "scripts" / name).read_text(encoding="utf-8"))
    modules = {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
    modules |= {str(node.module) for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert modules <= sys.stdlib_module_names | {"_bootstrap"}


def test_the_modules_and_tests_of_mutate_exist() -> None:
    """A module or test that was renamed is renamed in the script too."""
    tree = ast.parse((ROOT / "scripts/mutate").read_text(encoding="utf-8"))
    tables = [ast.literal_eval(node.value) for node in tree.body if _assigns(node, "TESTS")]
    (table,) = tables
    assert len(table) > 20
    files = [ROOT / "custom/nexport_campus" / module for module in table]
    files += [ROOT / "tests" / f"{name}.py" for names in table.values() for name in names]
    assert [file for file in files if not file.is_file()] == []


def _assigns(node: ast.stmt, name: str) -> TypeGuard[ast.Assign]:
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name


@pytest.mark.parametrize("name", SCRIPTS)
def test_help_works_from_any_folder_without_a_home(name: str, tmp_path: Path) -> None:
    """A script finds its repository by itself, and needs no file of the user's."""
    environment = {key: value for key, value in os.environ.items() if key != "HOME"} | {"HOME": ""}
    completed = subprocess.run(
        [ROOT / "scripts" / name, "--help"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 0, completed.stderr
    assert completed.stdout.lower().partition("usage: ")[2].startswith(("scripts/", "nexport demo"))
    assert list(tmp_path.iterdir()) == []


def test_quick_runs_one_case_of_each_test() -> None:
    """With `--quick`, pytest keeps one case of each test function."""
    command = [sys.executable, "-m", "pytest", "--quick", "--collect-only", "-q", "-p", "no:cacheprovider"]
    folders = ["tests/retry", "tests/times"]
    env = os.environ | {"PYTEST_ADDOPTS": ""}  # options of the run around it change the output
    done = subprocess.run(
        [*command, *folders], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    cases = [line for line in done.stdout.splitlines() if "::" in line]
    functions = {case.partition("[")[0] for case in cases}
    assert len(functions) == len(cases) > 50
    assert "deselected" in done.stdout


def test_one_option_at_a_time() -> None:
    """`--quick`, `--full` and `--coverage` exclude one another."""
    command = [sys.executable, "scripts/test", "--quick", "--full"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Usage: scripts/test" in done.stderr


@pytest.mark.parametrize("lock", ["requirements-dev.txt", "requirements-demo.txt"])
def test_the_lock_files_have_no_locations(lock: str) -> None:
    """Packages are locked by hash, without registry addresses or local paths."""
    lines = (ROOT / lock).read_text(encoding="utf-8").splitlines()
    assert not [line for line in lines if "://" in line or line.startswith(("-", "/"))]
    requirements = [line for line in lines if line and not line.startswith((" ", "#"))]
    assert all("==" in line for line in requirements)


def test_the_lock_has_the_generator() -> None:
    """The generator is locked at the version that the templates were written for."""
    assert "openapi-python-client==0.29.1" in locked("requirements-dev.txt")


def test_the_demo_needs_a_part_of_the_lock() -> None:
    """`scripts/demo` installs a few of the packages that the other scripts add to, in the same versions."""
    demo, everything = locked("requirements-demo.txt"), locked("requirements-dev.txt")
    assert demo.items() <= everything.items()
    assert len(demo) < len(everything) / 3
    assert {"keyring", "rich", "uvicorn"} <= {requirement.partition("==")[0] for requirement in demo}


def locked(lock: str) -> dict[str, frozenset[str]]:
    """Return the locked requirements, and the hashes of each."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    found = re.finditer(r"^([\w.-]+==\S+)((?: \\\n    --hash=\S+)+)", text, flags=re.MULTILINE)
    return {match[1]: frozenset(match[2].split()) - {"\\"} for match in found}
