"""Finds hand-written code that uses what a run removes or changes: a person has to adapt it before the tests pass."""

import re
from collections.abc import Iterable
from pathlib import Path

from .changes import Change
from .python_names import area_name, method_name

__all__ = ["uses_of_breaks"]

_FOLDERS = ("custom", "examples", "tests", "docs")
_SUFFIXES = {".py", ".md", ".ipynb"}
_PLACE = re.compile(r"(?P<name>\w+)(\(\w+\))?(\.[^ ]+)?")
_FEW = 30


def uses_of_breaks(root: Path, changes: Iterable[Change]) -> list[str]:
    """Return one note for each file that uses an operation or a model that breaks, with their names."""
    terms: dict[str, str] = {}
    for change in changes:
        match = _PLACE.fullmatch(change.place) if change.breaks and change.source == "spec" else None
        if match is None:
            continue
        name = match["name"]
        terms[re.escape(name)] = name
        if "_" in name:
            method = f"{area_name(name.partition('_')[0])}.{method_name(name)}"
            terms[re.escape(method)] = name
    if not terms:
        return []
    pattern = re.compile(rf"\b({'|'.join(terms)})\b")
    names = {re.compile(term): name for term, name in terms.items()}
    notes = []
    for file in _files(root):
        found = {match[0] for match in pattern.finditer(file.read_text(encoding="utf-8", errors="replace"))}
        used = sorted({name for term, name in names.items() for text in found if term.fullmatch(text)})
        if used:
            notes.append(
                f"{file.relative_to(root).as_posix()} uses {', '.join(used)}, which a break concerns: adapt it"
            )
    more = [f"{len(notes) - _FEW} more files use what a break concerns"] if len(notes) > _FEW else []
    return notes[:_FEW] + more


def _files(root: Path) -> Iterable[Path]:
    for folder in _FOLDERS:
        for file in sorted((root / folder).rglob("*")):
            fixture = "tests/pipeline/" in file.relative_to(root).as_posix()
            if file.suffix in _SUFFIXES and file.is_file() and not fixture:
                yield file
