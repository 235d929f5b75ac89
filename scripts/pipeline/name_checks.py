"""Checks names before they become code, and shapes that the generator would silently skip."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from openapi_python_client.strings import PythonIdentifier

from . import marks
from .class_names import find_name_clashes, is_class_name
from .errors import Problems, reporting
from .jsontext import Document, escape
from .normalization import choose_class_names
from .python_names import TAKEN_AREAS, area_name, property_name
from .remedies import make_schema_path, remove_operation, write_action
from .spec import (
    OPERATION_ID,
    Areas,
    Operation,
    get_components,
    iterate_contents,
    iterate_operations,
    iterate_references,
    iterate_schemas,
)

# Names of fields and of parameters in the query: what ASP.NET makes, such as `$type`, `filter.org_id` and `ids[]`.
_NAME = re.compile(r"[$@_]?[A-Za-z0-9][A-Za-z0-9_$@.:\[\]-]*")
_CLASS = re.compile(r"[A-Z][A-Za-z0-9]*")
_MEMBER = re.compile(r"[A-Z][A-Z0-9_]*")
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_PLACEHOLDER = re.compile(r"\{([^}]*)\}")
# A path segment of dots only would lead elsewhere.
_PATH = re.compile(r"(/((?!\.+(/|$))[A-Za-z0-9_.~-]+|\{[A-Za-z][A-Za-z0-9_.-]*\}))+")


_LONGEST = 200  # characters of a module's name; file systems take 255 bytes

Found: TypeAlias = tuple[str, str, str]  # a JSON Pointer, the problem there, and the overlay action for it


def check(document: Document, where: str, problems: Problems | None = None) -> None:
    """Check a document before code is generated from it.

    Args:
        document: The document.
        where: Its name, for messages.
        problems: Receives everything that cannot become code. Without it, it is raised.

    Raises:
        PipelineError: There are problems, and no `problems` to receive them.
    """
    areas = Areas(document)
    with reporting(problems) as reported:
        for place, message, action in (
            *_check_operations(document),
            *_check_areas(document),
            *_check_schemas(document),
        ):
            reported.add(f"{where}: {message}", areas.of(place), action)
        for place, message in marks.find_wrong_marks(document):
            reported.add(f"{where}: {message}", areas.of(place))


def find_unmarked(document: Document) -> list[str]:
    """Return the operations without an effect mark; they count as writing."""
    return [
        operation.id for operation in iterate_operations(document) if "x-nexport-effect" not in operation.body
    ]


def find_unnamed_enums(document: Document) -> list[str]:
    """Return the JSON Pointers of integer enums whose members have no names."""
    return [
        pointer
        for pointer, schema in iterate_schemas(document)
        if schema.get("type") == "integer" and "enum" in schema and "x-enum-varnames" not in schema
    ]


def _check_operations(document: Document) -> Iterator[Found]:
    for operation in iterate_operations(document):
        for message in (*_check_operation(operation), *_check_parameters(operation)):
            yield (
                operation.pointer,
                message,
                remove_operation(operation.id, f"It cannot be a method: {message}."),
            )


def _check_operation(operation: Operation) -> Iterator[str]:
    if not _PATH.fullmatch(operation.path):
        yield f"the path {operation.path!r} has characters that are not allowed in a path of the API"
    if not OPERATION_ID.fullmatch(operation.id):
        yield f"operationId {operation.id!r} is not of the form AreaApi_Name"
    if not _CLASS.fullmatch(operation.area):
        yield f"{operation.id}: the tag {operation.area!r} cannot name a module"
    if len(PythonIdentifier(operation.id, "field_")) > _LONGEST:
        yield f"{operation.id[:40]}...: the operationId is too long for the name of a module"
    for pointer, content in iterate_contents(operation):
        if not content:
            yield f"{pointer} has no media type left; the generator would take it for no content"


def _check_areas(document: Document) -> Iterator[Found]:
    """Check that tags are distinct namespaces and that operationIds begin with their tag."""
    tags: dict[str, str] = {}
    for operation in iterate_operations(document):
        tag, area = operation.area, area_name(operation.area)
        action = remove_operation(operation.id, "Its namespace is taken.")
        if area in TAKEN_AREAS or tags.setdefault(area, tag) != tag:
            message = f"{operation.id}: the tag {tag!r} would be the namespace {area!r}, which is taken"
            yield operation.pointer, message, action
        if not operation.id.startswith(f"{tag}_"):
            message = f"{operation.id}: the tag is {tag!r}, and the operationId belongs to another area"
            yield operation.pointer, message, action


def _check_parameters(operation: Operation) -> Iterator[str]:
    stated = {item.get("name") for item in operation.body.get("parameters") or [] if item.get("in") == "path"}
    if stated != set(_PLACEHOLDER.findall(operation.path)):
        yield f"{operation.id}: the path {operation.path!r} and the parameters in it do not fit each other"
    counts = Counter((item.get("in"), item.get("name")) for item in operation.body.get("parameters") or [])
    for (place, name), count in counts.items():
        if count > 1 and name is not None:
            yield f"{operation.id}: the parameter {name!r} is stated {count} times in the {place}"
    for parameter in operation.body.get("parameters") or []:
        if "$ref" in parameter:
            yield f"{operation.id}: a parameter is a reference; state it in full, by the overlay if need be"
            continue
        name, pattern = str(parameter.get("name")), _HEADER if parameter.get("in") == "header" else _NAME
        if not pattern.fullmatch(name):
            yield f"{operation.id}: the parameter {name!r} cannot name an argument"
        if "schema" not in parameter:
            yield f"{operation.id}: the parameter {name!r} has no schema; the generator would leave it out"


def _check_schemas(document: Document) -> Iterator[Found]:
    known = get_components(document, "schemas")
    for pointer, reference in iterate_references(document):
        if reference.removeprefix("#/components/schemas/") not in known:
            yield pointer, f"{pointer} refers to {reference!r}, which is not a named schema", ""
    yield from _check_classes(choose_class_names(known), known)
    for pointer, schema in iterate_schemas(document):
        yield from _check_properties(pointer, schema.get("properties") or {})
        if "enum" in schema:
            yield from ((pointer, message, "") for message in _check_enum(pointer, schema))


def _check_classes(names: dict[str, str], known: Iterable[str]) -> Iterator[Found]:
    """Check that each schema has a class name, and a module that no other has."""
    for name in known:
        made = names.get(name, "")
        if len(PythonIdentifier(made, "")) > _LONGEST:
            place = f"/components/schemas/{escape(name)}"
            yield (
                place,
                f"the schema {name[:40]!r}... is too long for the name of a module",
                _suggest_name(place, made[:40]),
            )
        if not is_class_name(made):
            place = f"/components/schemas/{escape(name)}"
            made = re.sub("[^A-Za-z0-9]", "", name)
            yield (
                place,
                f"the schema {name!r} cannot name a class",
                _suggest_name(place, f"Api{made[:1].upper()}{made[1:]}"),
            )
    for first, name, made in find_name_clashes(names):
        place = f"/components/schemas/{escape(name)}"
        message = f"the schemas {first!r} and {name!r} would be classes in one module"
        yield place, message, _suggest_name(place, f"Other{made}")


def _check_properties(pointer: str, properties: Mapping[str, object]) -> Iterator[Found]:
    known: dict[str, str] = {}
    for name, schema in properties.items():
        place = f"{pointer}/properties/{escape(name)}"
        attribute = property_name(name, schema)
        if not _NAME.fullmatch(name) or not attribute.isidentifier():
            yield (
                pointer,
                f"{pointer}: the property {name!r} cannot name an attribute",
                write_action(make_schema_path(place), "No name for an attribute can be made of it."),
            )
        elif (other := known.setdefault(attribute, name)) != name:
            message = f"{pointer}: the properties {other!r} and {name!r} would be one attribute"
            yield pointer, message, _suggest_name(place, f"{attribute.rstrip('_')}_2")


def _suggest_name(place: str, name: str) -> str:
    return write_action(
        make_schema_path(place),
        "Its own name is taken, or is not a valid name in Python.",
        f"{{x-nexport-name: {name}}}",
    )


def _check_enum(pointer: str, schema: Document) -> Iterator[str]:
    values = schema["enum"]
    types = {type(value) for value in values if value is not None}
    if types not in ({int}, {str}) or (types == {str} and "integer" in str(schema.get("type"))):
        yield f"{pointer}: the values of an enum must be either all whole numbers or all strings"
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
