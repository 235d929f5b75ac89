"""Normalizes an OpenAPI document: one form for what OpenAPI can express in several.

A schema that becomes a class (an object with fields, an enum of numbers) has a name and is referred to; every other one
stands where it is used. `openapi/nexport.sdk.json` stays as the overlay leaves it.
"""

from collections.abc import Mapping
from typing import Any

from openapi_python_client.strings import ClassName

from .errors import PipelineError
from .jsontext import Document
from .spec import METHODS, components

__all__ = ["becomes_class", "member_name", "normalized"]

_UNIONS = ("anyOf", "oneOf")


def normalized(document: Document) -> Document:
    """Return an equivalent document in normal form; the argument is not changed.

    Raises:
        PipelineError: a schema contains itself without a class between, parts of an allOf disagree, or a name is taken.
    """
    normal = _Normal(components(document, "schemas"))
    for name, schema in normal.given.items():
        if becomes_class(merged := normal.merged(schema, (name,))):
            normal.made[name] = normal.class_of(merged, name)
    paths = {path: normal.path_item(item) for path, item in document["paths"].items()}
    return {**document, "paths": paths, "components": {"schemas": normal.made}}


def becomes_class(schema: Mapping[str, Any]) -> bool:
    """Return whether a schema becomes a class: an object with properties or an integer enum."""
    if "enum" in schema:
        return schema.get("type") == "integer"
    if "properties" in schema:
        return bool(schema["properties"]) or not schema.get("additionalProperties")
    return schema.get("type") == "object" and not schema.get("additionalProperties") and "items" not in schema


def member_name(value: int) -> str:
    """Return the name of an enum member that has none."""
    return f"VALUE_{value}".replace("-", "MINUS_")


def _plain_enum(schema: Document) -> Document:
    """Return an enum with an explicit type and without null among its members."""
    values = [value for value in schema["enum"] if value is not None]
    whole = all(type(value) is int for value in values)
    declared = schema.get("type", "integer" if whole else "string")
    kinds = [item for item in ([declared] if isinstance(declared, str) else declared) if item != "null"]
    null = {} if declared == kinds[0] and len(values) == len(schema["enum"]) else {"nullable": True}
    return {**schema, "type": kinds[0], "enum": values, **null}


