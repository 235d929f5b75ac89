"""One action of the overlay, and why it matches nothing."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jsonpath import JSONPath, JSONPathEnvironment

from .jsontext import Document
from .secret_names import find_unmarked_secrets, is_secret_name
from .spec import get_components, iterate_operations

__all__ = ["JSONPATH", "Action", "explain", "find_area", "is_redundant"]

JSONPATH = JSONPathEnvironment(strict=True)
_OPERATION = re.compile(r"@\.operationId == '([^']*)'")
_SCHEMA = re.compile(r"\$\.components\.schemas(?:\.([A-Za-z]\w*)|\['([^']*)'\])")
_QUOTED = re.compile(r"\w+")


@dataclass(frozen=True)
class Action:
    """One action of the overlay: its target and what happens there."""

    number: int
    target: str
    update: object = None
    remove: bool = False
    reason: str = ""

    def __str__(self) -> str:
        return f"action {self.number} ({self.target})"


def find_area(target: str) -> str:
    """Return the area of the operation that a target names, or an empty string."""
    match = _OPERATION.search(target)
    return match[1].partition("_")[0] if match else ""


def explain(action: Action, document: Document, corrected: Document) -> str:
    """Return why an action matches nothing, and what to do.

    Args:
        action: The action.
        document: The vendor's document.
        corrected: The document with the other actions applied.
    """
    reason = f" Its reason: {action.reason.rstrip('.')}." if action.reason else ""
    return f"{action} matches nothing: {_explain_mismatch(action, document)}.{reason} {_suggest_remedy(action, corrected)}"


def is_redundant(action: Action, corrected: Document) -> bool:
    """Return whether an action only marks secrets, and nothing that looks like one is left without a mark.

    Such an action may stay: it protects what the vendor may publish again.
    """
    return action.update == {"x-nexport-secret": True} and not find_unmarked_secrets(corrected)


def _explain_mismatch(action: Action, document: Document) -> str:
    """Return a description of the part of the target that the document lacks."""
    known = {operation.id for operation in iterate_operations(document)}
    if gone := [name for name in _OPERATION.findall(action.target) if name not in known]:
        return f"the operation {gone[0]} is gone"
    schema = _SCHEMA.search(action.target)
    name = (schema[1] or schema[2]) if schema else ""
    if name and name not in get_components(document, "schemas"):
        return f"the schema {name} is gone"
    query = JSONPATH.compile(action.target)
    segments = [str(segment) for segment in query.segments] if isinstance(query, JSONPath) else []
    for count in range(len(segments), 0, -1):
        prefix = "$" + "".join(segments[:count])
        if next(iter(JSONPATH.finditer(prefix, document)), None) is not None:
            return (
                f"{prefix} is there, and nothing below it matches"
                if count < len(segments)
                else "an earlier action removes it"
            )
    return "the document has no part of it"


def _suggest_remedy(action: Action, corrected: Document) -> str:
    if not _keeps_secret(action):
        return "Correct the target, or remove the action."
    if unmarked := find_unmarked_secrets(corrected):
        places = ", ".join(place for place, _ in unmarked[:5]) + ", ..." * (len(unmarked) > 5)
        return (
            f"It hides a secret, so don't remove it before these are marked as secret or not: {places}. Then correct "
            "its target or remove it."
        )
    return "It hides a secret, and nothing else looks like one: keep it for what may come, or correct its target."


def _keeps_secret(action: Action) -> bool:
    """Return whether an action marks a secret, or keeps one out of the arguments."""
    marks = isinstance(action.update, Mapping) and _has_mark(action.update)
    return marks or any(is_secret_name(word) for word in _QUOTED.findall(action.target))


def _has_mark(value: Mapping[str, Any]) -> bool:
    return "x-nexport-secret" in value or any(
        _has_mark(item) for item in value.values() if isinstance(item, Mapping)
    )
