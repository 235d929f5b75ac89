"""Encoding of a method's arguments. Everything that doesn't fit the spec is rejected before anything is sent."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar, cast
from urllib.parse import quote
from uuid import UUID

from nexport_campus._errors import ArgumentError
from nexport_campus._http.encoded_request import EncodedRequest
from nexport_campus._inputs import describe, to_whole
from nexport_client.kinds import STRING
from nexport_client.operation import Operation, Parameter
from nexport_client.types import UNSET, Secret

from .argument_values import convert_elements, to_secret, to_wire
from .scalar_values import InvalidValue, read_uuid, to_text

__all__ = [
    "LARGE_PAGE",
    "LONGEST_QUERY",
    "check_page_arguments",
    "encode",
    "make_argument_error",
    "read_strings",
    "read_uuids",
]

T = TypeVar("T")


# httpx rejects URLs beyond 65,536 bytes with a message that quotes the arguments.
LONGEST_QUERY = 60_000
LARGE_PAGE = 1000
"""The page size that is requested by default: the campus's maximum."""


def encode(operation: Operation[Any], arguments: Mapping[str, object]) -> EncodedRequest:
    """Return the arguments of one call, encoded for sending. Raises ArgumentError, which names the argument."""
    pairs: list[str] = []
    token = None
    for parameter in operation.query:
        value = _convert_value(operation, parameter, arguments)
        if parameter.key == "access_token":
            token = value
        elif value is not UNSET:
            # A list becomes one pair per element, OpenAPI's default.
            values = value if isinstance(value, list) else [value]
            key = quote(parameter.key, safe="")
            pairs += [f"{key}={quote(to_text(item), safe='')}" for item in values]
            if sum(map(len, pairs)) > LONGEST_QUERY:
                reason = f"makes the URL too long: its query may have {LONGEST_QUERY:,} characters"
                raise make_argument_error(operation, parameter.name, reason)
    fields, secret = _encode_body(operation, arguments)
    return EncodedRequest(
        "&".join(pairs),
        fields,
        secret,
        None if token is UNSET else cast("Secret | None", token),
        _encode_path(operation, arguments),
        _encode_headers(operation, arguments),
    )


def _encode_body(operation: Operation[Any], arguments: Mapping[str, object]) -> tuple[Any, bool]:
    """Return the value of the body, or None, and whether it holds a secret."""
    if operation.body is None:
        return None, False
    if isinstance(operation.body, Parameter):
        value = _convert_value(operation, operation.body, arguments)
        return None if value is UNSET else value, operation.body.secret
    values = {parameter.key: _convert_value(operation, parameter, arguments) for parameter in operation.body}
    secret = any(parameter.secret for parameter in operation.body)
    return {key: value for key, value in values.items() if value is not UNSET} | dict(operation.fixed), secret


def _encode_path(operation: Operation[Any], arguments: Mapping[str, object]) -> str:
    """Return the path with its placeholders filled. Rejects a value that would change the path's structure."""
    path = operation.path if operation.parts else ""
    for parameter in operation.parts:
        text = to_text(_convert_value(operation, parameter, arguments))
        if text in ("", ".", ".."):
            raise make_argument_error(
                operation, parameter.name, 'must not be empty, "." or "..": it is part of a path'
            )
        path = path.replace(f"{{{parameter.key}}}", quote(text, safe=""))
    return path


def _encode_headers(operation: Operation[Any], arguments: Mapping[str, object]) -> dict[str, str]:
    """Return the arguments sent as headers. A header may only hold printable ASCII without line breaks."""
    headers = {}
    for parameter in operation.headers:
        value = _convert_value(operation, parameter, arguments)
        if value is not UNSET:
            text = headers[parameter.key] = to_text(value)
            if not (text.isascii() and text.isprintable()):
                raise make_argument_error(
                    operation, parameter.name, "must be printable ASCII: it is sent in a header"
                )
    return headers


def read_uuids(name: str, values: object) -> list[UUID]:
    """Return the ids of any iterable, read once. Raises ArgumentError, which names the argument."""
    return _read_list(name, values, read_uuid)


def read_strings(name: str, values: object) -> list[str]:
    """Return the strings of any iterable, read once. Raises ArgumentError, which names the argument."""
    return _read_list(name, values, partial(to_wire, STRING))


def _read_list(name: str, values: object, read: Callable[[object], T]) -> list[T]:
    try:
        return convert_elements(values, read)
    except InvalidValue as wrong:
        reason = str(wrong)
    raise ArgumentError(f"{name} {reason}; nothing was sent", argument=name)


def check_page_arguments(operation: Operation[Any], page: object, per_page: object) -> tuple[int, int | None]:
    """Return page number and page size, normalized. Raises ArgumentError."""
    size = None if per_page is None else _check_from_one(operation, "per_page", per_page)
    return _check_from_one(operation, "page", page), size


def _check_from_one(operation: Operation[Any], name: str, value: object) -> int:
    number = to_whole(value)
    if number is None or not 1 <= number < 2**31:
        raise make_argument_error(
            operation, name, f"must be a whole number from 1 to {2**31 - 1}, got {describe(value)}"
        )
    return number


def _convert_value(operation: Operation[Any], parameter: Parameter, arguments: Mapping[str, object]) -> Any:
    value = arguments.get(parameter.name, UNSET)
    if value is None and not parameter.required:
        return None if parameter.nullable else UNSET
    if value is UNSET and not parameter.required:
        return UNSET
    try:
        if parameter.secret:
            return to_secret(parameter.kind, value)
        sent = to_wire(parameter.kind, value)
        if parameter.min_items and len(sent) < parameter.min_items:
            raise InvalidValue(
                "must not be empty: the campus ignores an empty filter and would return everybody's records"
            )
    except InvalidValue as wrong:
        reason = str(wrong)
    else:
        return sent
    raise make_argument_error(operation, parameter.name, reason)


def make_argument_error(operation: Operation[Any], name: str, reason: str) -> ArgumentError:
    """Return the error for an invalid argument."""
    return ArgumentError(f"{name} {reason}; nothing was sent", argument=name, operation_id=operation.id)
