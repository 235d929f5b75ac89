"""README and CONTRIBUTING match the code, and the demo runs."""

import importlib.metadata
import json
import re
import subprocess
import sys
from pathlib import Path

import nexport_campus
from nexport_campus import NexportCampus, StaticToken

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_readme_lists_every_operation() -> None:
    """The tables of operations name each method of each namespace, and no other."""
    campus = NexportCampus(StaticToken("token"))
    listed = re.split(r"^### `campus\.(\w+)`$", README, flags=re.MULTILINE)[1:]
    for area, text in zip(listed[::2], listed[1::2], strict=True):
        rows = re.findall(r"^\| `(\w+)` \|", text, flags=re.MULTILINE)
        methods = [name for name in dir(getattr(campus, area)) if not name.startswith("_")]
        assert rows == sorted(methods), area
    document = json.loads((ROOT / "openapi" / "nexport.sdk.json").read_text(encoding="utf-8"))
    operations = sum(len(item) for item in document["paths"].values())
    assert f"{operations} methods" in README


def test_readme_shows_code_early() -> None:
    """A newcomer meets code within the first forty lines; tests/documentation runs it."""
    assert README.splitlines().index("```python") < 40


def test_contributing_lists_every_part_of_the_package() -> None:
    """The package's layout names each of its modules and folders, and nothing else."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    layout = text.split("custom/nexport_campus/\n")[1].split("\nnexport_client/")[0]
    # Two spaces separate names, and more the description.
    names = re.findall(r"^  (\S+(?:  \S+)*)(?: {3,}.*)?$", layout, flags=re.MULTILINE)
    listed = [name.rstrip("/") for line in names for name in line.split()]
    package = ROOT / "custom" / "nexport_campus"
    parts = [
        path.stem for path in package.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()
    ]
    assert sorted(listed) == sorted(parts)


def test_version_is_the_same_everywhere() -> None:
    """The package, the distribution and the changelog state one version."""
    assert importlib.metadata.version("nexport-campus") == nexport_campus.__version__
    assert f"## {nexport_campus.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_demo_shows_the_main_jobs() -> None:
    """The demo runs to its end, and shows a list, an enrollment, its duplicate, a repaired attempt and a certificate."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "nexport_campus.cli", "demo"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for sign in (
        "Finished: ",
        "concurrent(8)",
        "EnrollmentAlreadyExistsError",
        "completed",
        "/certificate/",
        "1 login",
    ):
        assert sign in done.stdout
