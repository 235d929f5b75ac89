"""The built package on every supported Python, with the oldest supported dependencies, installed as a wheel."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
USERS = Path(__file__).with_name("users")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
VERSIONS = ("3.11", "3.12", "3.13")
# Tests of the package and its extras; tests of this repository's scripts are left out.
TESTS = [
    name
    for name in (
        *("cli", "client", "export", "fastapi", "otel", "paging", "rate_limit", "shared_tokens", "times"),
        "faults/test_connections.py",
        "trust/test_aiohttp.py",
    )
    if (ROOT / "tests" / name).exists()
]

pytestmark = pytest.mark.full


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    """Run a command without this environment's variables, and return its output."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    completed = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert completed.returncode == 0, f"{completed.stdout[-4000:]}\n{completed.stderr[-4000:]}"
    return completed.stdout


def run_tests(python: Path, *arguments: str) -> None:
    """Run the package's tests with another Python."""
    # Old versions of anyio have a plugin that today's pytest warns about.
    options = ["-q", "-n", "auto", "--dist", "loadfile", "-p", "no:cacheprovider", "-p", "no:anyio"]
    run(python.with_name("pytest"), *options, *arguments, *(f"tests/{name}" for name in TESTS))


def interpreter(version: str) -> str:
    """Return a Python of that version, or skip the test if none is installed."""
    if sys.version_info[:2] == tuple(int(part) for part in version.split(".")):
        return sys.executable
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [str(path) for path in sorted(pyenv.glob(f"{version}.*/bin/python"))]
    for candidate in filter(None, [shutil.which(f"python{version}"), *found]):
        if subprocess.run([candidate, "-c", ""], capture_output=True, check=False).returncode == 0:
            return candidate
    pytest.skip(f"no Python {version} is installed here")


def lowest() -> Iterator[str]:
    """Yield the oldest versions of dependencies that the package and its extras support."""
    extras = PROJECT["optional-dependencies"].values()
    for claim in [*PROJECT["dependencies"], *(item for extra in extras for item in extra)]:
        if found := re.match(r"([\w-]+)>=([\d.]+)", claim):
            yield f"{found[1]}=={found[2]}"
            if found[1] == "opentelemetry-api":
                yield f"opentelemetry-sdk=={found[2]}"  # the tests read spans with the matching SDK


def environment(python: str, folder: Path) -> Path:
    """Create a virtual environment and return its Python."""
    run(python, "-m", "venv", folder)
    return folder / "bin" / "python"


def pip(python: Path, *arguments: str | Path) -> None:
    """Install with pip."""
    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", *arguments)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--quiet", "--no-deps", "--no-build-isolation"]
    run(sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", folder, ROOT)
    (found,) = folder.glob("*.whl")
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_the_wheel_passes_on_each_python(version: str, wheel: Path, tmp_path: Path) -> None:
    """The package's tests pass on that Python, with the wheel and the locked dependencies."""
    python = environment(interpreter(version), tmp_path / "env")
    pip(python, "--no-deps", "--require-hashes", "--requirement", ROOT / "requirements-dev.txt")
    pip(python, "--no-deps", wheel)
    run_tests(python)


def test_the_wheel_passes_with_the_lowest_versions(wheel: Path, tmp_path: Path) -> None:
    """The package's tests pass with the oldest supported version of each dependency, including those of the extras."""
    python = environment(interpreter(VERSIONS[0]), tmp_path / "env")
    pip(python, "--no-deps", "--require-hashes", "--requirement", ROOT / "requirements-dev.txt")
    pip(python, f"{wheel}[all]", *lowest())
    run_tests(
        python,
        # The oldest starlette closes a websocket that was not accepted, without a response.
        *("--deselect", "tests/fastapi/test_problems.py::test_websockets_get_the_problem"),
        # The locked cattrs needs a newer attrs.
        *("--deselect", "tests/client/test_type_hints.py::test_cattrs_structures_every_model"),
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_a_program_runs_in_a_clean_environment(version: str, wheel: Path, tmp_path: Path) -> None:
    """With only the wheel and its dependencies, a program runs without a warning."""
    python = environment(interpreter(version), tmp_path / "env")
    pip(python, wheel)
    shutil.copy(USERS / "program.py", tmp_path)
    assert run(python, "-W", "error", "program.py", cwd=tmp_path).splitlines() == [
        "syllabus_id",
        "syllabus_id",
        "base_url has port 99999: a port is a number from 1 to 65535",
    ]
    run(python, "-m", "pip", "check")


def test_the_command_line_runs_in_a_clean_environment(wheel: Path, tmp_path: Path) -> None:
    """Without its extra, `nexport` says in one line what to install; with it, it shows its help."""
    python = environment(sys.executable, tmp_path / "env")
    pip(python, wheel)
    command = python.with_name("nexport")
    completed = subprocess.run([command, "--help"], capture_output=True, text=True, check=False)
    assert completed.returncode != 0
    assert "Traceback" not in completed.stderr
    assert "nexport-campus[cli]" in completed.stderr
    pip(python, f"{wheel}[cli]")
    assert "Usage: nexport" in run(command, "--help")


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Python of an environment with the wheel, its extras, and a program in the same folder."""
    folder = tmp_path_factory.mktemp("installed")
    python = environment(sys.executable, folder / "env")
    pip(python, f"{wheel}[all]", "pytest")
    shutil.copy(USERS / "program.py", folder)
    return python


def test_mypy_types_the_wheel(installed: Path) -> None:
    """A program passes mypy --strict against the installed wheel, not against this repository."""
    mypy = ["-m", "mypy", "--strict", "program.py"]
    run(sys.executable, *mypy, "--python-executable", installed, cwd=installed.parents[2])


def test_pyright_types_the_wheel(installed: Path) -> None:
    """A program passes pyright's strict mode against the installed wheel."""
    pyright, folder = Path(sys.executable).with_name("basedpyright"), installed.parents[2]
    (folder / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict", "include": ["program.py"]}')
    run(pyright, "--pythonpath", installed, cwd=folder)
