"""The operations as the repository's OpenAPI document states them, built without the client's code.

An operation is listed once the overlay marks it as reading or writing, if it has one of the shapes of the vendor's pages:
query parameters, a body with fields, and a JSON response. `pipeline/test_new_area.py` covers all others.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from uuid import UUID

import attrs
import pytest

from nexport_campus import models
from pipeline.class_names import make_class_names
from pipeline.python_names import area_name, argument_name, method_name

__all__ = [
    "OPERATIONS",
    "PATHS",
    "SCHEMAS",
    "SOME_ID",
    "VENDOR",
    "SpecOperation",
    "example",
    "example_response",
    "method_names",
    "model_named",
]

OPENAPI = Path(__file__).parents[2] / "openapi"
VENDOR: Mapping[str, Any] = json.loads((OPENAPI / "nexport.json").read_text(encoding="utf-8"))


def _schema_name(reference: str) -> str:
    """Return the name in a reference to a schema: a JSON pointer in a URI, with the escapes of both."""
    return unquote(reference.rsplit("/", 1)[-1]).replace("~1", "/").replace("~0", "~")


def _read_sdk() -> Mapping[str, Any]:
    """Return the document that the client is made of, with the names of classes instead of the vendor's names of schemas."""
    document = json.loads((OPENAPI / "nexport.sdk.json").read_text(encoding="utf-8"))
    schemas = document["components"]["schemas"]
    own = {name: schema["x-nexport-name"] for name, schema in schemas.items() if "x-nexport-name" in schema}
    names = make_class_names(name for name in schemas if name not in own) | own

    def named(part: Any) -> Any:
        if isinstance(part, list):
            return [named(item) for item in part]
        if not isinstance(part, dict):
            return part
        if isinstance(reference := part.get("$ref"), str) and reference.startswith("#/components/schemas/"):
            part = part | {"$ref": f"#/components/schemas/{names.get(name := _schema_name(reference), name)}"}
        return {key: named(value) for key, value in part.items()}

    document["components"]["schemas"] = {names.get(key, key): schema for key, schema in schemas.items()}
    found: Mapping[str, Any] = named(document)
    return found


_SDK = _read_sdk()
PATHS: Mapping[str, Any] = _SDK["paths"]


def _schemas(*parts: object) -> dict[str, Any]:
    """Return the schemas that parts of the document refer to, directly or through others."""
    known, reached, waiting = _SDK["components"]["schemas"], set[str](), list(parts)
    while waiting:
        for name in set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(waiting.pop()))) - reached:
            reached.add(name)
            waiting.append(known[name])
    return {name: known[name] for name in known if name in reached}


def _used_parts(operation: Mapping[str, Any]) -> list[Any]:
    """Return what an operation's request and its successful response consist of; KeyError if it is not JSON."""
    parts = [
        operation.get("parameters", []),
        operation["responses"]["200"]["content"]["application/json"]["schema"],
    ]
    if "requestBody" in operation:
        parts.append(operation["requestBody"]["content"]["application/json"]["schema"])
    return parts


def _is_known_shape(operation: Mapping[str, Any]) -> bool:
    """Return whether this module can make a request and a response of an operation."""
    try:
        parameters, _, *bodies = parts = _used_parts(operation)
        keys = [item["name"] for item in parameters]
        are_simple = all(
            item["in"] == "query" and "array" not in json.dumps(item["schema"]) for item in parameters
        )
        for body in bodies:
            fields = (_SDK["components"]["schemas"][_schema_name(body["$ref"])] if "$ref" in body else body)[
                "properties"
            ]
            are_simple &= not any("x-nexport-name" in field for field in fields.values())
            keys += fields
    except KeyError:
        return False
    schemas = _schemas(*parts)
    content = json.dumps([parts, schemas])
    is_recursive = any(name in _schemas(schema) for name, schema in schemas.items())
    has_clash = len({argument_name(key) for key in keys}) < len(keys)
    has_other_words = re.search(r'"(allOf|anyOf|nullable)"', content) is not None
    are_known = set(re.findall(r'"format": "([^"]*)"', content)) <= _FORMATS
    return are_simple and are_known and not (is_recursive or has_clash or has_other_words)


_FORMATS = {"uuid", "date-time", "password", "int32", "int64", "double", "float", "decimal"}
_MARKED = {
    (path, method): operation
    for path, methods in PATHS.items()
    for method, operation in methods.items()
    if "x-nexport-effect" in operation and _is_known_shape(operation)
}
SCHEMAS: Mapping[str, Any] = _schemas(
    *(part for operation in _MARKED.values() for part in _used_parts(operation))
)

_GOOD = {"error_code": 0, "error": False, "message": "", "warning_messages": []}
SOME_ID = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"
SOME_TEXT = "Füße & 100 % + ?/#=\"\\'"


@attrs.frozen
class Argument:
    """One argument: its names in Python and in the request, the value that a caller passes, and the one that is sent."""

    name: str
    key: str
    where: str
    required: bool
    given: Any
    sent: Any


@attrs.frozen
class SpecOperation:
    """One operation as the vendor's pages state it, with the overlay's corrections."""

    id: str
    area: str
    name: str
    method: str
    path: str
    arguments: tuple[Argument, ...]
    has_body: bool
    pages: str | None
    response_schema: Mapping[str, Any]
    writes: bool
    deprecated: bool

    def __str__(self) -> str:
        return self.id

    def page_numbers(self, query: Mapping[str, Any], body: Any) -> Mapping[str, Any]:
        """Return the part of a request that has the page number and the page size."""
        return query if self.pages == "query" else body["paging"] if self.pages == "object" else body


