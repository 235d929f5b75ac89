"""Parsing of `nexport sandbox --fault`: a scripted failure, given as NAME=VALUE pairs or as a JSON object."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from .known_operations import find_operation

__all__ = ["parse_fault"]

_TRUE_OR_FALSE: Final = {"true": True, "false": False}


def parse_fault(text: str) -> dict[str, Any]:
    """Return the arguments of `sandbox.faults.add` for one option.

    `operation=learning.get_section,status=503,nth=1` lists them, separated by commas; a name without a value, such as
    `reset`, is true. A value that contains a comma, and `headers`, need a JSON object.

    Raises:
        ValueError: A name is unknown or given twice, or a value has the wrong type.
    """
    fields = _read_object(text) if text.lstrip().startswith("{") else _read_pairs(text)
    unknown = [name for name in fields if name not in _READERS]
    if unknown:
        raise ValueError(f"there is no {unknown[0]!r}: use {', '.join(_READERS)}")
    return {name: _read(name, value) for name, value in fields.items()}


def _read_pairs(text: str) -> dict[str, object]:
    fields: dict[str, object] = {}
    for pair in filter(str.strip, text.split(",")):
        name, separator, value = pair.strip().partition("=")
        name = name.strip().replace("-", "_")
        if name in fields:
            raise ValueError(f"{name} is given twice")
        fields[name] = value.strip() if separator else True
    return fields


def _read_object(text: str) -> dict[str, object]:
    try:
        fields: dict[str, object] = json.loads(text)
    except ValueError as error:
        raise ValueError(f"must be a JSON object, or NAME=VALUE pairs: {error}") from None
    return fields


def _read(name: str, value: object) -> object:
    try:
        return _READERS[name](value)
    except (TypeError, ValueError, KeyError):
        raise ValueError(f"{name} must be {_EXPECTED[_READERS[name]]}") from None


def _read_operation(value: object) -> str:
    """Return the operationId of an operation, given by it or by its name in Python."""
    known = find_operation(_read_string(value))
    return _read_string(value) if known is None else known.id


def _read_string(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _read_integer(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise TypeError
    return int(value)


def _read_number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError
    return float(value)


def _read_boolean(value: object) -> bool:
    return value if isinstance(value, bool) else _TRUE_OR_FALSE[_read_string(value).lower()]


def _read_body(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _read_headers(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise TypeError
    return {_read_string(name): _read_string(text) for name, text in value.items()}


_READERS: Final[dict[str, Callable[[object], object]]] = {
    "operation": _read_operation,
    "nth": _read_integer,
    "rate": _read_number,
    "times": _read_integer,
    "when": _read_string,
    "status": _read_integer,
    "body": _read_body,
    "content_type": _read_string,
    "headers": _read_headers,
    "html": _read_boolean,
    "delay": _read_number,
    "reset": _read_boolean,
    "cut": _read_integer,
    "expire_token": _read_boolean,
}
_EXPECTED: Final[dict[Callable[[object], object], str]] = {
    _read_operation: "the name of an operation",
    _read_integer: "a whole number",
    _read_number: "a number",
    _read_string: "a string",
    _read_headers: "a JSON object of strings",
    _read_boolean: "true or false",
}
