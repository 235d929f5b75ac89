"""Keyrings that don't work, whatever they raise: exit code 2, and the variables to set."""

import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path

import keyring
import keyring.backends.null
import pytest

from nexport_campus.cli import keyring_store as _keys
from nexport_campus.sandbox import Samples, Sandbox
from tests.cli.conftest import SETTINGS, MemoryKeyring, Nexport
from tests.cli.pseudo_terminal import run_on_terminal

ID = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"
COMMANDS = {
    "call": ("call", "learning.get_section", "--syllabus-id", ID),
    "doctor": ("doctor",),
    "ensure-enrollment": ("ensure-enrollment", "--org-id", ID, "--user-id", ID, "--syllabus-id", ID),
    "export": ("export", "enrollments", "--org", ID, "--to", "e.csv"),
    "login": ("login", "--username", "somebody"),
    "logout": ("logout",),
}
BACKENDS = """
    import keyring.backend

    class Base(keyring.backend.KeyringBackend):
        priority = 1
        raised = RuntimeError("no session bus")
        def get_password(self, service, name): raise self.raised
        def set_password(self, service, name, password): raise self.raised
        def delete_password(self, service, name): raise self.raised

    class Runtime(Base): pass
    class System(Base): raised = OSError(1783, "CredWrite")
    class Keyerror(Base): raised = KeyError("collection")
    class Exit(Base): raised = SystemExit(3)
    class Panic(Base): raised = type("PanicException", (BaseException,), {})("a panic in Rust")
    class NotViable(Base):
        def __init__(self): raise ValueError("no window station")
    """
ODD = {
    "oddring.Runtime": "RuntimeError",
    "oddring.System": "OSError",
    "oddring.Keyerror": "KeyError",
    "oddring.Exit": "SystemExit",
    "oddring.Panic": "PanicException",
    "oddring.NotViable": "ValueError: no window station",
    "oddring.Missing": "AttributeError",
    "not_installed.Backend": "ModuleNotFoundError: No module named 'not_installed'",
    "keyring.backends.fail.Keyring": "NoKeyringError",
    "keyring.backends.null.Keyring": "it is disabled",
}


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs `nexport` as a process with a keyring and without credentials."""
    (tmp_path / "oddring.py").write_text(textwrap.dedent(BACKENDS))
    (tmp_path / "work").mkdir()
    plain = {name: value for name, value in os.environ.items() if name not in SETTINGS}

    def run(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
        environment = {"PYTHONPATH": str(tmp_path), "NEXPORT_BASE_URL": "http://127.0.0.1:9"} | env
        return subprocess.run(
            [sys.executable, "-W", "error", "-m", "nexport_campus.cli", *words],
            env=plain | environment,
            cwd=tmp_path / "work",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.mark.sampled(3)
@pytest.mark.parametrize("backend", ODD)
@pytest.mark.parametrize("words", [COMMANDS["call"], COMMANDS["logout"]], ids=["call", "logout"])
def test_any_exception_of_a_backend_is_explained(
    run: Callable[..., subprocess.CompletedProcess[str]], backend: str, words: tuple[str, ...]
) -> None:
    """Whatever a backend raises, one line says why it doesn't work and what to set, and doesn't advise to log in."""
    done = run(*words, PYTHON_KEYRING_BACKEND=backend)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert ODD[backend] in done.stderr
    assert "set NEXPORT_USERNAME and NEXPORT_PASSWORD, or NEXPORT_ACCESS_TOKEN" in done.stderr
    assert "nexport login" not in done.stderr


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_reports_a_broken_keyring_alike(
    run: Callable[..., subprocess.CompletedProcess[str]], name: str
) -> None:
    """Every command that uses the keyring reports it alike, before it prompts for a password."""
    done = run(*COMMANDS[name], PYTHON_KEYRING_BACKEND="oddring.Runtime")
    output = done.stdout.splitlines()[0] if name == "doctor" else done.stderr
    assert done.returncode == 2
    assert "no keyring works on this machine" in output
    assert "RuntimeError" in output
    assert "set NEXPORT_USERNAME and NEXPORT_PASSWORD, or NEXPORT_ACCESS_TOKEN" in output
    assert "nexport login" not in done.stdout + done.stderr


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", COMMANDS)
def test_the_missing_package_is_reported(name: str, tmp_path: Path) -> None:
    """Without the package keyring, commands that need it end like those with a broken keyring."""
    program = textwrap.dedent("""
        import sys
        sys.modules["keyring"] = None
        from nexport_campus.cli import main
        main()
    """)
    plain = {key: value for key, value in os.environ.items() if key not in SETTINGS}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, *COMMANDS[name]],
        env=plain | {"NEXPORT_BASE_URL": "http://127.0.0.1:9"},
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "set NEXPORT_USERNAME and NEXPORT_PASSWORD, or NEXPORT_ACCESS_TOKEN" in done.stdout + done.stderr
    assert "keyring" in done.stdout + done.stderr


@pytest.mark.nexport_sandbox(enrollments=500)
def test_credentials_in_the_environment_need_no_keyring(
    run: Callable[..., subprocess.CompletedProcess[str]], account: dict[str, str], samples: Samples
) -> None:
    """With the variables set, the keyring isn't used."""
    words = ("call", "learning.get_section", "--syllabus-id", samples.section_id)
    assert run(*words, PYTHON_KEYRING_BACKEND="oddring.Panic", **account).returncode == 0


