"""Extracts fragments from one whole definition, of OpenAPI 3 or Swagger 2.0.

Each operation becomes one document with the schemas that it reaches. References to parameters, bodies and responses are
resolved in place, because the overlay's rules address parameters where they are used.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .errors import PipelineError, Problems
from .jsontext import Document, escape, loads
from .overloads import make_ids_distinct
from .pages import Stated
from .spec import METHODS, SHARED, get_components, get_operation, iterate_references, validate
from .swagger2 import to_openapi_3

__all__ = ["read_definition"]

_SCHEMA = "#/components/schemas/"


def read_definition(file: Path) -> Stated:
    """Read the fragments of a definition.

    Raises:
        PipelineError: The file cannot be read, is not a definition, has an unknown reference, or states an operation
            without area or name, or twice. The message lists all problems.
    """
    document = _load(file)
    validate(document, file.name)
    stated, problems = Stated(), Problems()
    found: list[tuple[str, Document]] = []
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                with problems.collecting(_get_area(item[method])):
                    fragment = _make_fragment(document, path, method, file.name)
                    get_operation(fragment, f"{file.name}: {method.upper()} {path}")
                    found.append((f"{method.upper()} {path}", fragment))
    fragments, stated.notes = make_ids_distinct(found)
    for where, fragment in fragments:
        operation = get_operation(fragment, where)
        if operation.id in stated.fragments:
            problems.add(
                f"{file.name}: two operations are called {operation.id}; {where} is one", operation.area
            )
        stated.fragments[operation.id] = fragment
        stated.areas.add(operation.area)
    problems.stop()
    return stated


def _get_area(operation: Mapping[str, Any]) -> str:
    return str((operation.get("tags") or [""])[0])


def _load(file: Path) -> Document:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise PipelineError(
            f"{file}: the definition cannot be read: {getattr(error, 'strerror', None) or error}"
        ) from error
    document = loads(text, file.name)
    if "swagger" in document:
        document = to_openapi_3(document, file.name)
    if not str(document.get("openapi", "")).startswith("3.") or not document.get("paths"):
        raise PipelineError(
            f"{file.name}: this is neither an OpenAPI 3 nor a Swagger 2.0 definition with paths"
        )
    return document


def _make_fragment(document: Document, path: str, method: str, where: str) -> Document:
    item = document["paths"][path]
    place = f"/paths/{escape(path)}"
    operation = _resolve(item[method], document, f"{where}: {place}/{method}")
    common = item.get("parameters")
    shared = {"parameters": _resolve(common, document, f"{where}: {place}/parameters")} if common else {}
    stated = {**shared, method: operation}
    top = {key: document[key] for key in SHARED if key in document}
    parts = {"schemas": _collect_schemas(stated, document, where)}
    security = operation.get("security", document.get("security"))
    if security:  # the token is stated elsewhere than in the query
        stated[method] = {**operation, "security": security}
        names = {name for requirement in security for name in requirement}
        known = get_components(document, "securitySchemes")
        parts["securitySchemes"] = {name: known[name] for name in sorted(names) if name in known}
    return {**top, "paths": {path: stated}, "components": parts}


def _resolve(value: Any, document: Document, where: str, trail: tuple[str, ...] = ()) -> Any:
    """Return a value with its references resolved, except references to schemas."""
    if isinstance(value, list):
        return [_resolve(item, document, where, trail) for item in value]
    if not isinstance(value, dict):
        return value
    reference = value.get("$ref")
    if isinstance(reference, str) and not reference.startswith(_SCHEMA):
        if reference in trail:
            raise PipelineError(f"{where} refers to {reference!r}, which refers to itself")
        target = _find_target(document, reference, where)
        return _resolve(target, document, where, (*trail, reference))
    return {
        key: item if key in {"schema", "example", "examples"} else _resolve(item, document, where, trail)
        for key, item in value.items()
    }


def _find_target(document: Document, reference: str, where: str) -> Any:
    section, _, name = reference.removeprefix("#/components/").partition("/")
    known: Mapping[str, Any] = (
        get_components(document, section) if reference.startswith("#/components/") else {}
    )
    key = name.replace("~1", "/").replace("~0", "~")
    if key not in known:
        raise PipelineError(f"{where} refers to {reference!r}, which is not there")
    return known[key]


def _collect_schemas(value: object, document: Document, where: str) -> dict[str, Any]:
    """Return the schemas that a value refers to, directly or indirectly, by name."""
    known = get_components(document, "schemas")
    reached: dict[str, Any] = {}
    waiting: list[object] = [value]
    while waiting:
        for pointer, reference in iterate_references(waiting.pop()):
            name = reference.removeprefix(_SCHEMA).split("/")[0]
            if not reference.startswith(_SCHEMA) or name not in known:
                raise PipelineError(f"{where}: {pointer} refers to {reference!r}, which is not there")
            if name not in reached:
                reached[name] = known[name]
                waiting.append(known[name])
    return dict(sorted(reached.items()))
