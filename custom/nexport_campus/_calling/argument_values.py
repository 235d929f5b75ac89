"""Conversion of a single argument of any kind to JSON, or the reason why it doesn't fit the spec."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from enum import Enum
from functools import partial
from typing import Any, Final, TypeVar
from uuid import UUID

from nexport_campus._inputs import describe, quote_value, to_number, to_whole
from nexport_client.kinds import Array, EnumOf, Kind, MapOf, ModelOf, Nullable, Scalar
from nexport_client.types import UNSET, Model, Secret, fields_of

from .scalar_values import (
    InvalidValue,
    convert_boolean,
    convert_datetime,
    convert_number,
    convert_string,
    convert_whole_or_string,
    make_whole_converter,
    read_uuid,
    to_boolean,
)

__all__ = ["convert_elements", "convert_part", "to_query_values", "to_secret", "to_wire"]

T = TypeVar("T")


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
        convert_part("has a key that", convert_string, key): convert_part(
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
    if (plain := to_boolean(value)) is not None:
        return plain
    for kind, write in _BY_TYPE.items():
        if isinstance(value, kind):
            return write(value)
    whole = to_whole(value)
    if whole is not None:
        return whole
    if to_number(value) is not None:
        return convert_number(value)
    if isinstance(value, Mapping):
        return _convert_entries(value, _convert_json)
    if isinstance(value, Iterable) and not isinstance(value, _NO_LISTS):
        return convert_elements(value, _convert_json)
    raise InvalidValue("must be a value that JSON can hold", f", got {describe(value)}")


_BY_TYPE: Final[dict[type, Callable[[Any], Any]]] = {
    str: convert_string,
    UUID: str,
    datetime: convert_datetime,
    Model: _convert_fields,
    Enum: lambda member: _convert_json(member.value),
}
_SCALARS: Final[dict[str, Callable[[object], Any]]] = {
    "anything": _convert_anything,
    "boolean": convert_boolean,
    "date-time": convert_datetime,
    "int32": make_whole_converter(32),
    "integer": make_whole_converter(64),
    "int-or-string": convert_whole_or_string,
    "number": convert_number,
    "string": convert_string,
    "uuid": lambda value: str(read_uuid(value)),
}
