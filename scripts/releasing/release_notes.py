"""The version of a release and its text, from the two files that state them."""

import re
from pathlib import Path

__all__ = ["UNRELEASED", "ReleaseError", "read_version", "release_notes", "verify_tag"]

UNRELEASED = ", not released yet"


class ReleaseError(Exception):
    """The release cannot be made; the message says which file to change."""


def read_version(root: Path) -> str:
    """Return the version in `custom/nexport_campus/_version.py`, the one place that states it."""
    file = root / "custom/nexport_campus/_version.py"
    found = re.search(r'^__version__ = "(.+)"$', file.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise ReleaseError(f"{file.relative_to(root)} has no line `__version__ = ...`")
    return found[1]


def release_notes(root: Path, version: str) -> tuple[str, str]:
    """Return the heading and the text of a version's section in the changelog.

    Raises:
        ReleaseError: The changelog has no section for the version, or an empty one.
    """
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    section = rf"^## ({re.escape(version)}(?![\w.+-])[^\n]*)$\n(.*?)(?=^## |\Z)"
    found = re.search(section, changelog, re.MULTILINE | re.DOTALL)
    if found is None or not found[2].strip():
        raise ReleaseError(f"CHANGELOG.md says nothing about {version}: write its section first")
    return found[1], f"{found[2].strip()}\n"


def verify_tag(tag: str, version: str, heading: str) -> None:
    """Raise ReleaseError unless the tag belongs to the version and the changelog calls it released."""
    if tag != f"v{version}":
        raise ReleaseError(
            f"the tag is {tag} but the version is {version}: tag v{version}, or change _version.py"
        )
    if heading.endswith(UNRELEASED):
        raise ReleaseError(f"CHANGELOG.md says {heading!r}: replace {UNRELEASED!r} with the date")
