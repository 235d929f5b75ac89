"""After an import, everything that CI runs passes: in a copy of this repository with a separate environment."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.support import changed_pages, new_area

ROOT = Path(__file__).parents[2]
_LEFT_OUT = shutil.ignore_patterns(".git", ".venv*", ".*_cache", "__pycache__", "dist", "site", ".regenerate")

pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the repository with a virtual environment, under git as a clone is."""
    root = tmp_path_factory.mktemp("intake") / "nexport-campus"
    shutil.copytree(ROOT, root, ignore=_LEFT_OUT, symlinks=True)
    _link_environment(root)
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "Before the import"]):
        run(root, "git", "-c", "user.name=A", "-c", "user.email=a@example.com", *arguments)
    return root


def _link_environment(root: Path) -> None:
    """Make `.venv` of links to the packages of the running environment; the copy's own project is installed anew."""
    run(root, sys.executable, "-m", "venv", "--without-pip", ".venv")
    packages, scripts = Path(sysconfig.get_path("purelib")), Path(sysconfig.get_path("scripts"))
    (target,) = (root / ".venv/lib").glob("python*/site-packages")
    for entry in packages.iterdir():
        if "nexport_campus" not in entry.name:
            (target / entry.name).symlink_to(entry)
    python = root / ".venv/bin/python"
    for entry in scripts.iterdir():
        place = python.with_name(entry.name)
        if place.exists() or not entry.is_file():
            continue
        content = entry.read_bytes()
        if content.startswith(b"#!") and b"python" in content.partition(b"\n")[0]:
            place.write_bytes(b"#!" + os.fsencode(python) + b"\n" + content.partition(b"\n")[2])
            place.chmod(0o755)
        else:
            place.symlink_to(entry)
    # The packages are those of the lock; without the project's digest, the first script installs the project.
    code = "import _bootstrap as b; b._write_stamp({**b._wanted(), 'project': ''})"
    run(root, python, "-c", code, path="scripts")


def run(root: Path, *command: str | Path, path: str = "") -> str:
    """Run a command in the copy without this environment's variables, and return its output."""
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PYTEST"))
    }
    environment |= {"PYTHONPATH": path} if path else {}
    completed = subprocess.run(
        [str(part) for part in command],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 0, completed.stdout[-20_000:] + completed.stderr[-4000:]
    return completed.stdout


def test_everything_passes_after_an_import(copy: Path) -> None:
    """Changed pages and a new area are imported by the script; then the checks and the whole suite pass, with nothing adapted."""
    for area, text in changed_pages.changed_pages(copy).items():
        (copy.parent / f"{area}.md").write_text(text, encoding="utf-8")
    known = sorted(copy.parent.glob("*.md"))
    report = run(copy, "scripts/regenerate", "--pages", *known)
    for change in (
        "ErrorCode.MAINTENANCE added",
        "Phase.WITHDRAWN added",
        "weighted_score changed: is float",
    ):
        assert change in report
    page = copy.parent / "new_area.md"
    page.write_text(new_area.page(copy), encoding="utf-8")
    assert "AssessmentApi_GetTests counts as writing" in run(copy, "scripts/regenerate", "--pages", page)
    run(copy, "scripts/check")
    run(copy, "scripts/regenerate", "--check")
    run(copy, ".venv/bin/python", "-m", "pytest", "-n", "auto", "-q", "-p", "no:cacheprovider")
