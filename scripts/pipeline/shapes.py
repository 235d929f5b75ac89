"""Finds everything that can't become a method or a model, before code is generated."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .arguments_view import make_arguments
from .errors import Problems
from .jsontext import Document, escape
from .layout import Layout
from .remedies import correct_operation, make_schema_path, remove_operation, write_action
from .results_view import make_paging, make_result
from .schema_forms import list_types
from .schema_kinds import choose_kind
from .spec import Areas, Operation, get_components, iterate_operations, iterate_schemas

__all__ = ["check_shapes", "check_unions"]


def check_unions(document: Document, problems: Problems) -> None:
    """Record each schema that may be of several types, with the actions that choose one."""
    areas = Areas(document)
    for pointer, schema in iterate_schemas(document):
        path = make_schema_path(pointer)
        reason = "The vendor states several types, but the client reads one."
        for keyword in ("oneOf", "anyOf"):
            options = [item for item in schema.get(keyword) or [] if item.get("type") != "null"]
            if len(options) > 1:
                first = options[0].get("$ref")
                update = f'{{$ref: "{first}"}}' if first else "{type: string}"
                action = f"{write_action(f'{path}.{keyword}', reason)}\n{write_action(path, reason, update)}"
                message = f"{Layout.SDK}: {pointer}: it may be of several types ({keyword}); choose one"
                problems.add(message, areas.of(pointer), action)
        if len(kinds := list_types(schema)) > 1 and set(kinds) != {"integer", "string"}:
            action = f"{write_action(f'{path}.type', reason)}\n{write_action(path, reason, f'{{type: {kinds[0]}}}')}"
            message = f"{Layout.SDK}: {pointer}: it may be of several types ({', '.join(kinds)}); choose one"
            problems.add(message, areas.of(pointer), action)


def check_shapes(document: Document, problems: Problems) -> None:
    """Record each operation and field of a normalized document that the client can't handle, with the action that corrects it."""
    known = get_components(document, "schemas")
    for operation in iterate_operations(document):
        for message in dict.fromkeys(_check_operation(operation, known)):
            problems.add(
                f"{Layout.SDK}: {operation.id}: {message}",
                operation.area,
                _suggest_remedy(operation.id, message),
            )
    areas = Areas(document)
    for name, schema in known.items():
        for key, value in (schema.get("properties") or {}).items():
            place = f"/components/schemas/{escape(name)}/properties/{escape(key)}"
            for message in _collect_refusals(choose_kind, value, known):
                problems.add(f"{Layout.SDK}: {place}: {message}", areas.of(place))


def _suggest_remedy(operation_id: str, message: str) -> str:
    """Return the overlay action that corrects an operation."""
    if "several lists (" in message:
        first = message.partition("several lists (")[2].partition(",")[0]
        return correct_operation(
            operation_id, "The list that the pages are of.", f"{{x-nexport-items: {first}}}"
        )
    return remove_operation(operation_id, f"Not supported by the client: {message}.")


def _check_operation(operation: Operation, known: Mapping[str, Any]) -> Iterator[str]:
    """Yield why an operation can't become a method."""
    paging = None
    try:
        result = make_result(operation.body, known)
        paging = make_paging(operation.body, result, known)
        if operation.body.get("x-nexport-items") and (paging is None or paging.items is None):
            yield "x-nexport-items names no list of its response"
    except ValueError as error:
        yield str(error)
    stated = [parameter for parameter in operation.body["parameters"] if "schema" in parameter]
    if len(stated) < len(operation.body["parameters"]):
        return  # the check of names says so
    without_body = {key: value for key, value in operation.body.items() if key != "requestBody"}
    for parameter in stated:
        yield from _collect_refusals(make_arguments, {**without_body, "parameters": [parameter]}, known, None)
    yield from _collect_refusals(make_arguments, {**operation.body, "parameters": []}, known, None)
    yield from _collect_refusals(make_arguments, operation.body, known, paging.where if paging else None)


def _collect_refusals(attempt: Callable[..., object], *arguments: object) -> Iterator[str]:
    try:
        attempt(*arguments)
    except ValueError as error:
        yield str(error)
