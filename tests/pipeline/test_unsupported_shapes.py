"""Shapes of operations that the client doesn't support are refused by name, never silently omitted."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline import generate as generating
from pipeline.errors import PipelineError
from pipeline.generate import generate
from pipeline.layout import Layout

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
