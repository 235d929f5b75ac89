"""A complete OpenAPI 3.0 document as ASP.NET serves it, with every area of the vendor's API."""

import copy
import json
from pathlib import Path
from typing import Any

__all__ = ["build_definition"]

Document = dict[str, Any]

TEXT: Document = {"type": "string", "nullable": True}
UUID: Document = {"type": "string", "format": "uuid"}
INTEGER: Document = {"type": "integer", "format": "int32"}
DATE: Document = {"type": "string", "format": "date-time", "nullable": True}
PROBLEM: Document = {
    "type": "object",
    "properties": {"type": TEXT, "title": TEXT, "status": {**INTEGER, "nullable": True}},
    "additionalProperties": {},
}


def ref(name: str) -> Document:
    """Return a reference to a schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def list_of(item: Document) -> Document:
    """Return the schema of a list."""
    return {"type": "array", "items": item}


def closed_object(**fields: Document) -> Document:
    """Return the schema of a vendor class, closed as ASP.NET declares it."""
    return {"type": "object", "properties": fields, "additionalProperties": False}


def response_schema(**fields: Document) -> Document:
    """Return the schema of a class derived from the base of all responses."""
    return {"allOf": [ref("ApiResponseBase"), closed_object(**fields)], "description": "An answer."}


SCHEMAS: Document = {
    "ProblemDetails": PROBLEM,
    "TestState": {
        "enum": [0, 1, 2],
        "type": "integer",
        "description": "<p>Members:</p><ul><li><i>0</i> - Open</li></ul>",
        "format": "int32",
        "x-enum-varnames": ["OPEN", "TAKEN", "GRADED"],
    },
    "QuestionKind": {"enum": [0, 1, 5], "type": "integer", "format": "int32"},
    "Channel": {"enum": ["Web", "Mobile"], "type": "string"},
    "TestAttemptItem": response_schema(
        id=UUID,
        state={"allOf": [ref("TestState")], "description": "Where it stands.", "nullable": True},
        started={**DATE, "readOnly": True, "example": "2026-01-01T00:00:00Z"},
        score={"type": "number", "format": "double", "minimum": 0, "maximum": 100},
        questions={**list_of(ref("TestQuestion")), "nullable": True, "uniqueItems": True},
    ),
    "TestQuestion": {
        **closed_object(
            kind=ref("QuestionKind"),
            text={**TEXT, "maxLength": 4000},
            weights={"type": "object", "additionalProperties": {"type": "number"}, "nullable": True},
            extra={"nullable": True},
        ),
        "required": ["kind"],
        "x-vendor-internal": True,
    },
    "OrderRequest": {
        **closed_object(
            buyer=UUID,
            lines=list_of(ref("OrderLine")),
            coupon={**TEXT, "deprecated": True},
            placed={"type": "string", "format": "date-time"},
            channel=ref("Channel"),
        ),
        "required": ["buyer", "lines"],
    },
    "OrderLine": {
        **closed_object(catalog_id=UUID, count={**INTEGER, "default": 1}),
        "required": ["catalog_id"],
    },
    "OrderResponse": response_schema(order_id=UUID, total={"type": "number", "format": "decimal"}),
    "OrganizationItem": response_schema(id=UUID, name=TEXT, parent=ref("OrganizationItem")),
    "SsoTicket": response_schema(
        url={"type": "string", "format": "uri", "nullable": True},
        seconds={"type": "integer", "format": "int64"},
    ),
}
MEDIA = ("text/plain", "application/json", "text/json")
PAGE = [("page", INTEGER), ("per_page", INTEGER)]


def content(schema: Document, *media: str) -> Document:
    """Return a body in each media type that ASP.NET offers."""
    return {name: {"schema": schema} for name in media or MEDIA}


def make_operation(
    area: str,
    name: str,
    method: str,
    result: Document | None,
    *query: tuple[str, Document],
    body: Document | None = None,
) -> Document:
    """Return one operation with the token, the errors and the keywords that ASP.NET adds."""
    token = {"$ref": "#/components/parameters/access_token"}
    given = [{"name": key, "in": "query", "style": "form", "schema": schema} for key, schema in query]
    made: Document = {
        "tags": [area],
        "summary": f"{name}.",
        "operationId": f"{area}_{name}",
        "parameters": [*given, token],
        "responses": {
            "200": {"description": "Success"} | ({"content": content(result)} if result else {}),
            "403": {"$ref": "#/components/responses/Refused"},
            "default": {"description": "Error", "content": content(ref("ProblemDetails"))},
        },
        "security": [{"token": []}],
        "x-controller": area,
        "externalDocs": {"url": "https://www.nexportcampus.com/help"},
    }
    if body is not None:
        kinds = ("application/json", "text/json", "application/*+json")
        made["requestBody"] = {"description": "What to do.", "content": content(body, *kinds)}
    return {f"/api/v1/{area}/{name}": {method: made}}


def build_definition(root: Path) -> Document:
    """Return the operations that the repository knows, in the style of OpenAPI 3.0, and areas that it doesn't know.

    The two provisional operations of AdminApi are not included.
    """
    whole: Document = json.loads((root / "openapi/nexport.json").read_bytes())
    whole["paths"] = {path: item for path, item in whole["paths"].items() if "AdminApi" not in path}
    for item in whole["paths"].values():
        for operation in item.values():
            operation.pop("x-uncertain", None)  # only provisional documents have it
    whole |= {
        "openapi": "3.0.1",
        "info": {"title": "NexPort Web API", "version": "v1", "contact": {"name": "NexPort"}},
        "tags": [{"name": "AssessmentApi", "description": "Tests."}],
        "security": [{"token": []}],
        "x-generator": "NSwag v13.20.0.0",
    }
    whole["components"]["schemas"] |= copy.deepcopy(SCHEMAS)
    whole["components"] |= {
        "securitySchemes": {"token": {"type": "apiKey", "name": "access_token", "in": "query"}},
        "parameters": {
            "access_token": {
                "name": "access_token",
                "in": "query",
                "required": True,
                "schema": {"type": "string"},
            }
        },
        "responses": {
            "Refused": {"description": "Not authorized", "content": content(ref("ApiResponseBase"))}
        },
    }
    for item in (
        make_operation(
            "AdminApi", "GetOrganizations", "get", list_of(ref("OrganizationItem")), ("org_id", UUID), *PAGE
        ),
        make_operation(
            "AssessmentApi",
            "GetTestAttempts",
            "get",
            list_of(ref("TestAttemptItem")),
            ("enrollment_id", UUID),
            *PAGE,
        ),
        make_operation(
            "AssessmentApi", "SetTestState", "post", None, ("id", UUID), ("state", ref("TestState"))
        ),
        make_operation(
            "PointOfSaleApi", "PlaceOrder", "post", ref("OrderResponse"), body=ref("OrderRequest")
        ),
        make_operation(
            "SsoApi", "GetTicket", "get", ref("SsoTicket"), ("user_id", UUID), ("days", list_of(INTEGER))
        ),
    ):
        whole["paths"] |= item
    return whole
