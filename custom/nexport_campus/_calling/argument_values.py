"""Conversion of a single argument to JSON, or the reason why it doesn't fit the spec."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import partial
from typing import Any, Final, TypeVar
from uuid import UUID

from nexport_campus._inputs import describe, quote, to_number, to_whole, zone_problem
from nexport_client.errors import DecodeError
from nexport_client.kinds import UUID_, Array, EnumOf, Kind, MapOf, ModelOf, Nullable, Reader, Scalar
from nexport_client.types import UNSET, Model, Secret, fields_of

__all__ = [
    "InvalidValue",
    "elements",
    "part",
    "query_values",
    "read_uuid",
    "secret_value",
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
        return _enum(kind, value)
    if isinstance(kind, Array):
        return elements(value, partial(to_wire, kind.item))
    if isinstance(kind, MapOf):
        return _entries(value, partial(to_wire, kind.item))
    if isinstance(kind, Nullable):
        return None if value is None else to_wire(kind.item, value)
    if isinstance(kind, ModelOf):
        return _model(kind, value)
    return kind.write(value)


def elements(value: object, write: Callable[[object], T]) -> list[T]:
    """Return the results of `write` for each element of an iterable, except a string or mapping.

    Raises InvalidValue.
    """
    iterator = None if isinstance(value, _NO_LISTS) else _iterator(value)
    # Iterating over a data frame yields the names of its columns.
    dimensions = getattr(value, "ndim", 1)
    if iterator is None or (isinstance(dimensions, int) and dimensions != 1):
        raise InvalidValue("must be a list", f", got {describe(value)}")
    return [part(f"[{index}]", write, item) for index, item in enumerate(iterator)]


def query_values(value: object) -> list[Any]:
    """Return the JSON scalars of a query parameter: one for each element of a list, none for None.

    Raises InvalidValue.
    """
    if value is None or value is UNSET:
        return []
    written = _anything(value)
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
            "is not a UUID", ": it has spaces around it" if spaced else f": {quote(value)}"
        ) from None
    return read


def secret_value(kind: Kind, value: object) -> Secret:
    """Return a secret, checked according to its kind and hidden from reprs. Raises InvalidValue."""
    if not isinstance(value, Secret) or not value:
        raise InvalidValue("must be a string that is not empty")
    return Secret(_unshown(partial(to_wire, kind), value.reveal()))


def _unshown(write: Callable[[object], T], value: object) -> T:
    try:
        return write(value)
    except InvalidValue as wrong:
        reason = wrong.reason
    # Outside the handler: the frames of the original exception hold the secret.
    raise InvalidValue(reason)


_NO_LISTS: Final = (str, bytes, bytearray, memoryview, Mapping)


def _iterator(value: object) -> Iterator[Any] | None:
    if not isinstance(value, Iterable):
        return None
    try:
        return iter(value)
    except TypeError:  # a numpy array without dimensions
        return None


def part(place: str, write: Callable[[object], T], value: object) -> T:
    """Return the result of `write` for an element, an entry or a field.

    The reason of a InvalidValue is prefixed with its place.
    """
    try:
        return write(value)
    except InvalidValue as wrong:
        message = str(wrong)
    raise InvalidValue(place + message if message.startswith(("[", ".")) else f"{place} {message}")


def _entries(value: object, write: Callable[[object], T]) -> dict[str, T]:
    if not isinstance(value, Mapping):
        raise InvalidValue("must be a mapping", f", got {describe(value)}")
    return {
        part("has a key that", _string, key): part(f"[{quote(key)}]", write, item)
        for key, item in value.items()
    }


def _model(kind: ModelOf, value: object) -> dict[str, Any]:
    if not isinstance(value, kind.cls):
        raise InvalidValue(f"must be a {kind.name}", f", got {describe(value)}")
    return _fields(value)


def _fields(model: Model) -> dict[str, Any]:
    sent: dict[str, Any] = part(
        ".additional_properties", partial(_entries, write=_json), model.additional_properties
    )
    for field in fields_of(type(model)):
        value = getattr(model, field.attribute)
        sent.pop(field.key, None)
        if value is not None:
            write = partial(to_wire, field.kind)
            write = partial(_unshown, write) if field.secret else write
            sent[field.key] = part(f".{field.attribute}", write, value)
    return sent


def _enum(kind: EnumOf, value: object) -> int:
    foreign = hasattr(value, "is_declared") and not isinstance(value, kind.cls)
    number = None if foreign else to_whole(value)
    if number is None or number not in set(kind.cls):
        declared = ", ".join(f"{member.value} {member.name}" for member in kind.cls)
        raise InvalidValue(f"must be a {kind.name} or its number ({declared})", f", got {describe(value)}")
    return number


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidValue("must be a string", f", got {describe(value)}")
    plain = str.__str__(value)  # the value of an enum's member, not its name
    try:
        plain.encode()
    except UnicodeEncodeError:
        raise InvalidValue("must be a string without lone surrogates, which UTF-8 can't carry") from None
    return plain


def _datetime(value: object) -> str:
    if not isinstance(value, datetime):
        raise InvalidValue("must be a datetime", f", got {describe(value)}")
    if (problem := zone_problem(value)) is not None:
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


def _whole(bits: int) -> Callable[[object], int]:
    least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1

    def whole(value: object) -> int:
        number = to_whole(value)
        if number is None:
            raise InvalidValue("must be a whole number", f", got {describe(value)}")
        if not least <= number <= most:
            raise InvalidValue(f"must be a whole number from {least} to {most}", f", got {describe(number)}")
        return number

    return whole


def _whole_or_string(value: object) -> int | str:
    if not isinstance(value, str) and to_whole(value) is None:
        raise InvalidValue("must be a whole number or a string", f", got {describe(value)}")
    return _string(value) if isinstance(value, str) else _whole(32)(value)


def _number(value: object) -> float | Decimal:
    number = to_number(value)
    if number is None:
        raise InvalidValue("must be a number", f", got {describe(value)}")
    if not -sys.float_info.max <= number <= sys.float_info.max:
        raise InvalidValue("must be a finite number", f", got {describe(value)}")
    return number


def _boolean(value: object) -> bool:
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


def _anything(value: object) -> object:
    try:
        return _json(value)
    except RecursionError:
        pass
    raise InvalidValue("must be a value that JSON can hold, and is nested too deep")


def _json(value: object) -> Any:
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
        return _number(value)
    if isinstance(value, Mapping):
        return _entries(value, _json)
    if isinstance(value, Iterable) and not isinstance(value, _NO_LISTS):
        return elements(value, _json)
    raise InvalidValue("must be a value that JSON can hold", f", got {describe(value)}")


_BY_TYPE: Final[dict[type, Callable[[Any], Any]]] = {
    str: _string,
    UUID: str,
    datetime: _datetime,
    Model: _fields,
    Enum: lambda member: _json(member.value),
}
_SCALARS: Final[dict[str, Callable[[object], Any]]] = {
    "anything": _anything,
    "boolean": _boolean,
    "date-time": _datetime,
    "int32": _whole(32),
    "integer": _whole(64),
    "int-or-text": _whole_or_string,
    "number": _number,
    "text": _string,
    "uuid": lambda value: str(read_uuid(value)),
}
