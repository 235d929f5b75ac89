"""From a campus's own definition to an installed wheel: the documented command, pip, and a program that uses it."""

import asyncio
import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from nexport_campus import __version__
from tests.support.scripted_server import Request, Response, ScriptedServer, error_entity, json_response
from tests.support.spec import SOME_ID
from tests.support.vendor_definition import build_definition

ROOT = Path(__file__).parents[2]
VERSION = f"{__version__}+campus.example"
TOKEN = "5eed0000-0000-4000-8000-00000000c0de"
PROGRAM = """
import asyncio
import sys
from importlib.metadata import version

import nexport_campus
from nexport_campus import NexportCampus, PasswordAuth
from nexport_campus.models import OrderLine, OrderResponse


async def main() -> None:
    async with NexportCampus(PasswordAuth("ada", "secret"), base_url=sys.argv[1]) as campus:
        order = await campus.point_of_sale.place_order(
            buyer=sys.argv[2], lines=[OrderLine(catalog_id=sys.argv[2], count=2)]
        )
        assert isinstance(order, OrderResponse)
        section = await campus.learning.get_section_description(section_id=sys.argv[2])
    print(version("nexport-campus"), nexport_campus.__version__, order.total, section.description)
    print(nexport_campus.__file__)


asyncio.run(main())
"""

pytestmark = pytest.mark.full


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command without this environment's variables, and return its output."""
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PYTEST"))
    }
    completed = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert completed.returncode == 0, completed.stdout[-6000:] + completed.stderr[-6000:]
    return completed.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel that the documented command builds; pipeline/test_definition.py runs the client's tests."""
    folder = tmp_path_factory.mktemp("campus_wheel")
    (folder / "definition.json").write_text(json.dumps(build_definition(ROOT)), encoding="utf-8")
    command: list[str | Path] = [
        "scripts/regenerate",
        "--swagger",
        folder / "definition.json",
        "--wheel",
        "campus.example",
        "--no-test",
    ]
    before = run("git", "status", "--porcelain", cwd=ROOT) if (ROOT / ".git").exists() else ""
    output = run(sys.executable, *command, "--output", folder / "dist", cwd=ROOT)
    (found,) = (folder / "dist").glob("*.whl")
    assert output.endswith(f"built {found}; the repository is unchanged\n")
    assert not before or run("git", "status", "--porcelain", cwd=ROOT) == before
    return found


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Python of a new environment with the wheel, which sees the dependencies of the running one."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", folder, cwd=folder)
    python = folder / "bin" / "python"
    options = ["--quiet", "--disable-pip-version-check", "--no-input", "--no-index", "--no-deps"]
    run(python, "-m", "pip", "install", *options, wheel, cwd=folder)
    here = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip()
    # A path in such a file is added as it is: the installed project of that folder stays out.
    (Path(here) / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    return python


def respond(request: Request) -> Response:
    """Respond to the login and to two operations."""
    bodies: dict[str, dict[str, object]] = {
        "AdminApi_Authenticate": {"access_token": TOKEN, "token_type": "bearer", "expires_in": 3600},
        "PointOfSaleApi_PlaceOrder": {"order_id": SOME_ID, "total": 12.5},
        "LearningApi_GetSectionDescription": {"description": "Safety"},
    }
    return json_response(bodies[request.operation_id] | error_entity(0))


async def test_a_program_uses_the_wheel(wheel: Path, python: Path, tmp_path: Path) -> None:
    """It has the local version, the areas of the definition, and logs in although the definition has no login."""
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")

    async def handle(request: Request) -> Response:
        return respond(request)

    async with ScriptedServer(handle) as server:
        command: list[str | Path] = [python, "-W", "error", "program.py", server.url, SOME_ID]
        output = await asyncio.to_thread(run, *command, cwd=tmp_path)
        sent = [
            (request.operation_id, dict(request.query).get("access_token")) for request in server.requests
        ]
        order = server.requests[1].json
    words, place = output.splitlines()
    assert words == f"{VERSION} {VERSION} 12.5 Safety"
    assert Path(place).is_relative_to(python.parents[1])
    assert order == {"buyer": SOME_ID, "lines": [{"catalog_id": SOME_ID, "count": 2}]}
    assert sent == [
        ("AdminApi_Authenticate", None),
        ("PointOfSaleApi_PlaceOrder", TOKEN),
        ("LearningApi_GetSectionDescription", TOKEN),
    ]
    assert f"-{VERSION}-" in wheel.name
