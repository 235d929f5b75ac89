"""Normalizes an OpenAPI document: one form for constructs that OpenAPI can express in several ways.

A schema that becomes a class (an object with fields, an enum of numbers) has a name and is referred to; every other one
stands where it is used. `openapi/nexport.sdk.json` stays as the overlay leaves it.
"""

from collections.abc import Mapping
from typing import Any

from openapi_python_client.strings import ClassName

from .class_names import make_class_names
from .errors import Problems, reporting
from .jsontext import Document
from .python_names import argument_name, attribute_name
from .schema_forms import LISTED, becomes_class, drop_words, list_types, member_name
from .spec import METHODS, get_components

__all__ = ["choose_class_names", "normalize"]

_UNIONS = ("anyOf", "oneOf")
_JSON = "application/json"
_NUMBER_KINDS = (
    ["integer"],
    ["number"],
    ["integer", "string"],
)  # that the client has, of a union with string


def normalize(document: Document, problems: Problems | None = None) -> Document:
    """Return an equivalent document in normal form; the argument is not changed.

    Args:
        document: The document.
        problems: Receives a problem where a schema contains itself without a class in between, parts of an allOf disagree, or a
            name is taken. Without it, they are raised.

    Raises:
        PipelineError: There are problems, and no `problems` to receive them.
    """
    with reporting(problems) as reported:
        normal = _Normal(document, reported)
        for name, schema in normal.given.items():
            if becomes_class(merged := normal.flatten(schema, (name,))):
                normal.add_named(name, merged)
        paths = {path: normal.normalize_path(item) for path, item in document["paths"].items()}
        return {**document, "paths": paths, "components": {"schemas": normal.made}}


def choose_class_names(schemas: Mapping[str, Document]) -> dict[str, str]:
    """Return the class name of each schema that becomes a class, or might: the overlay's, or one made of the schema's name."""
    own = {
        name: str(schema["x-nexport-name"]) for name, schema in schemas.items() if "x-nexport-name" in schema
    }
    return make_class_names(name for name in schemas if name not in own) | own


