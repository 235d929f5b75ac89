"""What the vendor may publish next: each page is taken in, and the result passes the linter, or it is refused with a remedy."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.cli import main

FOLDER = Path(__file__).with_name("vendor_changes")

Capture = pytest.CaptureFixture[str]
Snapshot = Callable[[Path], dict[str, bytes]]

TAKEN_IN: dict[str, tuple[str, ...]] = {
    "empty-class.md": ("Empty added",),
    "empty-base.md": ("Thing added",),
    "list-answer-only.md": ("AssessmentApi_GetThings added",),
    "new-area-enum-superset.md": (
        "Phase.WITHDRAWN added",
        "note: Phase: the vendor adds 17 = Withdrawn (Phase.WITHDRAWN); update its declaration",
    ),
    "no-token-at-all.md": ("note: AssessmentApi_GetThing: the vendor states no token",),
    "password-field.md": (
        "note: /components/schemas/R/properties/new_password looks like a secret",
        "note: /components/schemas/R/properties/client_secret looks like a secret",
        "  - target: $.components.schemas.R.properties.client_secret\n",
    ),
    "allof-conflict-desc.md": ("D added",),
    "lifted-clash.md": ("GetThingResponse added", "GetThingResponseInline added"),
    "adminapi-page-with-format.md": ("AdminApi_GetOrganizations added",),
    "swagger2-generic.json": ("AdminApi: 1 added", "AdminApi_GetUsers added"),
}
REFUSED: dict[str, tuple[str, ...]] = {
    "name-case-clash.md": ("the schemas 'FOO' and 'Foo' would be classes in one module",),
    "shared-schema-changed-in-new-page-only.md": (
        "3 problems; nothing was written",
        "disagree at /components/schemas/ApiErrorEntity/description; import the newest pages of ",
        "disagree at /components/schemas/ApiErrorEntity/properties/trace_id; ",
        "disagree at /components/schemas/ApiResponseBase/title; ",
    ),
    "many-problems.md": (
        "2 problems; nothing was written",
        "AssessmentApi (2):",
        "AssessmentApi_GetC: its body is not JSON",
        "AssessmentApi_GetD: its response is application/pdf",
    ),
}


def take_in(root: Path, name: str) -> int:
    """Take a page or a definition in."""
    return main(["--swagger" if name.endswith(".json") else "--pages", str(FOLDER / name)], root)


def assert_clean(root: Path) -> None:
    """Assert that what was generated passes the linter and the formatter, and that it is up to date."""
    for arguments in (["check"], ["format", "--check"]):
        command = [sys.executable, "-m", "ruff", *arguments, "--no-cache", "nexport_client"]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


@pytest.mark.sampled(1)
@pytest.mark.parametrize("name", TAKEN_IN)
def test_a_change_is_taken_in(repository: Path, capsys: Capture, name: str) -> None:
    """It is reported as what it is."""
    assert take_in(repository, name) == 0, capsys.readouterr().err
    output = capsys.readouterr().out
    assert [line for line in TAKEN_IN[name] if line not in output] == []
    assert_clean(repository)


@pytest.mark.parametrize("name", REFUSED)
def test_a_change_is_refused(repository: Path, capsys: Capture, snapshot: Snapshot, name: str) -> None:
    """The message has every problem once, and nothing is written."""
    before = snapshot(repository)
    assert take_in(repository, name) == 1
    error = capsys.readouterr().err
    assert [error.count(line) for line in REFUSED[name]] == [1] * len(REFUSED[name])
    assert snapshot(repository) == before


@pytest.mark.sampled(1)
@pytest.mark.parametrize("name", ["name-case-clash.md", "many-problems.md"])
def test_the_printed_actions_solve_the_problems(repository: Path, capsys: Capture, name: str) -> None:
    """They are pasted as they are."""
    assert take_in(repository, name) == 1
    actions = (
        capsys.readouterr().err.partition("Ready to paste into openapi/overlay.yaml")[2].partition("\n")[2]
    )
    overlay = repository / "openapi/overlay.yaml"
    overlay.write_text(f"{overlay.read_text(encoding='utf-8')}\n{actions}", encoding="utf-8")
    assert take_in(repository, name) == 0, capsys.readouterr().err
    assert_clean(repository)
