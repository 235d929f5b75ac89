"""The forms of a schema: whether it becomes a class, its types, and what makes a difference to the code."""

from collections.abc import Mapping
from typing import Any

__all__ = ["LISTED", "becomes_class", "drop_words", "list_types", "member_name", "read_listed_values"]

LISTED = "One of: "
"""How the normal form begins the values of a string enum in its description."""
_WORDS = ("description", "title", "example", "examples", "default")
_NUMBERS = ("integer", "number")


def becomes_class(schema: Mapping[str, Any]) -> bool:
    """Return whether a schema becomes a class: an object with properties or an integer enum."""
    if "enum" in schema:
        return schema.get("type") == "integer"
    if "properties" in schema:
        return bool(schema["properties"]) or not schema.get("additionalProperties")
    return schema.get("type") == "object" and not schema.get("additionalProperties") and "items" not in schema


def drop_words(value: Any) -> Any:
    """Return a schema without descriptions and examples, which make no difference to the code."""
    if isinstance(value, list):
        return [drop_words(item) for item in value]
    if not isinstance(value, dict):
        return value
    fields = value.get("properties")
    found = {key: drop_words(item) for key, item in value.items() if key not in (*_WORDS, "properties")}
    if isinstance(fields, dict):  # the keys are the vendor's names, not keywords
        found["properties"] = {key: drop_words(item) for key, item in fields.items()}
    return found


def read_listed_values(description: str) -> list[str] | None:
    """Return the values of a string enum from its description in normal form, or None if it isn't an enum."""
    lines = [line for line in description.splitlines() if line.startswith(LISTED)]
    return lines[-1].removeprefix(LISTED).removesuffix(".").split(", ") if lines else None


def member_name(value: int) -> str:
    """Return the name of an enum member that has none."""
    return f"VALUE_{value}".replace("-", "MINUS_")


def list_types(schema: Mapping[str, Any]) -> list[str]:
    """Return the types of a schema without null.

    .NET states a number as `[integer, string]` with a format or a pattern, because it reads both and writes a number.
    """
    declared = schema.get("type", [])
    kinds = [kind for kind in ([declared] if isinstance(declared, str) else declared) if kind != "null"]
    numbers = [kind for kind in kinds if kind in _NUMBERS]
    stated = numbers == ["number"] or {"format", "pattern"} & schema.keys()
    return numbers if stated and len(numbers) == 1 and set(kinds) == {*numbers, "string"} else kinds
