# Edit this file in openapi/runtime; scripts/regenerate copies it to nexport_client.
"""Conversion of API values from and to JSON, with one `Kind` for each type in the spec.

Reading tolerates the formats that an ASP.NET server sends, but never guesses: a value is converted, converted and
reported as drift from the spec, or rejected with its path.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Protocol, cast
from uuid import UUID

import attrs

from .errors import DecodeError
from .registry import class_named

if TYPE_CHECKING:
    from .types import Model, OpenIntEnum

__all__ = [
    "ANYTHING",
    "BOOLEAN",
    "DATE_TIME",
    "INT32",
    "INTEGER",
    "INT_OR_TEXT",
    "NOTHING",
    "NUMBER",
    "TEXT",
    "TEXT_MAP",
    "UUID_",
    "Array",
    "EnumOf",
    "Kind",
    "MapOf",
    "ModelOf",
    "Nullable",
    "Reader",
    "Scalar",
    "parse_datetime",
    "read_missing",
    "with_zone",
]


class Reader:
    """The state of reading one response: the current path, and the drift so far as (kind, path, detail, model, field).

    A `lenient` reader reads every missing required value as None, because an element that reports an error may lack
    everything else. `unusual` is set by a valid value in an unusual format (`3.0` for a whole number, a uuid in braces);
    `unusual_fields` collects the fields that held one.
    """

    __slots__ = ("drifts", "lenient", "trail", "unusual", "unusual_fields")

    def __init__(self, *, lenient: bool = False) -> None:
        self.lenient = lenient
        self.unusual = False
        self.unusual_fields: set[tuple[type[Model], str]] = set()
        self.trail: list[str | int] = []
        self.drifts: list[tuple[str, str, str, type[Model] | None, str]] = []

    def path(self, *more: str | int) -> str:
        """Return the current path, such as `[2].section.enrollment_end`."""
        steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in (*self.trail, *more))
        return "".join(steps).removeprefix(".")

    def wrong(self, expected: str, value: object) -> DecodeError:
        """Return the error for an unexpected value. It names the value's type but never quotes the value."""
        names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
        found = names.get(type(value), "a number")
        found = f"{found} that is out of range" if found == expected else found
        return DecodeError(self.path(), f"expected {expected}, got {found}")


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
            return _READ[self.name](value)
        except (ValueError, TypeError, OverflowError):
            return self._read_unusual(value, reader)

    def _read_unusual(self, value: Any, reader: Reader) -> Any:
        try:
            made = _READ_UNUSUAL[self.name](value)
        except (KeyError, ValueError, TypeError, OverflowError):
            raise reader.wrong(_EXPECTED[self.name], value) from None
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
        return cast("type[OpenIntEnum]", class_named(self.name))

    def read(self, value: Any, reader: Reader) -> OpenIntEnum:
        """Return the member; an undeclared number becomes a pseudo-member and is reported as drift."""
        member = _members(self.name).get(value) if type(value) is int else None
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
        return cast("type[Model]", class_named(self.name))

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
INT_OR_TEXT: Final = Scalar("int-or-text")
NOTHING: Final = Scalar("nothing")
NUMBER: Final = Scalar("number")
TEXT: Final = Scalar("text")
TEXT_MAP: Final = MapOf(TEXT)
UUID_: Final = Scalar("uuid")

# .NET's formats B and P; msgspec parses D and N.
_DASHED = "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_BRACKETED_UUID = re.compile(rf"\{{{_DASHED}\}}|\({_DASHED}\)")


def parse_datetime(value: str) -> datetime:
    """Parse a date of the API, truncating it to microseconds. Raises ValueError."""
    return with_zone(datetime.fromisoformat(value))


def with_zone(value: datetime) -> datetime:
    """Return a date that has a zone and can be converted to UTC.

    A date without an offset is UTC; an offset is kept. .NET's first and last dates mean "no date". With an offset they can
    lie outside the years 1 to 9999 of UTC, where Python cannot convert them and databases cannot store them; such a
    date becomes the first or last one in UTC, as if it had no offset.
    """
    if value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    if 1 < value.year < 9999:
        return value
    try:
        value.astimezone(UTC)
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC) if value.year == 1 else datetime.max.replace(tzinfo=UTC)
    return value


@cache
def _convert() -> Any:
    # Four times as fast as UUID(); imported on first use, like the models.
    from msgspec import convert

    return convert


def _uuid(value: Any) -> UUID:
    if type(value) is not str:
        raise ValueError
    return cast("UUID", _convert()(value, UUID))


def _bracketed_uuid(value: Any) -> UUID:
    if type(value) is not str or not _BRACKETED_UUID.fullmatch(value):
        raise ValueError
    return _uuid(value[1:-1])


def _whole_float(value: Any) -> int:
    # Above 2**53 a float no longer represents every whole number.
    if type(value) is float and value.is_integer() and abs(value) <= 2**53:
        return int(value)
    raise ValueError


def _number(value: Any) -> float:
    if type(value) not in (int, float):
        raise ValueError
    return float(value)


def _exactly(*expected: type) -> Any:
    def read(value: Any) -> Any:
        if type(value) not in expected:
            raise ValueError
        return value

    return read


_READ: Final[dict[str, Any]] = {
    "anything": lambda value: value,
    "boolean": _exactly(bool),
    "date-time": parse_datetime,
    "int32": _exactly(int),
    "integer": _exactly(int),
    "int-or-text": _exactly(int, str),
    "nothing": lambda _: None,
    "number": _number,
    "text": _exactly(str),
    "uuid": _uuid,
}
_READ_UNUSUAL: Final[dict[str, Any]] = {
    "int32": _whole_float,
    "integer": _whole_float,
    "int-or-text": _whole_float,
    "uuid": _bracketed_uuid,
}
_EXPECTED: Final = {
    "anything": "any value",
    "boolean": "a boolean",
    "date-time": "a date and time",
    "int32": "a whole number",
    "integer": "a whole number",
    "int-or-text": "a whole number or a string",
    "nothing": "nothing",
    "number": "a number",
    "text": "a string",
    "uuid": "a uuid",
}


@cache
def _members(name: str) -> dict[int, OpenIntEnum]:
    """Return the declared members of an enum by number. The lookup is faster than calling the enum."""
    return {int(member): member for member in cast("type[OpenIntEnum]", class_named(name))}


def read_missing(kind: Kind, reader: Reader, model: type[Model] | None = None, field: str = "") -> None:
    """Report a missing required value as drift, or raise DecodeError if the kind may not be missing."""
    if isinstance(kind, Nullable):
        return
    if not (kind.may_be_missing or reader.lenient):
        raise DecodeError(reader.path(), "null or missing, and required")
    reader.drifts.append(("missing_required", reader.path(), "null or missing, and required", model, field))
