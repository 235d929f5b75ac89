"""Shapes of operations that the client doesn't support are refused by name, never silently omitted."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline import generate as generating
from pipeline.errors import PipelineError
from pipeline.generate import generate
from pipeline.layout import Layout
from pipeline.normalization import normalize
from pipeline.operations_view import make_operation_view

ROOT = Path(__file__).parents[2]

Document = dict[str, Any]
Make = Callable[..., Document]

TEXT = {"type": "string"}
OBJECT = {"type": "object", "properties": {"a": TEXT}}
LISTS = {
    "type": "object",
    "properties": {key: {"type": "array", "items": OBJECT} for key in ("one", "other")},
}


def parameter(name: str, schema: Document, place: str = "query", **more: object) -> Document:
    """Return a parameter."""
    return {"name": name, "in": place, "schema": schema, **more}


def response(schema: Document, media: str = "application/json", status: str = "200") -> Document:
    """Return an operation's responses."""
    return {"responses": {status: {"description": "", "content": {media: {"schema": schema}}}}}


def body(media: str) -> Document:
    """Return an operation's body."""
    return {"requestBody": {"content": {media: {"schema": OBJECT}}}}


PAGED = [parameter("page", TEXT), parameter("per_page", TEXT)]
REFUSED: dict[str, tuple[Document, str]] = {
    "a form": (body("application/x-www-form-urlencoded"), "its body is not JSON"),
    "an upload": (body("multipart/form-data"), "its body is not JSON"),
    "a text response": (response(TEXT, "text/plain"), "its response is text/plain"),
    "a file": (response(TEXT, "application/octet-stream"), "its response is application/octet-stream"),
    "no success response": (response(TEXT, status="default"), "it has no success response with a status"),
    "a range of statuses": (response(TEXT, status="2XX"), "it has no success response with a status"),
    "a union": (response({"oneOf": [TEXT, {"type": "integer"}]}), "of several types"),
    "several types": (response({"type": ["string", "boolean"]}), "of several types"),
    "two success responses": (
        {
            "responses": {
                **response(TEXT)["responses"],
                **response({"type": "integer"}, status="201")["responses"],
            }
        },
        "its success responses are of several types",
    ),
    "pages of two lists": ({"parameters": PAGED, **response(LISTS)}, "several lists .one, other."),
    "a cookie": ({"parameters": [parameter("a", TEXT, "cookie")]}, "travels in a cookie"),
    "a header of the connection": (
        {"parameters": [parameter("Host", TEXT, "header")]},
        "travels in a header",
    ),
    "an object in the query": ({"parameters": [parameter("a", OBJECT)]}, "has parts"),
    "a list with commas": (
        {"parameters": [parameter("a", {"type": "array", "items": TEXT}, explode=False)]},
        "is a list in a style",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_an_unsupported_shape_is_refused(
    make_document: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The message names the operation and the unsupported part."""
    monkeypatch.setattr(generating, "_format", lambda *_: None)
    change, message = REFUSED[kind]
    document = make_document()
    (path,) = document["paths"].values()
    path["get"] |= {"parameters": [], **change}
    with pytest.raises(PipelineError, match=f"LearningApi_GetThing: .*{message}"):
        generate(document, Layout(ROOT), tmp_path / "nexport_client")


def in_any_case(*names: str) -> list[str]:
    """Return names of headers in lower case, as usual, and in upper case."""
    return [spelled for name in names for spelled in (name.lower(), name.title(), name.upper())]


@pytest.mark.parametrize("name", in_any_case("accept", "content-type", "authorization"))
def test_a_header_that_the_client_sets_is_no_argument(make_document: Make, name: str) -> None:
    """A stated header that OpenAPI describes elsewhere gives no argument, in any case; the same name in the query does."""
    assert list_arguments(make_document(), parameter(name, TEXT, "header", required=True)) == []
    assert len(list_arguments(make_document(), parameter(name, TEXT))) == 1


@pytest.mark.parametrize(
    "name",
    in_any_case("connection", "content-length", "cookie", "host", "transfer-encoding", "user-agent"),
)
def test_a_header_of_the_connection_is_refused(make_document: Make, name: str) -> None:
    """A header that belongs to the connection is refused in any case; the same name in the query is an argument."""
    with pytest.raises(ValueError, match="travels in a header"):
        list_arguments(make_document(), parameter(name, TEXT, "header"))
    assert len(list_arguments(make_document(), parameter(name, TEXT))) == 1


def list_arguments(document: Document, stated: Document) -> list[str]:
    """Return the names of the arguments of an operation with one parameter."""
    ((path, item),) = document["paths"].items()
    item["get"]["parameters"] = [stated]
    normal = normalize(document)
    view = make_operation_view(normal, path, "get", normal["paths"][path]["get"])
    return [argument.name for argument in view.arguments]
