"""The fast path: msgspec decodes a page into structs, each of which converts itself to a model.

Two steps are needed: msgspec can decode attrs classes too, but drops unknown keys. A struct that forbids unknown keys
detects them. The tolerant path (`nexport_client.kinds`) reads what a struct rejects, and reports drift. Reported drift
is learned: the next struct declares that key, or allows that null, and the page is fast again.

msgspec decodes dates as well, but rounds a seventh fractional digit, and leaves dates without an offset naive. Once a
campus has sent such a date, dates are decoded as strings, which the converters parse.

The converters are compiled from source, as attrs does for its methods: one assignment per field without a loop is
twice as fast as the best loop over a table. They are the structs' `__post_init__`: in a program with a large heap, it
takes a tenth less to convert each record while the processor's cache holds it than to convert the whole page at the end.
"""

import operator
import re
import types
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Annotated, Any, Final, cast
from uuid import UUID

import msgspec

from nexport_client.kinds import NOTHING, Array, EnumOf, Kind, MapOf, ModelOf, Nullable, Scalar
from nexport_client.reader import Reader
from nexport_client.scalar_formats import parse_datetime, with_zone
from nexport_client.types import Field, Model, fields_of

from .observed_schema import Learned

__all__ = ["Unwirable", "compile_decoder"]

Convert = Callable[[Any], Any]
_NOT_NULL: Final = bool | int | float | str | list[Any] | dict[str, Any]
_TYPES: Final[dict[str, Any]] = {
    "anything": Any,
    "boolean": bool,
    "int32": int,
    "integer": int,
    "int-or-string": int | str,
    "number": float,
    "string": str,
    "uuid": UUID,
}


_AWARE: Final = Annotated[datetime, msgspec.Meta(tz=True)]
_LONG_FRACTION: Final = re.compile(rb"\.\d{7}(?<=:\d\d\.\d{7})")
"""Seven digits after the seconds. The lookbehind comes last, because the search for a literal is the fastest."""


_get_model: Final = operator.attrgetter("field_0")
"""The conversion of a struct, whose first field holds the model once the struct has converted itself."""


class Unwirable(ValueError):
    """A model that contains itself, or has no fields, has no struct; the tolerant path reads it."""


@lru_cache(maxsize=512)
def compile_decoder(kind: Kind, learned: Learned) -> Callable[[bytes], Any]:
    """Return a function that decodes a response of this kind.

    The function raises msgspec.DecodeError, ValueError, KeyError or RecursionError if the tolerant path is needed.
    Raises Unwirable.
    """
    decoder = _Decoder(kind, learned)
    return decoder.decode if decoder.leaves_dates_to_msgspec else decoder.decode_once


class _Decoder:
    """Decoder of one kind. It leaves dates to msgspec until a response has some that msgspec rejects or would round."""

    def __init__(self, kind: Kind, learned: Learned) -> None:
        self._kind = kind
        self._learned = learned
        self.decode_once, self.leaves_dates_to_msgspec = self._compile(dates_as_strings=False)

    def decode(self, content: bytes) -> Any:
        """Return the models of a response."""
        if self.leaves_dates_to_msgspec:
            if not _LONG_FRACTION.search(content):
                try:
                    return self.decode_once(content)
                except msgspec.ValidationError as error:
                    if "datetime" not in str(error):
                        raise
            # A campus that sends such dates sends them in most responses.
            self.decode_once, self.leaves_dates_to_msgspec = self._compile(dates_as_strings=True)
        return self.decode_once(content)

    def _compile(self, *, dates_as_strings: bool) -> tuple[Callable[[bytes], Any], bool]:
        compiler = _Compiler(self._learned, dates_as_strings=dates_as_strings)
        declared, convert = compiler.compile_kind(self._kind)
        decode = msgspec.json.Decoder(declared).decode
        if convert is None:
            return decode, compiler.leaves_dates_to_msgspec
        return lambda content: convert(decode(content)), compiler.leaves_dates_to_msgspec


