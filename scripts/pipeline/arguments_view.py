"""Template records of method arguments, wherever in the request they travel."""

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from pipeline.docstrings import to_one_line
from pipeline.python_names import argument_name
from pipeline.schema_kinds import KindView, choose_kind, is_nullable

__all__ = [
    "PAGE_ARGUMENTS",
    "ArgumentView",
    "Arguments",
    "find_request_constant",
    "is_paging_field",
    "make_arguments",
]

PAGE_ARGUMENTS = ("page", "per_page")
# OpenAPI ignores header parameters of these names: the body and the security scheme describe them.
_NO_ARGUMENTS = {"accept", "content-type", "authorization"}
# These headers belong to the connection.
_OURS = {"connection", "content-length", "cookie", "host", "transfer-encoding", "user-agent"}
_PLACES = ("path", "query", "header", "body")


@attrs.frozen
class ArgumentView:
    """One argument of a method; `place` is its part of the request."""

    name: str
    key: str
    place: str
    kind: KindView
    doc: str
    required: bool
    nullable: bool
    min_items: int
    secret: bool

    @property
    def annotation(self) -> str:
        """The annotation in the method's signature; None means not sent, unless the schema allows null."""
        if self.nullable:
            return f"{self.kind.argument} | None" + ("" if self.required else " | Unset")
        return self.kind.argument if self.required else f"{self.kind.argument} | None"

    @property
    def default(self) -> str | None:
        """The default as code, or None for a required argument."""
        if self.required:
            return None
        return "UNSET" if self.nullable else "None"

    @property
    def description(self) -> str:
        """The vendor's description on one line; empty if there is none."""
        return to_one_line(self.doc, otherwise="")

    @property
    def declaration(self) -> str:
        """The code of the `Parameter` that describes the argument to the client."""
        marks = [f"{name}=True" for name in ("required", "nullable", "secret") if getattr(self, name)]
        marks += [f"min_items={self.min_items}"] * bool(self.min_items)
        marks += [f"description={self.description!r}"] * bool(self.description)
        return f"Parameter({', '.join([repr(self.name), repr(self.key), self.kind.code, *marks])})"


@attrs.frozen
class Arguments:
    """All arguments of an operation by their place; `whole_body`: one argument is the whole body.

    `fixed`: the fields of the body that have a constant value instead of an argument.
    """

    path: list[ArgumentView]
    query: list[ArgumentView]
    header: list[ArgumentView]
    body: list[ArgumentView] | None
    whole_body: bool
    fixed: dict[str, object]

    @property
    def all(self) -> list[ArgumentView]:
        """All arguments, required ones first."""
        return sorted(
            [*self.path, *self.query, *self.header, *(self.body or [])],
            key=lambda argument: not argument.required,
        )


def make_arguments(operation: Mapping[str, Any], schemas: Mapping[str, Any], paging: str | None) -> Arguments:
    """Return the arguments of an operation; `paging` is the place of its page number, or None.

    If two share a name, the one that is later in the order path, query, header, body gets a suffix: `name_in_body`.
    Raises ValueError for what the client can't send.
    """
    found = [_read_parameter(item, schemas) for item in operation["parameters"] if not _is_ignored(item)]
    if paging == "query":
        found = [item for item in found if not (item.place == "query" and item.key in PAGE_ARGUMENTS)]
    schema = _find_body_schema(operation)
    fields = _find_body_fields(schema, schemas) if schema is not None else None
    fixed: dict[str, object] = {}
    if fields is not None:
        flat = PAGE_ARGUMENTS if set(PAGE_ARGUMENTS) <= fields["properties"].keys() else ()
        for key, value in fields["properties"].items():
            constant = find_request_constant(value, schemas)
            if constant is not None:
                fixed |= {key: constant} if key in fields.get("required", []) else {}
            elif not (paging == "body" and (is_paging_field(value) or key in flat)):
                found.append(_read_field(key, value, fields, schemas))
    elif schema is not None:
        required = operation["requestBody"].get("required", False)
        found.append(_make_argument("body", schema, schema, schemas, "body", required=required))
    named = _make_names_distinct(found, PAGE_ARGUMENTS if paging else ())
    by_place = {place: [item for item in named if item.place == place] for place in _PLACES}
    return Arguments(
        path=by_place["path"],
        query=by_place["query"],
        header=by_place["header"],
        body=None if schema is None else by_place["body"],
        whole_body=schema is not None and fields is None,
        fixed=fixed,
    )


