"""Shell completion: the offered words, and the scripts that request them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from nexport_campus.cli.root import root
from tests.cli.conftest import Nexport
from tests.support.clients import needs


def complete(*words: str) -> list[str]:
    """Return the completions of the last word."""
    *before, incomplete = words
    completion = ShellComplete(root, {}, "nexport", "_NEXPORT_COMPLETE")
    return [item.value for item in completion.get_completions(before, incomplete)]


@pytest.mark.parametrize(
    ("words", "some"),
    [
        (["do"], ["doctor"]),
        (["call", "scorm."], ["scorm.edit_scorm_data", "scorm.get_cmi_data"]),
        (["call", "learning.drop"], ["learning.drop_enrollment"]),
        (["call", "learning.get_section", "--sy"], ["--syllabus-id"]),
        (["call", "learning.get_catalogs", "--catalog-access-option", ""], ["shared", "owned", "both"]),
        (["call", "learning.get_catalogs", "--publishing-model", "for"], ["for_sale_in_market_place"]),
        (["call", "scorm.edit_scorm_data", "--for-credit", ""], ["true", "false"]),
        (["call", "learning.get_section", "--output", "j"], ["json", "jsonl"]),
        (["completion", ""], ["bash", "zsh", "fish"]),
        (["--base"], ["--base-url"]),
        (["call", "nothing.such", "--"], []),
    ],
)
def test_commands_options_and_members_are_completed(words: list[str], some: list[str]) -> None:
    """Commands, operations, options and enum members are offered."""
    found = complete(*words)
    assert found[: len(some)] == some


@needs("AdminApi_Authenticate")
def test_options_of_an_operation() -> None:
    """All options of an operation are offered, its arguments first, and none for its secrets."""
    found = complete("call", "admin.authenticate", "--")
    assert found[:3] == ["--username", "--grant-type", "--scope"]
    assert "--password-stdin" in found
    assert "--password" not in found


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script(nexport: Nexport, shell: str) -> None:
    """Each shell gets a script that calls `nexport`."""
    done = nexport("completion", shell)
    assert done.exit_code == 0
    assert f"_NEXPORT_COMPLETE={shell}_complete" in done.stdout


def test_bash_accepts_the_script(nexport: Nexport, tmp_path: Path) -> None:
    """Bash accepts the script, and the function that it defines completes words."""
    (tmp_path / "completion").write_text(nexport("completion", "bash").stdout, encoding="utf-8")
    (tmp_path / "nexport").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m nexport_campus.cli "$@"\n')
    (tmp_path / "nexport").chmod(0o755)
    script = """
        . ./completion
        COMP_WORDS=(nexport call scorm.) COMP_CWORD=2
        _nexport_completion nexport
        echo "${COMPREPLY[@]}"
    """
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        env=os.environ | {"PATH": path},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["scorm.edit_scorm_data", "scorm.get_cmi_data"]
