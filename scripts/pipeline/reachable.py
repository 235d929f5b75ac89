"""Which schemas requests and responses use, directly or within others."""

from collections.abc import Iterable, Iterator
from typing import Any

from .jsontext import Document
from .spec import Operation, get_components, iterate_operations, iterate_references

__all__ = ["allow_null_dates", "find_request_schemas", "find_response_schemas", "find_schemas"]


def find_request_schemas(document: Document) -> set[str]:
    """Return the names of the schemas that a parameter or a body uses."""
    sent = (
        [each.body.get("parameters"), each.body.get("requestBody")] for each in iterate_operations(document)
    )
    return _find_reachable(document, sent)


def find_response_schemas(document: Document) -> set[str]:
    """Return the names of the schemas that a response uses, successful or not."""
    return _find_reachable(document, (each.body.get("responses") for each in iterate_operations(document)))


def find_schemas(document: Document, some: Iterable[Operation]) -> set[str]:
    """Return the names of the schemas that some operations of a document use, in requests and responses."""
    return _find_reachable(document, (each.body for each in some))


def allow_null_dates(document: Document) -> None:
    """Let each date of a response with an error entity be null, whatever its schema requires.

    A section without an end has no end date, although the schema requires one; it is null or absent. A request can have
    an error entity too, and keeps its dates.
    """
    schemas = get_components(document, "schemas")
    for name in find_response_schemas(document) - find_request_schemas(document):
        fields = schemas.get(name, {}).get("properties") or {}
        for schema in fields.values() if "api_error_entity" in fields else ():
            if schema.get("type") == "string" and schema.get("format") == "date-time":
                schema["type"] = ["string", "null"]


def _find_reachable(document: Document, parts: Iterable[Any]) -> set[str]:
    schemas, found = get_components(document, "schemas"), set[str]()
    waiting = [name for part in parts for name in _find_named(part)]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _find_named(schemas.get(name))
    return found


def _find_named(part: Any) -> Iterator[str]:
    return (reference.rsplit("/", 1)[-1] for _, reference in iterate_references(part))
