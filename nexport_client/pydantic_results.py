# Edit this file in openapi/runtime; scripts/regenerate copies it to nexport_client.
"""Pydantic support for the SDK's own results, such as `Page`. Imported when pydantic first needs it."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar, get_args, get_type_hints

import attrs
from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, SchemaSerializer
from pydantic_core import core_schema as core

from .pydantic_schema import expect, make_reference, make_serializer

__all__ = ["make_result_schema", "make_result_serializer"]


def make_result_schema(cls: type[Any], source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
    """Return the schema of a class: an instance, or an object with the class's attributes as keys."""
    arguments = get_args(source)
    given = dict(zip(getattr(cls, "__parameters__", ()), arguments, strict=False))
    hints = get_type_hints(cls, include_extras=True)
    schemas = {
        field.name: _add_default(
            field, handler.generate_schema(_fill_type_variables(hints[field.name], given))
        )
        for field in attrs.fields(cls)
    }

    def write(value: Any, serialize: core.SerializerFunctionWrapHandler) -> Any:
        return serialize(attrs.asdict(expect(value, cls), recurse=False))

    return core.dataclass_schema(
        cls,
        core.dataclass_args_schema(
            cls.__name__,
            [core.dataclass_field(name, schema, kw_only=True) for name, schema in schemas.items()],
        ),
        list(schemas),
        ref=make_reference(cls, arguments),
        slots=True,
        serialization=core.wrap_serializer_function_ser_schema(
            write,
            schema=core.typed_dict_schema(
                {name: core.typed_dict_field(schema) for name, schema in schemas.items()}
            ),
        ),
    )


def _add_default(field: Any, schema: CoreSchema) -> CoreSchema:
    if field.default is attrs.NOTHING:
        return schema
    if (factory := getattr(field.default, "factory", None)) is not None:
        return core.with_default_schema(schema, default_factory=factory)
    return core.with_default_schema(schema, default=field.default)


def _fill_type_variables(hint: Any, given: dict[Any, Any]) -> Any:
    """Replace the parameters of a generic class by its arguments; a parameter without one allows any value."""
    if isinstance(hint, TypeVar):
        return given.get(hint, Any)
    parameters = getattr(hint, "__parameters__", ())
    return hint[tuple(given.get(parameter, Any) for parameter in parameters)] if parameters else hint


@cache
def make_result_serializer() -> SchemaSerializer:
    """Return the serializer of results where a schema allows any value."""
    return make_serializer(lambda result: attrs.asdict(result, recurse=False))
