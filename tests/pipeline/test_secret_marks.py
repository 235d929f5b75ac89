"""Secret marks: wherever the overlay puts one, the argument is concealed or the operation's result counts as secret."""

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.normalization import normalize
from pipeline.operations_view import OperationView, make_operation_view
from pipeline.secret_names import find_unmarked_secrets

Document = dict[str, Any]
Make = Callable[..., Document]

TEXT = {"type": "string"}
MARK = {"x-nexport-secret": True}
KEY = {"$ref": "#/components/schemas/Key"}
WORD = {"$ref": "#/components/schemas/Word"}


def list_of(item: Document) -> Document:
    """Return the schema of a list."""
    return {"type": "array", "items": item}


def map_of(value: Document) -> Document:
    """Return the schema of a mapping."""
    return {"type": "object", "additionalProperties": value}


def record_of(field: Document) -> Document:
    """Return the schema of a record with one field."""
    return {"type": "object", "properties": {"it": field}}


def view_of(document: Document) -> OperationView:
    """Return the template record of the only operation of a document."""
    normal = normalize(document)
    ((path, item),) = normal["paths"].items()
    return make_operation_view(normal, path, "get", item["get"])


def operation_of(document: Document) -> Document:
    """Return the only operation of a document."""
    found: Document = next(iter(document["paths"].values()))["get"]
    return found


RESULTS: dict[str, Document] = {
    "a record": KEY,
    "a list": list_of(KEY),
    "a list of lists": list_of(list_of(KEY)),
    "a mapping": map_of(KEY),
    "a mapping of lists": map_of(list_of(KEY)),
    "a field": record_of(KEY),
    "a list in a field": record_of(list_of(KEY)),
    "a mapping in a field": record_of(map_of(KEY)),
    "a record or null": {"oneOf": [KEY, {"type": "null"}]},
    "a list of unnamed records": list_of(record_of(WORD)),
    "a string": WORD,
    "a list of strings": list_of(WORD),
}


@pytest.mark.parametrize("secret", [True, False], ids=["marked", "unmarked"])
@pytest.mark.parametrize("result", RESULTS.values(), ids=RESULTS)
def test_a_result_with_a_secret_is_declared(make_document: Make, result: Document, secret: bool) -> None:
    """A response counts as secret if a mark is anywhere in it, and only then; a record may contain itself."""
    word = {**TEXT, **(MARK if secret else {})}
    key = {"type": "object", "properties": {"next": KEY, "code": word}}
    document = make_document(Key=key, Word=word)
    operation_of(document)["responses"]["200"]["content"] = {"application/json": {"schema": result}}
    assert view_of(document).secret_result is secret


PARAMETERS: dict[str, Document] = {
    "at the parameter": {"schema": TEXT, **MARK},
    "at its schema": {"schema": {**TEXT, **MARK}},
    "at a named schema": {"schema": WORD},
    "beside a reference": {"schema": {"$ref": "#/components/schemas/Plain", **MARK}},
    "beside a union with null": {"schema": {"anyOf": [TEXT, {"type": "null"}], **MARK}},
}


@pytest.mark.parametrize("place", ["path", "query", "header"])
@pytest.mark.parametrize("parameter", PARAMETERS.values(), ids=PARAMETERS)
def test_a_marked_parameter_is_secret(make_document: Make, parameter: Document, place: str) -> None:
    """A mark counts at a parameter as well as at its schema; the parameter beside it stays plain."""
    document = make_document(Word={**TEXT, **MARK}, Plain=TEXT)
    operation_of(document)["parameters"] = [
        {"name": "code", "in": place, **parameter},
        {"name": "other", "in": place, "schema": TEXT},
    ]
    secret = {argument.name: argument.secret for argument in view_of(document).arguments}
    assert secret == {"code": True, "other": False}


@pytest.mark.parametrize("parameter", PARAMETERS.values(), ids=PARAMETERS)
def test_a_marked_field_of_a_body_is_secret(make_document: Make, parameter: Document) -> None:
    """A mark counts at a field of the body, or at the schema that it refers to."""
    field = {**parameter["schema"], **MARK} if parameter["schema"] == TEXT else parameter["schema"]
    document = make_document(Word={**TEXT, **MARK}, Plain=TEXT)
    body = {"type": "object", "properties": {"code": field, "other": TEXT}}
    operation_of(document)["parameters"] = []
    operation_of(document)["requestBody"] = {"content": {"application/json": {"schema": body}}}
    secret = {argument.name: argument.secret for argument in view_of(document).arguments}
    assert secret == {"code": True, "other": False}


@pytest.mark.parametrize(
    "keyword", ["items", "additionalProperties", "not", "allOf", "anyOf", "oneOf", "properties"]
)
def test_unmarked_secrets_are_found_at_any_depth(make_document: Make, keyword: str) -> None:
    """A field that looks like a secret is reported with its place, whatever schema it is nested in."""
    inner: Document = {"properties": {"password": TEXT}}
    below, nested = {
        "allOf": ("allOf/0", [inner]),
        "anyOf": ("anyOf/0", [inner]),
        "oneOf": ("oneOf/0", [inner]),
        "properties": ("properties/it", {"it": inner}),
    }.get(keyword, (keyword, inner))
    places = [place for place, _ in find_unmarked_secrets(make_document(Odd={keyword: nested}))]
    assert f"/components/schemas/Odd/{below}/properties/password" in places
