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
_LOCK = ROOT / "requirements-dev.txt"
_DEMO_LOCK = ROOT / "requirements-demo.txt"
_PROJECT = ROOT / "pyproject.toml"
_STAMP = VENV / "nexport-stamp.json"


def enter(*, demo_only: bool = False) -> None:
    """Create or update the environment if needed, and restart the script with its Python.

    Args:
        demo_only: Whether the packages of the demo suffice; a script that needs more installs the rest later.

    Raises:
        SystemExit: The environment cannot be created; the message has the failed step and its output.
    """
    locks = [_DEMO_LOCK, _LOCK] if demo_only else [_LOCK]
    if not _is_current(locks):
        with _locked():
            if not _is_current(locks):  # another script may have done it in the meantime
                _renew(locks[0])
    # Bytecode saves each worker of the tests three seconds, and each process that they start 0.15 s.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if Path(sys.prefix) != VENV:
        os.execv(PYTHON, [str(PYTHON), *sys.argv])  # noqa: S606 - no shell is needed


def _is_current(locks: list[Path]) -> bool:
    """Return whether the environment has the project, and the packages of one of these locks."""
    return _stamp() in [_wanted(lock) for lock in locks]


def _wanted(lock: Path = _LOCK) -> dict[str, str]:
    """Return the digests that an up-to-date environment has: of the lock (with the Python version) and of the project."""
    version = ".".join(map(str, sys.version_info[:3]))
    return {
        "locked": _digest(lock.read_bytes(), version.encode(), os.fsencode(VENV)),
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


def _renew(lock: Path) -> None:
    """Install the packages of a lock and the project, into a new environment unless the present one can be extended."""
    wanted, installed = _wanted(lock), _stamp().get("locked")
    if installed == wanted["locked"]:
        print("Reinstalling the project into .venv: pyproject.toml has changed ...", file=sys.stderr)
    else:
        print(f"Installing the packages locked in {lock.name} into .venv (once) ...", file=sys.stderr)
        _STAMP.unlink(missing_ok=True)
        if installed != _wanted(_DEMO_LOCK)["locked"]:
            _create_environment()
        _pip("--no-deps", "--require-hashes", "--requirement", str(lock))
    _pip("--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    _write_stamp(wanted)


def _create_environment() -> None:
    shutil.rmtree(VENV, ignore_errors=True)
    # The environment's Python, which may be running this, has just been removed.
    base = getattr(sys, "_base_executable", None) or sys.executable
    _run(base, "-m", "venv", str(VENV))


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
