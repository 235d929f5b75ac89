"""A small load test, and the mistakes that a load test would report."""

import subprocess
import sys
from pathlib import Path

import pytest

from loadtest.ledger import CREATED, DROPPED, EDITED, Write, WriteLedger, WriteOutcome
from nexport_campus.sandbox import Change

SCRIPT = Path(__file__).parents[1] / "scripts" / "load"


def run(*arguments: str) -> str:
    """Return what scripts/load prints; it must succeed."""
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.full
def test_a_small_run() -> None:
    """500 mixed calls and a walk over 10,000 enrollments lose nothing, and no change is applied twice."""
    report = run("--calls", "500", "--enrollments", "10000")
    assert "10,000 of 10,000 enrollments, 10,000 different, in order" in report
    assert "All is well" in report


@pytest.mark.full
def test_a_whole_run() -> None:
    """100,000 mixed calls and a walk over 1,000,000 enrollments, with another seed."""
    report = run("--seed", "8")
    assert "1,000,000 of 1,000,000 enrollments, 1,000,000 different, in order" in report
    assert "All is well" in report


DONE, NOT_DONE = WriteOutcome.DONE, WriteOutcome.NOT_DONE


@pytest.mark.parametrize(
    ("reported", "applied", "mistakes"),
    [
        ([(CREATED, DONE), (EDITED, NOT_DONE)], [CREATED], 0),
        ([(CREATED, DONE)], [], 1),
        ([(CREATED, DONE)], [CREATED, CREATED], 1),
        ([(DROPPED, NOT_DONE)], [DROPPED], 1),
        ([], [EDITED], 1),
    ],
    ids=[
        "as reported",
        "reported as done, not done",
        "done twice",
        "reported as failed, but done",
        "done without a request",
    ],
)
def test_the_ledger_finds_mistakes(
    reported: list[tuple[str, WriteOutcome]], applied: list[str], mistakes: int
) -> None:
    """Each difference between the request log and the reported outcomes is a mistake."""
    ledger = WriteLedger()
    for change, outcome in reported:
        ledger.enter(Write(change, "an id", outcome))
    assert len(ledger.find_mistakes([Change(change, "an id") for change in applied])) == mistakes
