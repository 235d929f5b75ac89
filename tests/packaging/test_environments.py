"""The package elsewhere: on every Python that is supported, with the oldest dependencies that are claimed, as a wheel."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
VERSIONS = ("3.11", "3.12", "3.13")
# What proves the package itself; the pipeline's own tests are about this repository, and run on one Python.
TESTS = ["tests/client", "tests/paging"]
PROGRAM = '''"""A user's program."""

import asyncio
from uuid import UUID

from nexport_campus import ArgumentError, NexportCampus, NotFoundError, PasswordAuth
from nexport_campus.models import ApiEnrollmentItem, Phase, SectionResponse


async def finished(campus: NexportCampus, org: UUID) -> list[ApiEnrollmentItem]:
    found: list[ApiEnrollmentItem] = []
    async for item in campus.learning.search_enrollments(org_ids=[org]):
        if item.phase is Phase.FINISHED:
            found.append(item)
    return found


async def section(campus: NexportCampus, syllabus: UUID) -> SectionResponse | None:
    try:
        return await campus.learning.get_section(syllabus_id=syllabus)
    except NotFoundError as error:
        print(error.error_code)
        return None


async def main() -> None:
    async with NexportCampus(PasswordAuth("user", "secret"), base_url="http://127.0.0.1:9") as campus:
        try:
            await campus.learning.get_section(syllabus_id="no id")
        except ArgumentError as error:
            print(error.argument)


if __name__ == "__main__":
    asyncio.run(main())
'''

pytestmark = pytest.mark.full


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    """Run a command without this environment's paths, and return what it printed."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def interpreter(version: str) -> str:
    """Return a Python of that version; skip where there is none."""
    if sys.version_info[:2] == tuple(int(part) for part in version.split(".")):
        return sys.executable
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [str(path) for path in sorted(pyenv.glob(f"{version}.*/bin/python"))]
    for candidate in [shutil.which(f"python{version}"), *found]:
        if (
            candidate
            and subprocess.run([candidate, "-c", ""], capture_output=True, check=False).returncode == 0
        ):
            return candidate
    pytest.skip(f"no Python {version} is installed here")


def lowest() -> list[str]:
    """Return the oldest versions that the package claims to work with."""
    claimed = [re.match(r"([\w-]+)>=([\d.]+)", item) for item in SETTINGS["project"]["dependencies"]]
    return [f"{found[1]}=={found[2]}" for found in claimed if found]


def environment(python: str, folder: Path) -> Path:
    """Make an environment, and return its Python."""
    run(python, "-m", "venv", folder)
    return folder / "bin" / "python"


def pip(python: Path, *arguments: str | Path) -> None:
    """Install something."""
    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", *arguments)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel that users would install."""
    folder = tmp_path_factory.mktemp("wheel")
    run(
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        folder,
        ROOT,
    )
    (found,) = folder.glob("*.whl")
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_each_python_passes_with_the_wheel(version: str, wheel: Path, tmp_path: Path) -> None:
    """The tests of the package pass on that Python, against the wheel and what is locked."""
    python = environment(interpreter(version), tmp_path / "env")
    pip(python, "--no-deps", "--require-hashes", "--requirement", ROOT / "requirements-dev.txt")
    pip(python, "--no-deps", wheel)
    run(python.with_name("pytest"), "-q", "-p", "no:cacheprovider", "-p", "no:anyio", *TESTS)


def test_the_lowest_versions_that_are_claimed_work(wheel: Path, tmp_path: Path) -> None:
    """The tests of the package pass with the oldest of each dependency."""
    python = environment(interpreter(VERSIONS[0]), tmp_path / "env")
    pip(python, "--no-deps", "--require-hashes", "--requirement", ROOT / "requirements-dev.txt")
    pip(python, wheel, *lowest())
    run(python.with_name("pytest"), "-q", "-p", "no:cacheprovider", "-p", "no:anyio", *TESTS)


@pytest.fixture(scope="module")
def clean(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Python of an environment with the wheel and what it needs, and a user's program beside it."""
    folder = tmp_path_factory.mktemp("clean")
    python = environment(sys.executable, folder / "env")
    pip(python, wheel)
    (folder / "program.py").write_text(PROGRAM, encoding="utf-8")
    return python


def test_a_users_program_runs_and_passes_mypy(clean: Path) -> None:
    """In an environment with nothing but the wheel, a program runs, and is typed strictly."""
    folder = clean.parents[2]
    assert run(clean, "-W", "error", "program.py", cwd=folder) == "syllabus_id\n"
    run(sys.executable, "-m", "mypy", "--strict", "--python-executable", clean, "program.py", cwd=folder)


def test_a_users_program_passes_pyright(clean: Path) -> None:
    """The same program is typed for pyright too."""
    pyright = shutil.which("pyright") or shutil.which("basedpyright")
    if pyright is None:
        pytest.skip("pyright is not installed here; the workflow for GitHub runs it")
    run(pyright, "--pythonpath", clean, "program.py", cwd=clean.parents[2])
