"""Drafts the entry in CHANGELOG.md for a difference; a person finishes it."""

import re
from collections.abc import Collection, Sequence

from pipeline.changes import Change
from pipeline.python_names import area_name, method_name
from pipeline.report_lines import is_within

__all__ = ["DOCUMENTATION", "find_unreleased_places", "insert_draft", "remove_places", "write_lines"]

DOCUMENTATION = "its documentation"
_TITLES = {"added": "Added", "removed": "Removed", "changed": "Changed"}
_OPERATION = re.compile(r"(?P<id>(?P<tag>[A-Za-z0-9]+)_\w+)(?P<argument>\(\w+\))?")
_HEADING = re.compile(r"^## (\d+)\.(\d+)\.(\d+)(.*)$", re.MULTILINE)
_UNRELEASED = ", not released yet"
_DRAFT = f"## 0.0.0{_UNRELEASED}\n"
_ADDED_OPERATION = re.compile(r"- Added `campus\.\w+\.\w+(?P<argument>\(\w+\))?` \((?P<id>\w+)\)")
_ADDED_MODELS = re.compile(r"- Added the models (?P<names>(`\w+`(, )?)+)\.$")
_ADDED = re.compile(r"- Added `(?P<place>[\w.]+)`")


def write_lines(changes: Sequence[Change]) -> list[str]:
    """Return one line for each change that users notice: breaks first, then operations; new models share a line."""
    # Breaks appear in the spec and in the Python API; the spec has the vendor's words.
    in_spec = any(change.breaks for change in changes if change.source == "spec")
    stated = [change for change in changes if change.source == "spec" or not in_spec]
    stated = [change for change in stated if change.detail != DOCUMENTATION]
    models = [change.place for change in stated if _is_new_model(change)]
    ordered = sorted(
        stated,
        key=lambda item: (not item.breaks, not item.provisional, _OPERATION.fullmatch(item.place) is None),
    )
    found = [_write_line(change) for change in ordered if not _is_new_model(change)]
    if models:
        found.append(f"- Added the models {', '.join(f'`{name}`' for name in models)}.")
    return found or ["- Documentation."]


def insert_draft(text: str, version: str, following: str, drafted: Sequence[str]) -> str:
    """Return the changelog with the drafted lines added; existing text is kept.

    If the topmost entry is an unreleased draft of a later version, they are added to it; otherwise they become a new entry.

    Args:
        text: the changelog.
        version: the project's version.
        following: the version that follows from the changes.
        drafted: the lines.
    """
    first = _HEADING.search(text)
    if first is None:
        return f"{text.rstrip()}\n\n{_make_entry(following, drafted)}"
    found = ".".join(first.groups()[:3])
    if first[4] != _UNRELEASED or _order(found) <= _order(version):
        return f"{text[: first.start()]}{_make_entry(following, drafted)}\n{text[first.start() :]}"
    after = _HEADING.search(text, first.end())
    end = after.start() if after else len(text)
    known = text[first.end() : end]
    new = [line for line in drafted if line not in known.splitlines()]
    heading = f"## {max(found, following, key=_order)}{_UNRELEASED}"
    body = "\n".join([known.rstrip(), *new])
    return f"{text[: first.start()]}{heading}{body}\n" + (f"\n{text[end:]}" if after else "")


def find_unreleased_places(text: str) -> set[str]:
    """Return the operations, arguments, models and members that the topmost entry adds, if it is not released yet."""
    places: set[str] = set()
    for line in _find_unreleased(text).splitlines():
        if match := _ADDED_OPERATION.match(line):
            places.add(match["id"] + (match["argument"] or ""))
        elif match := _ADDED_MODELS.match(line):
            places.update(re.findall(r"`(\w+)`", match["names"]))
        elif match := _ADDED.match(line):
            places.add(match["place"])
    return places


def remove_places(text: str, places: Collection[str]) -> str:
    """Return the changelog without the additions of the topmost entry that were removed before their release."""
    entry = _find_unreleased(text)
    kept = "".join(_remove_from_line(line, places) for line in entry.splitlines(keepends=True))
    return text.replace(entry, kept, 1) if entry else text


def _remove_from_line(line: str, places: Collection[str]) -> str:
    """Return a line of the changelog without the places that it adds; empty if it adds nothing else."""
    if match := _ADDED_MODELS.match(line):
        names = re.findall(r"`(\w+)`", match["names"])
        kept = [f"`{name}`" for name in names if name not in places]
        return f"- Added the models {', '.join(kept)}.\n" if kept else ""
    added = find_unreleased_places(f"{_DRAFT}{line}")
    return "" if any(is_within(place, places) for place in added) else line


def _find_unreleased(text: str) -> str:
    """Return the text of the topmost entry if it is not released yet."""
    first = _HEADING.search(text)
    if first is None or first[4] != _UNRELEASED:
        return ""
    after = _HEADING.search(text, first.end())
    return text[first.end() : after.start() if after else len(text)]


def _make_entry(version: str, drafted: Sequence[str]) -> str:
    return "\n".join([f"## {version}{_UNRELEASED}", "", *drafted, ""])


def _order(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def _is_new_model(change: Change) -> bool:
    return change.kind == "added" and change.source == "spec" and change.place.isalnum()


def _write_line(change: Change) -> str:
    detail = f": {change.detail.rstrip('.')}" if change.detail else ""
    marked = "**Breaking.** " * change.breaks + "**Provisional.** " * change.provisional
    return f"- {marked}{_TITLES[change.kind]} {_name_for_users(change)}{detail}."


def _name_for_users(change: Change) -> str:
    """Return the name that users know, with the vendor's in parentheses."""
    operation = _OPERATION.fullmatch(change.place) if change.source == "spec" else None
    if operation is None:
        return f"`{change.place}`"
    method = f"campus.{area_name(operation['tag'])}.{method_name(operation['id'])}"
    return f"`{method}{operation['argument'] or ''}` ({operation['id']})"
