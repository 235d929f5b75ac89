# Edit this file in openapi/runtime; scripts/regenerate copies it to nexport_client.
"""Conversion of API values from and to JSON, with one `Kind` for each type in the spec.

Reading tolerates the formats that an ASP.NET server sends, but never guesses: a value is converted, converted and
reported as drift from the spec, or rejected with its path.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Protocol, cast
from uuid import UUID

import attrs

from .errors import DecodeError
from .reader import Reader
from .registry import load_class
from .scalar_formats import EXPECTED, READ, READ_UNUSUAL

if TYPE_CHECKING:
    from .enums import OpenIntEnum
    from .types import Model

__all__ = [
    "ANYTHING",
    "BOOLEAN",
    "DATE_TIME",
    "INT32",
    "INTEGER",
    "INT_OR_STRING",
    "NOTHING",
    "NUMBER",
    "STRING",
    "STRING_MAP",
    "UUID_",
    "Array",
    "EnumOf",
    "Kind",
    "MapOf",
    "ModelOf",
    "Nullable",
    "Scalar",
    "read_missing",
]


class Kind(Protocol):
    """A JSON type of the API."""

    @property
    def may_be_missing(self) -> bool:
        """Return whether a missing required value reads as None and is reported as drift, instead of raising."""

    def read(self, value: Any, reader: Reader) -> Any:
        """Return the Python value of a JSON value other than null. Raises DecodeError."""

    def write(self, value: Any) -> Any:
        """Return the JSON value of a Python value."""

    def __hash__(self) -> int: ...


@attrs.frozen
class Scalar:
    """A simple value: string, integer, either of these, number, boolean, uuid, date-time, anything or nothing."""

    name: str

    @property
    def may_be_missing(self) -> bool:
        """Return False for ids only, without which a record is useless."""
        return self.name != "uuid"

    def read(self, value: Any, reader: Reader) -> Any:
        """Return the Python value, also of an unusual format."""
        try:
            return READ[self.name](value)
        except (ValueError, TypeError, OverflowError):
            return self._read_unusual(value, reader)

    def _read_unusual(self, value: Any, reader: Reader) -> Any:
        try:
            made = READ_UNUSUAL[self.name](value)
        except (KeyError, ValueError, TypeError, OverflowError):
            raise reader.wrong(EXPECTED[self.name], value) from None
        reader.unusual = True
        return made

    def write(self, value: Any) -> Any:
        """Return the value, or a uuid or a date as a string."""
        if isinstance(value, datetime):
            return value.isoformat()
        return str(value) if isinstance(value, UUID) else value


@attrs.frozen
class EnumOf:
    """A number of one of the vendor's enums, which is given by name."""

    name: str
    may_be_missing: bool = attrs.field(default=True, init=False)

    @property
    def cls(self) -> type[OpenIntEnum]:
        """Return the enum class, importing it on first use."""
        return cast("type[OpenIntEnum]", load_class(self.name))

    def read(self, value: Any, reader: Reader) -> OpenIntEnum:
        """Return the member; an undeclared number becomes a pseudo-member and is reported as drift."""
        member = _get_members(self.name).get(value) if type(value) is int else None
        if member is not None:
            return member
        member = self.cls(INTEGER.read(value, reader))
        if not member.is_declared:
            reader.drifts.append(
                ("unknown_enum_value", reader.path(), f"{self.name} {member.value}", None, self.name)
            )
        return member

    def write(self, value: Any) -> int:
        """Return the number."""
        return int(value)


@attrs.frozen
class ModelOf:
    """An object of one of the vendor's schemas, given by the name of its model."""

    name: str
    may_be_missing: bool = False

    @property
    def cls(self) -> type[Model]:
        """Return the model class, importing it on first use."""
        return cast("type[Model]", load_class(self.name))

    def read(self, value: Any, reader: Reader) -> Model:
        """Return the model of an object."""
        return self.cls._read(value, reader)

    def write(self, value: Any) -> dict[str, Any]:
        """Return the object of a model."""
        return cast("Model", value).to_dict()


@attrs.frozen
class Array:
    """A list of elements of one kind."""

    item: Kind
    may_be_missing: bool = attrs.field(default=False, init=False)

    def read(self, value: Any, reader: Reader) -> list[Any]:
        """Return the list of the elements' values; a null element is a missing one."""
        if not isinstance(value, list):
            raise reader.wrong("a list", value)
        items = []
        reader.trail.append(0)
        for index, item in enumerate(value):
            reader.trail[-1] = index
            if item is None:
                read_missing(self.item, reader)
            items.append(item if item is None else self.item.read(item, reader))
        reader.trail.pop()
        return items

    def write(self, value: Any) -> list[Any]:
        """Return the list of the elements' JSON values."""
        return [None if item is None else self.item.write(item) for item in value]


@attrs.frozen
class MapOf:
    """An object with arbitrary keys and values of one kind."""

    item: Kind
    may_be_missing: bool = attrs.field(default=False, init=False)

    def read(self, value: Any, reader: Reader) -> dict[str, Any]:
        """Return the object's values by key; a null value is a missing one."""
        if not isinstance(value, dict):
            raise reader.wrong("an object", value)
        read = {}
        reader.trail.append("")
        for key, item in value.items():
            reader.trail[-1] = key
            if item is None:
                read_missing(self.item, reader)
            read[key] = None if item is None else self.item.read(item, reader)
        reader.trail.pop()
        return read

    def write(self, value: Any) -> dict[str, Any]:
        """Return the JSON values by key."""
        return {key: None if item is None else self.item.write(item) for key, item in value.items()}


@attrs.frozen
class Nullable:
    """A value that may be null: a whole response or an element of a list."""

    item: Kind
    may_be_missing: bool = attrs.field(default=True, init=False)

    def read(self, value: Any, reader: Reader) -> Any:
        """Return None for null."""
        return None if value is None else self.item.read(value, reader)

    def write(self, value: Any) -> Any:
        """Return null for None."""
        return None if value is None else self.item.write(value)


ANYTHING: Final = Scalar("anything")
BOOLEAN: Final = Scalar("boolean")
DATE_TIME: Final = Scalar("date-time")
INT32: Final = Scalar("int32")
INTEGER: Final = Scalar("integer")
INT_OR_STRING: Final = Scalar("int-or-string")
NOTHING: Final = Scalar("nothing")
NUMBER: Final = Scalar("number")
STRING: Final = Scalar("string")
STRING_MAP: Final = MapOf(STRING)
UUID_: Final = Scalar("uuid")


@cache
def _get_members(name: str) -> dict[int, OpenIntEnum]:
    """Return the declared members of an enum by number. The lookup is faster than calling the enum."""
    return {int(member): member for member in cast("type[OpenIntEnum]", load_class(name))}


def read_missing(kind: Kind, reader: Reader, model: type[Model] | None = None, field: str = "") -> None:
    """Report a missing required value as drift, or raise DecodeError if the kind may not be missing."""
    if isinstance(kind, Nullable):
        return
    if not (kind.may_be_missing or reader.lenient):
        raise DecodeError(reader.path(), "null or missing, and required")
    reader.drifts.append(("missing_required", reader.path(), "null or missing, and required", model, field))
