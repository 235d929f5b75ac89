"""The command line, run within the test or as a process of its own, and a keyring that only the tests know."""

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

# Before 8.2, click's runner had to be told to keep stdout and stderr apart.
APART: dict[str, Any] = {"mix_stderr": False} if "mix_stderr" in signature(CliRunner).parameters else {}
SETTINGS = ("NEXPORT_BASE_URL", "NEXPORT_USERNAME", "NEXPORT_PASSWORD", "NEXPORT_ACCESS_TOKEN")


class MemoryKeyring(keyring.backend.KeyringBackend):
    """Keeps what it is given, unless it is `broken`, or `forgets`."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # keyring's own
        self.held: dict[tuple[str, str], str] = {}
        self.broken = self.forgets = False

    def get_password(self, service: str, username: str) -> str | None:
        self._check()
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._check()
        if not self.forgets:
            self.held[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.held[service, username]

    def _check(self) -> None:
        if self.broken:
            raise keyring.errors.NoKeyringError("there is none")


class Nexport(Protocol):
    """Runs `nexport` within the test."""

    def __call__(
        self, *arguments: str, stdin: str | bytes | None = None, env: Mapping[str, str | None] | None = None
    ) -> Result:
        """The result of `nexport` with these arguments."""


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> MemoryKeyring:
    """The keyring of the test; and nothing of the environment's that names a campus."""
    for name in (*SETTINGS, "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    held = MemoryKeyring()
    monkeypatch.setattr(keyring, "get_keyring", lambda: held)
    monkeypatch.setattr("keyring.core._keyring_backend", held)
    return held


@pytest.fixture
def nexport(monkeypatch: pytest.MonkeyPatch) -> Nexport:
    """Runs `nexport` within the test, off a terminal and without waiting between attempts.

    The test fails if an exception gets through.
    """
    monkeypatch.setattr("nexport_campus._retry.backoff", lambda *_: 0.0)

    def run(
        *arguments: str, stdin: str | bytes | None = None, env: Mapping[str, str | None] | None = None
    ) -> Result:
        result = CliRunner(**APART).invoke(root, arguments, input=stdin, env=env)
        assert isinstance(result.exception, SystemExit | None), result.exception
        assert "Traceback" not in result.stderr or "--debug" in arguments
        return result

    return run


@pytest.fixture
def account(nexport_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The sandbox's address and account, which the environment names for this test."""
    values = (nexport_sandbox.url, nexport_sandbox.username, nexport_sandbox.password)
    named = dict(zip(SETTINGS, values, strict=False))
    for name, value in named.items():
        monkeypatch.setenv(name, value)
    return named


@pytest.fixture
def samples(nexport_sandbox: Sandbox, account: dict[str, str]) -> Samples:
    """Ids worth trying in the sandbox that the environment names."""
    return asyncio.run(_samples(nexport_sandbox))


async def _samples(sandbox: Sandbox) -> Samples:
    return await sandbox.samples()


@pytest.fixture
def process() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `nexport` as its users do, as a process, off a terminal and without a keyring."""

    def run(*arguments: str, **how: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-W", "error", "-m", "nexport_campus.cli", *arguments]
        env = os.environ | {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
        options: dict[str, object] = {"stdin": subprocess.DEVNULL, "env": env} | how
        return subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload, no-any-return]  # what subprocess.run takes

    return run
