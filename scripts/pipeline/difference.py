"""The difference between two states of the SDK: breaking changes, the next version, the changelog's draft."""

import json
import re
import tarfile
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from subprocess import run

import attrs

from pipeline import changelog
from pipeline.changes import Change
from pipeline.errors import PipelineError
from pipeline.layout import Layout
from pipeline.normalization import normalize
from pipeline.provisional import exempt
from pipeline.python_changes import find_python_changes
from pipeline.python_places import find_unexplained
from pipeline.report_lines import MANY, is_within, shorten, summarize_by_area
from pipeline.spec_changes import find_sent_models, find_spec_changes

__all__ = ["Difference", "choose_next_version", "compare", "compare_revisions"]

_PROVISIONAL = "Changes of provisional operations, which are exempt from semantic versioning:"


@attrs.frozen
class Difference:
    """All changes from one state to another, and the version of the old state."""

    changes: list[Change]
    version: str

    @property
    def next_version(self) -> str:
        """The version that the changes call for."""
        return choose_next_version(self.version, self.changes)

    def render(self) -> str:
        """Return the report: a summary by area if there are many changes, then one line a change; empty if nothing changed."""
        if not self.changes:
            return ""
        breaking = [change for change in self.changes if change.breaks]
        documented = sum(change.detail == changelog.DOCUMENTATION for change in self.changes)
        harmless = [
            change
            for change in self.changes
            if not change.breaks and not change.provisional and change.detail != changelog.DOCUMENTATION
        ]
        provisional = [change for change in self.changes if change.provisional]
        parts = list(summarize_by_area(self.changes)) if len(self.changes) > MANY else []
        parts += [
            _count_breaking(len(breaking)),
            *shorten(f"  {change} [{change.source}]" for change in breaking),
        ]
        parts += [_PROVISIONAL * bool(provisional), *shorten(f"  {change}" for change in provisional)]
        parts += ["Harmless changes:" * bool(harmless), *shorten(f"  {change}" for change in harmless)]
        parts += [f"Changes of documentation only: {documented}"] * bool(documented)
        parts += [f"The version goes from {self.version} to {self.next_version}."]
        return "\n".join(filter(None, parts))

    def exclude(self, places: Collection[str]) -> "Difference":
        """Return the difference without changes of places that were never released, and so have no users yet."""
        kept = [change for change in self.changes if not is_within(change.place, places)]
        return Difference(kept, self.version)

    def draft_changelog(self) -> str:
        """Return the draft of the changelog's entry; a person adds what users must do."""
        return "\n".join(
            [f"## {self.next_version}, not released yet", "", *changelog.write_lines(self.changes)]
        )

    def to_json(self, notes: Sequence[str] = (), to_do: Sequence[str] = ()) -> str:
        """Return the report as JSON, with the notes and the list of code to adapt."""
        value = {
            "version": self.version,
            "next_version": self.next_version,
            "breaks": any(change.breaks for change in self.changes),
            "changes": [change.to_dict() for change in self.changes],
            "changelog": self.draft_changelog() if self.changes else "",
            "notes": list(notes),
            "to_do": list(to_do),
        }
        return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _count_breaking(breaking: int) -> str:
    if breaking == 1:
        return "One change breaks users:"
    return f"{breaking} changes break users:" if breaking else "No change breaks users."


def choose_next_version(version: str, changes: list[Change]) -> str:
    """Return the next version by Semantic Versioning; before 1.0 a breaking change raises the minor number."""
    major, minor, patch = (int(part) for part in version.split("."))
    if not changes:
        return version
    if any(change.breaks for change in changes):
        return f"{major + 1}.0.0" if major else f"0.{minor + 1}.0"
    if major and any(change.kind == "added" for change in changes):
        return f"{major}.{minor + 1}.0"
    return f"{major}.{minor}.{patch + 1}"


def compare(old: Path, new: Path, version: str) -> Difference:
    """Compare two folders that hold the results of a run.

    Raises:
        PipelineError: One of them is incomplete.
    """
    try:
        before, after = (json.loads((root / Layout.SDK).read_bytes()) for root in (old, new))
        normal = [normalize(document) for document in (before, after)]
        stated = find_spec_changes(before, after)
        found = find_python_changes(old, new, Layout.CLIENT, find_sent_models(normal[1]))
        changes = [*stated, *find_unexplained(found, stated, *normal)]
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise PipelineError(
            f"the two states can't be compared, because one is incomplete: {error!r}"
        ) from error
    return Difference(exempt(changes, before), version)


def compare_revisions(root: Path, revisions: str) -> Difference:
    """Compare two git revisions: `REV` with the working tree, `REV..REV` with each other.

    Raises:
        PipelineError: Git does not know a revision, or it is incomplete.
    """
    first, _, second = revisions.partition("..")
    with _checked_out(root, first) as old, _checked_out(root, second) as new:
        return compare(old, new, read_version(old))


def read_version(root: Path) -> str:
    """Return the version that the package's `_version.py` states.

    Raises:
        PipelineError: The file is missing or states no version.
    """
    path = root / Layout.VERSION
    try:
        found = re.search(r'^__version__ = "([^"]+)"$', path.read_text(encoding="utf-8"), re.MULTILINE)
    except OSError as error:
        raise PipelineError(f"{Layout.VERSION} cannot be read: {error}") from error
    if found is None:
        raise PipelineError(f'{Layout.VERSION} has no line `__version__ = "..."`')
    return found[1]


@contextmanager
def _checked_out(root: Path, revision: str) -> Iterator[Path]:
    """Yield a folder with the files of a revision; the repository itself for an empty revision."""
    if not revision:
        yield root
        return
    if revision.startswith("-"):
        raise PipelineError(f"{revision!r} is not a revision")
    command = ["git", "archive", "--format=tar", revision, Layout.SDK, Layout.CLIENT, Layout.VERSION]
    done = run(command, cwd=root, capture_output=True, check=False)
    if done.returncode:
        raise PipelineError(f"git cannot read {revision}: {done.stderr.decode(errors='replace').strip()}")
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=BytesIO(done.stdout)) as archive:
            archive.extractall(folder, filter="data")
        yield Path(folder)
