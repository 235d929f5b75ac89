"""The built package on CPython 3.14, in the WebAssembly build that npm's `pyodide` is."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
USERS = Path(__file__).with_name("users")
# The platform of Pyodide 314, for which PyPI has a wheel of msgspec.
PLATFORM = "pyemscripten_2026_0_wasm32"

pytestmark = pytest.mark.full


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    """Run a command and return its output."""
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed here")
def test_the_wheel_works_without_sockets(tmp_path: Path) -> None:
    """Imports, models, decoding, paging, retries and logins work over a mock transport."""
    python = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    run(*python, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", tmp_path, ROOT)
    (wheel,) = tmp_path.glob("*.whl")
    tags = ["--only-binary", ":all:", "--python-version", "3.14", "--abi", "cp314", "--platform", PLATFORM]
    run(*python, "install", *tags, "--implementation", "cp", "--target", tmp_path / "packages", wheel)
    run("npm", "install", "--silent", "--no-audit", "--no-fund", "pyodide@314", cwd=tmp_path)
    for name in ("python_314.mjs", "python_314.py"):
        shutil.copy(USERS / name, tmp_path)
    output = run("node", "python_314.mjs", "packages", "python_314.py", cwd=tmp_path)
    assert json.loads(output)["passed"].startswith("3.14.")
