"""From a method's arguments to what is sent: everything that can't be what the spec says is refused before it is."""

import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, cast
from urllib.parse import quote
from uuid import UUID

import attrs

from nexport_client.client import Operation, Paging, Parameter
from nexport_client.errors import DecodeError
from nexport_client.kinds import UUID_, Array, EnumOf, Kind, MapOf, ModelOf, Nullable, Reader, Scalar
from nexport_client.types import UNSET, Model, Secret

from ._errors import ArgumentError
from ._secrets import SecretBytes

__all__ = ["Encoded", "encode", "page_arguments"]


# httpx takes no URL beyond 65,536 bytes, and its own words for that would quote the arguments.
_LONGEST_QUERY = 60_000


class _Wrong(Exception):
    """What is wrong with one value, in words that don't quote it."""


@attrs.frozen
class Encoded:
    """What a call sends: its query without the token, the body's value, and the token that it asks about, if any.

    `path` is the operation's with its placeholders filled, or "" where it has none.
    """

    query: str
    fields: Any
    secret_body: bool
    token: Secret | None
    path: str = ""
    headers: Mapping[str, str] = attrs.field(factory=dict)

    def content(self) -> bytes | None:
        """The JSON body, or None."""
        if self.fields is None:
            return None
        import msgspec

        if not self.secret_body:
            return msgspec.json.encode(self.fields)
        return SecretBytes(msgspec.json.encode(self.fields, enc_hook=_reveal))

    def secrets(self) -> list[Secret]:
        """The secrets that the call carries."""
        values = [self.token, *((self.fields or {}).values() if self.secret_body else ())]
        return [value for value in values if isinstance(value, Secret)]

    def with_page(self, paging: Paging | None, page: int, per_page: int) -> "Encoded":
        """The same call for one page of its list."""
        if paging is not None and paging.where == "body":
            numbers = {"page": int(page), "per_page": int(per_page)}
            return attrs.evolve(self, fields={**(self.fields or {}), paging.key: numbers})
        paging_query = f"page={int(page)}&per_page={int(per_page)}"
        return attrs.evolve(self, query=f"{self.query}&{paging_query}" if self.query else paging_query)


def encode(operation: Operation[Any], arguments: Mapping[str, object]) -> Encoded:
    """The arguments of one call, ready to be sent. Raises ArgumentError, naming the argument."""
    pairs: list[str] = []
    token = None
    for parameter in operation.query:
        value = _value(operation, parameter, arguments)
        if parameter.key == "access_token":
            token = value
        elif value is not UNSET:
            # A list goes as one pair for each of its elements, as OpenAPI has it where nothing else is said.
            values = value if isinstance(value, list) else [value]
            key = quote(parameter.key, safe="")
            pairs += [f"{key}={quote(_text(item), safe='')}" for item in values]
            if sum(map(len, pairs)) > _LONGEST_QUERY:
                raise _refusal(operation, parameter.name, f"is too long: a query has {_LONGEST_QUERY} bytes")
    fields, secret = _body(operation, arguments)
    return Encoded(
        "&".join(pairs),
        fields,
        secret,
        None if token is UNSET else cast("Secret | None", token),
        _path(operation, arguments),
        _headers(operation, arguments),
    )


def _body(operation: Operation[Any], arguments: Mapping[str, object]) -> tuple[Any, bool]:
    """The value of the body, None for none, and whether it holds a secret."""
    if operation.body is None:
        return None, False
    if isinstance(operation.body, Parameter):
        value = _value(operation, operation.body, arguments)
        return None if value is UNSET else value, operation.body.secret
    values = {parameter.key: _value(operation, parameter, arguments) for parameter in operation.body}
    secret = any(parameter.secret for parameter in operation.body)
    return {key: value for key, value in values.items() if value is not UNSET}, secret


def _path(operation: Operation[Any], arguments: Mapping[str, object]) -> str:
    """The path with its placeholders filled; a part that would make it another path is refused."""
    path = operation.path if operation.parts else ""
    for parameter in operation.parts:
        text = _text(_value(operation, parameter, arguments))
        if text in ("", ".", ".."):
            raise _refusal(operation, parameter.name, "must be a part of a path")
        path = path.replace(f"{{{parameter.key}}}", quote(text, safe=""))
    return path


def _headers(operation: Operation[Any], arguments: Mapping[str, object]) -> dict[str, str]:
    """The headers that arguments travel in; a header carries printable ASCII, and no line ends."""
    headers = {}
    for parameter in operation.headers:
        value = _value(operation, parameter, arguments)
        if value is not UNSET:
            text = headers[parameter.key] = _text(value)
            if not (text.isascii() and text.isprintable()):
                raise _refusal(operation, parameter.name, "must be printable ASCII: it travels in a header")
    return headers


