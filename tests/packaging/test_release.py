"""A release is built, checked and described by one command, which the publish workflow runs."""

import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from releasing.release_notes import ReleaseError, read_version, release_notes, verify_tag

ROOT = Path(__file__).parents[2]
CHANGELOG = """# Changelog

## 1.10.0, not released yet

- Added: later.

## 1.1.0 (2026-03-01)

### What users must change

- Nothing.

## 1.0.0

"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a folder with a version and a changelog."""
    (tmp_path / "custom/nexport_campus").mkdir(parents=True)
    (tmp_path / "custom/nexport_campus/_version.py").write_text('X = 1\n__version__ = "1.1.0"\n')
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    return tmp_path


def test_the_changelog_section_is_the_text_of_the_release(project: Path) -> None:
    """The section of the version, and nothing of the ones around it."""
    assert read_version(project) == "1.1.0"
    assert release_notes(project, "1.1.0") == (
        "1.1.0 (2026-03-01)",
        "### What users must change\n\n- Nothing.\n",
    )


@pytest.mark.parametrize("version", ["1.1", "1.1.0.post1", "2.0.0", "1.0.0"])
def test_a_version_without_a_section_is_refused(project: Path, version: str) -> None:
    """A missing section, an empty one, and one of a version that merely begins alike."""
    with pytest.raises(ReleaseError, match=re.escape(f"says nothing about {version}")):
        release_notes(project, version)


def test_the_tag_must_be_the_version(project: Path) -> None:
    """Neither another version's tag nor one without the `v` is released, and no draft."""
    heading, _ = release_notes(project, "1.1.0")
    verify_tag("v1.1.0", "1.1.0", heading)
    for tag in ("1.1.0", "v1.1.1", "v1.1.0rc1"):
        with pytest.raises(ReleaseError, match=r"tag v1\.1\.0"):
            verify_tag(tag, "1.1.0", heading)
    draft, _ = release_notes(project, "1.10.0")
    with pytest.raises(ReleaseError, match="not released yet"):
        verify_tag("v1.10.0", "1.10.0", draft)


def test_this_version_has_a_section() -> None:
    """CHANGELOG.md has a section for the version of this tree."""
    assert release_notes(ROOT, read_version(ROOT))[1]


def test_the_workflow_publishes_what_the_script_made() -> None:
    """The publish workflow runs the script for its tag, uploads its output, and uses its text."""
    workflow = (ROOT / ".github/workflows/publish.yml").read_text(encoding="utf-8")
    assert './scripts/release --tag "$GITHUB_REF_NAME"' in workflow
    assert "--notes-file dist/release-notes.md" in workflow
    assert "attestations: true" in workflow


@pytest.mark.full
def test_dry_run(tmp_path: Path) -> None:
    """The script builds both distributions, installs the wheel and runs the demo from it."""
    command = [sys.executable, str(ROOT / "scripts/release"), "--output", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    version = read_version(ROOT)
    assert done.stdout.endswith(f"{version} builds, installs and runs\n")
    assert (tmp_path / "release-notes.md").read_text() == release_notes(ROOT, version)[1]
    (wheel,), (sdist,) = tmp_path.glob("*.whl"), tmp_path.glob("*.tar.gz")
    assert wheel.name == f"nexport_campus-{version}-py3-none-any.whl"
    with tarfile.open(sdist) as archive:
        assert f"nexport_campus-{version}/LICENSE" in archive.getnames()
