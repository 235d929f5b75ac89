"""The development environment: `.venv`, with what is locked, made when it is missing or out of date.

Every script calls `enter` before it imports anything that is not in the standard library. Until the check of the version
below, this file must parse on any Python from 3.6 on, so that an old one gets a message and not a syntax error.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - the very point: an older Python gets a message
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
    """Go on in the environment, making or renewing it first; run by another Python, start the script anew with its own.

    Raises:
        SystemExit: the environment cannot be made; says which step failed, and what it printed.
    """
    if _stamp() != _wanted():
        with _locked():
            if _stamp() != _wanted():  # another script may have done it meanwhile
                _renew()
    if Path(sys.prefix) != VENV:
        os.execv(PYTHON, [str(PYTHON), *sys.argv])  # noqa: S606 - there is no shell, and none is wanted


def _wanted() -> dict[str, str]:
    """Return what the environment must have been made of: what is locked (and for which Python), and the project."""
    version = ".".join(map(str, sys.version_info[:3]))
    return {
        "locked": _digest(_LOCKED.read_bytes(), version.encode(), os.fsencode(VENV)),
        "project": _digest(_PROJECT.read_bytes()),
    }


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _stamp() -> dict[str, str]:
    """Return what the environment was made of; empty where there is none, or it was never finished."""
    try:
        found = json.loads(_STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and PYTHON.exists() else {}


def _renew() -> None:
    wanted = _wanted()
    if _stamp().get("locked") != wanted["locked"]:
        print("Making .venv with what requirements-dev.txt locks (once; about a minute) ...", file=sys.stderr)
        _STAMP.unlink(missing_ok=True)
        shutil.rmtree(VENV, ignore_errors=True)
        base = (
            getattr(sys, "_base_executable", None) or sys.executable
        )  # the environment's own is about to go
        _run(base, "-m", "venv", str(VENV))
        _pip("--no-deps", "--require-hashes", "--requirement", str(_LOCKED))
    else:
        print("Installing the project into .venv anew: pyproject.toml has changed ...", file=sys.stderr)
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
        sys.exit(f"{done.stderr.strip()}\nThe environment cannot be made: `{' '.join(command)}` failed.")


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    """Let one script at a time make the environment; the lock goes with the process, however it ends."""
    with (ROOT / ".venv.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
