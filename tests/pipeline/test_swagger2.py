"""Conversion of Swagger 2.0 into OpenAPI 3."""

from typing import Any

import pytest

from pipeline.errors import PipelineError
from pipeline.spec import validate
from pipeline.swagger2 import to_openapi_3

Document = dict[str, Any]

REF = "#/components/schemas/Thing"


def convert(operation: Document | None = None, **parts: object) -> Document:
    """Convert a document with one operation."""
    operation = {"operationId": "AApi_Get", "tags": ["AApi"], "responses": {"200": {"description": "OK"}}} | (
        operation or {}
    )
    whole = {
        "swagger": "2.0",
        "info": {"title": "A", "version": "v1"},
        "host": "campus.example",
        "schemes": ["https"],
        "paths": {"/a": {"get": operation}},
        "definitions": {"Thing": {"type": "object", "properties": {"a": {"type": "string"}}}},
        **parts,
    }
    made = to_openapi_3(whole, "swagger.json")
    validate(made, "swagger.json")
    return made


def converted(**operation: object) -> Document:
    """Return the operation of a converted document."""
    found: Document = convert(operation)["paths"]["/a"]["get"]
    return found


def test_the_server_is_host_and_base_path() -> None:
    """Each scheme gives a server; without a host, the base path is relative."""
    assert convert(basePath="/campus/")["servers"] == [{"url": "https://campus.example/campus"}]
    assert [item["url"] for item in convert(schemes=["http", "https"])["servers"]] == [
        "http://campus.example",
        "https://campus.example",
    ]


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        (
            {"type": "string", "format": "uuid", "description": "An id", "required": True},
            {"schema": {"type": "string", "format": "uuid"}, "description": "An id", "required": True},
        ),
        (
            {"type": "array", "items": {"type": "string"}, "collectionFormat": "multi"},
            {"schema": {"type": "array", "items": {"type": "string"}}},
        ),
        (
            {"type": "array", "items": {"type": "string"}},
            {"schema": {"type": "array", "items": {"type": "string"}}, "style": "form", "explode": False},
        ),
        (
            {"type": "array", "items": {"type": "string"}, "collectionFormat": "pipes"},
            {
                "schema": {"type": "array", "items": {"type": "string"}},
                "style": "pipeDelimited",
                "explode": False,
            },
        ),
        (
            {"type": "integer", "enum": [1], "default": 1},
            {"schema": {"type": "integer", "enum": [1], "default": 1}},
        ),
        ({"type": "string", "x-nullable": True}, {"schema": {"type": "string", "nullable": True}}),
    ],
    ids=range(6),
)
def test_a_parameters_values_are_a_schema(parameter: Document, expected: Document) -> None:
    """Type, format and limits move; a list in the query keeps its style."""
    named = {"name": "p", "in": "query"}
    assert converted(parameters=[{**named, **parameter}])["parameters"] == [{**named, **expected}]


@pytest.mark.parametrize("shared", [False, True], ids=["stated in place", "referred to"])
def test_parameters_of_a_path_are_added_to_its_operations(shared: bool) -> None:
    """An operation has its path's parameters before its own, except one that it states itself."""
    common = [{"name": name, "in": "query", "type": "integer"} for name in ("org_id", "page")]
    own = [
        {"name": "access_token", "in": "query", "type": "string"},
        {"name": "page", "in": "query", "type": "string"},
    ]
    operation = {"operationId": "AApi_Get", "tags": ["AApi"], "responses": {"200": {"description": "OK"}}}
    item = {
        "parameters": [{"$ref": f"#/parameters/{each['name']}"} for each in common] if shared else common,
        "get": {**operation, "parameters": own},
        "post": {**operation, "operationId": "AApi_Post"},
    }
    made = convert(paths={"/a": item}, parameters={str(each["name"]): each for each in common})["paths"]["/a"]
    assert [(each["name"], each["schema"]["type"]) for each in made["get"]["parameters"]] == [
        ("org_id", "integer"),
        ("access_token", "string"),
        ("page", "string"),
    ]
    assert [each["name"] for each in made["post"]["parameters"]] == ["org_id", "page"]


