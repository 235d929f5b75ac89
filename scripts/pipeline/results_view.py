"""Template records of results: the kind of a success response, and its list if the operation pages."""

from collections.abc import Mapping
from typing import Any

import attrs

from pipeline.arguments_view import PAGE_ARGUMENTS, is_paging_field
from pipeline.python_names import property_name
from pipeline.schema_kinds import NOTHING, KindView, choose_kind, is_nullable, make_nullable

__all__ = ["PagingView", "ResultView", "holds_secret", "make_paging", "make_result"]


@attrs.frozen
class ResultView:
    """The success response: its statuses, kind and description."""

    success: tuple[int, ...]
    kind: KindView
    schema: Mapping[str, Any] | None
    doc: str


@attrs.frozen
class PagingView:
    """How a list operation pages: the place of the page number, and the attribute that holds the list."""

    where: str
    key: str | None
    items: str | None
    item: KindView

    @property
    def declaration(self) -> str:
        """The code of the `Paging` that describes it to the client."""
        items = f', items="{self.items}"' if self.items else ""
        key = f", key={self.key!r}" if self.key != "paging" else ""
        return f'Paging("{self.where}"{items}{key})'


def make_result(operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> ResultView:
    """Return the result of an operation. Raises ValueError if it has no success response, or several kinds of them."""
    responses = {
        status: response for status, response in operation["responses"].items() if status.startswith("2")
    }
    if not responses or not all(status.isdecimal() for status in responses):
        raise ValueError("it has no success response with a status (200, 201, 204, ...)")
    found = [schema for response in responses.values() if (schema := _find_schema(response)) is not None]
    if any(schema != found[0] for schema in found):
        raise ValueError("its success responses are of several types; the overlay has to choose one")
    kind = NOTHING
    if found:
        empty = len(found) < len(responses) or is_nullable(found[0])
        kind = make_nullable(found[0], schemas) if empty else choose_kind(found[0], schemas)
    return ResultView(
        success=tuple(sorted(map(int, responses))),
        kind=kind,
        schema=found[0] if found else None,
        doc=next(iter(responses.values())).get("description", ""),
    )


def make_paging(
    operation: Mapping[str, Any], result: ResultView, schemas: Mapping[str, Any]
) -> PagingView | None:
    """Return how an operation pages, or None. Raises ValueError if its response holds several lists."""
    place = _find_page_place(operation, schemas)
    listed = result.schema
    if place is None or listed is None:
        return None
    where, key = place
    if "$ref" not in listed:
        if "items" not in listed:
            return None
        return PagingView(where, key, None, choose_kind(listed["items"], schemas))
    properties = schemas[listed["$ref"].rsplit("/", 1)[-1]].get("properties", {})
    lists = [name for name, value in properties.items() if value.get("type") == "array"]
    records = [name for name in lists if "$ref" in properties[name].get("items", {})] or lists
    chosen = operation.get("x-nexport-items")
    if chosen is None and len(records) > 1:
        raise ValueError(
            f"it pages, and its response holds several lists ({', '.join(records)}); name one by x-nexport-items"
        )
    if not records or chosen not in (None, *lists):
        return None
    name = chosen or records[0]
    return PagingView(
        where,
        key,
        property_name(name, properties[name]),
        choose_kind(properties[name].get("items", {}), schemas),
    )


def holds_secret(
    schema: Mapping[str, Any] | None, schemas: Mapping[str, Any], seen: frozenset[str] = frozenset()
) -> bool:
    """Return whether a value of a schema holds a secret anywhere."""
    if schema is None:
        return False
    name = str(schema.get("$ref", "")).rsplit("/", 1)[-1]
    if name in seen:
        return False
    whole = schemas.get(name, schema)
    parts = [*whole.get("properties", {}).values(), whole.get("items"), whole.get("additionalProperties")]
    nested = (part for part in parts if isinstance(part, Mapping))
    marked = schema.get("x-nexport-secret", False)
    return bool(marked) or any(holds_secret(part, schemas, seen | ({name} - {""})) for part in nested)


def _find_schema(response: Mapping[str, Any]) -> Mapping[str, Any] | None:
    content = response.get("content") or {}
    media = content.get("application/json")
    if content and media is None:
        raise ValueError(f"its response is {min(content)}, and the client reads only JSON")
    schema: Mapping[str, Any] | None = (media or {}).get("schema")
    return schema


def _find_page_place(
    operation: Mapping[str, Any], schemas: Mapping[str, Any]
) -> tuple[str, str | None] | None:
    """Return the place of the page number: query parameters, the body, or a field of the body with its key."""
    query = {item["name"] for item in operation["parameters"] if item["in"] == "query"}
    if set(PAGE_ARGUMENTS) <= query:
        return "query", "paging"
    content = operation.get("requestBody", {}).get("content", {})
    reference = content.get("application/json", {}).get("schema", {}).get("$ref", "").rsplit("/", 1)[-1]
    fields = schemas.get(reference, {}).get("properties", {})
    if set(PAGE_ARGUMENTS) <= fields.keys():
        return "body", None
    return next((("body", key) for key, value in fields.items() if is_paging_field(value)), None)