def _make_tolerant_reader(kind: Kind) -> Convert:
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
    """Compiler of the struct of each model, made once."""

    def __init__(self, learned: Learned, *, dates_as_strings: bool) -> None:
        self._learned = learned
        self._dates_as_strings = dates_as_strings
        self._structs: dict[type[Model], Any] = {}
        self.leaves_dates_to_msgspec = False

    def compile_kind(self, kind: Kind) -> tuple[Any, Convert | None]:
        """Return msgspec's type for a kind, and the conversion of its values, or None if they need none."""
        if isinstance(kind, ModelOf):
            return self._compile_model(kind.cls), _get_model
        if isinstance(kind, Array):
            item, convert = self.compile_kind(kind.item)
            declared = types.GenericAlias(list, (item,))
            if convert is None:
                return declared, None
            return declared, lambda values: [convert(value) for value in values]
        if isinstance(kind, MapOf):
            item, convert = self.compile_kind(kind.item)
            declared = types.GenericAlias(dict, (str, item))
            if convert is None:
                return declared, None
            return declared, lambda values: {key: convert(value) for key, value in values.items()}
        if isinstance(kind, Nullable):
            item, convert = self.compile_kind(kind.item)
            if convert is None:
                return _allow_null(item), None
            return _allow_null(item), lambda value: None if value is None else convert(value)
        if isinstance(kind, EnumOf):
            return int, self._members(kind).__getitem__
        if kind == NOTHING:
            raise Unwirable("nothing")
        return self._compile_scalar(cast("Scalar", kind).name)

    def _compile_scalar(self, name: str) -> tuple[Any, Convert | None]:
        if name != "date-time":
            return _TYPES[name], None
        if self._dates_as_strings:
            return str, parse_datetime
        self.leaves_dates_to_msgspec = True
        return _AWARE, with_zone

    def _members(self, kind: EnumOf) -> dict[int | None, Any]:
        learned = [value for name, value in self._learned.values if name == kind.name]
        declared = {int(member): member for member in kind.cls}
        return {None: None} | declared | {value: kind.cls(value) for value in learned}

    def _compile_model(self, model: type[Model]) -> Any:
        if model not in self._structs:
            self._structs[model] = None
            self._structs[model] = self._make_struct(model)
        struct = self._structs[model]
        if struct is None:
            raise Unwirable(model.__name__)
        return struct

    def _make_struct(self, model: type[Model]) -> Any:
        fields = fields_of(model)
        if not fields:
            raise Unwirable(model.__name__)
        keys = sorted(key for owner, key in self._learned.keys if owner is model)
        declared: list[Any] = []
        names: dict[str, Any] = {
            "new": partial(object.__new__, model),
            "fromiso": datetime.fromisoformat,
            "with_zone": with_zone,
            "UTC": UTC,
            "UNSET": msgspec.UNSET,
        }
        lines = ["def __post_init__(wire):", "    made = new()"]
        for number, field in enumerate(fields):
            wired, convert = self._compile_field(model, field)
            declared.append(self._declare(model, number, field, wired))
            names[f"convert_{number}"] = convert
            names[f"members_{number}"] = _find_members(convert)
            lines += _write_assignment(field, number, convert)
        # Struct attributes are numbered, so that no key of the vendor's collides with another.
        declared += [
            (f"key_{n}", Any, msgspec.field(name=key, default=msgspec.UNSET)) for n, key in enumerate(keys)
        ]
        lines.append("    rest = made.additional_properties = {}")
        for number, key in enumerate(keys):
            names[f"name_{number}"] = key
            lines.append(f"    if (value := wire.key_{number}) is not UNSET: rest[name_{number}] = value")
        lines.append("    wire.field_0 = made")
        # The source contains only numbers and attribute names of generated models, nothing from a response.
        exec("\n".join(lines), names)  # noqa: S102 -- see the module's docstring
        return msgspec.defstruct(
            model.__name__,
            declared,
            namespace={"__post_init__": names["__post_init__"]},
            forbid_unknown_fields=True,
            gc=False,
            kw_only=True,
        )

    def _compile_field(self, model: type[Model], field: Field) -> tuple[Any, Convert | None]:
        if (model, field.attribute) in self._learned.unusual:
            return _NOT_NULL, _make_tolerant_reader(field.kind)
        return self.compile_kind(field.kind)

    def _declare(self, model: type[Model], number: int, field: Field, wired: Any) -> tuple[Any, ...]:
        name = f"field_{number}"
        if field.required and not field.nullable and (model, field.attribute) not in self._learned.nulls:
            return (name, wired, msgspec.field(name=field.key))
        return (name, _allow_null(wired), msgspec.field(name=field.key, default=None))


def _allow_null(wired: Any) -> Any:
    return Any if wired is Any else wired | None


def _write_assignment(field: Field, number: int, convert: Convert | None) -> list[str]:
    source, target = f"wire.field_{number}", f"made.{field.attribute}"
    if convert is None:
        return [f"    {target} = {source}"]
    if convert is with_zone:
        # Only in the years 1 and 9999, a date with an offset may need another.
        return [
            f"    {target} = date = {source}",
            "    if date is not None and date.tzinfo is not UTC and not 1 < date.year < 9999:",
            f"        {target} = with_zone(date)",
        ]
    if convert is parse_datetime:
        # Parsing a date without an offset a second time is five times as fast as replacing its zone.
        return [
            f"    if (value := {source}) is not None:",
            "        date = fromiso(value)",
            "        if date.tzinfo is None: date = fromiso(f'{value}Z' if len(value) > 10 else f'{value}T00Z')",
            "        elif not 1 < date.year < 9999: date = with_zone(date)",
            f"        {target} = date",
            f"    else: {target} = None",
        ]
    if convert is _get_model:
        return [f"    {target} = None if (value := {source}) is None else value.field_0"]
    if _find_members(convert):
        return [f"    {target} = members_{number}[{source}]"]
    return [f"    {target} = None if (value := {source}) is None else convert_{number}(value)"]


def _find_members(convert: Convert | None) -> dict[int | None, Any] | None:
    """Return the dictionary whose method a converter is, if any: subscripting is faster than calling."""
    members = getattr(convert, "__self__", None)
    return members if isinstance(members, dict) else None
