"""Conversion of a single argument to JSON, or the reason why it doesn't fit the spec."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import partial
from typing import Any, Final, TypeVar
from uuid import UUID

from nexport_campus._inputs import describe, find_zone_problem, quote_value, to_number, to_whole
from nexport_client.errors import DecodeError
from nexport_client.kinds import UUID_, Array, EnumOf, Kind, MapOf, ModelOf, Nullable, Scalar
from nexport_client.reader import Reader
from nexport_client.types import UNSET, Model, Secret, fields_of

__all__ = [
    "InvalidValue",
    "convert_elements",
    "convert_part",
    "read_uuid",
    "to_query_values",
    "to_secret",
    "to_text",
    "to_wire",
]

T = TypeVar("T")
_MINUTE = timedelta(minutes=1)


class InvalidValue(Exception):
    """The reason why a value is invalid, phrased to follow the argument's name.

    `reason` never shows the value; the full message appends it if it is known to be short and not secret.
    """

    def __init__(self, reason: str, shown: str = "") -> None:
        super().__init__(reason + shown)
        self.reason = reason


def to_wire(kind: Kind, value: object) -> Any:
    """Return a value in its JSON form. Raises InvalidValue."""
    if isinstance(kind, Scalar):
        return _SCALARS[kind.name](value)
    if isinstance(kind, EnumOf):
        return _convert_enum(kind, value)
    if isinstance(kind, Array):
        return convert_elements(value, partial(to_wire, kind.item))
    if isinstance(kind, MapOf):
        return _convert_entries(value, partial(to_wire, kind.item))
    if isinstance(kind, Nullable):
        return None if value is None else to_wire(kind.item, value)
    if isinstance(kind, ModelOf):
        return _convert_model(kind, value)
    return kind.write(value)


def convert_elements(value: object, write: Callable[[object], T]) -> list[T]:
    """Return the results of `write` for each element of an iterable, except a string or mapping.

    Raises InvalidValue.
    """
    iterator = None if isinstance(value, _NO_LISTS) else _try_iterate(value)
    # Iterating over a data frame yields the names of its columns.
    dimensions = getattr(value, "ndim", 1)
    if iterator is None or (isinstance(dimensions, int) and dimensions != 1):
        raise InvalidValue("must be a list", f", got {describe(value)}")
    return [convert_part(f"[{index}]", write, item) for index, item in enumerate(iterator)]


def to_query_values(value: object) -> list[Any]:
    """Return the JSON scalars of a query parameter: one for each element of a list, none for None.

    Raises InvalidValue.
    """
    if value is None or value is UNSET:
        return []
    written = _convert_anything(value)
    scalars = written if isinstance(written, list) else [written]
    if any(item is None or isinstance(item, dict | list) for item in scalars):
        raise InvalidValue("must be a string, number, boolean, datetime or UUID, or a list of these")
    return scalars


def to_text(value: object) -> str:
    """Return a JSON scalar as a string for a query."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def read_uuid(value: object) -> UUID:
    """Return a UUID from a UUID or a string in any of .NET's forms. Raises InvalidValue."""
    if isinstance(value, UUID):
        return value
    if not isinstance(value, str):
        raise InvalidValue("must be a UUID or its string", f", got {describe(value)}")
    try:
        read: UUID = UUID_.read(str.__str__(value), Reader())
    except DecodeError:
        spaced = value != value.strip()
        raise InvalidValue(
            "is not a UUID", ": it has spaces around it" if spaced else f": {quote_value(value)}"
        ) from None
    return read


def to_secret(kind: Kind, value: object) -> Secret:
    """Return a secret, checked according to its kind and hidden from reprs. Raises InvalidValue."""
    if not isinstance(value, Secret) or not value:
        raise InvalidValue("must be a string that is not empty")
    return Secret(_convert_hidden(partial(to_wire, kind), value.reveal()))


def _convert_hidden(write: Callable[[object], T], value: object) -> T:
    try:
        return write(value)
    except InvalidValue as wrong:
        reason = wrong.reason
    # Outside the handler: the frames of the original exception hold the secret.
    raise InvalidValue(reason)


_NO_LISTS: Final = (str, bytes, bytearray, memoryview, Mapping)


def _try_iterate(value: object) -> Iterator[Any] | None:
    if not isinstance(value, Iterable):
        return None
    try:
        return iter(value)
    except TypeError:  # a numpy array without dimensions
        return None


def convert_part(place: str, write: Callable[[object], T], value: object) -> T:
    """Return the result of `write` for an element, an entry or a field.

    The reason of an InvalidValue is prefixed with its place.
    """
    try:
        return write(value)
    except InvalidValue as wrong:
        message = str(wrong)
    raise InvalidValue(place + message if message.startswith(("[", ".")) else f"{place} {message}")


def _convert_entries(value: object, write: Callable[[object], T]) -> dict[str, T]:
    if not isinstance(value, Mapping):
        raise InvalidValue("must be a mapping", f", got {describe(value)}")
    return {
        convert_part("has a key that", _convert_string, key): convert_part(
            f"[{quote_value(key)}]", write, item
        )
        for key, item in value.items()
    }


