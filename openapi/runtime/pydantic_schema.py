# Edit this file in openapi/runtime; scripts/regenerate copies it to nexport_client.
"""Pydantic support for the models and the enums. Imported when pydantic first needs it.

Input is read as by `from_dict`, but must have the fields that the spec requires, and errors are pydantic's own. Output
is that of `to_dict`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextvars import ContextVar
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, Final, TypeVar, cast

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import (
    CoreSchema,
    PydanticKnownError,
    PydanticSerializationUnexpectedValue,
    SchemaSerializer,
)
from pydantic_core import core_schema as core

from .enums import OpenIntEnum
from .errors import DecodeError
from .kinds import INT32, NUMBER, Array, EnumOf, Kind, MapOf, ModelOf, Nullable, Scalar
from .reader import Reader
from .scalar_formats import with_zone
from .surrogates import replace_surrogates
from .types import Model, fields_of

__all__ = [
    "describe_enum",
    "describe_model",
    "expect",
    "make_enum_schema",
    "make_model_schema",
    "make_model_serializer",
    "make_reference",
    "make_serializer",
]

T = TypeVar("T")
Function = TypeVar("Function", bound=Callable[..., Any])

# Values that the SDK cannot read go to these schemas, which reject them. Strict would demand a UUID instance.
_SCALARS: Final[dict[str, Callable[[], CoreSchema]]] = {
    "anything": core.any_schema,
    "boolean": lambda: core.bool_schema(strict=True),
    "date-time": lambda: core.datetime_schema(strict=True),
    "int32": lambda: core.int_schema(strict=True, ge=-(2**31), le=2**31 - 1),
    "integer": lambda: core.int_schema(strict=True),
    "int-or-string": lambda: core.union_schema([core.int_schema(strict=True), core.str_schema(strict=True)]),
    "nothing": core.none_schema,
    "number": lambda: core.float_schema(strict=True, allow_inf_nan=False),
    "string": lambda: core.str_schema(strict=True),
    "uuid": core.uuid_schema,
}

# Formats that pydantic does not add by itself.
_FORMATS: Final[dict[Kind, dict[str, str]]] = {INT32: {"format": "int32"}, NUMBER: {"format": "double"}}

_under_way: Final[ContextVar[tuple[type[Model], ...]]] = ContextVar(
    "models whose schemas are being built", default=()
)


def make_model_schema(model: type[Model], handler: GetCoreSchemaHandler) -> CoreSchema:
    """Return a model's schema: an instance, or an object, whose unknown keys become additional properties."""
    if model in _under_way.get():  # the model contains itself
        return core.definition_reference_schema(make_reference(model))
    token = _under_way.set((*_under_way.get(), model))
    try:
        return _build_model_schema(model, handler)
    finally:
        _under_way.reset(token)


def _build_model_schema(model: type[Model], handler: GetCoreSchemaHandler) -> CoreSchema:
    keys = {
        field.key: core.typed_dict_field(
            core.nullable_schema(_make_schema(field.kind, handler))
            if _may_be_null(field)
            else _make_schema(field.kind, handler),
            required=not _may_be_null(field),
        )
        for field in fields_of(model)
    }

    @_name_after(model)
    def read(value: Any, validate: core.ValidatorFunctionWrapHandler) -> Model:
        return (
            value
            if isinstance(value, model)
            else _build_model(model, validate(replace_surrogates(value, Reader())))
        )

    def write(value: Any, serialize: core.SerializerFunctionWrapHandler) -> Any:
        return serialize(expect(value, model).to_dict())

    return core.no_info_wrap_validator_function(
        read,
        core.typed_dict_schema(keys, extra_behavior="allow"),
        ref=make_reference(model),
        serialization=core.wrap_serializer_function_ser_schema(write, schema=core.dict_schema()),
    )


