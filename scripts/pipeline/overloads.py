"""Distinguishes overloads: operations of .NET that share an operationId and differ in path, method or parameters."""

from collections.abc import Iterable

from openapi_python_client.strings import ClassName

from .jsontext import Document
from .python_names import argument_name
from .spec import Operation, iterate_operations

__all__ = ["make_ids_distinct"]


def make_ids_distinct(found: Iterable[tuple[str, Document]]) -> tuple[list[tuple[str, Document]], list[str]]:
    """Return documents of one operation each with distinct operationIds, and notes about those that got another.

    Of operations that share an id, the one with the shortest path keeps it; the others are distinguished by their own
    parameters (`GetThingById`), or by their method (`GetThingPost`). Documents that repeat an operation keep its id.

    Args:
        found: The documents with their places.
    """
    documents = list(found)
    groups: dict[str, dict[tuple[str, str], Operation]] = {}
    for _, document in documents:
        (operation,) = iterate_operations(document)
        groups.setdefault(operation.id, {}).setdefault((operation.path, operation.method), operation)
    names: dict[tuple[str, str], str] = {}
    for name, group in groups.items():
        first, *others = sorted(group.values(), key=lambda item: (len(item.path), item.path, item.method))
        for other in others:
            made = f"{name}{_make_suffix(first, other)}"
            taken = made in groups or made in names.values()
            names[other.path, other.method] = f"{made}{other.method.title()}" if taken else made
    notes = []
    renamed = []
    for where, document in documents:
        (operation,) = iterate_operations(document)
        made = names.get((operation.path, operation.method), operation.id)
        if made != operation.id:
            notes.append(
                f"{operation.id} is stated more than once; {operation.method.upper()} {operation.path} is {made}"
            )
        renamed.append((where, document if made == operation.id else _rename(document, operation, made)))
    return renamed, list(dict.fromkeys(notes))


def _make_suffix(first: Operation, other: Operation) -> str:
    """Return what distinguishes an overload: the parameters that the first has not, or its method."""
    known = set(_name_parameters(first))
    own = [name for name in _name_parameters(other) if name not in known]
    words = "And".join(str(ClassName(argument_name(name), "")) for name in own)
    return f"By{words}" if words else other.method.title()


def _name_parameters(operation: Operation) -> list[str]:
    names = [str(item.get("name")) for item in operation.body.get("parameters") or []]
    return [name for name in names if name != "access_token"]


def _rename(document: Document, operation: Operation, name: str) -> Document:
    item = {**document["paths"][operation.path], operation.method: {**operation.body, "operationId": name}}
    return {**document, "paths": {operation.path: item}}