class _Normal:
    """The given schemas, and those that have become classes so far."""

    def __init__(self, given: Mapping[str, Document]) -> None:
        self.given = given
        self.made: dict[str, Document] = {}

    def path_item(self, item: Document) -> Document:
        """Return the operations of a path, each with the path's own parameters added."""
        common = item.get("parameters") or []
        return {method: self.operation(item[method], common) for method in METHODS if method in item}

    def operation(self, operation: Document, common: list[Document]) -> Document:
        """Return one operation; only success responses keep their content, since one rule reads all errors."""
        name = operation["operationId"].split("_", 1)[1]
        name = name[:1].upper() + name[1:]
        own = operation.get("parameters") or []
        stated = {(item.get("in"), item.get("name")) for item in own}
        shared = [item for item in common if (item.get("in"), item.get("name")) not in stated]
        result = {**operation, "parameters": [self._parameter(item, name) for item in (*shared, *own)]}
        if "requestBody" in operation:
            result["requestBody"] = self._contents(operation["requestBody"], f"{name}Request")
        result["responses"] = {
            status: self._contents(answer, f"{name}Response")
            if status.startswith("2")
            else {key: value for key, value in answer.items() if key != "content"}
            for status, answer in operation["responses"].items()
        }
        return result

    def schema(self, schema: Document, name: str, trail: tuple[str, ...] = ()) -> Document:
        """Return a schema in normal form; `name` is used if it becomes a class."""
        schema = self.merged(schema, trail)
        if "$ref" in schema:
            return self._reference(schema, trail)
        if becomes_class(schema) and ("enum" in schema or schema.get("properties")):
            return self._lifted(schema, name)
        return self._plain(schema, name, trail)

    def merged(self, schema: Document, trail: tuple[str, ...]) -> Document:
        """Return a schema without allOf and without unions with null."""
        for keyword in _UNIONS:
            options = [item for item in schema.get(keyword) or [] if item.get("type") != "null"]
            if len(options) == 1:
                rest = {key: value for key, value in schema.items() if key != keyword}
                null = {"nullable": True} if len(schema[keyword]) > 1 else {}
                return self.merged({**options[0], **rest, **null}, trail)
        parts = schema.get("allOf")
        if not parts:
            return _plain_enum(schema) if "enum" in schema else schema
        rest = {key: value for key, value in schema.items() if key != "allOf"}
        if len(parts) == 1 and not rest.get("properties"):
            return self.merged({**parts[0], **rest}, trail)
        return self._joined([*parts, rest], trail)

    def class_of(self, schema: Document, name: str) -> Document:
        """Return the schema of a class, with its fields or named members; a title is removed, since the generator would name the class by it."""
        schema = {key: value for key, value in schema.items() if key != "title"}
        if "enum" in schema:
            if "x-enum-varnames" in schema:
                return schema
            values = schema["enum"]
            named = {"x-enum-varnames": [member_name(value) for value in values]}
            return {"x-enum-labels": [str(value) for value in values], **schema, **named}
        fields = {
            key: self.schema(value, name + ClassName(key, "Field"))
            for key, value in (schema.get("properties") or {}).items()
        }
        return {**schema, "properties": fields}

    def _parameter(self, parameter: Document, name: str) -> Document:
        called = name + ClassName(str(parameter["name"]), "Parameter")
        return {**parameter, "schema": self.schema(parameter["schema"], called)}

    def _contents(self, holder: Document, name: str) -> Document:
        content = {
            media: {**item, "schema": self.schema(item["schema"], name)} if "schema" in item else item
            for media, item in (holder.get("content") or {}).items()
        }
        return {**holder, "content": content} if content else holder

    def _reference(self, schema: Document, trail: tuple[str, ...]) -> Document:
        """Return a reference to a class, or the schema itself if it does not become a class."""
        name = schema["$ref"].rsplit("/", 1)[-1]
        if name in trail:
            raise PipelineError(f"/components/schemas/{name} contains itself, and no class is between")
        target = self.merged(self.given[name], (*trail, name))
        if becomes_class(target):
            return schema
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        return self.schema({**target, **rest}, name, (*trail, name))

    def _lifted(self, schema: Document, name: str) -> Document:
        """Return a reference to a class made of an unnamed schema."""
        about: Document = {
            key: schema[key]
            for key in ("description", "nullable", "deprecated", "x-nexport-secret")
            if key in schema
        }
        made = self.class_of({key: value for key, value in schema.items() if key != "nullable"}, name)
        taken = self.given.get(name, self.made.get(name, made))
        if taken != made:
            raise PipelineError(
                f"two schemas would be the class {name}; give one another name by the overlay"
            )
        self.made[name] = made
        return {"$ref": f"#/components/schemas/{name}", **about}

    def _plain(self, schema: Document, name: str, trail: tuple[str, ...]) -> Document:
        """Return a schema that is not a class; values of a string enum move to its description, since the vendor adds to them."""
        result = dict(schema)
        if isinstance(items := schema.get("items"), dict):
            result["items"] = self.schema(items, f"{name}Item", trail)
        if isinstance(values := schema.get("additionalProperties"), dict):
            result["additionalProperties"] = self.schema(values, f"{name}Value", trail)
        if "enum" in schema:
            listed = ", ".join(str(value) for value in result.pop("enum") if value is not None)
            result["description"] = f"{schema.get('description', '')}\nOne of: {listed}.".strip()
        return result

    def _joined(self, parts: list[Document], trail: tuple[str, ...]) -> Document:
        """Return one object schema with the fields of several."""
        result: Document = {"type": "object", "properties": {}, "required": []}
        for part in parts:
            whole = self._followed(part, trail)
            for key, value in (whole.get("properties") or {}).items():
                if result["properties"].setdefault(key, value) != value:
                    raise PipelineError(
                        f"parts of an allOf disagree about the field {key!r}; mend it in the overlay"
                    )
            result["required"] += whole.get("required") or []
            about = {key: value for key, value in part.items() if key not in ("$ref", *result)}
            result.update(about)
        return result

    def _followed(self, part: Document, trail: tuple[str, ...]) -> Document:
        if "$ref" not in part:
            return self.merged(part, trail)
        name = part["$ref"].rsplit("/", 1)[-1]
        if name in trail:
            raise PipelineError(f"/components/schemas/{name} is made of itself")
        return self.merged(self.given[name], (*trail, name))
