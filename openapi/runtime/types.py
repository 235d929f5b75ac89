# Edit this file in openapi/runtime; scripts/regenerate copies it to nexport_client.
"""Base types of the models and the facade: UNSET, secrets and the base class of all models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal, Self, cast
from uuid import UUID

import attrs

from .kinds import Kind, Scalar, read_missing
from .reader import Reader
from .surrogates import replace_surrogates

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core import CoreSchema, SchemaSerializer

__all__ = ["UNSET", "Field", "Model", "Secret", "Unset", "conceal", "fields_of", "wire"]


class Unset(Enum):
    """The type of `UNSET`, which marks an argument that was not given where None has a meaning."""

    UNSET = "UNSET"

    def __bool__(self) -> Literal[False]:
        return False


UNSET: Final = Unset.UNSET


class Secret(str):
    """A string that logs, tracebacks and reprs do not show; `reveal()` returns it."""

    __slots__ = ()

    def __new__(cls, value: object) -> Self:
        """Return the secret of a string or a uuid."""
        # Not str(value): it returns "***" for another Secret, and the member's name for an enum.
        return super().__new__(cls, str.__str__(value) if isinstance(value, str) else value)

    def reveal(self) -> str:
        """Return the string itself."""
        return str.__str__(self)

    def __repr__(self) -> str:
        return "Secret('***')"

    def __str__(self) -> str:
        return "***"

    def __format__(self, format_spec: str) -> str:
        return "***"

    def __reduce__(self) -> str | tuple[Any, ...]:
        raise TypeError("a Secret refuses to be pickled")


def conceal(value: Any) -> Any:
    """Return a string or uuid as a Secret, so that no traceback shows it, and the type of an invalid value."""
    if value is None:
        return None
    return Secret(value) if isinstance(value, str | UUID) else type(value)


@attrs.frozen
class Field:
    """One field of a model: attribute, JSON key, kind, whether it may be missing or null, or is secret; description."""

    attribute: str
    key: str
    kind: Kind
    required: bool
    nullable: bool
    secret: bool
    description: str


def wire(
    key: str, kind: Kind, *, required: bool = False, nullable: bool = False, description: str = ""
) -> dict[str, object]:
    """Return attrs metadata that describes an attribute and its JSON."""
    return {
        "key": key,
        "kind": kind,
        "required": required,
        "nullable": nullable,
        "description": description,
    }


_FIELDS: Final[dict[type[Model], tuple[Field, ...]]] = {}


_PLAIN: Final[dict[str, type]] = {
    "boolean": bool,
    "int32": int,
    "integer": int,
    "number": float,
    "string": str,
}


@cache
def _get_plan(model: Any) -> tuple[frozenset[str], tuple[tuple[str, str, type | None, Field], ...]]:
    """Return a model's keys, and its fields with the type whose values need no conversion."""
    fields = fields_of(model)
    plain = (_PLAIN.get(field.kind.name) if isinstance(field.kind, Scalar) else None for field in fields)
    plan = ((field.key, field.attribute, kind, field) for field, kind in zip(fields, plain, strict=True))
    return frozenset(field.key for field in fields), tuple(plan)


def fields_of(model: type[Model]) -> tuple[Field, ...]:
    """Return the fields of a model that the vendor's spec declares, in its order."""
    if model not in _FIELDS:
        declared = attrs.fields(cast("type[attrs.AttrsInstance]", model))
        _FIELDS[model] = tuple(
            Field(attribute=item.name, secret=not item.repr, **item.metadata)
            for item in declared
            if item.metadata
        )
    return _FIELDS[model]


class Model:
    """Base class of the models, with conversion from and to JSON."""

    __slots__ = ()
    __description__ = ""
    additional_properties: dict[str, Any]

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Return the model of a JSON object, such as `to_dict` returns.

        Raises DecodeError, a ValueError, which says where the object isn't what the spec says.
        """
        reader = Reader()
        return cls._read(replace_surrogates(src_dict, reader), reader)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object: strings for uuids and dates, numbers for enums, unknown keys, and no null fields."""
        written = dict(self.additional_properties)
        for field in fields_of(type(self)):
            value = getattr(self, field.attribute)
            if value is not None:
                written[field.key] = field.kind.write(value)
            else:
                written.pop(field.key, None)
        return written

    def to_row(self, *, labels: bool = False) -> dict[str, object]:
        """Return a flat row for a data frame or a table. All models of a class have the same columns in the same order.

        - Columns have the names of the attributes. A nested object's columns begin with its name (`section.title` becomes
          `section_title`), and are all None if the object is missing. A name that is taken gets an underscore.
        - A list, a mapping, a value of any type, and an object nested in another of its class become JSON strings.
        - Unknown fields are a JSON string in `additional_properties`, or None if there are none.
        - Dates are in UTC, so that a column has one type. Uuids are strings: data frames have no type for them.
        - Secrets have no column.

        Args:
            labels: Write enums as the vendor's labels instead of numbers.

        Returns:
            The values by column (bool, int, float, str, datetime or None).
        """
        from .rows import get_columns

        return {
            column.name: column.cell(self, labels=labels) for column in get_columns(cast("Any", type(self)))
        }

    @classmethod
    def columns(cls) -> dict[str, type]:
        """Return the columns of `to_row`, in order, and the types of their values, None aside.

        Returns:
            The types by column (bool, int, float, str, datetime, UUID or an enum). In rows, a UUID is a string, and an enum
            its number or label.
        """
        from .rows import get_columns

        return {column.name: column.holds for column in get_columns(cast("Any", cls))}

    def __replace__(self, **changes: Any) -> Self:
        """Return a copy with other values, for `copy.replace` with any version of attrs."""
        return cast("Self", attrs.evolve(cast("Any", self), **changes))

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        """Yield the pairs of `to_dict`. FastAPI calls `dict(model)` if no response model is declared."""
        return iter(self.to_dict().items())

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        from .pydantic_schema import make_model_schema

        return make_model_schema(cls, handler)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        from .pydantic_schema import describe_model

        return describe_model(cls, schema, handler)

    @property
    def __pydantic_serializer__(self) -> SchemaSerializer:
        """The serializer that pydantic uses where a schema allows any value."""
        from .pydantic_schema import make_model_serializer

        return make_model_serializer()

    @classmethod
    def _read(cls, value: Any, reader: Reader) -> Self:
        if type(value) is not dict and not isinstance(value, Mapping):
            raise reader.wrong("an object", value)
        known, plan = _get_plan(cast("Any", cls))
        # Bypasses __init__, because a required field that is missing is None, and reported as drift.
        model: Any = object.__new__(cls)
        trail = reader.trail
        trail.append("")
        try:
            for key, attribute, plain, field in plan:
                raw = value.get(key)
                if type(raw) is plain:
                    setattr(model, attribute, raw)
                    continue
                trail[-1] = key
                if raw is not None:
                    setattr(model, attribute, field.kind.read(raw, reader))
                    if reader.unusual:
                        reader.unusual = False
                        reader.unusual_fields.add((cls, attribute))
                    continue
                if field.required and not field.nullable:
                    read_missing(field.kind, reader, cls, attribute)
                setattr(model, attribute, None)
        except BaseException:
            # An incomplete model has no repr, so tools that show the locals of a traceback would fail on it.
            model = None
            raise
        model.additional_properties = (
            {} if known.issuperset(value) else {key: value[key] for key in value if key not in known}
        )
        for key in model.additional_properties:
            trail[-1] = key
            reader.drifts.append(("unknown_field", reader.path(), f"{cls.__name__} has no {key}", cls, key))
        trail.pop()
        return cast("Self", model)
