"""Keeps a report readable: a summary by area, and not more lines than a person reads."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence

from pipeline.changes import Change

__all__ = ["MANY", "group_by_folder", "is_within", "shorten", "summarize_by_area"]

MANY = 40
_OPERATION = re.compile(r"(?P<area>[A-Za-z0-9]+)_\w+(?P<argument>\(\w+\))?")


def summarize_by_area(changes: Iterable[Change]) -> Iterator[str]:
    """Yield one line for each area, and one for the models: how many changes of each kind, and how many break users."""
    counts: dict[str, Counter[str]] = {}
    for change in changes:
        operation = _OPERATION.fullmatch(change.place)
        area = operation["area"] if operation else "Models"
        what = change.kind if not operation or not operation["argument"] else "changed"
        counts.setdefault(area, Counter())[what] += 1
        counts[area]["breaking"] += change.breaks
    for area, count in sorted(counts.items(), key=lambda item: (item[0] == "Models", item[0])):
        kinds = ", ".join(f"{count[kind]} {kind}" for kind in ("added", "removed", "changed") if count[kind])
        breaking = count["breaking"]
        yield f"{area}: {kinds}" + f"; {breaking} break{'s' * (breaking == 1)} users" * bool(breaking)


def shorten(lines: Iterable[str]) -> list[str]:
    """Return the first lines, and how many more there are."""
    found = list(lines)
    if len(found) <= MANY:
        return found
    return [*found[:MANY], f"  ... and {len(found) - MANY} more; --json FILE lists all"]


def group_by_folder(lines: Sequence[str]) -> list[str]:
    """Return lines about files as they are, or, if there are many, one for each folder and kind of change."""
    if len(lines) <= MANY:
        return list(lines)
    groups: dict[tuple[str, str], list[str]] = {}
    for line in lines:
        path, _, words = line.partition(" ")
        groups.setdefault((path.rpartition("/")[0] or path, words), []).append(line)
    return [
        f"{folder}: {len(group)} files {_make_plural(words)}" if len(group) > 1 else group[0]
        for (folder, words), group in sorted(groups.items())
    ]


def _make_plural(words: str) -> str:
    return words.replace("is ", "are ", 1).replace("differs", "differ", 1)


def is_within(place: str, places: Collection[str]) -> bool:
    """Return whether a place is one of others, or a part of one: an argument, a field."""
    return re.split(r"[(.]", place)[0] in places or place in places
