"""Checks names before they become code, and shapes that the generator would silently skip."""

import re
from collections.abc import Iterable, Iterator

from openapi_python_client.strings import ClassName

from .errors import PipelineError
from .jsontext import Document
from .python_names import TAKEN_AREAS, TAKEN_CLASSES, area_name, attribute_name
from .spec import OPERATION_ID, Operation, components, contents, operations, references, schemas

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_CLASS = re.compile(r"[A-Z][A-Za-z0-9]*")
_MEMBER = re.compile(r"[A-Z][A-Z0-9_]*")
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_PLACEHOLDER = re.compile(r"\{([^}]*)\}")
# A path segment of dots only would lead elsewhere.
_PATH = re.compile(r"(/((?!\.+(/|$))[A-Za-z0-9_.~-]+|\{[A-Za-z][A-Za-z0-9_]*\}))+")


def check(document: Document, where: str) -> None:
    """Check a document before code is generated from it.

    Raises:
        PipelineError: something in it cannot become code; names the place.
    """
    for problem in (*_operations(document), *_areas(document), *_schemas(document)):
        raise PipelineError(f"{where}: {problem}")


def unmarked(document: Document) -> list[str]:
    """Return the operations without an effect mark; they count as writing."""
    return [operation.id for operation in operations(document) if "x-nexport-effect" not in operation.body]


def unnamed_enums(document: Document) -> list[str]:
    """Return the JSON Pointers of integer enums whose members have no names."""
    return [
        pointer
        for pointer, schema in schemas(document)
        if schema.get("type") == "integer" and "enum" in schema and "x-enum-varnames" not in schema
    ]


def _operations(document: Document) -> Iterator[str]:
    for operation in operations(document):
        if not _PATH.fullmatch(operation.path):
            yield f"the path {operation.path!r} has characters that no path of the API has"
        if not OPERATION_ID.fullmatch(operation.id):
            yield f"operationId {operation.id!r} is not of the form AreaApi_Name"
        if not _CLASS.fullmatch(operation.area):
            yield f"{operation.id}: the tag {operation.area!r} cannot name a module"
        if operation.body.get("x-nexport-effect", "write") not in ("read", "write"):
            yield f"{operation.id}: x-nexport-effect is neither read nor write"
        yield from _parameters(operation)
        for pointer, content in contents(operation):
            if not content:
                yield f"{pointer} has no media type left; the generator would take it for no content"


def _areas(document: Document) -> Iterator[str]:
    """Check that tags are distinct namespaces and that operationIds begin with their tag."""
    tags: dict[str, str] = {}
    for operation in operations(document):
        tag, area = operation.area, area_name(operation.area)
        if area in TAKEN_AREAS or tags.setdefault(area, tag) != tag:
            yield f"{operation.id}: the tag {tag!r} would be the namespace {area!r}, which is taken"
        if not operation.id.startswith(f"{tag}_"):
            yield f"{operation.id}: the tag is {tag!r}, and the operationId belongs to another area"


def _parameters(operation: Operation) -> Iterator[str]:
    stated = {item.get("name") for item in operation.body.get("parameters") or [] if item.get("in") == "path"}
    if stated != set(_PLACEHOLDER.findall(operation.path)):
        yield f"{operation.id}: the path {operation.path!r} and the parameters in it do not fit each other"
    for parameter in operation.body.get("parameters") or []:
        if "$ref" in parameter:
            yield f"{operation.id}: a parameter is a reference; state it in full, by the overlay if need be"
            continue
        name, pattern = str(parameter.get("name")), _HEADER if parameter.get("in") == "header" else _NAME
        if not pattern.fullmatch(name):
            yield f"{operation.id}: the parameter {name!r} cannot name an argument"
        if "schema" not in parameter:
            yield f"{operation.id}: the parameter {name!r} has no schema; the generator would leave it out"


def _schemas(document: Document) -> Iterator[str]:
    known = components(document, "schemas")
    for pointer, reference in references(document):
        if reference.removeprefix("#/components/schemas/") not in known:
            yield f"{pointer} refers to {reference!r}, which is no schema with a name"
    for name in components(document, "schemas"):
        if not _CLASS.fullmatch(name) or ClassName(name, "") != name or name in TAKEN_CLASSES:
            yield f"the schema {name!r} cannot name a class"
    for pointer, schema in schemas(document):
        yield from _properties(pointer, schema.get("properties") or {})
        if "enum" in schema:
            yield from _enum(pointer, schema)


def _properties(pointer: str, properties: Iterable[str]) -> Iterator[str]:
    known: dict[str, str] = {}
    for name in properties:
        if not _NAME.fullmatch(name):
            yield f"{pointer}: the property {name!r} cannot name an attribute"
        elif (other := known.setdefault(attribute_name(name), name)) != name:
            yield f"{pointer}: the properties {other!r} and {name!r} would be one attribute"


def _enum(pointer: str, schema: Document) -> Iterator[str]:
    values = schema["enum"]
    types = {type(value) for value in values if value is not None}
    if types not in ({int}, {str}) or (types == {str} and "integer" in str(schema.get("type"))):
        yield f"{pointer}: the values of an enum are either all whole numbers or all texts"
    if len({repr(value) for value in values}) != len(values):
        yield f"{pointer}: the enum lists a value twice"
    for key in ("x-enum-varnames", "x-enum-labels"):
        if key in schema and len(schema[key]) != len(values):
            yield f"{pointer}: {key} has {len(schema[key])} entries for {len(values)} values"
    members = schema.get("x-enum-varnames", [])
    if len(set(members)) != len(members):
        yield f"{pointer}: x-enum-varnames has a name twice"
    for member in members:
        if not isinstance(member, str) or not _MEMBER.fullmatch(member):
            yield f"{pointer}: {member!r} in x-enum-varnames cannot name a member"
