"""The load run in small, and what it would say if something were wrong."""

import subprocess
import sys
from pathlib import Path

import pytest

from loadtest.ledger import CREATED, DROPPED, EDITED, Write, WriteLedger, WriteOutcome
from nexport_campus.sandbox import Change

SCRIPT = Path(__file__).parents[1] / "scripts" / "load"


def run(*arguments: str) -> str:
    """What scripts/load prints; it must succeed."""
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_small_run() -> None:
    """2,000 mixed calls and a walk over 20,000 enrollments lose nothing and do nothing twice."""
    report = run("--calls", "2000", "--enrollments", "20000")
    assert "20,000 of 20,000 enrollments, 20,000 different, in order" in report
    assert "All is well" in report


@pytest.mark.full
def test_a_whole_run() -> None:
    """100,000 mixed calls and a walk over 1,000,000 enrollments, with another seed."""
    report = run("--seed", "8")
    assert "1,000,000 of 1,000,000 enrollments, 1,000,000 different, in order" in report
    assert "All is well" in report


DONE, NOT_DONE = WriteOutcome.DONE, WriteOutcome.NOT_DONE


@pytest.mark.parametrize(
    ("told", "happened", "mistakes"),
    [
        ([(CREATED, DONE), (EDITED, NOT_DONE)], [CREATED], 0),
        ([(CREATED, DONE)], [], 1),
        ([(CREATED, DONE)], [CREATED, CREATED], 1),
        ([(DROPPED, NOT_DONE)], [DROPPED], 1),
        ([], [EDITED], 1),
    ],
    ids=[
        "as told",
        "told done, and wasn't",
        "done twice",
        "told failed, and was done",
        "nobody asked for it",
    ],
)
def test_the_ledger_finds_it(
    told: list[tuple[str, WriteOutcome]], happened: list[str], mistakes: int
) -> None:
    """Whatever the books have otherwise than the client told is a mistake."""
    ledger = WriteLedger()
    for change, outcome in told:
        ledger.enter(Write(change, "an id", outcome))
    assert len(ledger.mistakes([Change(change, "an id") for change in happened])) == mistakes
