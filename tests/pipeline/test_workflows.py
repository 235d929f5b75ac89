"""The GitHub workflows: the commands in them exist, and the weekly refresh works, except for its download."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.support.vendor_definition import build_definition

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
REGENERATE = """#!{python}
import sys
sys.path.insert(0, {scripts!r})
from pathlib import Path
from pipeline.cli import main
sys.exit(main(sys.argv[1:], Path.cwd()))
"""
GH = '#!/bin/sh\necho "$@" >> "$RUNNER_TEMP/gh"\n[ "$2" = edit ]\n'


def steps(file: Path) -> list[dict[str, Any]]:
    """Return all steps of a workflow's jobs."""
    jobs = YAML(typ="safe").load(file)["jobs"].values()
    return [step for job in jobs for step in job["steps"]]


def command(name: str) -> str:
    """Return the command of a step of the refresh."""
    return next(
        str(step["run"]) for step in steps(ROOT / ".github/workflows/refresh.yml") if step.get("name") == name
    )


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_commands_exist(file: Path) -> None:
    """The scripts and tests that the steps name exist, and the shell syntax is valid."""
    for run in filter(None, (step.get("run") for step in steps(file))):
        for script in re.findall(r"\./(scripts/\w+)", run):
            assert os.access(ROOT / script, os.X_OK), script
        for place in re.findall(r"\btests/\S+", run):
            assert (ROOT / place).exists(), place
        subprocess.run(["bash", "-n", "-c", run], check=True)


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_actions_are_pinned(file: Path) -> None:
    """Third-party actions are referenced by commit, because a tag can be moved."""
    used = [step["uses"] for step in steps(file) if "uses" in step]
    assert used
    assert [name for name in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", name)] == []


@pytest.fixture
def checkout(repository: Path, tmp_path: Path) -> Path:
    """Return a clone of a copy of this repository whose `scripts/regenerate` uses this environment."""
    shutil.copy(ROOT / "README.md", repository)
    shutil.copy(ROOT / "CHANGELOG.md", repository)
    shutil.copy(ROOT / ".gitignore", repository)
    script = repository / "scripts/regenerate"
    script.parent.mkdir()
    script.write_text(
        REGENERATE.format(python=sys.executable, scripts=str(ROOT / "scripts")), encoding="utf-8"
    )
    script.chmod(0o755)
    gh = tmp_path / "bin/gh"
    gh.parent.mkdir()
    gh.write_text(GH, encoding="utf-8")
    gh.chmod(0o755)
    git(repository, "init", "--quiet", "--initial-branch", "main")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "One")
    git(tmp_path, "clone", "--quiet", "--bare", str(repository), "origin")
    git(tmp_path, "clone", "--quiet", "origin", "checkout")
    return tmp_path / "checkout"


def git(folder: Path, *arguments: str) -> str:
    """Run git and return its output."""
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def run(checkout: Path, name: str) -> None:
    """Run a step of the refresh like a runner."""
    folder = checkout.parent
    path = os.pathsep.join([str(folder / "bin"), os.environ["PATH"]])
    variables = {
        "RUNNER_TEMP": str(folder),
        "GITHUB_ENV": str(folder / "env"),
        "PATH": path,
        "TESTS": "success",
    }
    completed = subprocess.run(
        ["bash", "-e", "-c", command(name)],
        cwd=checkout,
        env=os.environ | variables,
        check=False,
        capture_output=True,
        text=True,
    )
    assert completed.returncode == 0, completed.stdout + completed.stderr


@pytest.mark.full
def test_a_change_is_proposed(checkout: Path) -> None:
    """The report becomes the text of a pull request, indented so that it isn't markup, and the changes a branch."""
    folder, whole = checkout.parent, build_definition(checkout)
    whole["paths"]["/api/v1/SsoApi/GetTicket"]["get"]["description"] = "<img src=x> @everyone"
    (folder / "definition.json").write_text(json.dumps(whole), encoding="utf-8")
    run(checkout, "Regenerate")
    assert (folder / "env").read_text(encoding="utf-8") == "CHANGED=yes\n"
    assert json.loads((folder / "report.json").read_bytes())["next_version"] == "0.1.1"
    run(checkout, "Propose")
    assert git(checkout, "status", "--porcelain") == ""
    changed = git(folder / "origin", "diff", "--name-only", "main", "vendor-refresh").split()
    assert {"README.md", "CHANGELOG.md", "openapi/fragments/SsoApi_GetTicket.json"} <= set(changed)
    first, empty, *report = (folder / "body.md").read_text(encoding="utf-8").splitlines()
    assert first.endswith("`scripts/test`: success.")
    assert empty == ""
    assert all(line.startswith("    ") for line in report)
    assert "    No change breaks users." in report
    assert [line.split()[1] for line in (folder / "gh").read_text(encoding="utf-8").splitlines()] == [
        "create",
        "edit",
    ]


@pytest.mark.full
def test_no_change_proposes_nothing(checkout: Path) -> None:
    """An unchanged API creates no branch, and a report that says so."""
    folder, whole = checkout.parent, json.loads((checkout / "openapi/nexport.json").read_bytes())
    whole["paths"] = {path: item for path, item in whole["paths"].items() if "AdminApi" not in path}
    (folder / "definition.json").write_text(json.dumps(whole), encoding="utf-8")
    run(checkout, "Regenerate")
    run(checkout, "Regenerate")
    assert "nothing changes for users" in (folder / "report.txt").read_text(encoding="utf-8")
    assert json.loads((folder / "report.json").read_bytes())["changes"] == []
