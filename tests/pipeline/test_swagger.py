"""Splitting one complete definition into fragments."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli import main
from pipeline.errors import PipelineError
from pipeline.normalization import normalize
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


def to_swagger_2(whole: Document) -> Document:
    """Return a definition in the form of Swagger 2.0, as Swashbuckle 5 writes it."""
    document = json.loads(json.dumps(whole).replace("#/components/schemas/", "#/definitions/"))
    for item in document["paths"].values():
        for operation in item.values():
            operation["parameters"] = [
                {**{key: value for key, value in one.items() if key != "schema"}, **one["schema"]}
                for one in operation["parameters"]
            ]
            operation["produces"] = ["application/json", "text/json"]
            body = operation.pop("requestBody", None)
            operation["consumes"] = list(body["content"]) if body else []
            if body:
                schema = body["content"]["application/json"]["schema"]
                about = {"name": "request", "in": "body", "required": body["required"], "schema": schema}
                operation["parameters"].insert(0, {"description": body.get("description", ""), **about})
            for response in operation["responses"].values():
                response["schema"] = response.pop("content")["application/json"]["schema"]
    return {
        "swagger": "2.0",
        "info": document["info"],
        "host": document["servers"][0]["url"].removeprefix("https://"),
        "schemes": ["https"],
        "paths": dict(reversed(document["paths"].items())),
        "definitions": document["components"]["schemas"],
    }


@pytest.mark.sampled(1)
@pytest.mark.parametrize("version", ["3.1.1", "3.0.4", "2.0"])
def test_a_definition_gives_the_same_fragments_as_pages(
    repository: Path, snapshot: Snapshot, write: Write, capsys: Capture, version: str
) -> None:
    """Page by page or at once, in OpenAPI 3 or Swagger 2.0: what is stated is the same, so that no file changes."""
    before, whole = snapshot(repository), join_fragments(repository)
    whole["openapi"] = version
    whole = to_swagger_2(whole) if version == "2.0" else whole
    assert main(["--swagger", str(write(whole))], repository) == 0, capsys.readouterr()
    assert "everything is up to date" in capsys.readouterr().out
    assert snapshot(repository) == before


@pytest.mark.full
def test_a_change_moves_nothing_else(
    repository: Path, snapshot: Snapshot, write: Write, capsys: Capture
) -> None:
    """Of a fragment that changes, only the changed lines change."""
    before, whole = snapshot(repository), join_fragments(repository)
    changed = to_swagger_2(whole)
    changed["paths"]["/api/v1/LearningApi/GetSection"]["get"]["summary"] = "Other words."
    assert main(["--swagger", str(write(changed))], repository) == 0, capsys.readouterr()
    name = "openapi/fragments/LearningApi_GetSection.json"
    old, new = before[name].splitlines(), (repository / name).read_bytes().splitlines()
    assert len(old) == len(new)
    assert len([line for line, other in zip(old, new, strict=True) if line != other]) == 1
    fragments = [name for name in before if name.startswith("openapi/fragments/")]
    assert [item for item in fragments if before[item] != (repository / item).read_bytes()] == [name]


def test_versions_of_openapi_may_mix(repository: Path, write: Write, capsys: Capture, tmp_path: Path) -> None:
    """A page of OpenAPI 3.0 states null in another way than one of 3.1; the later version wins."""
    page = tmp_path / "page.md"
    documents = [
        json.loads(file.read_bytes())
        for file in sorted((repository / "openapi/fragments").glob("ScormApi_*"))
    ]
    for document in documents:
        document["openapi"] = "3.0.4"
        message = document["components"]["schemas"]["ApiErrorEntity"]["properties"]["error_message"]
        assert message["type"] == "string"
        message["nullable"] = False
    page.write_text("".join(f"```json\n{json.dumps(item)}\n```\n" for item in documents), encoding="utf-8")
    assert main(["--pages", str(page)], repository) == 0, capsys.readouterr()
    assert "everything is up to date" in capsys.readouterr().out


def test_a_missing_area_is_removed(repository: Path, write: Write, capsys: Capture) -> None:
    """A definition states everything: an area that it lacks is removed with its marks, and named."""
    whole = join_fragments(repository)
    whole["paths"] = {path: item for path, item in whole["paths"].items() if "ScormApi" not in path}
    assert main(["--swagger", str(write(whole))], repository) == 0
    output = capsys.readouterr().out
    assert "the area ScormApi is removed" in output
    assert (
        "note: ScormApi_EditScormData, ScormApi_GetCmiData are removed: their areas no longer have them"
        in output
    )
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
        ({"x-nexport-effect": "read"}, "given only by the overlay"),
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


def test_overloads_get_distinct_ids(make_document: Make, write: Write) -> None:
    """Operations of .NET may share an operationId: own parameters, or the method, make the other names."""
    whole = make_document()
    ((path, item),) = whole["paths"].items()
    parameter = {"name": "user_id", "in": "path", "required": True, "schema": {"type": "string"}}
    whole["paths"][f"{path}/{{user_id}}"] = {"get": {**item["get"], "parameters": [parameter]}}
    whole["paths"][path] = {**item, "post": item["get"]}
    stated = read_definition(write(whole))
    assert set(stated.fragments) == {
        "LearningApi_GetThing",
        "LearningApi_GetThingByUserId",
        "LearningApi_GetThingPost",
    }
    note = "LearningApi_GetThing is stated more than once;"
    assert stated.notes == [
        f"{note} POST {path} is LearningApi_GetThingPost",
        f"{note} GET {path}/{{user_id}} is LearningApi_GetThingByUserId",
    ]


@pytest.mark.parametrize("reverse", [False, True], ids=["in order", "reversed"])
@pytest.mark.parametrize("differ_by", ["method", "path"])
def test_the_order_of_overloads_makes_no_difference(
    make_document: Make, write: Write, differ_by: str, reverse: bool
) -> None:
    """The shortest path, and of one path the first method by name, keeps the id, wherever the definition states it."""
    whole = make_document()
    ((path, item),) = whole["paths"].items()
    get = item["get"]
    paths = (
        {path: {"get": get, "post": get}}
        if differ_by == "method"
        else {path: item, f"{path}/x": {"post": get}}
    )
    if reverse:
        paths = {each: dict(reversed(paths[each].items())) for each in reversed(paths)}
    fragments = read_definition(write({**whole, "paths": paths})).fragments
    assert {
        name: [*fragment["paths"], *fragment["paths"].popitem()[1]] for name, fragment in fragments.items()
    } == {
        "LearningApi_GetThing": [path, "get"],
        "LearningApi_GetThingPost": [path if differ_by == "method" else f"{path}/x", "post"],
    }


@pytest.mark.parametrize("version", ["3.1.1", "2.0"])
def test_overloads_keep_the_parameters_of_their_path(make_document: Make, write: Write, version: str) -> None:
    """An operation that gets another name has the parameters that its path states for all operations."""
    whole = make_document()
    whole["servers"] = [{"url": "https://campus.example"}]
    ((path, item),) = whole["paths"].items()
    whole["paths"][path] = {**item, "post": item["get"]}
    if version == "2.0":
        whole = to_swagger_2(whole)
    shared = {"name": "org_id", "in": "query", "required": True}
    text = {"type": "string"}
    whole["paths"][path]["parameters"] = [{**shared, **(text if version == "2.0" else {"schema": text})}]
    normal = {
        name: normalize(fragment)["paths"][path]
        for name, fragment in read_definition(write(whole)).fragments.items()
    }
    assert set(normal) == {"LearningApi_GetThing", "LearningApi_GetThingPost"}
    for operations in normal.values():
        (operation,) = operations.values()
        assert [each["name"] for each in operation["parameters"]] == ["org_id", "access_token"]


def test_an_unreadable_definition_is_named(tmp_path: Path, write: Write) -> None:
    """A file that is missing, or not JSON, is reported in one line."""
    with pytest.raises(PipelineError, match=r"gone\.json: the definition cannot be read"):
        read_definition(tmp_path / "gone.json")
    with pytest.raises(PipelineError, match=r"definition\.json:1: the JSON does not parse"):
        read_definition(write("openapi: 3.0.0"))
