"""Creates the development environment, `.venv`, with the locked packages, if it is missing or out of date.

Every script calls `enter` before it imports anything outside the standard library. Up to the version check below, this
file must parse on any Python since 3.6, so that an old one gets a message instead of a syntax error.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - an older Python gets a message
    sys.exit(
        f"nexport-campus needs Python 3.11 or later; this is {sys.version_info[0]}.{sys.version_info[1]} ({sys.executable})"
    )

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

__all__ = ["ROOT", "enter"]

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
_LOCKED = ROOT / "requirements-dev.txt"
_PROJECT = ROOT / "pyproject.toml"
_STAMP = VENV / "nexport-stamp.json"


def enter() -> None:
    """Create or update the environment if needed, and restart the script with its Python.

    Raises:
        SystemExit: The environment cannot be created; the message has the failed step and its output.
    """
    if _stamp() != _wanted():
        with _locked():
            if _stamp() != _wanted():  # another script may have done it in the meantime
                _renew()
    if Path(sys.prefix) != VENV:
        os.execv(PYTHON, [str(PYTHON), *sys.argv])  # noqa: S606 - no shell is needed


def _wanted() -> dict[str, str]:
    """Return the digests that an up-to-date environment has: of the lock (with the Python version) and of the project."""
    version = ".".join(map(str, sys.version_info[:3]))
    return {
        "locked": _digest(_LOCKED.read_bytes(), version.encode(), os.fsencode(VENV)),
        "project": _digest(_PROJECT.read_bytes()),
    }


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _stamp() -> dict[str, str]:
    """Return the digests of the existing environment; empty if it is missing or incomplete."""
    try:
        found = json.loads(_STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and PYTHON.exists() else {}


def _renew() -> None:
    wanted = _wanted()
    if _stamp().get("locked") != wanted["locked"]:
        print(
            "Creating .venv with the packages locked in requirements-dev.txt (once; about a minute) ...",
            file=sys.stderr,
        )
        _STAMP.unlink(missing_ok=True)
        shutil.rmtree(VENV, ignore_errors=True)
        base = (
            getattr(sys, "_base_executable", None) or sys.executable
        )  # the environment's own Python is about to be removed
        _run(base, "-m", "venv", str(VENV))
        _pip("--no-deps", "--require-hashes", "--requirement", str(_LOCKED))
    else:
        print("Reinstalling the project into .venv: pyproject.toml has changed ...", file=sys.stderr)
    _pip("--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    _write_stamp(wanted)


def _write_stamp(stamp: dict[str, str]) -> None:
    fresh = _STAMP.with_suffix(".new")
    fresh.write_text(json.dumps(stamp), encoding="utf-8")
    fresh.replace(_STAMP)


def _pip(*arguments: str) -> None:
    _run(
        str(PYTHON),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
        *arguments,
    )


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode:
        sys.exit(f"{done.stderr.strip()}\nThe environment cannot be created: `{' '.join(command)}` failed.")


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    """Hold a lock while the environment is created; the operating system releases it with the process."""
    with (ROOT / ".venv.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