def _convert_model(kind: ModelOf, value: object) -> dict[str, Any]:
    if not isinstance(value, kind.cls):
        raise InvalidValue(f"must be a {kind.name}", f", got {describe(value)}")
    return _convert_fields(value)


def _convert_fields(model: Model) -> dict[str, Any]:
    sent: dict[str, Any] = convert_part(
        ".additional_properties", partial(_convert_entries, write=_convert_json), model.additional_properties
    )
    for field in fields_of(type(model)):
        value = getattr(model, field.attribute)
        sent.pop(field.key, None)
        if value is not None:
            write = partial(to_wire, field.kind)
            write = partial(_convert_hidden, write) if field.secret else write
            sent[field.key] = convert_part(f".{field.attribute}", write, value)
    return sent


def _convert_enum(kind: EnumOf, value: object) -> int:
    foreign = hasattr(value, "is_declared") and not isinstance(value, kind.cls)
    number = None if foreign else to_whole(value)
    if number is None or number not in set(kind.cls):
        declared = ", ".join(f"{member.value} {member.name}" for member in kind.cls)
        raise InvalidValue(f"must be a {kind.name} or its number ({declared})", f", got {describe(value)}")
    return number


def _convert_string(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidValue("must be a string", f", got {describe(value)}")
    plain = str.__str__(value)  # the value of an enum's member, not its name
    try:
        plain.encode()
    except UnicodeEncodeError:
        raise InvalidValue("must be a string without lone surrogates, which UTF-8 can't carry") from None
    return plain


def _convert_datetime(value: object) -> str:
    if not isinstance(value, datetime):
        raise InvalidValue("must be a datetime", f", got {describe(value)}")
    if (problem := find_zone_problem(value)) is not None:
        raise InvalidValue(problem)
    offset = value.utcoffset() or timedelta(0)
    if offset % _MINUTE:
        # Local mean time, which zones have for early years. .NET reads whole minutes only.
        try:
            value = value.astimezone(UTC)
        except OverflowError:
            raise InvalidValue("is a date beyond the years 1 to 9999 in UTC") from None
    # Not a subclass's method: that of pandas' Timestamp writes nanoseconds.
    return datetime.isoformat(value)


def _make_whole_converter(bits: int) -> Callable[[object], int]:
    least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1

    def whole(value: object) -> int:
        number = to_whole(value)
        if number is None:
            raise InvalidValue("must be a whole number", f", got {describe(value)}")
        if not least <= number <= most:
            raise InvalidValue(f"must be a whole number from {least} to {most}", f", got {describe(number)}")
        return number

    return whole


def _convert_whole_or_string(value: object) -> int | str:
    if not isinstance(value, str) and to_whole(value) is None:
        raise InvalidValue("must be a whole number or a string", f", got {describe(value)}")
    return _convert_string(value) if isinstance(value, str) else _make_whole_converter(32)(value)


def _convert_number(value: object) -> float | Decimal:
    number = to_number(value)
    if number is None:
        raise InvalidValue("must be a number", f", got {describe(value)}")
    if not -sys.float_info.max <= number <= sys.float_info.max:
        raise InvalidValue("must be a finite number", f", got {describe(value)}")
    return number


def _convert_boolean(value: object) -> bool:
    plain = _to_boolean(value)
    if plain is None:
        raise InvalidValue("must be True or False", f", got {describe(value)}")
    return plain


def _to_boolean(value: object) -> bool | None:
    """Return a boolean of Python or numpy, or None."""
    # numpy's boolean follows no protocol except that of numpy's scalars.
    item = getattr(value, "item", None) if getattr(value, "shape", None) == () else None
    plain = value if item is None else item()
    return plain if isinstance(plain, bool) else None


def _convert_anything(value: object) -> object:
    try:
        return _convert_json(value)
    except RecursionError:
        pass
    raise InvalidValue("must be a value that JSON can hold, and is nested too deeply")


def _convert_json(value: object) -> Any:
    """Return a value of any type in JSON; types that JSON lacks are written as in operations. Raises InvalidValue."""
    if value is None:
        return None
    if (plain := _to_boolean(value)) is not None:
        return plain
    for kind, write in _BY_TYPE.items():
        if isinstance(value, kind):
            return write(value)
    whole = to_whole(value)
    if whole is not None:
        return whole
    if to_number(value) is not None:
        return _convert_number(value)
    if isinstance(value, Mapping):
        return _convert_entries(value, _convert_json)
    if isinstance(value, Iterable) and not isinstance(value, _NO_LISTS):
        return convert_elements(value, _convert_json)
    raise InvalidValue("must be a value that JSON can hold", f", got {describe(value)}")


_BY_TYPE: Final[dict[type, Callable[[Any], Any]]] = {
    str: _convert_string,
    UUID: str,
    datetime: _convert_datetime,
    Model: _convert_fields,
    Enum: lambda member: _convert_json(member.value),
}
_SCALARS: Final[dict[str, Callable[[object], Any]]] = {
    "anything": _convert_anything,
    "boolean": _convert_boolean,
    "date-time": _convert_datetime,
    "int32": _make_whole_converter(32),
    "integer": _make_whole_converter(64),
    "int-or-text": _convert_whole_or_string,
    "number": _convert_number,
    "text": _convert_string,
    "uuid": lambda value: str(read_uuid(value)),
}
