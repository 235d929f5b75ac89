"""Suggestions for mistyped operations, commands and options.

Users may paste a suggestion without reading it, so a harmless word never leads to one that changes data. Such a suggestion
must be at most one typo away, and the typed word must itself mean a change.
"""

import re
from collections.abc import Collection, Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nexport_client.operation import Operation

__all__ = ["RISKY_OPTIONS", "find_similar_operations", "find_similar_words", "render_suggestions"]

RISKY_OPTIONS = frozenset({"--force", "--restart", "--show-secret", "--yes"})
"""Options that overwrite, discard or reveal data, or skip a confirmation."""
_MAX_SUGGESTIONS = 3


def render_suggestions(names: list[str]) -> str:
    """Return suggestions as the end of a message, or "" if there are none."""
    return f" (did you mean {' or '.join(names)}?)" if names else ""


def find_similar_words(typed: str, harmless: Iterable[str], risky: Iterable[str]) -> list[str]:
    """Return the words that are similar to a typed one; risky ones only if a single typo separates them."""
    unmistakable = [word for word in risky if _is_one_typo_apart(typed.lower(), word)]
    return unmistakable or get_close_matches(typed.lower(), list(harmless), n=_MAX_SUGGESTIONS)


def find_similar_operations(typed: str, operations: Collection["Operation[Any]"]) -> list[str]:
    """Return the operations that a mistyped name may mean, `learning.get_section` or `LearningApi_GetSection`."""
    name = _to_python_name(typed)
    method = name.rpartition(".")[2]
    reads = [operation for operation in operations if operation.effect == "read"]
    reading_verbs = {_get_verb(operation.name) for operation in reads}
    writes = [
        operation.full_name
        for operation in operations
        if operation.effect == "write"
        and _is_one_typo_apart(method, operation.name)
        and _clearly_means(_get_verb(method), _get_verb(operation.name), reading_verbs)
    ]
    return writes or get_close_matches(name, [read.full_name for read in reads], n=_MAX_SUGGESTIONS)


def _clearly_means(typed: str, verb: str, reading_verbs: set[str]) -> bool:
    """Return whether a typed verb clearly means that of a writing operation: "bet" could be "get" instead of "set"."""
    if typed == verb:
        return verb not in reading_verbs
    return not any(_is_one_typo_apart(typed, other) for other in reading_verbs)


def _get_verb(method: str) -> str:
    return method.partition("_")[0]


def _to_python_name(typed: str) -> str:
    """Return a typed name in the form `learning.get_section`."""
    found = re.fullmatch(r"([A-Za-z]+)Api_(\w+)", typed)
    name = f"{found[1]}.{re.sub(r'(?<=[a-z0-9])(?=[A-Z])', '_', found[2])}" if found else typed
    return name.replace("-", "_").lower()


def _is_one_typo_apart(typed: str, name: str) -> bool:
    """Return whether the words are equal but for one letter added, left out or replaced, or two swapped."""
    same = next(
        (at for at, pair in enumerate(zip(typed, name, strict=False)) if pair[0] != pair[1]),
        min(len(typed), len(name)),
    )
    rest, wanted = typed[same:], name[same:]
    swapped = rest[1::-1] == wanted[:2] and rest[2:] == wanted[2:]
    return rest[1:] == wanted[1:] or rest[1:] == wanted or rest == wanted[1:] or swapped