def is_paging_field(schema: Mapping[str, Any]) -> bool:
    """Return whether a field of a body holds the page number and the page size."""
    return str(schema.get("$ref", "")).endswith("/ApiPaginationOptions")


def find_request_constant(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> object:
    """Return the constant that a request must send for a schema that only has a meaning in responses; None for others."""
    return schemas.get(str(schema.get("$ref", "")).rsplit("/", 1)[-1], {}).get("x-nexport-in-requests")


def _make_names_distinct(arguments: list[ArgumentView], taken: Iterable[str]) -> list[ArgumentView]:
    """Return the arguments with distinct names: a later place is appended to a name that is taken."""
    names, distinct = set(taken), []
    for argument in sorted(arguments, key=lambda item: _PLACES.index(item.place)):
        name = (
            argument.name
            if argument.name not in names
            else f"{argument.name.rstrip('_')}_in_{argument.place}"
        )
        if name in names:
            raise ValueError(f"two arguments would be called {name!r}")
        names.add(name)
        distinct.append(attrs.evolve(argument, name=name))
    return distinct


def _read_parameter(parameter: Mapping[str, Any], schemas: Mapping[str, Any]) -> ArgumentView:
    name, place, schema = parameter["name"], parameter["in"], parameter["schema"]
    if place not in _PLACES or (place == "header" and name.lower() in _OURS):
        raise ValueError(f"the parameter {name!r} travels in a {place}, which the client can't send")
    argument = _make_argument(
        name, schema, {**schema, **parameter}, schemas, place, required=parameter.get("required", False)
    )
    code = argument.kind.code
    if "MapOf" in code or "STRING_MAP" in code or "ModelOf" in code or (place != "query" and "Array" in code):
        raise ValueError(f"the parameter {name!r} has parts, which the client can't send in a {place}")
    if "Array" in code and (parameter.get("explode") is False or parameter.get("style", "form") != "form"):
        raise ValueError(f"the parameter {name!r} is a list in a style that the client can't send")
    return argument


def _is_ignored(parameter: Mapping[str, Any]) -> bool:
    return parameter["in"] == "header" and parameter["name"].lower() in _NO_ARGUMENTS


def _find_body_schema(operation: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if "requestBody" not in operation:
        return None
    media = operation["requestBody"].get("content", {}).get("application/json")
    if media is None or "schema" not in media:
        raise ValueError("its body is not JSON with a schema, which is all that the client sends")
    schema: Mapping[str, Any] = media["schema"]
    return schema


def _find_body_fields(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the object schema whose fields become arguments, or None if the body is one argument."""
    if "$ref" not in schema:
        return None
    named: Mapping[str, Any] = schemas[schema["$ref"].rsplit("/", 1)[-1]]
    return named if "properties" in named else None


def _read_field(
    key: str, value: Mapping[str, Any], owner: Mapping[str, Any], schemas: Mapping[str, Any]
) -> ArgumentView:
    return _make_argument(key, value, value, schemas, "body", required=key in owner.get("required", []))


def _make_argument(
    key: str,
    schema: Mapping[str, Any],
    marked: Mapping[str, Any],
    schemas: Mapping[str, Any],
    place: str,
    *,
    required: bool,
) -> ArgumentView:
    least = schema.get("minItems", 0) if place != "path" else 0
    return ArgumentView(
        name=argument_name(key),
        key=key,
        place=place,
        kind=choose_kind(schema, schemas),
        doc=(marked.get("description") or "") + "\nMust not be empty." * bool(least),
        required=required or place == "path",
        nullable=is_nullable(schema) and place == "body",
        min_items=int(least),
        secret=marked.get("x-nexport-secret", False),
    )
