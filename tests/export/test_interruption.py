"""Interrupted exports: the same command ends with exactly the rows of an undisturbed run."""

import asyncio
import os
import signal
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from nexport_campus import ConfigurationError, ExportError, NexportCampus
from nexport_campus._export.database import Database
from nexport_campus._export.engine import export
from nexport_campus._export.output import Output
from nexport_campus._export.request import LAST, ExportRequest
from nexport_campus._export.session_opening import open_session
from nexport_campus.sandbox import Samples, Sandbox
from tests.export.running import file_names, make_request, read_rows, run

pytestmark = pytest.mark.nexport_sandbox(enrollments=500)

# `nexport` that is killed by SIGKILL within or after its nth transaction, or when it puts its nth file in place.
KILLED_NEXPORT = """
import os, pathlib, signal, sys
from contextlib import contextmanager
from nexport_campus._export.database import Database
from nexport_campus.cli import main

moment, count = sys.argv.pop(1), int(sys.argv.pop(1))
whole, replace = Database.transaction, pathlib.Path.replace

def die(where):
    global count
    if where == moment:
        count -= 1
        if count == 0:
            os.kill(os.getpid(), signal.SIGKILL)

@contextmanager
def transaction(self):
    with whole(self) as connection:
        yield connection
        die("within")
    die("after")

def put(self, target):
    die("replacing")
    made = replace(self, target)
    die("replaced")
    return made

Database.transaction, pathlib.Path.replace = transaction, put
main()
"""


class Killed(BaseException):
    """Stands for the end of the process."""


@contextmanager
def killed_at(monkeypatch: pytest.MonkeyPatch, nth: int, *, committed: bool) -> Iterator[None]:
    """End the block at its nth transaction, with or without the commit."""
    whole, left = Database.transaction, nth

    @contextmanager
    def transaction(self: Database) -> Iterator[Any]:
        nonlocal left
        left -= 1
        with whole(self) as connection:
            yield connection
            if left == 0 and not committed:
                raise Killed
        if left == 0:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Database, "transaction", transaction)
        yield


def make_requests(samples: Samples) -> list[ExportRequest]:
    """Return a request for every way to fetch records."""
    early = {"utc_enrolled_before": datetime(2024, 2, 1, tzinfo=UTC)}
    spring, summer = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)
    return [
        make_request("enrollments", samples.org_id, concurrency=2),
        make_request("enrollments", samples.org_id, since=spring, until=summer, by="month"),
        make_request("assignment-statuses", samples.org_id, filters=early),
        make_request("sessions", samples.org_id, since=datetime(2026, 6, 10, tzinfo=UTC), until=summer),
    ]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("committed", [False, True])
@pytest.mark.parametrize("name", ["out.jsonl", "out.db"])
@pytest.mark.parametrize("place", range(4))
async def test_repeated_interruptions(
    campus: NexportCampus,
    samples: Samples,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: int,
    name: str,
    committed: bool,
) -> None:
    """Each run is interrupted one transaction later, until one completes."""
    request, target = make_requests(samples)[place], tmp_path / name
    whole = tmp_path / f"whole{target.suffix}"
    await run(campus, request, whole)
    table, deaths = request.dataset.table, 0
    while True:
        with killed_at(monkeypatch, 3 + deaths, committed=committed):
            try:
                await run(campus, request, target)
            except Killed:
                deaths += 1
                assert visible_rows(target, table) in ([], read_rows(whole, table))
                continue
        break
    assert deaths > 1
    assert read_rows(target, table) == read_rows(whole, table)


def visible_rows(target: Path, table: str) -> list[dict[str, Any]]:
    """Return the rows that a reader of an interrupted export sees."""
    try:
        return read_rows(target, table) if target.exists() else []
    except sqlite3.OperationalError:  # the table doesn't exist yet
        return []


async def nexport(sandbox: Sandbox, *arguments: str, doom: tuple[str, int] = ("never", 0)) -> tuple[int, str]:
    """Run `nexport` as a process that may be killed; return its exit code and stderr."""
    environ = os.environ | {
        "NEXPORT_BASE_URL": sandbox.url,
        "NEXPORT_USERNAME": sandbox.username,
        "NEXPORT_PASSWORD": sandbox.password,
    }
    moment, count = doom
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", KILLED_NEXPORT, moment, str(count), *arguments),
        env=environ,
        stderr=asyncio.subprocess.PIPE,
    )
    _, output = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


