"""All benchmarks in one run, in the environment of the peers: `scripts/benchmark` starts it."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx

from benchmarks import report
from benchmarks.calls import calls
from benchmarks.decoding import decoding
from benchmarks.measure import Figures, rate
from benchmarks.paging import longest_hold, paging
from benchmarks.starting import regenerating, starting
from nexport_campus import NexportCampus, StaticToken

__all__ = ["main"]

ROOT = Path(__file__).resolve().parents[2]
CLIENTS = ROOT / ".benchmark" / "clients"
LATENCY = 0.05


def main(*, quick: bool = False) -> int:
    """Measure, print the tables, and write docs/benchmarks.md and its chart; a quick run writes nothing."""
    sys.path += [str(CLIENTS), *(str(path) for path in CLIENTS.glob("generator_*"))]
    runs, count = (1, 40) if quick else (9, 1500)
    tables = [report.heading(runs)]
    panels: dict[str, tuple[str, Figures]] = {}

    decoded = decoding(runs)
    tables.append(
        report.table(
            "A page of 1000 section enrollments", "ms", decoded, "stock client", more_is_better=False
        )
    )
    panels["A page of 1000 section enrollments, bytes to models"] = ("ms, less is better", decoded)
    with _server(0) as url:
        for concurrency in (1, 50, 200):
            figures = asyncio.run(calls(url, concurrency, count, min(runs, 5)))
            title = f"Small calls, {concurrency} at once"
            tables.append(report.table(title, "calls a second", figures, "raw httpx", more_is_better=True))
            if concurrency == 50:
                panels[title] = ("calls a second, more is better", figures)
    with _server(LATENCY) as url:
        walks = asyncio.run(paging(url, min(runs, 3)))
        title = "40 pages of 1000, at 50 ms latency"
        tables.append(report.table(title, "seconds", walks, "stock client, sequential", more_is_better=False))
        panels[title] = ("seconds, less is better", walks)
        hold = asyncio.run(longest_hold(url, min(runs, 3)))
        tables.append(
            f"While these pages are consumed, the event loop is held for {hold.median:.1f} ms at most.\n"
        )
        tables.append(asyncio.run(_connections(url)))
    search_path = ":".join(sys.path[1:])
    tables.append(
        report.table("Starting", "ms", starting(runs, search_path), "import httpx", more_is_better=False)
    )
    if not quick:
        tables.append(f"Regenerating everything takes {regenerating(3).median:.1f} s.\n")
    text = "\n".join(tables)
    print(text)
    if not quick:
        (ROOT / "docs" / "benchmarks.svg").write_text(report.chart(panels), encoding="utf-8")
        (ROOT / "docs" / "benchmarks.md").write_text(f"# Benchmarks\n\n{text}", encoding="utf-8")
    return 0


async def _connections(url: str) -> str:
    """How many connections 1000 calls open, 50 at once with latency."""
    async with httpx.AsyncClient() as client:
        before = int((await client.get(f"{url}/connections")).text)
        await _thousand_calls(url)
        opened = int((await client.get(f"{url}/connections")).text) - before
    return f"1000 calls, 50 at once, open {opened} connections (16 requests run at a time).\n"


async def _thousand_calls(url: str) -> None:
    async with NexportCampus(StaticToken("5eed0000-0000-4000-8000-00000000c0de"), base_url=url) as campus:
        await rate(
            lambda: campus.learning.get_section(syllabus_id="12345678-1234-5678-9abc-123456789abc"), 50, 1000
        )


@contextlib.contextmanager
def _server(latency: float) -> Iterator[str]:
    command = [sys.executable, str(Path(__file__).with_name("server.py")), str(latency)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.stdin.close()
            process.wait(10)


if __name__ == "__main__":
    sys.exit(main(quick="--quick" in sys.argv))
