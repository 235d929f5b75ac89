"""`nexport export` to standard output, with closed streams, and stopped by signals."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nexport_campus.sandbox import Samples, Sandbox
from tests.cli.conftest import Nexport
from tests.cli.pseudo_terminal import run_on_terminal
from tests.support.scripted_server import (
    Request,
    Response,
    ScriptedServer,
    error_entity,
    json_response,
    with_login,
)

pytestmark = pytest.mark.nexport_sandbox(enrollments=500)
Run = Callable[..., "subprocess.CompletedProcess[str]"]
ORG = "8ebf2d8d-01eb-4af5-a317-4279e2b752d4"
COMMAND = (sys.executable, "-W", "error", "-m", "nexport_campus.cli", "export", "enrollments")


def file_names(folder: Path) -> list[str]:
    """Return the names of the files in a folder."""
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def export_to_file(nexport: Nexport, samples: Samples, tmp_path: Path) -> Callable[..., bytes]:
    """Return a function that exports to a file with these options and returns its content."""

    def export(*options: str, suffix: str) -> bytes:
        target = tmp_path / f"written.{suffix}"
        done = nexport("export", "enrollments", "--org", samples.org_id, "--to", str(target), *options, "-q")
        assert done.exit_code == 0, done.stderr
        return target.read_bytes()

    return export


@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        ("jsonl", ()),
        ("jsonl", ("--format", "jsonl")),
        ("csv", ("--format", "csv")),
        ("csv", ("--format", "csv", "--bom", "--numbers")),
    ],
)
def test_standard_output_equals_a_file(
    nexport: Nexport,
    samples: Samples,
    export_to_file: Callable[..., bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    suffix: str,
    options: tuple[str, ...],
) -> None:
    """`--to -` writes the same bytes as a file would get, the summary goes to stderr, and no file is written."""
    monkeypatch.chdir(tmp_path)
    expected = export_to_file(*options, suffix=suffix)
    before = file_names(tmp_path)
    result = nexport("export", "enrollments", "--org", samples.org_id, "--to", "-", *options)
    assert (result.exit_code, result.stdout_bytes) == (0, expected)
    assert result.stderr.startswith("standard output: ")
    assert file_names(tmp_path) == before
    result = nexport("export", "enrollments", "--org", samples.org_id, "--to", "-", *options, "--json")
    assert result.stdout_bytes == expected
    assert json.loads(result.stderr)["file"] == "-"


def test_a_file_named_dash(
    nexport: Nexport, samples: Samples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--to ./-` writes a file called `-`."""
    monkeypatch.chdir(tmp_path)
    result = nexport("export", "enrollments", "--org", samples.org_id, "--to", "./-", "--format", "csv", "-q")
    assert (result.exit_code, result.output) == (0, "")
    assert file_names(tmp_path) == ["-", "-.state"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--format", "parquet"), "--to -: parquet needs a file"),
        (("--format", "sqlite"), "--to -: sqlite needs a file"),
        (("--since", "last"), "--since last: an export to standard output leaves nothing"),
    ],
)
def test_options_that_need_a_file(
    nexport: Nexport, samples: Samples, options: tuple[str, ...], words: str
) -> None:
    """Formats that need a file, and options that need an earlier export, are usage errors."""
    result = nexport("export", "enrollments", "--org", samples.org_id, "--to", "-", *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr


def test_an_export_that_fails_writes_no_row(
    nexport: Nexport, nexport_sandbox: Sandbox, samples: Samples
) -> None:
    """A reader of standard output gets all rows or none."""
    asyncio.run(nexport_sandbox.faults.add(operation="LearningApi_SearchEnrollments", nth=3, status=400))
    arguments = ("export", "enrollments", "--org", samples.org_id, "--to", "-", "--per-page", "50")
    result = nexport(*arguments, "--concurrency", "1")
    assert result.exit_code not in (0, 1)
    assert result.stdout == ""


def test_a_reader_that_stops(run_process: Run, samples: Samples) -> None:
    """`| head -1` ends the export silently with 141, as SIGPIPE would."""
    command = f"'{sys.executable}' -m nexport_campus.cli export enrollments --org {samples.org_id} --to -"
    line = f"{command} --format csv -q | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("enrollment_id,")
    assert done.stdout.count("\n") == 1
    # A small export fits into the pipe whole.
    assert (done.returncode, done.stderr) in ((141, ""), (0, ""))


def test_a_reader_that_has_gone(run_process: Run, samples: Samples) -> None:
    """A reader that ended before the first row has the same effect."""
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as stdout:
        command = [*COMMAND, "--org", samples.org_id, "--to", "-"]
        done = subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full")
def test_standard_output_on_a_full_disk(samples: Samples) -> None:
    """A full disk is reported in one line."""
    with Path("/dev/full").open("wb") as full:
        command = [*COMMAND, "--org", samples.org_id, "--to", "-"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        16,
        "nexport: error: can't write to stdout: No space left on device\n",
    )


@pytest.mark.sampled(2)
@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)], ids=str)
@pytest.mark.parametrize("options", [(), ("--quiet",), ("--json",)], ids=str)
def test_closed_streams(
    run_process: Run, samples: Samples, tmp_path: Path, closed: tuple[int, ...], options: tuple[str, ...]
) -> None:
    """An export to a file works with any standard stream closed, as under cron or a supervisor."""

    def close() -> None:
        for descriptor in closed:
            os.close(descriptor)

    target = tmp_path / "e.csv"
    arguments = ("export", "enrollments", "--org", samples.org_id, "--to", str(target), *options)
    done = run_process(*arguments, stdin=None, preexec_fn=close)
    assert (done.returncode, "error" in done.stderr) == (0, False)
    assert target.read_text().startswith("enrollment_id,")


