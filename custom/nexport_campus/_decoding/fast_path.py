"""The fast path: msgspec decodes a page into structs, and a generated function per model converts those to models.

Two steps are needed: msgspec can decode attrs classes too, but drops unknown keys, rounds a seventh fractional digit
and leaves dates without an offset naive. A struct that forbids unknown keys detects them; dates are decoded as strings.
The tolerant path (`nexport_client.kinds`) reads what a struct rejects, and reports drift. Reported drift is learned:
the next struct declares that key, or allows that null, and the page is fast again.

The converters are compiled from source, as attrs does for its methods: one assignment per field without a loop is
twice as fast as the best loop over a table.
"""

import types
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, cast
from uuid import UUID

import msgspec

from nexport_client.kinds import NOTHING, Array, EnumOf, Kind, MapOf, ModelOf, Nullable, Scalar
from nexport_client.reader import Reader
from nexport_client.scalar_formats import parse_datetime, with_zone
from nexport_client.types import Field, Model, fields_of

from .observed_schema import Learned

__all__ = ["Unwirable", "decoder_for"]

Convert = Callable[[Any], Any]
_NOT_NULL: Final = bool | int | float | str | list[Any] | dict[str, Any]
_TYPES: Final[dict[str, Any]] = {
    "anything": Any,
    "boolean": bool,
    "date-time": str,
    "int32": int,
    "integer": int,
    "int-or-text": int | str,
    "number": float,
    "text": str,
    "uuid": UUID,
}


class Unwirable(ValueError):
    """A model that contains itself has no struct; the tolerant path reads it."""


@lru_cache(maxsize=512)
def decoder_for(kind: Kind, learned: Learned) -> Callable[[bytes], Any]:
    """Return a function that decodes a response of this kind.

    The function raises msgspec.DecodeError, ValueError, KeyError or RecursionError if the tolerant path is needed.
    Raises Unwirable.
    """
    declared, convert = _Compiler(learned).wire(kind)
    decode = msgspec.json.Decoder(declared).decode
    if convert is None:
        return decode
    return lambda content: convert(decode(content))


def _tolerant_reader(kind: Kind) -> Convert:
    """Return a reader for a field that had a value in an unusual form; it converts values as the tolerant path does.

    It raises for anything that is drift, which leaves the value to that path.
    """

    def convert(value: Any) -> Any:
        reader = Reader()
        made = kind.read(value, reader)
        if reader.drifts:
            raise ValueError("is drift")
        return made

    return convert


