"""Builds a wheel from a campus's own definition, for a company that wants everything that its campus has today."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from . import steps
from .difference import read_version
from .errors import PipelineError
from .layout import Layout
from .pages import Stated

__all__ = ["build_wheel"]

# PEP 440's local version.
_LABEL = re.compile(r"[a-z0-9]+(\.[a-z0-9]+)*")
_IGNORED = shutil.ignore_patterns(".*", "__pycache__", "dist", "site")
# Tests of what a changed API can affect: calls, models and pages.
_TESTS = ("tests/client", "tests/paging")
# A line of pytest's summary.
_FAILED = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", re.MULTILINE)
_FEW = 20  # more failures are counted


def build_wheel(
    root: Path, stated: Stated, label: str, output: Path, *, test: bool, keep_provisional: bool = False
) -> tuple[Path, steps.Report]:
    """Build a wheel of a copy of the repository that is regenerated from a definition.

    Args:
        root: The repository; it is not changed.
        stated: The definition.
        label: The local part of the wheel's version, such as `campus.example`.
        output: The folder for the wheel.
        test: Whether to run the client's tests before.
        keep_provisional: Whether provisional operations stay that the definition lacks.

    Returns:
        tuple: The wheel, and the report of the run.

    Raises:
        PipelineError: The definition can't become a client, a test fails, or the wheel can't be built.
    """
    if not _LABEL.fullmatch(label):
        raise PipelineError(
            f"--wheel {label!r}: a local version consists of lower-case words and dots, as campus.example"
        )
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "nexport-campus"
        shutil.copytree(root, copy, ignore=_IGNORED)
        report = steps.regenerate(copy, stated, everything=True, keep_provisional=keep_provisional)
        if test:
            _test(copy)
        version = f"{read_version(copy)}+{label}"
        file = copy / Layout.VERSION
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace(f'"{read_version(copy)}"', f'"{version}"'), encoding="utf-8")
        output.mkdir(parents=True, exist_ok=True)
        outdir = str(output.absolute())
        done = _run(copy, "build", "--wheel", "--no-isolation", "--outdir", outdir, ".")
        if done.returncode:
            raise PipelineError(f"building the wheel failed:\n{_cut_output(done)}")
    (wheel,) = output.glob(f"*-{version}-*.whl")
    return wheel, report


def _test(copy: Path) -> None:
    """Run the client's tests in the copy.

    Raises:
        PipelineError: Some fail; the message has their names, advice, and the end of the output.
    """
    done = _run(copy, "pytest", "-q", "--tb=short", "-p", "no:cacheprovider", *_TESTS)
    if done.returncode == 0:
        return
    failed = _FAILED.findall(done.stdout)
    names = [f"  {name}" for name in failed[:_FEW]] + [f"  ... and {len(failed) - _FEW} more"] * (
        len(failed) > _FEW
    )
    advice = (
        "No wheel was built. Tests may need provisional operations that the definition lacks: --keep-provisional keeps "
        "them. If these failures don't matter to you, --no-test builds the wheel without running the tests."
    )
    message = [
        f"{len(failed)} of the client's tests fail with this definition:",
        *names,
        advice,
        "",
        _cut_output(done),
    ]
    raise PipelineError("\n".join(message))


def _run(root: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a module with the copy's packages before the installed ones."""
    paths = os.pathsep.join(str(root / name) for name in ("custom", "."))
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=root,
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )


def _cut_output(done: subprocess.CompletedProcess[str]) -> str:
    return (done.stdout + done.stderr).strip()[-4000:]
