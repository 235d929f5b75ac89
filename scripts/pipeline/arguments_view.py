"""The records of arguments for their templates: what a method takes, out of query and body alike."""

from collections.abc import Iterable, Mapping
from typing import Any

import attrs
from openapi_python_client.strings import PythonIdentifier

from pipeline.kinds import KindView, kind_of

__all__ = ["ArgumentView", "body_arguments", "paging_place", "query_arguments", "refuse_repeated"]


@attrs.frozen
class ArgumentView:
    """One argument of a method, out of the query or the body."""

    name: str
    key: str
    kind: KindView
    doc: str
    required: bool
    nullable: bool
    min_items: int
    secret: bool

    @property
    def annotation(self) -> str:
        """How the method annotates it; None means not sent, unless the schema allows null."""
        if self.nullable and not self.required:
            return f"{self.kind.argument} | None | Unset"
        return self.kind.argument if self.required else f"{self.kind.argument} | None"

    @property
    def default(self) -> str | None:
        """Its default in code, or None for a required one."""
        if self.required:
            return None
        return "UNSET" if self.nullable else "None"

    @property
    def declaration(self) -> str:
        """The `Parameter` that describes it to the client."""
        marks = [f"{name}=True" for name in ("required", "nullable", "secret") if getattr(self, name)]
        marks += [f"min_items={self.min_items}"] * bool(self.min_items)
        return f"Parameter({', '.join([repr(self.name), repr(self.key), self.kind.code, *marks])})"


def query_arguments(operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> list[ArgumentView]:
    """The arguments that travel in the query. Raises ValueError for a parameter that travels elsewhere."""
    return [_query_argument(item, schemas) for item in operation.get("parameters", [])]


def _query_argument(parameter: Mapping[str, Any], schemas: Mapping[str, Any]) -> ArgumentView:
    if parameter["in"] != "query":
        raise ValueError(
            f"parameter {parameter['name']!r} travels in {parameter['in']}, which the client can't send yet"
        )
    required = parameter.get("required", False)
    return _argument(
        parameter["name"], {**parameter, **parameter["schema"]}, parameter, schemas, required=required
    )


def body_arguments(operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> list[ArgumentView] | None:
    """The arguments that travel in the body, None for an operation without one; the paging object is no argument."""
    schema = _body_schema(operation, schemas)
    if schema is None:
        return None
    required = schema.get("required", [])
    return [
        _argument(key, value, value, schemas, required=key in required)
        for key, value in schema["properties"].items()
        if not _is_paging_field(value)
    ]


def _body_schema(operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if "requestBody" not in operation:
        return None
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    resolved: Mapping[str, Any] = schemas[schema["$ref"].rsplit("/", 1)[-1]] if "$ref" in schema else schema
    return resolved


def _argument(
    key: str,
    schema: Mapping[str, Any],
    marked: Mapping[str, Any],
    schemas: Mapping[str, Any],
    *,
    required: bool,
) -> ArgumentView:
    types = schema.get("type")
    return ArgumentView(
        name=str(PythonIdentifier(key, "field_")),
        key=key,
        kind=kind_of(schema, schemas),
        doc=(marked.get("description") or "") + "\nMust not be empty." * bool(schema.get("minItems")),
        required=required,
        nullable=isinstance(types, list) and "null" in types,
        min_items=schema.get("minItems", 0),
        secret=marked.get("x-nexport-secret", False),
    )


def paging_place(
    query: Iterable[ArgumentView], operation: Mapping[str, Any], schemas: Mapping[str, Any]
) -> str | None:
    """Where the page number travels: a pair of query parameters, or the body's paging object."""
    if {"page", "per_page"} <= {argument.key for argument in query}:
        return "query"
    body = _body_schema(operation, schemas)
    return "body" if body and any(_is_paging_field(value) for value in body["properties"].values()) else None


def _is_paging_field(schema: Mapping[str, Any]) -> bool:
    return str(schema.get("$ref", "")).endswith("/ApiPaginationOptions")


def refuse_repeated(operation_id: str, arguments: list[ArgumentView]) -> None:
    """Raise ValueError if query and body share a name."""
    names = [argument.name for argument in arguments]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"{operation_id}: query and body share the name {repeated[0]!r}")