def example_response(operation_id: str) -> Any:
    """Return a complete response body of an operation, with every declared field."""
    return example(_BY_ID[operation_id].response_schema)


def method_names(area: str) -> set[str]:
    """Return the names of all methods of an area, including those of operations that are not yet marked."""
    ids = [operation["operationId"] for item in PATHS.values() for operation in item.values()]
    return {method_name(item) for item in ids if _area(item) == area}


def example(schema: Mapping[str, Any]) -> Any:
    """Return a JSON value that matches a schema."""
    if "oneOf" in schema:
        return example(schema["oneOf"][0])
    schema = _resolved(schema)
    if "properties" in schema:
        made = {key: example(value) for key, value in schema["properties"].items()}
        return made | {key: value for key, value in _GOOD.items() if key in made}
    if "enum" in schema:
        return schema["enum"][-1]
    return _plain(schema)


def _plain(schema: Mapping[str, Any]) -> Any:
    if "type" not in schema:
        return SOME_TEXT
    kind = _type(schema)
    if kind == "array":
        return [example(schema["items"])] * 2
    if kind == "object":
        return {"key ä": SOME_TEXT}
    return _PLAIN[kind, schema.get("format") if kind == "string" else None]


_PLAIN: dict[tuple[str, str | None], Any] = {
    ("string", "uuid"): SOME_ID,
    ("string", "date-time"): "2026-05-26T01:56:25.281123+02:00",
    ("string", None): SOME_TEXT,
    ("string", "password"): SOME_TEXT,
    ("integer", None): 7,
    ("number", None): 2.5,
    ("boolean", None): True,
}


def _type(schema: Mapping[str, Any]) -> str:
    declared = schema["type"]
    return declared if isinstance(declared, str) else next(item for item in declared if item != "null")


def _resolved(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    return SCHEMAS[schema["$ref"].rsplit("/", 1)[-1]] if "$ref" in schema else schema


def _given(schema: Mapping[str, Any], sent: Any) -> Any:
    """Return the Python value whose JSON form is `sent`."""
    if isinstance(sent, dict) and "$ref" in schema:
        return getattr(models, schema["$ref"].rsplit("/", 1)[-1]).from_dict(sent)
    if isinstance(sent, list):
        return [_given(schema["items"], item) for item in sent]
    if schema.get("format") == "uuid":
        return UUID(sent)
    return datetime.fromisoformat(sent) if schema.get("format") == "date-time" else sent


def _arguments(operation: Mapping[str, Any]) -> Iterator[Argument]:
    for parameter in operation.get("parameters", []):
        if parameter["name"] in {"page", "per_page"}:
            continue
        schema = parameter["schema"]
        sent = example(schema)
        yield Argument(
            argument_name(parameter["name"]),
            parameter["name"],
            "query",
            parameter.get("required", False),
            _given(schema, sent),
            str(sent),
        )
    if "requestBody" not in operation:
        return
    body = _resolved(operation["requestBody"]["content"]["application/json"]["schema"])
    for key, schema in body["properties"].items():
        if key not in {"page", "per_page", "paging"}:
            sent = example(schema)
            required = key in body.get("required", [])
            yield Argument(argument_name(key), key, "body", required, _given(schema, sent), sent)


def _area(operation_id: str) -> str:
    return area_name(operation_id.partition("_")[0])


def _operation(path: str, method: str, operation: Mapping[str, Any]) -> SpecOperation:
    names = {parameter["name"] for parameter in operation.get("parameters", [])}
    body = _request_schema(operation)
    return SpecOperation(
        id=operation["operationId"],
        area=_area(operation["operationId"]),
        name=method_name(operation["operationId"]),
        method=method.upper(),
        path=path,
        arguments=tuple(_arguments(operation)),
        has_body="requestBody" in operation,
        pages=_pages(names, body),
        response_schema=operation["responses"]["200"]["content"]["application/json"]["schema"],
        writes=operation["x-nexport-effect"] == "write",
        deprecated=operation.get("deprecated", False),
    )


def _pages(parameters: set[str], body: Mapping[str, Any]) -> str | None:
    """Return where the page number is sent: in the query, in an object of the body, or among the body's fields."""
    if {"page", "per_page"} <= parameters:
        return "query"
    if "ApiPaginationOptions" in json.dumps(body):
        return "object"
    return "fields" if {"page", "per_page"} <= body.get("properties", {}).keys() else None


def _request_schema(operation: Mapping[str, Any]) -> Mapping[str, Any]:
    if "requestBody" not in operation:
        return {}
    return _resolved(operation["requestBody"]["content"]["application/json"]["schema"])


@cache
def _operations() -> tuple[SpecOperation, ...]:
    return tuple(_operation(path, method, operation) for (path, method), operation in _MARKED.items())


OPERATIONS = _operations()
_BY_ID = {operation.id: operation for operation in OPERATIONS}


def model_named(name: str) -> Any:
    """Return a model of a provisional operation; skip the test if the spec doesn't have the model any more."""
    if name not in models.__all__:
        pytest.skip(f"the spec has no {name}")
    return getattr(models, name)
