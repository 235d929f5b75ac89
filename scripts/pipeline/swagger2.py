"""Converts Swagger 2.0, which ASP.NET with Swashbuckle 5 serves, into OpenAPI 3.1: offline, without other programs.

There is no maintained Python library for it: those on PyPI call a web service, or start Node.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from .errors import PipelineError
from .jsontext import Document
from .spec import METHODS

__all__ = ["to_openapi_3"]

_VERSION = "3.1.1"
_SECTIONS = {
    "#/definitions/": "#/components/schemas/",
    "#/parameters/": "#/components/parameters/",
    "#/responses/": "#/components/responses/",
}
# Keywords of a parameter in Swagger 2.0 that OpenAPI 3 has in a schema.
_IN_SCHEMA = (
    *("type", "format", "items", "enum", "default", "pattern", "uniqueItems", "multipleOf"),
    *("maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum"),
    *("maxLength", "minLength", "maxItems", "minItems"),
)
_STYLES = {"ssv": "spaceDelimited", "pipes": "pipeDelimited"}
_FLOWS = {"accessCode": "authorizationCode", "application": "clientCredentials"}
_DATA = {"example", "examples", "default", "enum", "x-example"}


def to_openapi_3(document: Document, where: str) -> Document:
    """Return a Swagger 2.0 document as OpenAPI 3.1.

    Raises:
        PipelineError: Its version is not 2.0, or a part of it is not valid Swagger 2.0.
    """
    if document.get("swagger") != "2.0":
        raise PipelineError(
            f"{where}: its version is {document.get('swagger')!r}; Swagger 2.0 and OpenAPI 3 are read"
        )
    try:
        return _Conversion(document).convert()
    except (AttributeError, KeyError, TypeError) as error:
        raise PipelineError(f"{where}: this is not a valid Swagger 2.0 document: {error!r}") from error


class _Conversion:
    """The conversion of one document."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._parameters: Mapping[str, Document] = document.get("parameters") or {}

    def convert(self) -> Document:
        document = self._document
        known = self._parameters.items()
        components = {
            "schemas": _convert_schema(document.get("definitions") or {}, names=True),
            "parameters": {
                name: _convert_parameter(item)
                for name, item in known
                if item["in"] not in ("body", "formData")
            },
            "responses": {
                name: self._convert_response(item, document.get("produces") or ["application/json"])
                for name, item in (document.get("responses") or {}).items()
            },
            "securitySchemes": {
                name: _convert_security(item)
                for name, item in (document.get("securityDefinitions") or {}).items()
            },
        }
        same: Document = {
            key: document[key] for key in ("info", "tags", "security", "externalDocs") if key in document
        }
        servers = list(self._convert_servers())
        return {
            "openapi": _VERSION,
            **same,
            **({"servers": servers} if servers else {}),
            "paths": {
                path: self._convert_path(item)
                for path, item in document["paths"].items()
                if not path.startswith("x-")
            },
            "components": {section: items for section, items in components.items() if items},
        }

    def _convert_servers(self) -> Iterator[Document]:
        base = str(self._document.get("basePath") or "").rstrip("/")
        if "host" not in self._document:
            yield from ([{"url": base}] if base else [])
            return
        for scheme in self._document.get("schemes") or ["https"]:
            yield {"url": f"{scheme}://{self._document['host']}{base}"}

    def _convert_path(self, item: Document) -> Document:
        common = item.get("parameters") or []
        return {method: self._convert_operation(item[method], common) for method in METHODS if method in item}

    def _convert_operation(self, operation: Document, common: list[Document]) -> Document:
        own = [self._resolve(item) for item in operation.get("parameters") or []]
        stated = {(item.get("in"), item.get("name")) for item in own}
        shared = [self._resolve(item) for item in common]
        parameters = [item for item in shared if (item.get("in"), item.get("name")) not in stated] + own
        produces = operation.get("produces") or self._document.get("produces") or ["application/json"]
        consumes = operation.get("consumes") or self._document.get("consumes") or ["application/json"]
        dropped = ("parameters", "responses", "consumes", "produces", "schemes")
        body = _convert_body(parameters, consumes)
        return {
            **{key: value for key, value in operation.items() if key not in dropped},
            "parameters": [
                _convert_parameter(item) for item in parameters if item["in"] not in ("body", "formData")
            ],
            "responses": {
                status: self._convert_response(response, produces)
                for status, response in operation["responses"].items()
            },
            **({"requestBody": body} if body else {}),
        }

    def _resolve(self, parameter: Document) -> Document:
        """Return a parameter, or the shared one that it refers to: in OpenAPI 3, a body is no longer a parameter."""
        reference = str(parameter.get("$ref", ""))
        return self._parameters[reference.removeprefix("#/parameters/")] if reference else parameter

    def _convert_response(self, response: Document, produces: list[str]) -> Document:
        if "$ref" in response:
            return {"$ref": _convert_reference(response["$ref"])}
        found = {
            key: value for key, value in response.items() if key not in ("schema", "examples", "headers")
        }
        found.setdefault("description", "")
        if "schema" in response:
            examples = response.get("examples") or {}
            schema = _convert_schema(response["schema"])
            found["content"] = {
                media: {"schema": schema, **({"example": examples[media]} if media in examples else {})}
                for media in (
                    ["application/octet-stream"] if response["schema"].get("type") == "file" else produces
                )
            }
        if "headers" in response:
            found["headers"] = {
                name: _move_to_schema(
                    {key: value for key, value in header.items() if key != "collectionFormat"}
                )
                for name, header in response["headers"].items()
            }
        return found


