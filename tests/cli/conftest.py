"""Fixtures: the command line, run in-process or as a process, and an in-memory keyring."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any, Protocol

import keyring
import keyring.backend
import keyring.errors
import pytest
from click.testing import CliRunner, Result

from nexport_campus.cli.root import root
from nexport_campus.sandbox import Samples, Sandbox

# Before 8.2, click's runner merges stdout and stderr by default.
SEPARATE_STREAMS: dict[str, Any] = (
    {"mix_stderr": False} if "mix_stderr" in signature(CliRunner).parameters else {}
)
SETTINGS = ("NEXPORT_BASE_URL", "NEXPORT_USERNAME", "NEXPORT_PASSWORD", "NEXPORT_ACCESS_TOKEN")


class MemoryKeyring(keyring.backend.KeyringBackend):
    """Keyring in memory that fails if `broken` and discards every entry if it `forgets`."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # untyped in keyring
        self.stored: dict[tuple[str, str], str] = {}
        self.broken = self.forgets = False

    def get_password(self, service: str, username: str) -> str | None:
        self._check()
        return self.stored.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._check()
        if not self.forgets:
            self.stored[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.stored[service, username]

    def _check(self) -> None:
        if self.broken:
            raise keyring.errors.NoKeyringError("there is none")


class Nexport(Protocol):
    """Runs `nexport` in-process."""

    def __call__(
        self, *arguments: str, stdin: str | bytes | None = None, env: Mapping[str, str | None] | None = None
    ) -> Result:
        """Return the result of `nexport` with these arguments."""


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> MemoryKeyring:
    """Install an empty keyring, and remove the environment's variables that name a campus."""
    for name in (*SETTINGS, "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    installed = MemoryKeyring()
    monkeypatch.setattr(keyring, "get_keyring", lambda: installed)
    monkeypatch.setattr("keyring.core._keyring_backend", installed)
    return installed


@pytest.fixture
def nexport(monkeypatch: pytest.MonkeyPatch) -> Nexport:
    """Return a function that runs `nexport` in-process, off a terminal and without delays between attempts.

    The test fails if an exception gets through.

    """
    monkeypatch.setattr("nexport_campus._retry.compute_backoff", lambda *_: 0.0)

    def run(
        *arguments: str, stdin: str | bytes | None = None, env: Mapping[str, str | None] | None = None
    ) -> Result:
        result = CliRunner(**SEPARATE_STREAMS).invoke(root, arguments, input=stdin, env=env)
        assert isinstance(result.exception, SystemExit | None), result.exception
        assert "Traceback" not in result.stderr or "--debug" in arguments
        return result

    return run


@pytest.fixture
def account(nexport_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Put the sandbox's address and account into the environment, and return these variables."""
    values = (nexport_sandbox.url, nexport_sandbox.username, nexport_sandbox.password)
    variables = dict(zip(SETTINGS, values, strict=False))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


@pytest.fixture
def samples(nexport_sandbox: Sandbox, account: dict[str, str]) -> Samples:
    """Return sample ids of the sandbox that the environment names."""
    return asyncio.run(_samples(nexport_sandbox))


async def _samples(sandbox: Sandbox) -> Samples:
    return await sandbox.samples()


@pytest.fixture
def run_process() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs `nexport` as a process, off a terminal and without a keyring."""

    def run(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-W", "error", "-m", "nexport_campus.cli", *arguments]
        env = os.environ | {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
        defaults: dict[str, object] = {"stdin": subprocess.DEVNULL, "env": env}
        return subprocess.run(command, capture_output=True, text=True, check=False, **(defaults | options))  # type: ignore[call-overload, no-any-return]  # options of subprocess.run

    return run
