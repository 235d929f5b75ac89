"""An area that nobody has seen: AssessmentApi, made up so that each shape that an operation can have is in it."""

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
OWN: Mapping[str, Document] = {
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
    """Refer to a schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def listed(item: Document) -> Document:
    """Give the schema of a list."""
    return {"type": "array", "items": item}


def query(name: str, schema: Document, *, required: bool = False, place: str = "query") -> Document:
    """Give a parameter."""
    return {"name": name, "in": place, "schema": schema, "required": required}


PAGED = [query("page", INTEGER), query("per_page", INTEGER), query("paer_page", INTEGER)]


def documents(root: Path) -> list[Document]:
    """Return the documents of the area; what it shares with known areas is as the fragments under `root` have it."""
    known: Document = json.loads((root / "openapi/nexport.json").read_bytes())
    schemas = {**known["components"]["schemas"], **OWN}
    shared = {key: known[key] for key in ("openapi", "info", "servers")}

    def make(
        name: str,
        *parameters: Document,
        answer: Document | None = None,
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
                status: {"description": "Done"} | ({} if answer is None else {"content": _content(answer)}),
                "422": {"description": "Invalid", "content": _content(ref("ApiResponseBase"))},
            },
        }
        if body is not None:
            operation["requestBody"] = {"content": _content(body), "required": True}
        paths = {f"/api/v1/{AREA}/{name}{path}": {method: operation}}
        return {**shared, "paths": paths, "components": {"schemas": _reached(paths, schemas)}}

    return [
        make("GetTests", query("org_id", UUID, required=True), *PAGED, answer=listed(ref("Test"))),
        make("SearchTests", body=ref("TestFilter"), answer=ref("TestsFound"), method="post"),
        make("GetNames", *PAGED, query("tag", {"type": "string", "enum": ["a", "b"]}), answer=listed(TEXT)),
        make(
            "FindNames",
            *PAGED,
            body={"type": "object", "properties": {"page": TEXT, "name": TEXT}},
            answer=listed(TEXT),
            method="post",
        ),
        make(
            "SubmitAnswers",
            query("test_id", UUID, required=True),
            body=listed(ref("Answer")),
            answer=listed(INTEGER),
            method="post",
        ),
        make("SetScore", query("body", TEXT), body=NUMBER, answer={"type": "boolean"}, method="put"),
        make(
            "SetScores",
            body={"type": "object", "additionalProperties": NUMBER},
            answer={"type": "object", "additionalProperties": MODE},
            method="post",
        ),
        make("GetMode", query("ids", listed(UUID), required=True), query("mode", MODE), answer=MODE),
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
            answer={
                "type": "object",
                "required": ["title"],
                "properties": {
                    "title": TEXT,
                    "mode": MODE,
                    "parts": listed({"type": "object", "properties": {"name": TEXT}}),
                },
            },
        ),
        make("GetNearest", answer={"anyOf": [ref("Test"), {"type": "null"}]}),
        make("GetDeadline", answer={"type": "string", "format": "date-time"}),
        make("GetKey", answer=UUID),
        make("GetExtras", answer={"type": "object"}),
    ]


def page(root: Path) -> str:
    """Return the area's page as the vendor would write it."""
    fences = [
        f"## An operation\n\n> Prose.\n\n```json\n{json.dumps(item)}\n```\n" for item in documents(root)
    ]
    return f"# {AREA}\n\n" + "\n".join(fences)


def _content(schema: Document) -> Document:
    return {"application/json": {"schema": schema}, "text/json": {"schema": schema}}


def _reached(value: object, schemas: Mapping[str, Document]) -> dict[str, Document]:
    """Return the schemas that are referred to, directly or through others."""
    reached: dict[str, Document] = {}
    waiting: list[object] = [value]
    while waiting:
        text = json.dumps(waiting.pop())
        for name, schema in schemas.items():
            if f'"#/components/schemas/{name}"' in text and name not in reached:
                reached[name] = schema
                waiting.append(schema)
    return dict(sorted(reached.items()))