def _select_json(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the JSON of a content; other media types repeat it. Without any JSON, all are returned."""
    for media, item in content.items():
        kind = media.partition(";")[0].strip().lower()
        if kind == _JSON:
            return {_JSON: item}
    return content


def _simplify_enum(schema: Document) -> Document:
    """Return an enum with an explicit type and without null among its members."""
    values = [value for value in schema["enum"] if value is not None]
    whole = all(type(value) is int for value in values)
    declared = schema.get("type", "integer" if whole else "string")
    kinds = [item for item in ([declared] if isinstance(declared, str) else declared) if item != "null"]
    null = {} if declared == kinds[0] and len(values) == len(schema["enum"]) else {"nullable": True}
    return {**schema, "type": kinds[0], "enum": values, **null}


class _Normal:
    """The given schemas, and those that have become classes so far."""

    def __init__(self, document: Document, problems: Problems) -> None:
        self.given: Mapping[str, Document] = get_components(document, "schemas")
        self.made: dict[str, Document] = {}
        self.problems = problems
        self.names = choose_class_names(self.given)

    def add_named(self, name: str, schema: Document) -> None:
        """Add the class of a schema that has a name."""
        if name in self.names:
            self.made[self.names[name]] = self.normalize_class(schema, self.names[name])

    def normalize_path(self, item: Document) -> Document:
        """Return the operations of a path, each with the path's own parameters added."""
        common = item.get("parameters") or []
        return {
            method: self.normalize_operation(item[method], common) for method in METHODS if method in item
        }

    def normalize_operation(self, operation: Document, common: list[Document]) -> Document:
        """Return one operation; only success responses keep their content, since one rule reads all errors."""
        name = operation["operationId"].split("_", 1)[1]
        name = name[:1].upper() + name[1:]
        own = operation.get("parameters") or []
        stated = {(item.get("in"), item.get("name")) for item in own}
        shared = [item for item in common if (item.get("in"), item.get("name")) not in stated]
        result = {
            **operation,
            "parameters": [self._normalize_parameter(item, name) for item in (*shared, *own)],
        }
        if "requestBody" in operation:
            result["requestBody"] = self._normalize_contents(operation["requestBody"], f"{name}Request")
        result["responses"] = {
            status: self._normalize_contents(answer, f"{name}Response")
            if status.startswith("2")
            else {key: value for key, value in answer.items() if key != "content"}
            for status, answer in operation["responses"].items()
        }
        return result

    def normalize_schema(self, schema: Document, name: str, trail: tuple[str, ...] = ()) -> Document:
        """Return a schema in normal form; `name` is used if it becomes a class.

        Defaults are left out, since an argument that is not given isn't sent.
        """
        schema = self.flatten(schema, trail)
        schema = {key: value for key, value in schema.items() if key != "default"}
        if "$ref" in schema:
            return self._resolve_reference(schema, trail)
        declared, kinds = schema.get("type"), sorted(list_types(schema))
        if isinstance(declared, list) and "string" in declared and kinds in _NUMBER_KINDS:
            null = {"nullable": True} if "null" in declared else {}
            schema = {**schema, "type": kinds[0] if len(kinds) == 1 else kinds, **null}
        if becomes_class(schema) and ("enum" in schema or schema.get("properties")):
            return self._lift(schema, name)
        return self._normalize_plain(schema, name, trail)

    def flatten(self, schema: Document, trail: tuple[str, ...]) -> Document:
        """Return a schema without allOf and without unions with null."""
        for keyword in _UNIONS:
            options = [item for item in schema.get(keyword) or [] if item.get("type") != "null"]
            if len(options) == 1:
                rest = {key: value for key, value in schema.items() if key != keyword}
                null = {"nullable": True} if len(schema[keyword]) > 1 else {}
                return self.flatten({**options[0], **rest, **null}, trail)
        parts = schema.get("allOf")
        if not parts:
            return _simplify_enum(schema) if "enum" in schema else schema
        rest = {key: value for key, value in schema.items() if key != "allOf"}
        if len(parts) == 1 and not rest.get("properties"):
            return self.flatten({**parts[0], **rest}, trail)
        return self._join([*parts, rest], trail)

    def normalize_class(self, schema: Document, name: str) -> Document:
        """Return the schema of a class, with its fields or named members; a title is removed, since the generator would name the class by it."""
        schema = {key: value for key, value in schema.items() if key != "title"}
        if "enum" in schema:
            if "x-enum-varnames" in schema:
                return schema
            values = schema["enum"]
            named = {"x-enum-varnames": [member_name(value) for value in values]}
            return {"x-enum-labels": [str(value) for value in values], **schema, **named}
        fields = {
            key: self.normalize_schema(value, name + ClassName(attribute_name(key), "Field"))
            for key, value in (schema.get("properties") or {}).items()
        }
        return {**schema, "properties": fields}

    def _normalize_parameter(self, parameter: Document, name: str) -> Document:
        if "schema" not in parameter:
            return parameter
        called = name + ClassName(argument_name(str(parameter["name"])), "Parameter")
        return {**parameter, "schema": self.normalize_schema(parameter["schema"], called)}

    def _normalize_contents(self, holder: Document, name: str) -> Document:
        content = {
            media: {**item, "schema": self.normalize_schema(item["schema"], name)}
            if "schema" in item
            else item
            for media, item in _select_json(holder.get("content") or {}).items()
        }
        return {**holder, "content": content} if content else holder

    def _resolve_reference(self, schema: Document, trail: tuple[str, ...]) -> Document:
        """Return a reference to a class, or the schema itself if it does not become a class."""
        name = schema["$ref"].rsplit("/", 1)[-1]
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        if name in trail:
            self.problems.add(f"/components/schemas/{name} contains itself, without a class in between")
            return rest
        target = self.flatten(self.given[name], (*trail, name))
        if becomes_class(target):
            return {**schema, "$ref": f"#/components/schemas/{self.names.get(name, name)}"}
        return self.normalize_schema({**target, **rest}, self.names.get(name, name), (*trail, name))

    def _lift(self, schema: Document, name: str) -> Document:
        """Return a reference to a class made of an unnamed schema."""
        about: Document = {
            key: schema[key]
            for key in ("description", "nullable", "deprecated", "x-nexport-secret")
            if key in schema
        }
        name = str(schema.get("x-nexport-name", name))
        made = self.normalize_class({key: value for key, value in schema.items() if key != "nullable"}, name)
        if name in self.names.values() or drop_words(self.made.get(name, made)) != drop_words(made):
            name = self._find_free_name(name, made)
        self.made.setdefault(name, made)
        return {"$ref": f"#/components/schemas/{name}", **about}

    def _find_free_name(self, name: str, made: Document) -> str:
        """Return another name for the class of an unnamed schema, since its own is taken."""
        for other in (f"{name}Inline", f"{name}Inline2", f"{name}Inline3"):
            taken = other in self.names.values()
            if not taken and drop_words(self.made.get(other, made)) == drop_words(made):
                return other
        self.problems.add(
            f"two schemas would be the class {name}; give one another name by the overlay (x-nexport-name)"
        )
        return name

    def _normalize_plain(self, schema: Document, name: str, trail: tuple[str, ...]) -> Document:
        """Return a schema that is not a class; values of a string enum move to its description, since the vendor adds to them."""
        result = dict(schema)
        if schema.get("type") == "array" and not {"items", "prefixItems"} & schema.keys():
            result["items"] = {}
        elif isinstance(items := schema.get("items"), dict):
            result["items"] = self.normalize_schema(items, f"{name}Item", trail)
        if isinstance(values := schema.get("additionalProperties"), dict):
            result["additionalProperties"] = self.normalize_schema(values, f"{name}Value", trail)
        if "enum" in schema:
            listed = ", ".join(str(value) for value in result.pop("enum") if value is not None)
            result["description"] = f"{schema.get('description', '')}\n{LISTED}{listed}.".strip()
        return result

    def _join(self, parts: list[Document], trail: tuple[str, ...]) -> Document:
        """Return one object schema with the fields of several; the words of the last part count."""
        result: Document = {"type": "object", "properties": {}, "required": []}
        for part in parts:
            whole = self._follow(part, trail)
            for key, value in (whole.get("properties") or {}).items():
                known = result["properties"].get(key, value)
                if drop_words(known) != drop_words(value):
                    self._record_disagreement(key, trail)
                result["properties"][key] = value
            result["required"] += whole.get("required") or []
            about = {key: value for key, value in part.items() if key not in ("$ref", *result)}
            result.update(about)
        return result

    def _record_disagreement(self, key: str, trail: tuple[str, ...]) -> None:
        """Record that parts of an allOf disagree about a field."""
        place = "/components/schemas/" + trail[0] if trail else "an unnamed schema"
        self.problems.add(
            f"{place}: parts of an allOf disagree about the field {key!r}; remove it from one by the overlay"
        )

    def _follow(self, part: Document, trail: tuple[str, ...]) -> Document:
        if "$ref" not in part:
            return self.flatten(part, trail)
        name = part["$ref"].rsplit("/", 1)[-1]
        if name in trail:
            self.problems.add(f"/components/schemas/{name} is made of itself")
            return {}
        return self.flatten(self.given[name], (*trail, name))
