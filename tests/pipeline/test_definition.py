"""A complete ASP.NET definition, from the file to calls of the generated methods."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.cli import main
from pipeline.decisions import list_decisions
from tests.support.vendor_definition import build_definition

pytestmark = pytest.mark.full
ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).with_name("definition") / "program.txt"
FOLDERS = ("openapi", "nexport_client", "custom", "scripts", "tests")
FILES = ("README.md", "CHANGELOG.md", "generator-config.yaml", "pyproject.toml")

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def regenerated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of this repository that was regenerated from the definition."""
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
    """Run Python in the copy, with the copy's packages before the installed ones, and assert that it succeeds."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(root / "custom"), str(root)])}
    completed = subprocess.run(
        [sys.executable, *command], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert completed.returncode == 0, completed.stdout[-4000:] + completed.stderr[-4000:]


def test_every_area_works(regenerated: Path) -> None:
    """Each new area has its namespace, and its methods send and read what is declared."""
    run(regenerated, "-W", "error", "program.py")


def test_the_result_is_typed(regenerated: Path) -> None:
    """The program and the parts of the package that it uses pass mypy --strict."""
    run(regenerated, "-m", "mypy", "--strict", "program.py")


def test_known_operations_do_not_change(regenerated: Path) -> None:
    """Stating the same in a different style changes nothing, except for replacements that now exist."""
    report = json.loads((regenerated / "report.json").read_text(encoding="utf-8"))
    # What is only known from public facts is replaced. The definition states AdminApi differently, and may state other
    # areas that have been imported since.
    fragments = {file.stem for file in (ROOT / "openapi/fragments").iterdir()}
    before = json.loads((ROOT / "openapi/nexport.json").read_bytes())["paths"]
    definition = json.loads((regenerated / "definition.json").read_bytes())["paths"]
    same = [before[path] for path in before if before[path] == definition.get(path)]
    stated = {operation["operationId"] for item in same for operation in item.values()} & fragments
    assert "LearningApi_GetSection" in stated
    known = [item for item in report["changes"] if item["place"].partition("(")[0] in stated]
    assert not [item["place"] for item in known if item["breaks"]]
    replaced = {"LearningApi_GetOrganizations", "LearningApi_GetTestAttempts"}
    assert {item["place"] for item in known if item["kind"] != "added"} <= replaced


def _nameless(output: str) -> set[str]:
    return set(re.findall(r"(\S+) is an enum without names", output))


def test_the_run_is_stable_and_reports_what_is_missing(regenerated: Path, capsys: Capture) -> None:
    """Another run changes nothing and reports missing marks and member names; what the definition lacks stays provisional."""
    assert main(["--check"], regenerated) == 0
    output = capsys.readouterr().out
    assert "PointOfSaleApi_PlaceOrder counts as writing" in output
    known = list_decisions(json.loads((ROOT / "openapi/nexport.sdk.json").read_bytes()))
    assert _nameless(output) - _nameless("\n".join(known)) == {"/components/schemas/QuestionKind"}
    sdk = json.loads((regenerated / "openapi/nexport.sdk.json").read_bytes())
    assert sdk["openapi"] == "3.0.1"
    assert "AdminApi_Authenticate" not in {
        file.stem for file in (regenerated / "openapi/fragments").iterdir()
    }


def test_documents_are_updated(regenerated: Path) -> None:
    """README lists the methods, and the changelog has a draft."""
    readme = (regenerated / "README.md").read_text(encoding="utf-8")
    sdk = json.loads((regenerated / "openapi/nexport.sdk.json").read_bytes())
    count = sum(len(item) for item in sdk["paths"].values())
    areas = {operation["tags"][0] for item in sdk["paths"].values() for operation in item.values()}
    assert f"{count} methods in {len(areas)} namespaces" in readme
    assert "| `place_order` | `OrderResponse` | writes |" in readme
    changelog = (regenerated / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "- Added `campus.point_of_sale.place_order` (PointOfSaleApi_PlaceOrder).\n" in changelog


def test_the_clients_tests_still_pass(regenerated: Path) -> None:
    """The client's tests pass before any operation is marked."""
    run(regenerated, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/client", "tests/paging")
