"""Runs all benchmarks in the environment of the peers; started by `scripts/benchmark`."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx

from benchmarks.benchmark_report import BenchmarkReport
from benchmarks.calls import measure_calls
from benchmarks.decoding import measure_decoding
from benchmarks.page_server import SIZE, make_repeated_page, make_section_page
from benchmarks.paging import measure_longest_hold, measure_memory, measure_paging
from benchmarks.starting import measure_regenerating, measure_starting
from benchmarks.whole_page import measure_whole_page
from nexport_campus import NexportCampus, StaticToken

__all__ = ["main"]

ROOT = Path(__file__).resolve().parents[2]
CLIENTS = ROOT / ".benchmark" / "clients"
LATENCY = 0.05


def main(*, quick: bool = False) -> int:
    """Measure, print the tables, and write docs/benchmarks.md, its chart and README's section; a quick run writes nothing."""
    sys.path += [str(CLIENTS), *(str(path) for path in CLIENTS.glob("generator_*"))]
    # Decoding is quick enough to be repeated until a machine that changes its speed doesn't matter.
    runs, most_runs = (1, 1) if quick else (9, 31)
    report = BenchmarkReport(3 * most_runs)
    _decoding(report, most_runs)
    # Short runs, so that a machine that changes its speed affects the contenders of a round equally. They favor httpx,
    # which at 200 at once makes 460 calls per second in them, and 180 in runs of 1,500 calls.
    _calls(report, min(most_runs, 15), 0.02 if quick else 0.5)
    _paging(report, min(runs, 5), 4 if quick else 40)
    _memory(report, 10 if quick else 1000)
    _starting(report, runs)
    if not quick:
        report.line(f"Regenerating everything takes {measure_regenerating(3).median:.1f} s.")
        report.write(ROOT)
    print(report.markdown)
    return 0


def _decoding(report: BenchmarkReport, runs: int) -> None:
    page = make_section_page()
    title = "A page of 1000 section enrollments, bytes to models"
    figures = measure_decoding(page, runs)
    report.table(title, "ms", figures, "stock client", more_is_better=False, shown=True)
    title = "The same page through the whole client, without a network"
    # Three contenders, in about the time of the eight above.
    figures = measure_whole_page(page, 3 * runs)
    report.table(title, "ms", figures, "stock client", more_is_better=False, shown=True)
    title = "A page that repeats one section enrollment"
    figures = measure_decoding(make_repeated_page(), runs)
    report.table(title, "ms", figures, "stock client", more_is_better=False)
    report.line(
        "In these three tables each contender has a process to itself, because in memory that another contender has"
        " fragmented the same work takes longer. The processes take turns of five pages, because the first page of a turn"
        " finds nothing in the processor's cache."
    )
    report.line(
        "The SDK pauses garbage collection while it decodes a page. The figures for paging and for the event loop include the"
        " collections that follow."
    )


def _calls(report: BenchmarkReport, runs: int, seconds: float) -> None:
    with _server(0, 1) as url:
        for concurrency in (1, 50, 200):
            figures = asyncio.run(measure_calls(url, concurrency, seconds, runs))
            title = f"Small calls, {concurrency} at once"
            report.table(title, "calls per second", figures, "raw httpx", more_is_better=True, shown=True)


def _paging(report: BenchmarkReport, runs: int, pages: int) -> None:
    with _server(LATENCY, pages) as url:
        walks = asyncio.run(measure_paging(url, runs, pages * SIZE))
        title = f"{pages} pages of {SIZE}, at {LATENCY * 1000:.0f} ms latency"
        report.table(title, "seconds", walks, "stock client, sequential", more_is_better=False, shown=True)
        hold = asyncio.run(measure_longest_hold(url, runs))
        report.line(
            f"While these pages are consumed, the event loop is blocked for at most {hold.median:.1f} ms"
            f" ({min(hold.runs):.1f} to {max(hold.runs):.1f}), including garbage collection.",
            shown=True,
        )
        opened = asyncio.run(_connections(url))
        report.line(
            f"1000 calls, 50 at once with this latency, open {opened} connections (16 requests run concurrently).",
            shown=True,
        )


def _memory(report: BenchmarkReport, pages: int) -> None:
    with _server(0, pages) as url:
        grown = asyncio.run(measure_memory(url, pages * SIZE))
        report.line(
            f"While iterating over {pages * SIZE:,} records, eight pages ahead, memory grows by {grown:.1f} MiB after"
            " the first tenth.",
            shown=True,
        )


def _starting(report: BenchmarkReport, runs: int) -> None:
    figures = measure_starting(runs * 2, ":".join(sys.path[1:]))
    report.table("Start-up", "ms", figures, "import httpx", more_is_better=False)


async def _connections(url: str) -> int:
    """Return the number of connections that 1000 calls open, 50 at once with latency."""
    # On a busy machine the calls take longer than httpx keeps an idle connection; a new one would be counted too.
    async with httpx.AsyncClient(limits=httpx.Limits(keepalive_expiry=None)) as client:
        before = int((await client.get(f"{url}/connections")).text)
        await _thousand_calls(url)
        return int((await client.get(f"{url}/connections")).text) - before


async def _thousand_calls(url: str) -> None:
    async def twenty_calls() -> None:
        for _ in range(20):
            await campus.learning.get_section(syllabus_id="12345678-1234-5678-9abc-123456789abc")

    async with NexportCampus(StaticToken("5eed0000-0000-4000-8000-00000000c0de"), base_url=url) as campus:
        await asyncio.gather(*(twenty_calls() for _ in range(50)))


@contextlib.contextmanager
def _server(latency: float, pages: int) -> Iterator[str]:
    command = [sys.executable, str(Path(__file__).with_name("page_server.py")), str(latency), str(pages)]
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
