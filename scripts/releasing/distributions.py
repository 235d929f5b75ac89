"""Builds the wheel and the sdist, and proves that the wheel works for a user who installs it."""

import os
import subprocess
import sys
from pathlib import Path

from .release_notes import ReleaseError

__all__ = ["build_distributions", "check_metadata", "run_installed"]


def build_distributions(root: Path, output: Path) -> list[Path]:
    """Build the sdist, and the wheel from the sdist, so that a file missing from the sdist shows.

    Args:
        root: The repository.
        output: The folder for both files; earlier distributions in it are deleted.
    """
    output.mkdir(parents=True, exist_ok=True)
    for pattern in ("*.whl", "*.tar.gz"):
        for old in output.glob(pattern):
            old.unlink()
    _run("building", sys.executable, "-m", "build", "--no-isolation", "--outdir", output, root)
    return sorted([*output.glob("*.whl"), *output.glob("*.tar.gz")])


def check_metadata(distributions: list[Path]) -> None:
    """Check what PyPI would show: twine warns about metadata and a README that it cannot render."""
    _run("twine check", sys.executable, "-m", "twine", "check", "--strict", *distributions)


def run_installed(wheel: Path, version: str, folder: Path) -> None:
    """Install the wheel into an empty environment and run the demo and `nexport --version` from it.

    Args:
        wheel: The wheel.
        version: The version that it must report.
        folder: An empty folder for the environment.
    """
    _run("creating an environment", sys.executable, "-m", "venv", folder)
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    pip = [str(programs / "python"), "-m", "pip", "install", "--quiet", "--no-input"]
    _run("installing the wheel", *pip, f"{wheel}[cli,sandbox]")
    reported = _run("nexport --version", programs / "nexport", "--version", cwd=folder)
    if version not in reported:
        raise ReleaseError(f"the installed wheel reports {reported.strip()!r} instead of {version}")
    _run("nexport demo", programs / "nexport", "demo", cwd=folder)


def _run(step: str, *command: str | Path, cwd: Path | None = None) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ReleaseError(f"{step} failed:\n{done.stdout}{done.stderr}".strip())
    return done.stdout
