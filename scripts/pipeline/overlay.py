"""Applies our corrections, an OpenAPI Overlay 1.0 document.

Targets are JSONPath (RFC 9535). Two things are stricter than the Overlay specification: an action that matches nothing
stops the run, because the vendor has changed what it corrected; and each action states its reason in `description`.
"""

import copy
from collections.abc import Iterable
from typing import Any

from jsonpath.exceptions import JSONPathError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from .errors import PipelineError, Problems, reporting
from .jsontext import Document
from .marks import find_wrong_names
from .overlay_actions import JSONPATH, Action, explain, find_area, is_redundant

_KEYS = {"target", "description", "update", "remove"}


def load(text: str, where: str, problems: Problems | None = None) -> list[Action]:
    """Read an overlay document.

    Args:
        text: The document.
        where: Its name, for messages.
        problems: Receives a problem for each action that is not as it must be. Without it, they are raised.

    Raises:
        PipelineError: The document is not an overlay, or an action is incomplete, has both update and remove, or has no reason.
    """
    data = _load_yaml(text, where, "safe")
    if not isinstance(data, dict) or not str(data.get("overlay", "")).startswith("1.0."):
        raise PipelineError(f"{where}: this is not an OpenAPI Overlay 1.0 document")
    actions = data.get("actions")
    if not isinstance(actions, list):
        raise PipelineError(f"{where}: `actions` is not a list")
    found = []
    with reporting(problems) as reported:
        for number, item in enumerate(actions, start=1):
            with reported.collecting():
                found.append(_read_action(number, item, where))
    return found


def apply(
    actions: Iterable[Action], document: Document, where: str, problems: Problems | None = None
) -> Document:
    """Return the document with all actions applied in order; the argument is not changed.

    Args:
        actions: The actions.
        document: The vendor's document.
        where: The overlay's name, for messages.
        problems: Receives a problem for each action that matches nothing or can't be applied. Without it, they are
            raised.

    Raises:
        PipelineError: There are problems, and no `problems` to receive them.
    """
    result = copy.deepcopy(document)
    with reporting(problems) as reported:
        unmatched = []
        for action in actions:
            with reported.collecting(find_area(action.target)):
                if not _apply_action(action, result, where):
                    unmatched.append(action)
        for action in unmatched:  # the corrected document shows which secrets are left without a mark
            message = f"{where}: {explain(action, document, result)}"
            if is_redundant(action, result):
                reported.notes.append(message)
            else:
                reported.add(message, find_area(action.target))
    return result


def _apply_action(action: Action, document: Document, where: str) -> bool:
    """Apply an action, and return whether it matches anything."""
    try:
        places = [match.parts for match in JSONPATH.finditer(action.target, document)]
    except JSONPathError as error:
        message = f"{where}: {action}: the target is not a JSONPath: {error.args[0]}; correct it"
        raise PipelineError(message) from error
    for place in reversed(places):  # from the end, so that a removal does not shift the places still to visit
        if action.remove:
            _remove(document, place)
        else:
            _update(document, place, action, where)
    return bool(places)


def remove_marks(text: str, operation_ids: Iterable[str], where: str) -> tuple[str, list[str]]:
    """Remove the marks of removed operations from an overlay, with the empty lines after them; all other lines are kept.

    A mark is an action whose target names the operation: `$.paths.*[?@.operationId == 'LearningApi_GetSection']`.

    Returns:
        tuple: The overlay and the removed targets.
    """
    needles = [f"?@.operationId == '{name}']" for name in operation_ids]
    actions = _load_yaml(text, where, "rt")["actions"]
    lines = text.splitlines(keepends=True)
    starts = [actions.lc.item(index)[0] for index in range(len(actions))] + [len(lines)]
    gone: set[int] = set()
    removed: list[str] = []
    for action, start, end in zip(actions, starts[:-1], starts[1:], strict=True):
        if any(needle in action["target"] for needle in needles):
            gone.update(range(start, _find_content_end(lines, start, end)))
            removed.append(str(action["target"]))
    return "".join(_drop_lines(lines, gone)), removed


def _drop_lines(lines: list[str], gone: set[int]) -> list[str]:
    """Return the lines that are left, and no two empty ones where some between them are gone."""
    left: list[str] = []
    cut = False
    for number, line in enumerate(lines):
        cut = (cut or number in gone) and (number in gone or not line.strip())
        if number not in gone and not (cut and left and not left[-1].strip()):
            left.append(line)
    while cut and left and not left[-1].strip():
        left.pop()
    return left


def _find_content_end(lines: list[str], start: int, end: int) -> int:
    """Return where an action ends: comments and empty lines before the next action belong to that one."""
    while end > start + 1 and lines[end - 1].strip()[:1] in {"", "#"}:
        end -= 1
    return end


def _load_yaml(text: str, where: str, kind: str) -> Any:
    try:
        return YAML(typ=kind).load(text)
    except YAMLError as error:
        raise PipelineError(f"{where}: the YAML does not parse: {error}") from error


def _read_action(number: int, item: object, where: str) -> Action:
    name = f"{where}: action {number}"
    if not isinstance(item, dict) or not isinstance(item.get("target"), str):
        raise PipelineError(f"{name} has no target")
    if unknown := item.keys() - _KEYS:
        raise PipelineError(f"{name} ({item['target']}): unknown key {min(unknown)!r}")
    if not isinstance(item.get("description"), str) or not item["description"].strip():
        raise PipelineError(f"{name} ({item['target']}) has no reason; state it in `description`")
    if ("update" in item) == (item.get("remove") is True):
        raise PipelineError(f"{name} ({item['target']}) must have either `update` or `remove: true`")
    if wrong := next(find_wrong_names(item.get("update")), None):
        raise PipelineError(f"{name} ({item['target']}): {wrong}")
    reason = " ".join(item["description"].split())
    return Action(number, item["target"], item.get("update"), item.get("remove") is True, reason)


def _find_parent(document: Document, place: tuple[int | str, ...]) -> Any:
    value: Any = document
    for part in place[:-1]:
        value = value[part]
    return value


def _remove(document: Document, place: tuple[int | str, ...]) -> None:
    if not place:
        raise PipelineError("the overlay removes the whole document")
    del _find_parent(document, place)[place[-1]]


def _update(document: Document, place: tuple[int | str, ...], action: Action, where: str) -> None:
    target = _find_parent(document, place)[place[-1]] if place else document
    if isinstance(target, list):
        target.append(copy.deepcopy(action.update))
    elif isinstance(target, dict) and isinstance(action.update, dict):
        _merge(target, action.update, f"{where}: {action}")
    else:
        raise PipelineError(
            f"{where}: {action} selects a value that its update does not fit; it must be an object or a list"
        )


def _merge(target: dict[str, Any], update: dict[str, Any], name: str) -> None:
    for key, value in update.items():
        old = target.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            _merge(old, value, name)
        elif isinstance(old, list) and isinstance(value, list):
            old.extend(copy.deepcopy(value))
        elif isinstance(old, dict | list) or (isinstance(value, dict | list) and key in target):
            raise PipelineError(f"{name}: {key!r} has another type there; remove it first")
        else:
            target[key] = copy.deepcopy(value)
