"""One argument as JSON has it, or in words why it can't be what the spec says."""

import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID

from nexport_client.errors import DecodeError
from nexport_client.kinds import UUID_, Array, EnumOf, Kind, MapOf, ModelOf, Nullable, Reader, Scalar
from nexport_client.types import Model, Secret

__all__ = ["Wrong", "secret_value", "written"]


class Wrong(Exception):
    """What is wrong with one value, in words that don't quote it."""


def written(kind: Kind, value: object) -> Any:
    """A value as JSON has it. Raises Wrong."""
    if isinstance(kind, Scalar):
        return _SCALARS[kind.name](value)
    if isinstance(kind, EnumOf):
        return _enum(kind, value)
    if isinstance(kind, Array):
        return _array(kind, value)
    if isinstance(kind, MapOf):
        return _map(kind, value)
    if isinstance(kind, Nullable):
        return None if value is None else written(kind.item, value)
    if isinstance(kind, ModelOf) and not isinstance(value, kind.cls):
        raise Wrong(f"must be a {kind.name}, got {type(value).__name__}")
    return kind.write(value)


def _array(kind: Array, value: object) -> list[Any]:
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        raise Wrong(f"must be a list, got {type(value).__name__}")
    items = []
    for index, item in enumerate(value):
        try:
            items.append(written(kind.item, item))
        except Wrong as wrong:
            raise Wrong(f"[{index}] {wrong}") from None
    return items


def _map(kind: MapOf, value: object) -> dict[str, Any]:
    # To FastAPI's edge models count as mappings; here they are none.
    if not isinstance(value, Mapping) or isinstance(value, Model):
        raise Wrong(f"must be a mapping, got {type(value).__name__}")
    return {_plain_text(key): written(kind.item, item) for key, item in value.items()}


def _enum(kind: EnumOf, value: object) -> int:
    declared = ", ".join(f"{member.value} {member.name}" for member in kind.cls)
    foreign = hasattr(value, "is_declared") and not isinstance(value, kind.cls)
    whole = isinstance(value, int) and not isinstance(value, bool)
    if foreign or not whole or value not in set(kind.cls):
        raise Wrong(f"must be a {kind.name} or its number ({declared})")
    return int(cast("int", value))


def _plain_text(value: object) -> str:
    if not isinstance(value, str):
        raise Wrong(f"must be a text, got {type(value).__name__}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Wrong("must be a text that UTF-8 can carry") from None
    return str.__str__(value)  # of an enum's member, too, its text is sent, and not its name


def _uuid(value: object) -> str:
    if isinstance(value, UUID):
        return str(value)
    try:
        return str(UUID_.read(value, Reader()))
    except DecodeError:
        raise Wrong(f"must be a UUID or its text, got {type(value).__name__}") from None


def _datetime(value: object) -> str:
    if not isinstance(value, datetime):
        raise Wrong(f"must be a datetime, got {type(value).__name__}")
    if value.utcoffset() is None:
        raise Wrong("must be a datetime with a zone, such as datetime(2026, 1, 31, tzinfo=UTC)")
    return value.isoformat()


def _whole(bits: int) -> Callable[[object], int]:
    def whole(value: object) -> int:
        if (
            isinstance(value, bool)
            or not isinstance(value, int)
            or not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1)
        ):
            raise Wrong(f"must be a whole number of {bits} bits")
        return int(value)

    return whole


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= sys.float_info.max:
        raise Wrong("must be a finite number")
    return float(value)


def _anything(value: object) -> object:
    import msgspec

    try:
        msgspec.json.encode(value)
    except (TypeError, ValueError, OverflowError, RecursionError):
        raise Wrong(f"must be a value that JSON can hold, got {type(value).__name__}") from None
    return value


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise Wrong(f"must be True or False, got {type(value).__name__}")
    return value


def secret_value(kind: Kind, value: object) -> Secret:
    """A secret, checked as its kind is and kept out of sight. Raises Wrong."""
    if not isinstance(value, Secret) or not value:
        raise Wrong("must be a text that isn't empty")
    return Secret(written(kind, value.reveal()))


_SCALARS: Final[dict[str, Callable[[object], Any]]] = {
    "anything": _anything,
    "boolean": _boolean,
    "date-time": _datetime,
    "int32": _whole(32),
    "integer": _whole(64),
    "number": _number,
    "text": _plain_text,
    "uuid": _uuid,
}
