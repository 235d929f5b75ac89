"""Compares documents by meaning: what OpenAPI 3.0 and 3.1 write differently doesn't count."""

from typing import Any

from .jsontext import find_differences, find_first_difference

__all__ = ["choose_newest_version", "find_differences_in_meaning"]


def find_differences_in_meaning(one: object, other: object, pointer: str = "") -> list[str]:
    """Return the JSON Pointer of each difference that has a meaning."""
    if find_first_difference(one, other, pointer) is None:
        return []
    return list(find_differences(_unify_style(one), _unify_style(other), pointer))


def choose_newest_version(one: str, other: str) -> str:
    """Return the later of two versions such as 3.0.1 and 3.1.1."""
    return max(one, other, key=lambda version: [int(part) for part in version.split(".") if part.isdecimal()])


def _unify_style(value: Any) -> Any:
    """Return a value in the style of OpenAPI 3.1: `nullable` is a type, and a reference may have siblings."""
    if isinstance(value, list):
        return [_unify_style(item) for item in value]
    if not isinstance(value, dict):
        return value
    value = {key: _unify_style(item) for key, item in value.items() if key != "openapi"}
    match value.get("allOf"):
        case [{"$ref": str()} as only] if len(only) == 1 and "$ref" not in value:
            value = {**{key: item for key, item in value.items() if key != "allOf"}, **only}
    if value.get("nullable") is False:
        del value["nullable"]
    if value.get("nullable") is True and isinstance(kind := value.get("type"), str):
        value = {**{key: item for key, item in value.items() if key != "nullable"}, "type": [kind, "null"]}
    if isinstance(value.get("type"), list):
        value["type"] = sorted(map(str, value["type"]))
        if len(value["type"]) == 1:
            value["type"] = value["type"][0]
    return value