def test_a_closed_standard_output(run_process: Run, samples: Samples) -> None:
    """A closed standard output is refused as target before anything is sent."""
    arguments = ("export", "enrollments", "--org", samples.org_id, "--to", "-")
    done = run_process(*arguments, preexec_fn=lambda: os.close(1))
    assert done.returncode == 2
    assert "--to -: standard output is closed" in done.stderr


@pytest.mark.sampled(1)
@pytest.mark.parametrize("target", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link.csv"])
@pytest.mark.parametrize("mode", ["file", "pipe"])
def test_standard_output_by_its_path(
    samples: Samples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, mode: str
) -> None:
    """A file that the shell redirected standard output to is not replaced, and keeps its content."""
    if not Path("/proc/self/fd").exists():
        pytest.skip("only Linux has /proc")
    monkeypatch.chdir(tmp_path)
    Path("link.csv").symlink_to("/dev/stdout")
    log = tmp_path / "out.log"
    log.write_text("earlier lines\n")
    command = [*COMMAND, "--org", samples.org_id, "--format", "csv", "--force", "--to", target]
    with log.open("ab") as appended:
        stdout = appended if mode == "file" else subprocess.PIPE
        done = subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert "use --to - for standard output" in done.stderr
    assert log.read_text() == "earlier lines\n"
    assert file_names(tmp_path) == ["link.csv", "out.log"]


def test_a_file_that_standard_output_goes_to(samples: Samples, tmp_path: Path) -> None:
    """The same holds if the file is given by its own name."""
    target = tmp_path / "e.csv"
    with target.open("ab") as appended:
        command = [*COMMAND, "--org", samples.org_id, "--to", str(target), "--json"]
        done = subprocess.run(command, stdout=appended, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert "is already the destination of standard output or error" in done.stderr


async def test_escape_sequences_in_rows() -> None:
    """Escape sequences in records reach files and pipes unchanged, but no terminal."""
    reason = "\x1b]0;mine\x07\x9b2J\rdone"

    async def campus(request: Request) -> Response:
        status: dict[str, Any] = {
            "assignment_status_id": ORG,
            "assignment_id": ORG,
            "enrollment_id": ORG,
            "user_id": ORG,
        }
        status |= {"phase": 1, "result": 0, "academic_override": True, "academic_override_reason": reason}
        return json_response([status | error_entity()] if dict(request.query)["page"] == "1" else [])

    async with ScriptedServer(with_login(campus)) as server:
        env = os.environ | {"NEXPORT_BASE_URL": server.url, "NEXPORT_USERNAME": "u", "NEXPORT_PASSWORD": "p"}
        command = [*COMMAND[:-1], "assignment-statuses", "--enrollment", ORG, "--to", "-", "--format", "csv"]
        code, shown = await asyncio.to_thread(run_on_terminal, command, env)
        piped = await asyncio.to_thread(subprocess.run, command, env=env, capture_output=True, check=True)
    assert code == 0
    assert not {"\x1b", "\x07", "\x9b"} & set(shown)
    assert " ]0;mine  2J done" in shown
    assert reason.encode() in piped.stdout


async def slow_campus(request: Request) -> Response:
    """Return a campus that never sends the second page."""
    item = {
        "enrollment_id": ORG,
        "user_id": ORG,
        "result": 0,
        "phase": 1,
        "enrollment_date": "2026-01-01T00:00:00Z",
    }
    found = {"enrollments": [item], "page": 1, "page_size": 1, "total_count": 2} | error_entity()
    gate = asyncio.Event() if "utc_enrolled_after" in request.json else None
    return json_response(found, gate=gate)


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)
@pytest.mark.parametrize("to_file", [True, False])
async def test_a_signal_ends_the_export_with_advice(
    samples: Samples, tmp_path: Path, number: signal.Signals, code: int, word: str, to_file: bool
) -> None:
    """A signal ends the export with one line on how to resume, and the shell's exit code."""
    target = str(tmp_path / "e.csv") if to_file else "-"
    async with ScriptedServer(with_login(slow_campus)) as server:
        process = await asyncio.create_subprocess_exec(
            *(*COMMAND, "--org", ORG, "--to", target, "--per-page", "1"),
            env=os.environ | {"NEXPORT_BASE_URL": server.url},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        # The login, the clock, the first page and the second one.
        await server.wait_for_requests(4)
        process.send_signal(number)
        stdout, stderr = await process.communicate()
    assert (process.returncode, stdout) == (code, b"")
    resume = (
        "run the same command again to resume; what was fetched is kept in e.csv.state"
        if to_file
        else "the output is incomplete; an export to standard output can't resume, one to a file can"
    )
    assert stderr.decode() == f"nexport: error: {word}: {resume}\n"
    assert file_names(tmp_path) == (["e.csv.state"] if to_file else [])


async def test_a_signal_before_anything_was_fetched(samples: Samples, tmp_path: Path) -> None:
    """Before the first page there is nothing to resume, and no file is left."""

    async def silent(_: Request) -> Response:
        return Response(gate=asyncio.Event())

    async with ScriptedServer(silent) as server:
        process = await asyncio.create_subprocess_exec(
            *(*COMMAND, "--org", ORG, "--to", str(tmp_path / "e.csv")),
            env=os.environ | {"NEXPORT_BASE_URL": server.url},
            stderr=asyncio.subprocess.PIPE,
        )
        await server.wait_for_requests(1)
        process.send_signal(signal.SIGINT)
        _, stderr = await process.communicate()
    assert (process.returncode, stderr.decode()) == (
        130,
        "nexport: error: interrupted: nothing was fetched\n",
    )
    assert file_names(tmp_path) == []


def test_no_progress_with_rows_on_a_terminal(samples: Samples, account: dict[str, str]) -> None:
    """Rows on a terminal aren't mixed with a progress bar."""
    command = [*COMMAND, "--org", samples.org_id, "--to", "-", "--user", samples.user_id]
    code, shown = run_on_terminal(command, os.environ | account)
    assert code == 0
    *rows, last = shown.splitlines()
    assert all(json.loads(row)["enrollment_id"] for row in rows)
    assert last.startswith("standard output: ")
