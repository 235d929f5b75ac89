"""Finds everything that can't become a method or a model, before code is generated."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .arguments_view import arguments_of
from .errors import Problems
from .jsontext import Document, escape
from .layout import Layout
from .remedies import remove_operation
from .results_view import paging_of, result_of
from .schema_kinds import kind_of
from .spec import Areas, Operation, components, operations

__all__ = ["check_shapes"]


def check_shapes(document: Document, problems: Problems) -> None:
    """Record each operation and field of a normalized document that the client can't handle, with the action that mends it."""
    known = components(document, "schemas")
    for operation in operations(document):
        for message in dict.fromkeys(_operation(operation, known)):
            problems.add(
                f"{Layout.SDK}: {operation.id}: {message}",
                operation.area,
                remove_operation(operation.id, f"Not supported by the client: {message}."),
            )
    areas = Areas(document)
    for name, schema in known.items():
        for key, value in (schema.get("properties") or {}).items():
            place = f"/components/schemas/{escape(name)}/properties/{escape(key)}"
            for message in _refusals(lambda value=value: kind_of(value, known)):
                problems.add(f"{Layout.SDK}: {place}: {message}", areas.of(place))


def _operation(operation: Operation, known: Mapping[str, Any]) -> Iterator[str]:
    """Yield why an operation can't become a method."""
    result = None
    try:
        result = result_of(operation.body, known)
        paging = paging_of(operation.body, result, known)
        if operation.body.get("x-nexport-items") and (paging is None or paging.items is None):
            yield "x-nexport-items names no list of its response"
    except ValueError as error:
        yield str(error)
        paging = None
    yield from _refusals(lambda: arguments_of(operation.body, known, paging.where if paging else None))


def _refusals(attempt: Callable[[], object]) -> Iterator[str]:
    try:
        attempt()
    except ValueError as error:
        yield str(error)
