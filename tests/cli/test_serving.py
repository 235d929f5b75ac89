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
def served(request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    """`nexport sandbox` on a free port, of loopback and of every address."""
    words = [*SANDBOX, "--host", request.param, "--port", "0", "--enrollments", "500"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        yield running
        running.kill()


def test_the_sandbox_is_served(nexport: Nexport, served: subprocess.Popen[str]) -> None:
    """Its lines, pasted into a shell, are all that another command needs, and one to begin with; Ctrl-C ends it, without a word."""
    assert served.stdout is not None
    lines = [shlex.split(served.stdout.readline()) for _ in range(3)]
    assert all(words[0] == "export" for words in lines)
    env = dict(words[1].split("=", 1) for words in lines)
    assert list(env) == ["NEXPORT_BASE_URL", "NEXPORT_USERNAME", "NEXPORT_PASSWORD"]
    done = nexport("call", "admin.validate_access_token", env=env)
    assert done.exit_code == 0, done.stderr
    assert "utc_expiration_date" in json.loads(done.stdout)
    hint = served.stdout.readline()
    assert hint.startswith("# ")
    begun = nexport(*shlex.split(hint.partition(": nexport ")[2]), env=env)
    assert (begun.exit_code, len(json.loads(begun.stdout))) == (0, 5)
    served.send_signal(signal.SIGINT)
    out, err = served.communicate(timeout=30)
    assert (served.returncode, out, err) == (0, "", "")


def test_a_port_that_is_taken(nexport: Nexport) -> None:
    """It is told in one line."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = nexport("sandbox", "--port", str(port))
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"nexport: error: the sandbox can't start at 127.0.0.1:{port}: ")
    assert len(done.stderr.splitlines()) == 1


def test_a_database_that_cannot_be_opened(process: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    """An unusable database is reported in one line, and the port is closed."""
    done = process("sandbox", "--port", "0", "--database", "/missing/campus.db")
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
    """Where its server is missing, the line says what to install."""
    monkeypatch.delitem(sys.modules, "nexport_campus.sandbox.serving.server", raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    done = nexport("sandbox")
    assert done.exit_code == 2
    assert 'pip install "nexport-campus[sandbox]"' in done.stderr


def test_demo(nexport: Nexport, monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo runs; what keeps it from running is one line."""
    monkeypatch.setattr("nexport_campus.demo.main", lambda: print("shown"))
    assert nexport("demo").stdout == "shown\n"

    def broken() -> None:
        raise SandboxError("the sandbox needs uvicorn")

    monkeypatch.setattr("nexport_campus.demo.main", broken)
    done = nexport("demo")
    assert (done.exit_code, done.stderr) == (2, "nexport: error: the sandbox needs uvicorn\n")
