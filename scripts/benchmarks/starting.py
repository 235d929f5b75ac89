"""Benchmark of start-up: imports, and the help of the command line, each in a separate process."""

import resource
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.measure import Figure, Figures

__all__ = ["measure_regenerating", "measure_starting"]

_ROOT = Path(__file__).resolve().parents[2]
_PROGRAMS = {
    "nexport-campus": "from nexport_campus import NexportCampus",
    "nexport-campus, nexport --help": (
        "import sys; sys.argv[1:] = ['--help']; from nexport_campus.cli import main; main()"
    ),
    "import httpx": "import httpx",
    "import aiohttp": "import aiohttp",
    "stock client, all models": "import stock.models",
    "openapi-generator": "import generator_httpx",
}


def measure_starting(runs: int, search_path: str) -> Figures:
    """Return the milliseconds of CPU time that an import adds to an empty program; missing packages are skipped."""
    taken: dict[str, list[float]] = {}
    for _ in range(runs):
        empty = _seconds("pass", search_path)
        for name, statement in _PROGRAMS.items():
            spent = _seconds(statement, search_path)
            if spent is not None and empty is not None:
                taken.setdefault(name, []).append((spent - empty) * 1000)
    return {name: Figure(values) for name, values in taken.items()}


def measure_regenerating(runs: int) -> Figure:
    """Return the seconds of `scripts/regenerate --check`: a whole regeneration and a comparison."""
    taken = []
    for _ in range(runs):
        started = time.perf_counter()
        subprocess.run([str(_ROOT / "scripts" / "regenerate"), "--check"], check=True, capture_output=True)
        taken.append(time.perf_counter() - started)
    return Figure(taken)


def _seconds(statement: str, search_path: str) -> float | None:
    started = _children_seconds()
    done = subprocess.run(
        [sys.executable, "-c", statement], check=False, capture_output=True, env={"PYTHONPATH": search_path}
    )
    return None if done.returncode else _children_seconds() - started


def _children_seconds() -> float:
    """Return the CPU time of all processes that this one has started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
