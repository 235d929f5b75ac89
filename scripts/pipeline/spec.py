"""Iterates over the operations, schemas and references of an OpenAPI document."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from openapi_python_client.schema import OpenAPI
from pydantic import ValidationError

from .errors import PipelineError, Problems
from .jsontext import Document, escape

# Keys that describe the API as a whole, in every document.
SHARED = ("openapi", "info", "servers")
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

# `AreaApi_DoThing`. It becomes a file name, a module and a method, so only characters of identifiers are allowed.
OPERATION_ID = re.compile(r"[A-Za-z][A-Za-z0-9]*_[A-Za-z][A-Za-z0-9_]*")

MARK = "x-nexport-"
_PLACE = 3  # /paths/PATH/METHOD, /components/schemas/NAME
_LONGEST = 200  # characters of a name that a file is named after
_EXAMPLES = {"default", "example", "examples", "enum", "const"}  # data, in which "$ref" would be a mere key


@dataclass(frozen=True)
class Operation:
    """One operation of a document, with its path and method."""

    path: str
    method: str
    body: Document

    @property
    def id(self) -> str:
        """The operationId, or an empty string."""
        return str(self.body.get("operationId", ""))

    @property
    def area(self) -> str:
        """The first tag, which names the operation's page; or an empty string."""
        tags = self.body.get("tags") or [""]
        return str(tags[0])

    @property
    def pointer(self) -> str:
        """The JSON Pointer of the operation."""
        return f"/paths/{escape(self.path)}/{self.method}"


def iterate_operations(document: Document) -> Iterator[Operation]:
    """Yield every operation of a document in order."""
    for path, item in document.get("paths", {}).items():
        for method in METHODS:
            if method in item:
                yield Operation(path, method, item[method])


def get_operation(document: Document, where: str) -> Operation:
    """Return the one operation of a fragment.

    Raises:
        PipelineError: There is not exactly one, or its operationId or tag cannot name a module.
    """
    found = list(iterate_operations(document))
    if len(found) != 1:
        raise PipelineError(
            f"{where}: the document states {len(found)} operations; a fragment states exactly one"
        )
    operation = found[0]
    if not OPERATION_ID.fullmatch(operation.id):
        raise PipelineError(f"{where}: operationId {operation.id!r} is not of the form AreaApi_Name")
    if len(operation.id) > _LONGEST:
        raise PipelineError(
            f"{where}: operationId {operation.id[:40]}... has {len(operation.id)} characters; no file can have that name"
        )
    if not operation.area:
        raise PipelineError(f"{where}: {operation.id} has no tag, and so belongs to no area")
    return operation


def validate(document: Document, where: str) -> None:
    """Check that a document has the shape of OpenAPI 3, so that the steps after this can rely on it.

    Raises:
        PipelineError: It doesn't, or it has marks that only the overlay may set; the message names each place once.
    """
    problems = Problems()
    for pointer, key in _iterate_keys(document):
        if key.startswith(MARK):
            problems.add(f"{where}: {pointer}: marks such as {key!r} are given only by the overlay")
    try:
        OpenAPI.model_validate(document)
    except ValidationError as error:
        places: set[tuple[int | str, ...]] = set()
        for fault in error.errors(include_url=False, include_input=False):
            # One fault is reported for each alternative of a union: one message per operation or schema is enough.
            top = fault["loc"][:_PLACE]
            if top not in places:
                places.add(top)
                place = "".join(f"/{escape(str(part))}" for part in fault["loc"])
                problems.add(f"{where}: this is not an OpenAPI 3 document: {fault['msg']} at {place}")
    problems.stop()


def get_components(document: Document, section: str) -> Mapping[str, Any]:
    """Return one section of a document's components; empty if it is missing."""
    return (document.get("components") or {}).get(section) or {}


