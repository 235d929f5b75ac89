"""The vendor's whole definition, as ASP.NET serves one, from the file to calls of its methods."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.cli import main
from tests.support.vendor_definition import build_definition

ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).with_name("definition") / "program.txt"
FOLDERS = ("openapi", "nexport_client", "custom", "tests")
FILES = ("README.md", "CHANGELOG.md", "generator-config.yaml", "pyproject.toml")

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def taken_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of this repository that has taken in the definition."""
    root = tmp_path_factory.mktemp("definition")
    for name in FOLDERS:
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(ROOT / name, root / name)
    file = root / "definition.json"
    file.write_text(json.dumps(build_definition(root)), encoding="utf-8")
    shutil.copy(PROGRAM, root / "program.py")
    assert main(["--swagger", str(file), "--json", str(root / "report.json")], root) == 0
    return root


def run(root: Path, *command: str) -> None:
    """Run Python in the copy, with the copy's packages in front of the installed ones, and see that it succeeds."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(root / "custom"), str(root)])}
    done = subprocess.run(
        [sys.executable, *command], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]


def test_every_area_works(taken_in: Path) -> None:
    """A namespace for each area that the repository didn't know, and their methods send and read what is declared."""
    run(taken_in, "-W", "error", "program.py")


def test_all_of_it_is_typed(taken_in: Path) -> None:
    """The program, and what it uses of the regenerated package, pass mypy --strict."""
    run(taken_in, "-m", "mypy", "--strict", "program.py")


def test_no_known_operation_changes(taken_in: Path) -> None:
    """What the vendor merely states in another style is no change, but that a replacement is there now."""
    report = json.loads((taken_in / "report.json").read_text(encoding="utf-8"))
    assert not report["breaks"]
    assert {item["place"] for item in report["changes"] if item["kind"] != "added"} == {
        "LearningApi_GetOrganizations",
        "LearningApi_GetTestAttempts",
    }


def test_the_run_is_stable_and_asks_for_what_is_missing(taken_in: Path, capsys: Capture) -> None:
    """Another run changes nothing; marks and names for members are asked for, and AdminApi's two stay provisional."""
    assert main(["--check"], taken_in) == 0
    told = capsys.readouterr().out
    assert told.count("counts as writing") == 5
    assert "/components/schemas/QuestionKind is an enum without names" in told
    assert told.count("is an enum without names") == 1
    sdk = json.loads((taken_in / "openapi/nexport.sdk.json").read_bytes())
    assert sdk["openapi"] == "3.0.1"
    assert "AdminApi_Authenticate" not in {file.stem for file in (taken_in / "openapi/fragments").iterdir()}


def test_documents_are_written_with_it(taken_in: Path) -> None:
    """README lists the methods, and the changelog has its draft."""
    readme = (taken_in / "README.md").read_text(encoding="utf-8")
    assert "41 methods in 6 namespaces" in readme
    assert "| `place_order` | `OrderResponse` | writes |" in readme
    log = (taken_in / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "- Added `campus.point_of_sale.place_order` (PointOfSaleApi_PlaceOrder).\n" in log


@pytest.mark.full
def test_the_packages_own_tests_still_pass(taken_in: Path) -> None:
    """What a run takes in is ready for review: the tests of the client hold for it, before anybody marks a thing."""
    run(taken_in, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/client", "tests/paging")
