"""Commands whose standard streams are closed, full, or have lost their reader: a change that was made still succeeds."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from nexport_campus.cli.root import root
from nexport_campus.sandbox import Samples, Sandbox
from tests.support.clients import needs

pytestmark = pytest.mark.nexport_sandbox(enrollments=500)

NEXPORT = f"'{sys.executable}' -W error -m nexport_campus.cli"
LOST = "nexport: warning: stdout is closed: the output is lost\n"
FULL = "can't write to stdout: No space left on device\n"
needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is Linux's")
Shell = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def shell(account: dict[str, str]) -> Shell:
    """Return a function that runs `nexport` with redirections of a shell."""

    def run(words: str, **env: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"} | env
        line = f"set -o pipefail; {NEXPORT} {words}"
        done = subprocess.run(
            ["bash", "-c", line], env=environment, capture_output=True, text=True, check=False
        )
        assert "Traceback" not in done.stderr
        return done

    return run


@pytest.fixture
def write(samples: Samples) -> str:
    """Return a call that changes data."""
    return (
        f"call learning.create_enrollment --org-id {samples.org_id} --user-id {samples.user_id} "
        f"--syllabus-id {samples.section_id} --membership-group-ids '[]'"
    )


async def _changes(sandbox: Sandbox) -> list[str]:
    return [change.what for change in (await sandbox.books()).changes]


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("streams", "code", "expected"),
    [
        (">&-", 0, LOST),
        (">&- 2>&-", 0, ""),
        (">&- 2>&- <&-", 0, ""),
        ("2>&- >/dev/null", 0, ""),
        pytest.param(">/dev/full", 16, FULL, marks=needs_full),
        pytest.param(">/dev/full 2>/dev/full", 16, "", marks=needs_full),
        ("1</dev/null", 16, "can't write to stdout: Bad file descriptor\n"),
        ("| true", 141, "can't write to stdout: Broken pipe\n"),
        ("2>&1 | true", 141, ""),
    ],
)
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_write_whose_output_is_lost(
    shell: Shell,
    nexport_sandbox: Sandbox,
    write: str,
    streams: str,
    code: int,
    expected: str,
    unbuffered: str,
) -> None:
    """The campus has carried out the operation, so the exit code and stderr report only the lost output."""
    done = shell(f"{write} {streams}", PYTHONUNBUFFERED=unbuffered)
    assert asyncio.run(_changes(nexport_sandbox)) == ["enrollment created"]
    assert done.returncode == code
    assert done.stderr.endswith(expected)
    assert done.stderr.count("\n") == expected.count("\n")
    if code and expected:
        assert "learning.create_enrollment was carried out, but its result is lost: " in done.stderr


@needs_full
def test_ensure_enrollment_whose_output_is_lost(shell: Shell, samples: Samples) -> None:
    """`nexport ensure-enrollment` reports the enrollment as carried out, and it is."""
    who = f"ensure-enrollment --org-id {samples.org_id} --user-id {samples.user_id}"
    words = f"{who} --syllabus-id {samples.section_id}"
    full = shell(f"{words} >/dev/full")
    assert full.returncode == 16
    assert "ensure-enrollment was carried out, but its result is lost: " in full.stderr
    assert json.loads(shell(words).stdout)["created"] is False


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    "words",
    [
        "--help",
        "--version",
        "call",
        "call learning.get_section --help",
        "completion bash",
        "doctor --json",
        "READ",
    ],
)
def test_reads_whose_output_is_lost(shell: Shell, samples: Samples, words: str) -> None:
    """A closed stdout is deliberate, a full disk is an error, and a reader that goes away is not reported."""
    words = words.replace("READ", f"call learning.search_enrollments --org-ids {samples.org_id} --limit 2")
    closed = shell(f"{words} >&-")
    assert (closed.returncode, closed.stderr) == (0, LOST)
    gone = shell(f"{words} | true")
    assert (gone.returncode, gone.stderr) == (141, "")
    if Path("/dev/full").exists():
        full = shell(f"{words} >/dev/full")
        assert (full.returncode, full.stderr) == (16, f"nexport: error: {FULL}")


@pytest.mark.sampled(1)
@pytest.mark.parametrize("streams", [">&-", "2>&-", ">&- 2>&-", ">&- 2>&- <&-", "2>/dev/full", "2>&1 | true"])
def test_an_export_without_streams(shell: Shell, samples: Samples, tmp_path: Path, streams: str) -> None:
    """The exported file is complete whichever streams are closed: it doesn't get their descriptors."""
    usual = shell(f"export enrollments --org {samples.org_id} --to {tmp_path}/usual.db")
    assert usual.returncode == 0
    done = shell(f"export enrollments --org {samples.org_id} --to {tmp_path}/other.db {streams}")
    assert done.returncode == 0
    assert _rows(tmp_path / "other.db") == _rows(tmp_path / "usual.db") > 200


def _rows(database: Path) -> int:
    import sqlite3

    connection = sqlite3.connect(database)
    try:
        (count,) = connection.execute("SELECT count(*) FROM enrollments").fetchone()
        return int(count)
    finally:
        connection.close()


@pytest.mark.sampled(1)
@pytest.mark.parametrize("streams", ["2>&-", "2>/dev/full", ">&- 2>&-"])
def test_an_error_without_stderr(shell: Shell, samples: Samples, streams: str) -> None:
    """The exit code of an error doesn't depend on stderr."""
    done = shell(f"call learning.get_section --syllabus-id {samples.user_id} {streams}")
    assert (done.returncode, done.stderr) == (5, "")
    assert shell(f"call learning.get_section --syllabus-id 7 {streams}").returncode == 2


@pytest.mark.sampled(1)
@needs("AdminApi_Authenticate")
@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
@pytest.mark.parametrize("form", ["json", "table"])
def test_an_encoding_that_lacks_characters(shell: Shell, write: str, encoding: str, form: str) -> None:
    """Characters that stdout can't encode are escaped instead of ending the command."""
    words = "call admin.authenticate --username '学生 Ωmega' --grant-type password"
    done = shell(words, PYTHONIOENCODING=encoding, NEXPORT_PASSWORD="x")
    assert done.returncode == 3
    listed = shell("call --output json", PYTHONIOENCODING=encoding)
    assert listed.returncode == 0
    assert shell(f"{write} --output {form}", PYTHONIOENCODING=encoding).returncode == 0


@pytest.mark.sampled(1)
@needs_full
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_lost_output_in_ascii(shell: Shell, unbuffered: str) -> None:
    """The same failures occur where click replaces a stream that only takes ASCII."""
    env = {"PYTHONIOENCODING": "ascii", "PYTHONUNBUFFERED": unbuffered}
    full, gone = shell("call >/dev/full", **env), shell("call | true", **env)
    assert (full.returncode, full.stderr) == (16, f"nexport: error: {FULL}")
    assert (gone.returncode, gone.stderr) == (141, "")


def test_streams_that_python_lacks(samples: Samples, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands run where sys.stdin, sys.stdout and sys.stderr are None, as under pythonw."""
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    for words, code in ((["call"], 0), (["call", "learning.nothing"], 2), (["doctor"], 0)):
        with pytest.raises(SystemExit) as ended:
            root.main(words)
        assert ended.value.code == code
    assert (sys.stdin, sys.stdout, sys.stderr) == (None, None, None)
