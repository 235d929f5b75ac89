"""`nexport sandbox` and `nexport demo`."""

import json
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nexport_campus.sandbox import SandboxError
from tests.cli.conftest import Nexport

SANDBOX = (sys.executable, "-W", "error", "-m", "nexport_campus.cli", "sandbox")


@pytest.fixture(params=["127.0.0.1", "0.0.0.0"])
def served_sandbox(request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    """Run `nexport sandbox` on a free port, of loopback and of every address."""
    words = [*SANDBOX, "--host", request.param, "--port", "0", "--enrollments", "500"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        yield running
        running.kill()


def test_the_sandbox_is_served(nexport: Nexport, served_sandbox: subprocess.Popen[str]) -> None:
    """Its lines, pasted into a shell, set up another command; Ctrl-C ends it silently."""
    assert served_sandbox.stdout is not None
    lines = [shlex.split(served_sandbox.stdout.readline()) for _ in range(3)]
    assert all(words[0] == "export" for words in lines)
    env = dict(words[1].split("=", 1) for words in lines)
    assert list(env) == ["NEXPORT_BASE_URL", "NEXPORT_USERNAME", "NEXPORT_PASSWORD"]
    done = nexport("call", "GET", "/api/v1/AdminApi/ValidateAccessToken", "--read", env=env)
    assert done.exit_code == 0, done.stderr
    assert "utc_expiration_date" in json.loads(done.stdout)
    hint = served_sandbox.stdout.readline()
    assert hint.startswith("# ")
    begun = nexport(*shlex.split(hint.partition(": nexport ")[2]), env=env)
    assert (begun.exit_code, len(json.loads(begun.stdout))) == (0, 5)
    served_sandbox.send_signal(signal.SIGINT)
    out, err = served_sandbox.communicate(timeout=30)
    assert (served_sandbox.returncode, out, err) == (0, "", "")


def test_a_port_that_is_taken(nexport: Nexport) -> None:
    """A port in use is reported in one line."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = nexport("sandbox", "--port", str(port))
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"nexport: error: the sandbox can't start at 127.0.0.1:{port}: ")
    assert len(done.stderr.splitlines()) == 1


def test_a_database_that_cannot_be_opened(
    run_process: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    """An unusable database is reported in one line, and the port is closed."""
    done = run_process("sandbox", "--port", "0", "--database", "/missing/campus.db")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("nexport: error: the sandbox can't start at 127.0.0.1:0: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is Linux's")
def test_an_address_that_cannot_be_printed() -> None:
    """A server whose address can't be printed ends with an error."""
    with Path("/dev/full").open("wb") as full:
        words = [*SANDBOX, "--port", "0", "--enrollments", "500"]
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 16
    assert done.stderr == "nexport: error: can't write to stdout: No space left on device\n"


def test_without_the_sandbox_extra(nexport: Nexport, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the sandbox's dependencies, the line names the package to install."""
    monkeypatch.delitem(sys.modules, "nexport_campus.sandbox.serving.server", raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    done = nexport("sandbox")
    assert done.exit_code == 2
    assert 'nexport_campus.sandbox needs: pip install "nexport-campus[sandbox]"' in done.stderr


def test_the_demo_runs(nexport: Nexport, monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo runs; an error in it is reported in one line."""
    monkeypatch.setattr("nexport_campus.cli.demonstration.main", lambda: print("shown"))
    assert nexport("demo").stdout == "shown\n"

    def broken() -> None:
        raise SandboxError("the sandbox needs uvicorn")

    monkeypatch.setattr("nexport_campus.cli.demonstration.main", broken)
    done = nexport("demo")
    assert (done.exit_code, done.stderr) == (2, "nexport: error: the sandbox needs uvicorn\n")