class _Compiler:
    """Compiler of the struct and the converter of each model, each made once."""

    def __init__(self, learned: Learned) -> None:
        self._learned = learned
        self._made: dict[tuple[type[Model], bool], tuple[Any, Convert] | None] = {}

    def wire(self, kind: Kind, *, within: bool = False) -> tuple[Any, Convert | None]:
        """Return msgspec's type for a kind, and the conversion of its values, or None if they need none.

        `within`: it is a part of a record, not the record itself.
        """
        if isinstance(kind, ModelOf):
            return self._model(kind.cls, within)
        if isinstance(kind, Array):
            item, convert = self.wire(kind.item)
            declared = types.GenericAlias(list, (item,))
            if convert is None:
                return declared, None
            return declared, lambda values: [convert(value) for value in values]
        if isinstance(kind, MapOf):
            item, convert = self.wire(kind.item)
            declared = types.GenericAlias(dict, (str, item))
            if convert is None:
                return declared, None
            return declared, lambda values: {key: convert(value) for key, value in values.items()}
        if isinstance(kind, Nullable):
            item, convert = self.wire(kind.item)
            if convert is None:
                return _or_null(item), None
            return _or_null(item), lambda value: None if value is None else convert(value)
        if isinstance(kind, EnumOf):
            return int, self._members(kind).__getitem__
        if kind == NOTHING:
            raise Unwirable("nothing")
        name = cast("Scalar", kind).name
        return _TYPES[name], parse_datetime if name == "date-time" else None

    def _members(self, kind: EnumOf) -> dict[int, Any]:
        learned = [value for name, value in self._learned.values if name == kind.name]
        return {int(member): member for member in kind.cls} | {value: kind.cls(value) for value in learned}

    def _model(self, model: type[Model], within: bool) -> tuple[Any, Convert]:
        if (model, within) not in self._made:
            self._made[model, within] = None
            self._made[model, within] = self._make(model, within)
        made = self._made[model, within]
        if made is None:
            raise Unwirable(model.__name__)
        return made

    def _make(self, model: type[Model], within: bool) -> tuple[Any, Convert]:
        fields = fields_of(model)
        keys = sorted(key for owner, key in self._learned.keys if owner is model)
        declared: list[Any] = []
        names: dict[str, Any] = {
            "new": object.__new__,
            "model": model,
            "fromiso": datetime.fromisoformat,
            "with_zone": with_zone,
            "UTC": UTC,
            "UNSET": msgspec.UNSET,
        }
        lines = ["def convert(wire):", "    made = new(model)"]
        for number, field in enumerate(fields):
            wired, convert = self._field(model, field)
            declared.append(self._declare(model, number, field, wired))
            names[f"convert_{number}"] = convert
            names[f"members_{number}"] = _members_of(convert)
            names[f"last_{number}"] = (None, None)
            lines += _assignment(field, number, convert, within=within)
        # Struct attributes are numbered, so that no key of the vendor's collides with another.
        declared += [
            (f"key_{n}", Any, msgspec.field(name=key, default=msgspec.UNSET)) for n, key in enumerate(keys)
        ]
        lines.append("    rest = made.additional_properties = {}")
        for number, key in enumerate(keys):
            names[f"name_{number}"] = key
            lines.append(f"    if (value := wire.key_{number}) is not UNSET: rest[name_{number}] = value")
        lines.append("    return made")
        struct = msgspec.defstruct(
            model.__name__, declared, forbid_unknown_fields=True, gc=False, kw_only=True
        )
        # The source contains only numbers and attribute names of generated models, nothing from a response.
        exec("\n".join(lines), names)  # noqa: S102 -- see the module's docstring
        return struct, names["convert"]

    def _field(self, model: type[Model], field: Field) -> tuple[Any, Convert | None]:
        if (model, field.attribute) in self._learned.unusual:
            return _NOT_NULL, _tolerant_reader(field.kind)
        return self.wire(field.kind, within=True)

    def _declare(self, model: type[Model], number: int, field: Field, wired: Any) -> tuple[Any, ...]:
        name = f"field_{number}"
        if field.required and not field.nullable and (model, field.attribute) not in self._learned.nulls:
            return (name, wired, msgspec.field(name=field.key))
        return (name, _or_null(wired), msgspec.field(name=field.key, default=None))


def _or_null(wired: Any) -> Any:
    return Any if wired is Any else wired | None


def _assignment(field: Field, number: int, convert: Convert | None, *, within: bool) -> list[str]:
    source, target = f"wire.field_{number}", f"made.{field.attribute}"
    if convert is None:
        return [f"    {target} = {source}"]
    if convert is parse_datetime and within:
        # A page of enrollments repeats its section with its dates in each record, so the date read last is likely to
        # recur. String and date are stored and read as one tuple, because other threads share this function.
        return [
            f"    global last_{number}",
            f"    if (value := {source}) is not None:",
            f"        if value != (last := last_{number})[0]:",
            "            date = fromiso(value)",
            f"            last_{number} = last = (value, date if date.tzinfo is UTC else with_zone(date))",
            "        value = last[1]",
            f"    {target} = value",
        ]
    if convert is parse_datetime:
        return [
            f"    if (value := {source}) is not None:",
            "        value = fromiso(value)",
            "        if value.tzinfo is not UTC: value = with_zone(value)",
            f"    {target} = value",
        ]
    converted = f"members_{number}[value]" if _members_of(convert) else f"convert_{number}(value)"
    return [f"    {target} = None if (value := {source}) is None else {converted}"]


def _members_of(convert: Convert | None) -> dict[int, Any] | None:
    """Return the dictionary whose method a converter is, if any: subscripting is faster than calling."""
    members = getattr(convert, "__self__", None)
    return members if isinstance(members, dict) else None