def test_a_body_has_each_media_type_that_the_operation_consumes() -> None:
    """An empty description is left out, as on the vendor's pages."""
    body = {
        "name": "request",
        "in": "body",
        "description": "",
        "required": True,
        "schema": {"$ref": "#/definitions/Thing"},
    }
    made = converted(parameters=[body], consumes=["application/json", "text/json"])
    assert made["parameters"] == []
    assert made["requestBody"] == {
        "content": {media: {"schema": {"$ref": REF}} for media in ("application/json", "text/json")},
        "required": True,
    }
    assert "consumes" not in made


def test_forms_and_files_are_bodies_that_the_client_refuses_by_name() -> None:
    """A file makes the form an upload."""
    fields = [
        {"name": "a", "in": "formData", "type": "string", "required": True},
        {"name": "f", "in": "formData", "type": "file"},
    ]
    content = converted(parameters=fields)["requestBody"]["content"]
    assert list(content) == ["multipart/form-data"]
    assert content["multipart/form-data"]["schema"]["required"] == ["a"]
    content = converted(parameters=fields[:1])["requestBody"]["content"]
    assert list(content) == ["application/x-www-form-urlencoded"]
    file = {"200": {"description": "", "schema": {"type": "file"}}}
    assert list(converted(responses=file)["responses"]["200"]["content"]) == ["application/octet-stream"]


def test_descriptions_beside_a_reference_stay() -> None:
    """The vendor describes fields so."""
    owner = {
        "properties": {
            "a": {"$ref": "#/definitions/Thing", "description": "Mine."},
            "$ref": {"type": "string"},
        }
    }
    made = convert(definitions={"Owner": owner, "Thing": {"type": "object"}})["components"]["schemas"][
        "Owner"
    ]
    assert made["properties"] == {"a": {"$ref": REF, "description": "Mine."}, "$ref": {"type": "string"}}


def test_shared_parts_are_converted() -> None:
    """Parameters, responses and security schemes that have names."""
    made = convert(
        {
            "parameters": [{"$ref": "#/parameters/Id"}, {"$ref": "#/parameters/Body"}],
            "responses": {"200": {"$ref": "#/responses/Good"}},
        },
        parameters={
            "Id": {"name": "id", "in": "query", "type": "string"},
            "Body": {"name": "b", "in": "body", "schema": {"$ref": "#/definitions/Thing"}},
        },
        responses={"Good": {"description": "Good", "schema": {"$ref": "#/definitions/Thing"}}},
        securityDefinitions={
            "key": {"type": "apiKey", "in": "query", "name": "access_token"},
            "login": {"type": "basic"},
            "jwt": {"type": "oauth2", "flow": "application", "tokenUrl": "https://a.example", "scopes": {}},
        },
    )
    operation = made["paths"]["/a"]["get"]
    assert [item["name"] for item in operation["parameters"]] == ["id"]
    assert operation["requestBody"]["content"]["application/json"]["schema"] == {"$ref": REF}
    assert operation["responses"]["200"] == {"$ref": "#/components/responses/Good"}
    assert made["components"]["securitySchemes"]["login"] == {"type": "http", "scheme": "basic"}
    assert list(made["components"]["securitySchemes"]["jwt"]["flows"]) == ["clientCredentials"]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"swagger": "1.2"}, "its version is '1.2'"),
        ({"swagger": "2.0", "paths": []}, "not a valid Swagger 2.0 document"),
        ({"swagger": "2.0", "paths": {"/a": {"get": {}}}}, "not a valid Swagger 2.0 document"),
    ],
)
def test_other_documents_are_refused(document: Document, message: str) -> None:
    """The message names the file."""
    with pytest.raises(PipelineError, match=rf"swagger\.json: .*{message}"):
        to_openapi_3(document, "swagger.json")
