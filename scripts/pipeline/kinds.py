"""What a JSON schema of the spec is in Python: its kind in `nexport_client.kinds`, and its annotations."""

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

__all__ = ["KindView", "kind_of"]


@attrs.frozen
class KindView:
    """One kind: the code that makes it, how it is annotated on a model and as an argument, and what that needs."""

    code: str
    annotation: str
    argument: str
    kinds: frozenset[str]
    references: frozenset[str] = frozenset()
    imports: frozenset[str] = frozenset()


_UUID = "from uuid import UUID"
_DATETIME = "from datetime import datetime"
_SCALARS = {
    ("string", "uuid"): KindView(
        "UUID_", "UUID", "UUID | str", frozenset({"UUID_"}), imports=frozenset({_UUID})
    ),
    ("string", "date-time"): KindView(
        "DATE_TIME", "datetime", "datetime", frozenset({"DATE_TIME"}), imports=frozenset({_DATETIME})
    ),
    ("string", None): KindView("TEXT", "str", "str", frozenset({"TEXT"})),
    ("integer", "int32"): KindView("INT32", "int", "int", frozenset({"INT32"})),
    ("integer", None): KindView("INTEGER", "int", "int", frozenset({"INTEGER"})),
    ("number", None): KindView("NUMBER", "float", "float", frozenset({"NUMBER"})),
    ("boolean", None): KindView("BOOLEAN", "bool", "bool", frozenset({"BOOLEAN"})),
}
_ANYTHING = KindView(
    "ANYTHING", "Any", "object", frozenset({"ANYTHING"}), imports=frozenset({"from typing import Any"})
)


def kind_of(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> KindView:
    """The kind of one schema; `schemas` are the document's components.

    Raises ValueError for a schema that no kind is there for.
    """
    if "$ref" in schema:
        return _reference(str(schema["$ref"]).rsplit("/", 1)[-1], schemas)
    types = list(_types(schema))
    if "array" in types:
        return _array(kind_of(schema.get("items", {}), schemas))
    if "object" in types and _is_text_map(schema):
        return KindView(
            "TEXT_MAP",
            "dict[str, str]",
            "Mapping[str, str]",
            frozenset({"TEXT_MAP"}),
            imports=frozenset({"from collections.abc import Mapping"}),
        )
    if not types:
        return _ANYTHING
    scalar = _SCALARS.get((types[0], schema.get("format"))) or _SCALARS.get((types[0], None))
    if scalar is None:
        raise ValueError(f"there is no kind for a schema of type {types[0]!r} in place")
    return scalar


def _types(schema: Mapping[str, Any]) -> Iterator[str]:
    """The types of a schema, `null` left out."""
    declared = schema.get("type", [])
    yield from (item for item in ([declared] if isinstance(declared, str) else declared) if item != "null")


def _reference(name: str, schemas: Mapping[str, Any]) -> KindView:
    if "enum" in schemas[name]:
        return KindView(f'EnumOf("{name}")', name, f"{name} | int", frozenset({"EnumOf"}), frozenset({name}))
    return KindView(f'ModelOf("{name}")', name, name, frozenset({"ModelOf"}), frozenset({name}))


def _array(item: KindView) -> KindView:
    return KindView(
        f"Array({item.code})",
        f"list[{item.annotation}]",
        f"Sequence[{item.argument}]",
        item.kinds | {"Array"},
        item.references,
        item.imports | {"from collections.abc import Sequence"},
    )


def _is_text_map(schema: Mapping[str, Any]) -> bool:
    values = schema.get("additionalProperties")
    return not schema.get("properties") and isinstance(values, Mapping) and values.get("type") == "string"