@pytest.mark.sampled(1)
@pytest.mark.parametrize("name", ["out.csv", "out.db"])
async def test_a_killed_export_loses_and_repeats_no_row(
    campus: NexportCampus, nexport_sandbox: Sandbox, samples: Samples, tmp_path: Path, name: str
) -> None:
    """A process that is killed at successive moments, while requests fail now and then, loses and repeats no row."""
    target, whole = tmp_path / name, tmp_path / f"whole{Path(name).suffix}"
    arguments = (
        "export",
        "sessions",
        "--org",
        samples.org_id,
        "--since",
        "2026-06-10",
        "--until",
        "2026-07-01",
    )
    request = make_request(
        "sessions",
        samples.org_id,
        since=datetime(2026, 6, 10, tzinfo=UTC),
        until=datetime(2026, 7, 1, tzinfo=UTC),
    )
    await run(campus, request, whole)
    await nexport_sandbox.faults.add(rate=0.1, status=503)
    dooms = [("within", 4), ("after", 5), ("within", 9), ("replacing", 1), ("replaced", 1)]
    for doom in dooms if target.suffix == ".csv" else dooms[:3]:
        code, output = await nexport(nexport_sandbox, *arguments, "--to", str(target), doom=doom)
        assert (code, output) == (-signal.SIGKILL, "")
    assert target.exists() == (target.suffix == ".csv")
    code, output = await nexport(nexport_sandbox, *arguments, "--to", str(target))
    assert code == 0, output
    assert read_rows(target, "sessions") == read_rows(whole, "sessions")
    assert {name.rpartition(".")[2] for name in file_names(tmp_path)} <= {"csv", "db", "state"}


async def test_two_at_once(campus: NexportCampus, samples: Samples, tmp_path: Path) -> None:
    """A second run into the same target is refused; the first one isn't disturbed."""
    request, target = make_request("enrollments", samples.org_id), tmp_path / "e.jsonl"
    with open_session(request, Output(target=target, format="jsonl")) as session:
        with pytest.raises(ConfigurationError, match="another export is running"):
            await run(campus, request, target)
        first = await export(campus, session)
    assert first.rows == len(read_rows(target)) > 0


async def test_a_file_that_cannot_be_written(
    campus: NexportCampus, samples: Samples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk at the end is one error, the old file stays, and nothing has to be fetched again."""
    request, target = make_request("enrollments", samples.org_id), tmp_path / "e.jsonl"
    await run(campus, request, target)
    old = target.read_bytes()
    await campus.learning.delete_enrollment(enrollment_id=samples.finished_enrollment_id)

    def fail_with_full_disk(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail_with_full_disk)
        with pytest.raises(
            ExportError, match=r"^e\.jsonl: .*No space left on device; run the same command again to resume"
        ):
            await run(campus, request, target)
    assert target.read_bytes() == old
    assert file_names(tmp_path) == ["e.jsonl", "e.jsonl.state"]
    summary = await run(campus, request, target)
    assert summary.resumed
    assert len(read_rows(target)) == summary.rows == old.count(b"\n") - 1


async def test_a_target_deleted_before_changes(
    campus: NexportCampus, samples: Samples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the target was deleted meanwhile, the export refuses to write the changes as if they were all rows."""
    request, target = make_request("enrollments", samples.org_id, since=LAST), tmp_path / "e.db"
    await run(campus, request, target)
    with killed_at(monkeypatch, 5, committed=True), pytest.raises(Killed):
        await run(campus, request, target)
    target.rename(tmp_path / "away.db")
    with pytest.raises(ConfigurationError, match="has changed since an export of changes"):
        await run(campus, request, target)
    (tmp_path / "away.db").rename(target)
    assert (await run(campus, request, target)).resumed


async def test_another_command_does_not_finish_it(
    campus: NexportCampus, samples: Samples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interrupted export is resumed by its own options only, or discarded on request."""
    request, target = make_request("enrollments", samples.org_id), tmp_path / "e.jsonl"
    with killed_at(monkeypatch, 4, committed=True), pytest.raises(Killed):
        await run(campus, request, target)
    other = make_request("enrollments", samples.org_id, since=datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(ConfigurationError, match=r"was interrupted \(it differs in --since"):
        await run(campus, other, target)
    assert not (await run(campus, other, target, restart=True)).resumed
    assert min(row["last_activity_date"] for row in read_rows(target) if "last_activity_date" in row) > "2026"
