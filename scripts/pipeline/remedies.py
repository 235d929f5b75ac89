"""Writes overlay actions that a person can paste into openapi/overlay.yaml."""

import json
import re

__all__ = ["correct_operation", "make_schema_path", "remove_operation", "write_action"]

_PLAIN_MEMBER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# What YAML reads as something else than the characters themselves.
_NEEDS_QUOTES = re.compile(r"[\x00-\x1f\x7f-\xa0\u2028\u2029]|: | #|:$|^[^$A-Za-z0-9]")


def write_action(target: str, reason: str, update: str | None = None) -> str:
    """Return an overlay action as YAML.

    Args:
        target: The JSONPath.
        reason: Why the action is needed.
        update: The update, as YAML in flow style; None removes the target.
    """
    last = "    remove: true" if update is None else f"    update: {update}"
    return f"  - target: {_quote(target)}\n    description: {_quote(reason)}\n{last}"


def correct_operation(operation_id: str, reason: str, update: str, below: str = "") -> str:
    """Return an action that corrects an operation, or a part of it (`below`, a JSONPath)."""
    return write_action(f"$.paths.*[?@.operationId == '{operation_id}']{below}", reason, update)


def remove_operation(operation_id: str, reason: str) -> str:
    """Return an action that leaves an operation out of the client."""
    return write_action(f"$.paths.*[?@.operationId == '{operation_id}']", reason)


def make_schema_path(pointer: str) -> str:
    """Return the JSONPath of a JSON Pointer: `/components/schemas/A/properties/$type`."""
    path = "$"
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if _PLAIN_MEMBER.fullmatch(key):
            path += f".{key}"
        elif key.isdecimal():
            path += f"[{key}]"
        else:
            escaped = json.dumps(key)[1:-1].replace('\\"', '"').replace("'", "\\'")
            path += f"['{escaped}']"
    return path


def _quote(text: str) -> str:
    return json.dumps(text) if _NEEDS_QUOTES.search(text) else text
