"""Terminals with few abilities or an impossible size."""

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from nexport_campus.sandbox import Samples
from tests.cli.pseudo_terminal import run_on_terminal

pytestmark = pytest.mark.nexport_sandbox(enrollments=500)
NEXPORT = (sys.executable, "-W", "error", "-m", "nexport_campus.cli")


def environment(**changes: str | None) -> dict[str, str]:
    """Return the environment of a process, with some variables set or removed."""
    merged: Mapping[str, str | None] = os.environ | changes
    return {name: value for name, value in merged.items() if value is not None}


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ("0", "table"),
        ("1", "table"),
        ("1", "call"),
        ("1", "--help"),
        ("wide", "table"),
        ("99999999999999999999", "call"),
    ],
)
def test_output_is_complete_at_any_width(samples: Samples, columns: str, words: str) -> None:
    """For any value of COLUMNS the output is complete."""
    call = ["call", "learning.search_enrollments", "--org-ids", samples.org_id, "--limit", "2"]
    command = [*NEXPORT, *(call if words == "table" else [words])]
    code, shown = run_on_terminal(command, environment(NO_COLOR="1"), columns=columns)
    assert code == 0, shown
    wanted = {"table": samples.finished_enrollment_id, "call": "learning.get_section", "--help": "Options"}
    assert wanted[words] in "".join(shown.split())


@pytest.mark.sampled(1)
@pytest.mark.parametrize("window", [0, 1])
@pytest.mark.parametrize("command", ["table", "export", "doctor"])
def test_windows_without_a_size(samples: Samples, tmp_path: Path, window: int, command: str) -> None:
    """Terminals that report a width of zero or one, as in containers, get complete tables and progress."""
    words = {
        "table": ["call", "learning.search_enrollments", "--org-ids", samples.org_id, "--limit", "2"],
        "export": ["export", "enrollments", "--org", samples.org_id, "--to", str(tmp_path / "e.csv")],
        "doctor": ["doctor"],
    }[command]
    env = environment(COLUMNS=None, LINES=None, NO_COLOR="1")
    code, shown = run_on_terminal([*NEXPORT, *words], env, columns=None, window=window)
    assert code == 0, shown
    wanted = {"table": samples.finished_enrollment_id, "export": "rows", "doctor": "settings"}
    assert wanted[command] in "".join(shown.split())


@pytest.mark.sampled(1)
@pytest.mark.parametrize("command", [["doctor"], ["call"], ["call", "learning.nothing"], ["export"]], ids=str)
@pytest.mark.parametrize(("term", "variables"), [("dumb", {}), ("xterm", {"NO_COLOR": "1"})])
def test_no_colors(
    samples: Samples, tmp_path: Path, command: list[str], term: str, variables: dict[str, str]
) -> None:
    """NO_COLOR removes colors and bold, TERM=dumb every escape sequence."""
    if command == ["export"]:
        command = ["export", "enrollments", "--org", samples.org_id, "--to", str(tmp_path / "e.csv")]
    _, shown = run_on_terminal([*NEXPORT, *command], environment(NO_COLOR=None) | variables, term=term)
    assert not re.search(r"\x1b\[[0-9;]*m" if term == "xterm" else r"\x1b", shown)
    assert "error" in shown or len(shown.splitlines()) > 1 or "rows" in shown


def test_an_empty_no_color(samples: Samples) -> None:
    """An empty NO_COLOR has no effect, as no-color.org specifies."""
    _, shown = run_on_terminal([*NEXPORT, "doctor"], environment(NO_COLOR=""))
    assert "\x1b[32mok" in shown