def test_a_keyring_that_works_and_is_empty(nexport: Nexport, keys: MemoryKeyring) -> None:
    """`nexport login` is advised only if the keyring works."""
    assert "`nexport login`" in nexport(*COMMANDS["call"]).stderr
    keys.broken = True
    assert "nexport login" not in nexport(*COMMANDS["call"]).stderr


def test_a_keyring_that_hangs(nexport: Nexport, keys: MemoryKeyring, monkeypatch: pytest.MonkeyPatch) -> None:
    """Off a terminal, where it can't be unlocked, a keyring that doesn't respond times out."""
    never = threading.Event()
    monkeypatch.setattr(_keys, "_PATIENCE", 0.01)
    monkeypatch.setattr(keys, "get_password", lambda *_: never.wait())
    for words in (COMMANDS["call"], COMMANDS["logout"]):
        done = nexport(*words)
        assert done.exit_code == 2
        assert "it doesn't respond" in done.stderr
    never.set()


def test_an_error_that_quotes_the_password(
    nexport: Nexport, nexport_sandbox: Sandbox, keys: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backend's message is not repeated if it may quote a password, at any verbosity."""

    def refuse(service: str, name: str, password: str) -> None:
        raise RuntimeError(f"can't store {password}")

    monkeypatch.setattr(keys, "set_password", refuse)
    words = ("login", "--username", nexport_sandbox.username, "--debug")
    done = nexport(*words, stdin=nexport_sandbox.password, env={"NEXPORT_BASE_URL": nexport_sandbox.url})
    assert done.exit_code == 2
    assert "RuntimeError" in done.stderr
    assert nexport_sandbox.password not in done.stdout + done.stderr


def test_a_disabled_keyring_stores_nothing(nexport: Nexport, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keyring's null backend would forget the password: `nexport login` doesn't prompt for one."""
    monkeypatch.setattr(keyring, "get_keyring", keyring.backends.null.Keyring)
    done = nexport("login", "--username", "somebody")
    assert (done.exit_code, "it is disabled" in done.stderr) == (2, True)


@pytest.mark.nexport_sandbox(enrollments=500)
def test_a_prompt_without_a_keyring(nexport_sandbox: Sandbox, tmp_path: Path) -> None:
    """Without a keyring, a terminal still prompts for credentials, and `nexport login` fails before it prompts."""
    plain = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    env = plain | {
        "NEXPORT_BASE_URL": nexport_sandbox.url,
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
    }
    nexport = [sys.executable, "-W", "error", "-m", "nexport_campus.cli"]
    code, shown = run_on_terminal(
        [*nexport, "call", "GET", "/api/v1/AdminApi/ValidateAccessToken", "--read"],
        env,
        replies={"User name": nexport_sandbox.username},
        secrets={"Password of": nexport_sandbox.password},
    )
    assert code == 0, shown
    code, shown = run_on_terminal([*nexport, "login"], env)
    assert code == 2
    assert "no keyring works on this machine (NoKeyringError)" in shown
