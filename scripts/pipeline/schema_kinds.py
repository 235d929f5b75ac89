"""Maps JSON schemas to Python: the kind in `nexport_client.kinds` and the annotations."""

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

__all__ = ["NOTHING", "KindView", "choose_kind", "is_nullable", "make_nullable"]


@attrs.frozen
class KindView:
    """One kind: the code that constructs it, its annotations on a model and as an argument, and their imports."""

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
    ("string", None): KindView("STRING", "str", "str", frozenset({"STRING"})),
    ("integer", "int32"): KindView("INT32", "int", "int", frozenset({"INT32"})),
    ("integer", None): KindView("INTEGER", "int", "int", frozenset({"INTEGER"})),
    ("number", None): KindView("NUMBER", "float", "float", frozenset({"NUMBER"})),
    ("boolean", None): KindView("BOOLEAN", "bool", "bool", frozenset({"BOOLEAN"})),
}
_ANYTHING = KindView(
    "ANYTHING", "Any", "object", frozenset({"ANYTHING"}), imports=frozenset({"from typing import Any"})
)
_INT_OR_STRING = KindView("INT_OR_STRING", "int | str", "int | str", frozenset({"INT_OR_STRING"}))
NOTHING = KindView("NOTHING", "None", "None", frozenset({"NOTHING"}))


def choose_kind(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> KindView:
    """Return the kind of a schema; `schemas` are the document's components.

    Raises ValueError if there is no kind for the schema.
    """
    if "$ref" in schema:
        return _make_reference(str(schema["$ref"]).rsplit("/", 1)[-1], schemas)
    types = list(_list_types(schema))
    if types == ["integer", "string"]:
        return _INT_OR_STRING
    if len(types) > 1 or {"anyOf", "oneOf", "allOf"} & schema.keys():
        raise ValueError("it may be of several types; the overlay has to choose one")
    if not types:
        return _ANYTHING
    if types == ["array"]:
        items = schema.get("items", {})
        return _make_array(
            make_nullable(items, schemas) if is_nullable(items) else choose_kind(items, schemas)
        )
    if types == ["object"]:
        values = schema.get("additionalProperties")
        return _make_map(choose_kind(values, schemas) if isinstance(values, Mapping) else _ANYTHING)
    scalar = _SCALARS.get((types[0], schema.get("format"))) or _SCALARS.get((types[0], None))
    if scalar is None:
        raise ValueError(f"there is no kind for a schema of type {types[0]!r}")
    return scalar


def is_nullable(schema: Mapping[str, Any]) -> bool:
    """Return whether a schema allows null, by its types or by the mark of the normalization."""
    types = schema.get("type")
    return (isinstance(types, list) and "null" in types) or schema.get("nullable") is True


def make_nullable(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> KindView:
    """Return the kind of a nullable schema that is not a field: a whole response or an element of a list."""
    kind = choose_kind(schema, schemas)
    return attrs.evolve(
        kind,
        code=f"Nullable({kind.code})",
        annotation=f"{kind.annotation} | None",
        argument=f"{kind.argument} | None",
        kinds=kind.kinds | {"Nullable"},
    )


def _list_types(schema: Mapping[str, Any]) -> Iterator[str]:
    """Return the types of a schema without `null`."""
    declared = schema.get("type", [])
    yield from (item for item in ([declared] if isinstance(declared, str) else declared) if item != "null")


def _make_reference(name: str, schemas: Mapping[str, Any]) -> KindView:
    if "enum" in schemas[name]:
        return KindView(f'EnumOf("{name}")', name, f"{name} | int", frozenset({"EnumOf"}), frozenset({name}))
    missing = ", may_be_missing=True" * bool(schemas[name].get("x-nexport-may-be-missing"))
    return KindView(f'ModelOf("{name}"{missing})', name, name, frozenset({"ModelOf"}), frozenset({name}))


def _make_array(item: KindView) -> KindView:
    return KindView(
        f"Array({item.code})",
        f"list[{item.annotation}]",
        f"Iterable[{item.argument}]",
        item.kinds | {"Array"},
        item.references,
        item.imports | {"from collections.abc import Iterable"},
    )


def _make_map(value: KindView) -> KindView:
    of_strings = value.code == "STRING"
    return KindView(
        "STRING_MAP" if of_strings else f"MapOf({value.code})",
        f"dict[str, {value.annotation}]",
        f"Mapping[str, {value.argument}]",
        frozenset({"STRING_MAP"}) if of_strings else value.kinds | {"MapOf"},
        value.references,
        value.imports | {"from collections.abc import Mapping"},
    )