def page_arguments(operation: Operation[Any], page: object, per_page: object) -> None:
    """Refuse a page or a page size that can't be. Raises ArgumentError."""
    for name, value in (("page", page), ("per_page", per_page)):
        if value is None and name == "per_page":
            continue
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value < 2**31:
            raise _refusal(operation, name, "must be a whole number from 1")


def _value(operation: Operation[Any], parameter: Parameter, arguments: Mapping[str, object]) -> Any:
    value = arguments.get(parameter.name, UNSET)
    if value is None and not parameter.required:
        return None if parameter.nullable else UNSET
    if value is UNSET and not parameter.required:
        return UNSET
    try:
        if parameter.secret:
            return _secret(parameter.kind, value)
        written = _written(parameter.kind, value)
        if parameter.min_items and len(written) < parameter.min_items:
            raise _Wrong(
                "must not be empty: the campus ignores an empty filter and would answer with everybody"
            )
    except _Wrong as wrong:
        raise _refusal(operation, parameter.name, str(wrong)) from None
    return written


def _refusal(operation: Operation[Any], name: str, reason: str) -> ArgumentError:
    return ArgumentError(f"{name} {reason}; nothing was sent", argument=name, operation_id=operation.id)


def _written(kind: Kind, value: object) -> Any:
    """A value as JSON has it."""
    if isinstance(kind, Scalar):
        return _SCALARS[kind.name](value)
    if isinstance(kind, EnumOf):
        return _enum(kind, value)
    if isinstance(kind, Array):
        return _array(kind, value)
    if isinstance(kind, MapOf):
        return _map(kind, value)
    if isinstance(kind, Nullable):
        return None if value is None else _written(kind.item, value)
    if isinstance(kind, ModelOf) and not isinstance(value, kind.cls):
        raise _Wrong(f"must be a {kind.name}, got {type(value).__name__}")
    return kind.write(value)


def _array(kind: Array, value: object) -> list[Any]:
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        raise _Wrong(f"must be a list, got {type(value).__name__}")
    items = []
    for index, item in enumerate(value):
        try:
            items.append(_written(kind.item, item))
        except _Wrong as wrong:
            raise _Wrong(f"[{index}] {wrong}") from None
    return items


def _map(kind: MapOf, value: object) -> dict[str, Any]:
    # To FastAPI's edge models count as mappings; here they are none.
    if not isinstance(value, Mapping) or isinstance(value, Model):
        raise _Wrong(f"must be a mapping, got {type(value).__name__}")
    return {_plain_text(key): _written(kind.item, item) for key, item in value.items()}


def _enum(kind: EnumOf, value: object) -> int:
    declared = ", ".join(f"{member.value} {member.name}" for member in kind.cls)
    foreign = hasattr(value, "is_declared") and not isinstance(value, kind.cls)
    whole = isinstance(value, int) and not isinstance(value, bool)
    if foreign or not whole or value not in set(kind.cls):
        raise _Wrong(f"must be a {kind.name} or its number ({declared})")
    return int(cast("int", value))


def _plain_text(value: object) -> str:
    if not isinstance(value, str):
        raise _Wrong(f"must be a text, got {type(value).__name__}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _Wrong("must be a text that UTF-8 can carry") from None
    return str.__str__(value)  # of an enum's member, too, its text is sent, and not its name


def _uuid(value: object) -> str:
    if isinstance(value, UUID):
        return str(value)
    try:
        return str(UUID_.read(value, Reader()))
    except DecodeError:
        raise _Wrong(f"must be a UUID or its text, got {type(value).__name__}") from None


def _datetime(value: object) -> str:
    if not isinstance(value, datetime):
        raise _Wrong(f"must be a datetime, got {type(value).__name__}")
    if value.utcoffset() is None:
        raise _Wrong("must be a datetime with a zone, such as datetime(2026, 1, 31, tzinfo=UTC)")
    return value.isoformat()


def _whole(bits: int) -> Callable[[object], int]:
    def written(value: object) -> int:
        if (
            isinstance(value, bool)
            or not isinstance(value, int)
            or not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1)
        ):
            raise _Wrong(f"must be a whole number of {bits} bits")
        return int(value)

    return written


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= sys.float_info.max:
        raise _Wrong("must be a finite number")
    return float(value)


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise _Wrong(f"must be True or False, got {type(value).__name__}")
    return value


def _secret(kind: Kind, value: object) -> Secret:
    if not isinstance(value, Secret) or not value:
        raise _Wrong("must be a text that isn't empty")
    return Secret(_written(kind, value.reveal()))


def _text(value: object) -> str:
    """A JSON scalar as a query has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _reveal(value: object) -> str:
    if isinstance(value, Secret):
        return value.reveal()
    raise NotImplementedError(f"no JSON form for {type(value).__name__}")


_SCALARS: Final[dict[str, Callable[[object], Any]]] = {
    "anything": lambda value: value,
    "boolean": _boolean,
    "date-time": _datetime,
    "int32": _whole(32),
    "integer": _whole(64),
    "number": _number,
    "text": _plain_text,
    "uuid": _uuid,
}