def _convert_body(parameters: list[Document], consumes: list[str]) -> Document | None:
    """Return the request body that the parameters in a body or a form describe."""
    for item in parameters:
        if item["in"] == "body":
            # The vendor's pages leave out an empty description.
            kept = {key: item[key] for key in ("description", "required") if item.get(key) not in ("", None)}
            schema = _convert_schema(item["schema"])
            return {"content": {media: {"schema": schema} for media in consumes}, **kept}
    fields = [item for item in parameters if item["in"] == "formData"]
    if not fields:
        return None
    form = [media for media in consumes if "form" in media] or ["application/x-www-form-urlencoded"]
    if any(item.get("type") == "file" for item in fields):
        form = ["multipart/form-data"]
    schema = {
        "type": "object",
        "properties": {item["name"]: _move_to_schema(item)["schema"] for item in fields},
        "required": [item["name"] for item in fields if item.get("required")],
    }
    return {"content": {media: {"schema": schema} for media in form}}


def _convert_parameter(parameter: Document) -> Document:
    found = _move_to_schema({key: value for key, value in parameter.items() if key != "collectionFormat"})
    if found["schema"].get("type") == "array" and parameter["in"] in ("query", "path", "header"):
        separated = parameter.get("collectionFormat", "csv")
        if separated != "multi":  # which is the default of OpenAPI 3, for the query
            found |= {
                "style": _STYLES.get(separated, "form" if parameter["in"] == "query" else "simple"),
                "explode": False,
            }
    return found


def _move_to_schema(item: Document) -> Document:
    """Return a parameter or a header with its keywords about values moved into a schema."""
    schema = _convert_schema(
        {key: value for key, value in item.items() if key in _IN_SCHEMA or key == "x-nullable"}
    )
    rest = {key: value for key, value in item.items() if key not in _IN_SCHEMA and key != "x-nullable"}
    return {"schema": schema, **rest}


def _convert_schema(value: Any, *, names: bool = False) -> Any:
    """Return a schema, or parts of it, in the form of OpenAPI 3; `names`: its keys are the vendor's names."""
    if isinstance(value, list):
        return [_convert_schema(item) for item in value]
    if not isinstance(value, dict):
        return value
    if names:
        return {key: _convert_schema(item) for key, item in value.items()}
    found: Document = {}
    for key, item in value.items():
        if key == "$ref" and isinstance(item, str):
            found[key] = _convert_reference(item)
        elif key == "x-nullable":
            found["nullable"] = item
        elif key == "discriminator" and isinstance(item, str):
            found[key] = {"propertyName": item}
        elif key == "collectionFormat":
            continue
        else:
            found[key] = item if key in _DATA else _convert_schema(item, names=key == "properties")
    if found.get("type") == "file":
        found |= {"type": "string", "format": "binary"}
    return found


def _convert_reference(reference: str) -> str:
    for old, new in _SECTIONS.items():
        if reference.startswith(old):
            return new + reference.removeprefix(old)
    return reference


def _convert_security(scheme: Document) -> Document:
    kept = {key: scheme[key] for key in ("description",) if key in scheme}
    match scheme["type"]:
        case "basic":
            return {**kept, "type": "http", "scheme": "basic"}
        case "oauth2":
            flow = {"authorizationUrl", "tokenUrl", "scopes"} & scheme.keys()
            name = _FLOWS.get(scheme["flow"], scheme["flow"])
            stated = {"scopes": {}, **{key: scheme[key] for key in sorted(flow)}}
            return {**kept, "type": "oauth2", "flows": {name: stated}}
        case _:
            return dict(scheme)
