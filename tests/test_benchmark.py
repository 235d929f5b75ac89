"""The benchmarks run; `scripts/benchmark` reports what they measure."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.full
def test_every_benchmark_runs() -> None:
    """A quick run goes through every benchmark, with the contenders that development has, and writes nothing."""
    before = sorted((ROOT / "docs").iterdir())
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "benchmark"), "--quick"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for sign in (
        "section enrollments",
        "whole client",
        "200 at once",
        "4 pages",
        "event loop",
        "open 16 connections",
        "memory grows",
        "Start-up",
    ):
        assert sign in done.stdout
    assert sorted((ROOT / "docs").iterdir()) == before