def describe_model(model: type[Model], schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
    """Return the JSON schema of a model, the same for input and output, with the vendor's descriptions."""
    described = handler(cast("core.WrapValidatorFunctionSchema", schema)["schema"])
    described["title"] = model.__name__
    if model.__description__:
        described["description"] = model.__description__
    for field in fields_of(model):
        about = described["properties"][field.key]
        if field.description:
            about["description"] = field.description
        for part in (about, *about.get("anyOf", ())):
            if part.get("type", "null") != "null":
                part.update(_FORMATS.get(field.kind, {}))
    return described


def make_enum_schema(enum: type[OpenIntEnum]) -> CoreSchema:
    """Return an enum's schema: any member, even an undeclared one, or a number that the spec declares."""
    declared = {member.value: member for member in enum}
    expected = " or ".join(", ".join(map(str, declared)).rsplit(", ", 1))

    @_name_after(enum)
    def read(value: Any, validate: core.ValidatorFunctionWrapHandler) -> OpenIntEnum:
        if isinstance(value, enum):
            return value
        number = None if isinstance(value, bool | Enum) else validate(value)
        if number not in declared:
            raise PydanticKnownError("enum", {"expected": expected})
        return declared[number]

    return core.no_info_wrap_validator_function(
        read,
        core.int_schema(),
        ref=make_reference(enum),
        serialization=core.plain_serializer_function_ser_schema(
            lambda value: int(expect(value, enum)), when_used="json"
        ),
    )


def describe_enum(enum: type[OpenIntEnum]) -> dict[str, Any]:
    """Return the JSON schema of an enum: its numbers, with names and labels in the form that client generators read."""
    members = list(enum)
    return {
        "title": enum.__name__,
        "description": getattr(enum, "__description__", ""),
        "type": "integer",
        "enum": [member.value for member in members],
        "x-enum-varnames": [member.name for member in members],
        "x-enum-descriptions": [member.label for member in members],
    }


def _may_be_null(field: Any) -> bool:
    # `to_dict` omits None, so a nullable field may be missing too.
    return field.nullable or not field.required


def _make_schema(kind: Kind, handler: GetCoreSchemaHandler) -> CoreSchema:
    if isinstance(kind, EnumOf | ModelOf):
        return handler.generate_schema(kind.cls)
    if isinstance(kind, Array):
        return core.list_schema(_make_schema(kind.item, handler))
    if isinstance(kind, MapOf):
        return core.dict_schema(core.str_schema(strict=True), _make_schema(kind.item, handler))
    if isinstance(kind, Nullable):
        return core.nullable_schema(_make_schema(kind.item, handler))
    return _make_scalar_schema(cast("Scalar", kind))


def _make_scalar_schema(kind: Scalar) -> CoreSchema:
    def read(value: Any) -> Any:
        try:
            return kind.read(value, Reader())
        except DecodeError:
            return with_zone(value) if isinstance(value, datetime) else value

    return core.no_info_before_validator_function(read, _SCALARS[kind.name]())


def _build_model(model: type[Model], values: dict[str, Any]) -> Any:
    known = {field.attribute: values.pop(field.key, None) for field in fields_of(model)}
    made: Any = model(**known)
    made.additional_properties = values
    return made


def _name_after(cls: type) -> Callable[[Function], Function]:
    """Name a validator after its class, because errors in a union show the name of the function."""

    def rename(function: Function) -> Function:
        function.__name__ = cls.__name__
        return function

    return rename


@cache
def make_model_serializer() -> SchemaSerializer:
    """Return the serializer of models where a schema allows any value."""
    return make_serializer(lambda model: model.to_dict())


def make_serializer(write: Callable[[Any], dict[str, Any]]) -> SchemaSerializer:
    """Return a serializer that writes the result of a function."""
    return SchemaSerializer(core.any_schema(serialization=core.plain_serializer_function_ser_schema(write)))


def expect(value: Any, cls: type[T]) -> T:
    """Return the value if it is of the class; otherwise pydantic tries the next member of a union, or warns."""
    if not isinstance(value, cls):
        raise PydanticSerializationUnexpectedValue(f"expected {cls.__name__}, got {type(value).__name__}")
    return value


def make_reference(cls: type, arguments: tuple[Any, ...] = ()) -> str:
    """Return a schema's reference for a class with its type arguments; OpenAPI shows its last part."""
    within = ", ".join(f"{_shorten(argument)}:{id(argument)}" for argument in arguments)
    return f"{cls.__module__}.{cls.__qualname__}:{id(cls)}" + (f"[{within}]" if within else "")


def _shorten(argument: Any) -> str:
    return argument.__qualname__ if isinstance(argument, type) else re.sub(r"\w+\.", "", str(argument))
