"""One run names every problem: a fault of one operation hides neither those of others nor the generator's objections."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline import steps
from pipeline.cli import main
from pipeline.generate import find_objections
from pipeline.layout import Layout

Document = dict[str, Any]
Make = Callable[..., Document]
MakePage = Callable[..., Path]
Capture = pytest.CaptureFixture[str]


def operation_of(document: Document) -> Document:
    """Return the one operation of a document."""
    (item,) = document["paths"].values()
    operation: Document = item["get"]
    return operation


def make_operation(make_document: Make, name: str, *parameters: Document, **schemas: Document) -> Document:
    """Return the document of an operation of AssessmentApi."""
    document = make_document(f"AssessmentApi_{name}", **schemas)
    operation_of(document)["parameters"] += parameters
    return document


def test_problems_of_different_steps(
    repository: Path,
    make_document: Make,
    make_page: MakePage,
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A name, a union, a shape and a parameter without a schema are in one report, with what the generator says of the rest."""
    union = {"oneOf": [{"type": "string"}, {"type": "boolean"}]}
    content = {"application/json": {"schema": {"type": "string"}}}
    pages = [
        make_operation(make_document, "GetUnion", {"name": "kind", "in": "query", "schema": union}),
        make_operation(
            make_document,
            "GetParts",
            {"name": "x", "in": "query", "schema": {"type": "object", "properties": {"a": {}}}},
        ),
        make_operation(make_document, "GetContent", {"name": "filter", "in": "query", "content": content}),
        make_operation(
            make_document, "GetTwice", *[{"name": "a", "in": "query", "schema": {"type": "string"}}] * 2
        ),
        make_operation(make_document, "GetSound"),
    ]
    asked: list[str] = []

    def object_to(document: Document, _: Layout) -> list[str]:
        asked.extend(
            item["get"]["operationId"] for path, item in document["paths"].items() if "Assessment" in path
        )
        return ["the generator reports something else"]

    monkeypatch.setattr(steps, "find_objections", object_to)
    assert main(["--pages", str(make_page(*pages))], repository) == 1
    error, _, _ = capsys.readouterr().err.partition("Ready to paste")
    assert "5 problems; nothing was written" in error
    for message in (
        "it may be of several types (oneOf); choose one",
        "AssessmentApi_GetParts: the parameter 'x' has parts",
        "AssessmentApi_GetContent: the parameter 'filter' has no schema",
        "AssessmentApi_GetTwice: the parameter 'a' is stated 2 times in the query",
        "the generator reports something else",
    ):
        assert error.count(message) == 1
    assert asked == ["AssessmentApi_GetSound"]


def test_the_generator_checks_the_remaining_operations(make_document: Make) -> None:
    """It reports the problems of a document without generating anything."""
    root = Path(__file__).parents[2]
    document = make_document()
    assert find_objections(document, Layout(root)) == []
    operation_of(document)["responses"] = {"200": {"description": "", "content": {"application/json": {}}}}
    document["info"] = {"title": "No version"}
    (message,) = find_objections(document, Layout(root))
    assert message.startswith(
        "openapi/nexport.sdk.json: the generator reports a problem; correct it in openapi/overlay.yaml: "
    )
    assert "version" in message


@pytest.mark.full
@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer", "default": "none"},
        {"type": "string", "format": "date-time", "default": "0001"},
        {"type": "string", "format": "uuid", "default": ""},
        {"type": "boolean", "default": "maybe"},
        {"type": "integer", "enum": [0, 1], "default": 7},
        {"type": "array"},
    ],
    ids=["integer", "date", "uuid", "boolean", "enum", "array"],
)
def test_what_only_the_generator_would_refuse(
    repository: Path, make_document: Make, make_page: MakePage, capsys: Capture, schema: Document
) -> None:
    """A default that isn't of its type, and a list without elements' type make no difference to the client."""
    thing = {"type": "object", "properties": {"field": schema}}
    page = make_operation(
        make_document, "GetThing", {"name": "a", "in": "query", "schema": schema}, Thing=thing
    )
    assert main(["--pages", str(make_page(page))], repository) == 0, capsys.readouterr().err
    assert main(["--check"], repository) == 0


def test_the_generator_runs_once_without_a_problem(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A document without problems is generated at once."""
    monkeypatch.setattr(steps, "find_objections", lambda *_: pytest.fail("there is no problem"))
    assert main([], repository) == 0
