"""Splitting one complete definition into fragments."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli import main
from pipeline.errors import PipelineError
from pipeline.swagger import read_definition

Document = dict[str, Any]
Make = Callable[..., Document]
Snapshot = Callable[[Path], dict[str, bytes]]
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def write(tmp_path: Path) -> Callable[[object], Path]:
    """Return a function that writes a definition."""

    def written(value: object) -> Path:
        file = tmp_path / "definition.json"
        file.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
        return file

    return written


Write = Callable[[object], Path]


def join_fragments(root: Path) -> Document:
    """Return the fragments of a repository as one definition."""
    whole: Document = {"paths": {}, "components": {"schemas": {}}}
    for file in sorted((root / "openapi/fragments").iterdir()):
        document = json.loads(file.read_bytes())
        whole["paths"] |= document["paths"]
        whole["components"]["schemas"] |= document["components"]["schemas"]
        whole |= {key: document[key] for key in ("openapi", "info", "servers")}
    return whole


def test_a_definition_gives_the_same_client_as_pages(
    repository: Path, snapshot: Snapshot, write: Write, capsys: Capture
) -> None:
    """Whether the vendor states the API page by page or at once, the client is the same."""
    before = snapshot(repository / "nexport_client")
    assert main(["--swagger", str(write(join_fragments(repository)))], repository) == 0, capsys.readouterr()
    assert " is removed" not in capsys.readouterr().out
    after = snapshot(repository / "nexport_client")
    assert {name for name in before if before[name] != after.get(name)} <= {"pydantic_schema.py"}
    assert main(["--check"], repository) == 0


def test_a_missing_area_is_removed(repository: Path, write: Write, capsys: Capture) -> None:
    """A definition states everything: an area that it lacks is removed with its marks, and named."""
    whole = join_fragments(repository)
    whole["paths"] = {path: item for path, item in whole["paths"].items() if "ScormApi" not in path}
    assert main(["--swagger", str(write(whole))], repository) == 0
    output = capsys.readouterr().out
    assert "the area ScormApi is removed" in output
    assert "ScormApi_GetCmiData is removed" in output
    assert not (repository / "nexport_client/api/scorm_api").exists()
    assert (repository / "nexport_client/api/admin_api").exists()


def test_a_fragment_is_self_contained(make_document: Make, write: Write) -> None:
    """A fragment has exactly the schemas that it uses; shared parameters and responses are inlined."""
    whole = make_document(
        Unused={"type": "string"}, Part={"$ref": "#/components/schemas/Deep"}, Deep={"type": "string"}
    )
    whole["components"]["schemas"]["Thing"]["properties"]["part"] = {"$ref": "#/components/schemas/Part"}
    whole["components"]["parameters"] = {"Org": {"name": "org", "in": "query", "schema": {"type": "string"}}}
    whole["components"]["responses"] = {"Bad": {"description": "Bad"}}
    (path,) = whole["paths"].values()
    path["parameters"] = [{"$ref": "#/components/parameters/Org"}]
    path["get"]["responses"]["422"] = {"$ref": "#/components/responses/Bad"}
    whole["tags"] = [{"name": "LearningApi"}]
    stated = read_definition(write(whole))
    fragment = stated.fragments["LearningApi_GetThing"]
    assert list(fragment["components"]["schemas"]) == ["Deep", "Part", "Thing"]
    (path_item,) = fragment["paths"].values()
    assert path_item["parameters"] == [whole["components"]["parameters"]["Org"]]
    assert path_item["get"]["responses"]["422"] == {"description": "Bad"}
    assert list(fragment) == ["openapi", "info", "paths", "components"]
    assert stated.areas == {"LearningApi"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"swagger": "1.2"}, "its version is '1.2'"),
        ({"openapi": "2.0"}, "neither an OpenAPI 3 nor a Swagger 2.0 definition"),
        ({"paths": {}}, "neither an OpenAPI 3 nor a Swagger 2.0 definition"),
        ({"paths": {"/a": {"get": {"responses": {}}}}}, "operationId '' is not of the form"),
        ({"paths": {"/a": {"get": {"operationId": "A_b", "responses": {}}}}}, "has no tag"),
        ({"components": {"schemas": {}}}, "refers to '#/components/schemas/Thing', which is not there"),
        ({"x-nexport-effect": "read"}, "given by the overlay alone"),
    ],
)
def test_an_invalid_definition_is_refused(
    make_document: Make, write: Write, change: Document, message: str
) -> None:
    """The message says what is wrong."""
    with pytest.raises(PipelineError, match=message):
        read_definition(write({**make_document(), **change}))


def test_dangling_references_are_refused(make_document: Make, write: Write) -> None:
    """A shared parameter that is missing, or refers to itself, stops the run."""
    whole = make_document()
    (path,) = whole["paths"].values()
    path["get"]["parameters"] = [{"$ref": "#/components/parameters/A"}]
    with pytest.raises(PipelineError, match="'#/components/parameters/A', which is not there"):
        read_definition(write(whole))
    whole["components"]["parameters"] = {"A": {"$ref": "#/components/parameters/A"}}
    with pytest.raises(PipelineError, match="refers to itself"):
        read_definition(write(whole))


def test_two_operations_with_one_name_are_refused(make_document: Make, write: Write) -> None:
    """An operationId must be unique."""
    whole = make_document()
    whole["paths"]["/other"] = next(iter(whole["paths"].values()))
    with pytest.raises(PipelineError, match="two operations are called LearningApi_GetThing"):
        read_definition(write(whole))


def test_an_unreadable_definition_is_named(tmp_path: Path, write: Write) -> None:
    """A file that is missing, or not JSON, is reported in one line."""
    with pytest.raises(PipelineError, match=r"gone\.json: the definition cannot be read"):
        read_definition(tmp_path / "gone.json")
    with pytest.raises(PipelineError, match=r"definition\.json:1: the JSON does not parse"):
        read_definition(write("openapi: 3.0.0"))
