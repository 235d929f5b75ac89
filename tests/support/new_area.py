"""AssessmentApi, an invented area that the repository doesn't know, with every shape that an operation can have."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["AREA", "documents", "page"]

AREA = "AssessmentApi"
Document = dict[str, Any]

UUID: Document = {"type": "string", "format": "uuid"}
TEXT: Document = {"type": "string"}
NUMBER: Document = {"type": "number", "format": "double"}
INTEGER: Document = {"type": "integer", "format": "int32"}
MODE: Document = {
    "type": "integer",
    "format": "int32",
    "description": "How it is graded.",
    "enum": [0, 1, -1],
}
OWN_SCHEMAS: Mapping[str, Document] = {
    "Test": {
        "type": "object",
        "title": "Details",
        "required": ["id", "taken"],
        "properties": {
            "id": UUID,
            "taken": {"type": "string", "format": "date-time"},
            "field": TEXT,
            "wire": TEXT,
            "class": TEXT,
            "to_dict": TEXT,
            "points": {"$ref": "#/components/schemas/Points"},
            "mode": MODE,
            "nearest": {"anyOf": [{"$ref": "#/components/schemas/Test"}, {"type": "null"}]},
            "place": {"type": "object", "properties": {"room": TEXT}},
        },
    },
    "Points": {"type": "array", "items": {"type": ["number", "null"]}},
    "Answer": {"type": "object", "required": ["question"], "properties": {"question": UUID, "text": TEXT}},
    "TestFilter": {
        "type": "object",
        "properties": {
            "org_ids": {"type": "array", "items": UUID},
            "paging": {"$ref": "#/components/schemas/ApiPaginationOptions"},
        },
    },
    "TestsFound": {
        "allOf": [
            {"$ref": "#/components/schemas/ApiResponseBase"},
            {
                "type": "object",
                "required": ["total_count"],
                "properties": {
                    "tests": {"type": "array", "items": {"$ref": "#/components/schemas/Test"}},
                    "total_count": INTEGER,
                },
            },
        ]
    },
    "Renaming": {
        "type": "object",
        "required": ["id", "name"],
        "properties": {
            "id": TEXT,
            "name": TEXT,
            "self": TEXT,
            "from": TEXT,
            "page": INTEGER,
            "note": {"type": ["string", "null"]},
        },
    },
}


def ref(name: str) -> Document:
    """Return a reference to a schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def list_of(item: Document) -> Document:
    """Return the schema of a list."""
    return {"type": "array", "items": item}


def query(name: str, schema: Document, *, required: bool = False, place: str = "query") -> Document:
    """Return a parameter."""
    return {"name": name, "in": place, "schema": schema, "required": required}


PAGED = [query("page", INTEGER), query("per_page", INTEGER), query("paer_page", INTEGER)]


def documents(root: Path) -> list[Document]:
    """Return the area's documents; schemas shared with known areas are copied from the fragments under `root`."""
    known: Document = json.loads((root / "openapi/nexport.json").read_bytes())
    schemas = {**known["components"]["schemas"], **OWN_SCHEMAS}
    shared = {key: known[key] for key in ("openapi", "info", "servers")}

    def make(
        name: str,
        *parameters: Document,
        response: Document | None = None,
        body: Document | None = None,
        method: str = "get",
        status: str = "200",
        path: str = "",
    ) -> Document:
        token = {**query("access_token", TEXT, required=True), "description": "Use the AdminApi"}
        operation: Document = {
            "tags": [AREA],
            "operationId": f"{AREA}_{name}",
            "summary": f"{name} of an assessment",
            "parameters": [token, *parameters],
            "responses": {
                status: {"description": "Done"}
                | ({} if response is None else {"content": _content(response)}),
                "422": {"description": "Invalid", "content": _content(ref("ApiResponseBase"))},
            },
        }
        if body is not None:
            operation["requestBody"] = {"content": _content(body), "required": True}
        paths = {f"/api/v1/{AREA}/{name}{path}": {method: operation}}
        return {**shared, "paths": paths, "components": {"schemas": _reached(paths, schemas)}}

    return [
        make("GetTests", query("org_id", UUID, required=True), *PAGED, response=list_of(ref("Test"))),
        make("SearchTests", body=ref("TestFilter"), response=ref("TestsFound"), method="post"),
        make(
            "GetNames", *PAGED, query("tag", {"type": "string", "enum": ["a", "b"]}), response=list_of(TEXT)
        ),
        make(
            "FindNames",
            *PAGED,
            body={"type": "object", "properties": {"page": TEXT, "name": TEXT}},
            response=list_of(TEXT),
            method="post",
        ),
        make(
            "SubmitAnswers",
            query("test_id", UUID, required=True),
            body=list_of(ref("Answer")),
            response=list_of(INTEGER),
            method="post",
        ),
        make("SetScore", query("body", TEXT), body=NUMBER, response={"type": "boolean"}, method="put"),
        make(
            "SetScores",
            body={"type": "object", "additionalProperties": NUMBER},
            response={"type": "object", "additionalProperties": MODE},
            method="post",
        ),
        make("GetMode", query("ids", list_of(UUID), required=True), query("mode", MODE), response=MODE),
        make(
            "RenameTest",
            query("id", UUID, required=True, place="path"),
            query("name", TEXT),
            query("X-Reason", TEXT, place="header"),
            body=ref("Renaming"),
            status="204",
            method="put",
            path="/{id}",
        ),
        make("DeleteTest", query("id", UUID, required=True, place="path"), path="/{id}", method="delete"),
        make(
            "GetSummary",
            response={
                "type": "object",
                "required": ["title"],
                "properties": {
                    "title": TEXT,
                    "mode": MODE,
                    "parts": list_of({"type": "object", "properties": {"name": TEXT}}),
                },
            },
        ),
        make("GetNearest", response={"anyOf": [ref("Test"), {"type": "null"}]}),
        make("GetDeadline", response={"type": "string", "format": "date-time"}),
        make("GetKey", response=UUID),
        make("GetExtras", response={"type": "object"}),
    ]


def page(root: Path) -> str:
    """Return the area's page in the vendor's Markdown form."""
    fences = [
        f"## An operation\n\n> Prose.\n\n```json\n{json.dumps(item)}\n```\n" for item in documents(root)
    ]
    return f"# {AREA}\n\n" + "\n".join(fences)


def _content(schema: Document) -> Document:
    return {"application/json": {"schema": schema}, "text/json": {"schema": schema}}


def _reached(value: object, schemas: Mapping[str, Document]) -> dict[str, Document]:
    """Return the schemas that `value` refers to, directly or through others."""
    reached: dict[str, Document] = {}
    waiting: list[object] = [value]
    while waiting:
        text = json.dumps(waiting.pop())
        for name, schema in schemas.items():
            if f'"#/components/schemas/{name}"' in text and name not in reached:
                reached[name] = schema
                waiting.append(schema)
    return dict(sorted(reached.items()))