class Areas:
    """The areas that the parts of a document belong to."""

    def __init__(self, document: Document) -> None:
        self._operations = {operation.pointer: operation for operation in iterate_operations(document)}
        self._schemas: dict[str, set[str]] = {}
        known = get_components(document, "schemas")
        for operation in self._operations.values():
            waiting: list[object] = [operation.body]
            while waiting:
                for _, reference in iterate_references(waiting.pop()):
                    name = reference.rsplit("/", 1)[-1]
                    areas = self._schemas.setdefault(name, set())
                    if operation.area not in areas:
                        areas.add(operation.area)
                        waiting.append(known.get(name))

    def of(self, pointer: str) -> str:
        """Return the area of the operation or schema at a JSON Pointer; empty if several areas share it."""
        _, section, *names = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")]
        if section == "paths":
            operation = self._operations.get("/".join(pointer.split("/")[:4]))
            return operation.area if operation else ""
        areas = self._schemas.get(names[1], set()) if len(names) > 1 else set()
        return next(iter(areas)) if len(areas) == 1 else ""


def iterate_schemas(document: Document) -> Iterator[tuple[str, Document]]:
    """Yield every schema of a document with its JSON Pointer, nested ones included."""
    for name, schema in get_components(document, "schemas").items():
        yield from _iterate_nested(schema, f"/components/schemas/{escape(name)}")
    for operation in iterate_operations(document):
        for pointer, holder in _iterate_holders(operation):
            if "schema" in holder:
                yield from _iterate_nested(holder["schema"], f"{pointer}/schema")


def iterate_contents(operation: Operation) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the `content` maps of an operation's body and responses with their JSON Pointers."""
    body = operation.body.get("requestBody") or {}
    if "content" in body:
        yield f"{operation.pointer}/requestBody/content", body["content"]
    for status, answer in operation.body.get("responses", {}).items():
        if answer.get("content") is not None:
            yield f"{operation.pointer}/responses/{escape(status)}/content", answer["content"]


def iterate_references(value: object, pointer: str = "", *, names: bool = False) -> Iterator[tuple[str, str]]:
    """Yield every `$ref` with its JSON Pointer. Examples are data and are skipped.

    Args:
        value: where to look.
        pointer: where that is.
        names: whether the keys of `value` are names that the vendor chose (of properties, of schemas), not keywords.
    """
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from iterate_references(item, f"{pointer}/{index}")
    elif isinstance(value, dict):
        for key, item in value.items():
            place = f"{pointer}/{escape(key)}"
            if not names and key == "$ref" and isinstance(item, str):
                yield place, item
            elif names or key not in _EXAMPLES:
                yield from iterate_references(
                    item, place, names=not names and key in {"properties", "schemas"}
                )


def _iterate_keys(value: object, pointer: str = "") -> Iterator[tuple[str, str]]:
    """Yield every key of every object with the JSON Pointer of its value."""
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, child in children:
        place = f"{pointer}/{escape(str(key))}"
        if isinstance(key, str):
            yield place, key
        yield from _iterate_keys(child, place)


def _iterate_holders(operation: Operation) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for index, parameter in enumerate(operation.body.get("parameters") or []):
        yield f"{operation.pointer}/parameters/{index}", parameter
    for pointer, content in iterate_contents(operation):
        for media_type, holder in content.items():
            yield f"{pointer}/{escape(media_type)}", holder


def _iterate_nested(schema: object, pointer: str) -> Iterator[tuple[str, Document]]:
    if not isinstance(schema, dict):
        return
    yield pointer, schema
    for name, child in (schema.get("properties") or {}).items():
        yield from _iterate_nested(child, f"{pointer}/properties/{escape(name)}")
    for keyword in ("items", "additionalProperties", "not"):
        yield from _iterate_nested(schema.get(keyword), f"{pointer}/{keyword}")
    for keyword in ("allOf", "anyOf", "oneOf"):
        for index, child in enumerate(schema.get(keyword) or []):
            yield from _iterate_nested(child, f"{pointer}/{keyword}/{index}")
