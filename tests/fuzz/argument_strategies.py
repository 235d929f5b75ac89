"""Strategies for Python values to pass as arguments, and the JSON that the spec requires for each."""

import math
import re
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

import attrs
from hypothesis import strategies as st

from nexport_campus.models import ApiErrorEntity, ErrorCode, Phase
from pipeline.python_names import argument_name
from tests.fuzz.result_checker import kind_of, resolved
from tests.support.spec import PATHS, SpecOperation

__all__ = ["REFUSED", "Declared", "Quoted", "Wider", "declared", "expected_json", "is_nullable", "values_for"]

REFUSED: Any = object()
"""Returned by `expected_json` for a value that the spec doesn't allow."""

_UUID = re.compile(r"(\{|\()?[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}(\}|\))?", re.IGNORECASE | re.ASCII)


class Quoted(str):
    """A string whose `str()` differs from its characters, like an enum member's."""

    __slots__ = ()

    def __str__(self) -> str:
        return f"Quoted.{self.upper()}"


class Wider(int):
    """A subclass of int."""


class Later(datetime):
    """A subclass of datetime."""


_FIXED = st.builds(timezone, st.integers(-14 * 60, 14 * 60).map(lambda minutes: timedelta(minutes=minutes)))
_AWARE = st.datetimes(timezones=_FIXED)
_WORDS = st.text(st.characters(codec="ascii"), min_size=1, max_size=5)
_STRINGS = st.text(max_size=20) | st.sampled_from(
    ["", "\ud800", "a\x00b", "&=?#/%", "\U0001f393", "x" * 70_000]
)
_NUMBERS = st.integers() | st.floats() | st.sampled_from(
    [True, False, Wider(3), 2**31, -(2**31) - 1, 2**63, 10**400, math.nan, math.inf, -0.0, Decimal(1), Fraction(1, 3), 1j]
)  # fmt: skip
_QUOTED = _WORDS.map(Quoted)
# Not in `sampled_from`: hypothesis takes the repr of its items, and this is too long for one.
_LONG_NUMBERS = st.builds(lambda: -(10**5000))
_IDS = (
    st.uuids()
    | st.uuids().map(str)
    | st.uuids().map(lambda uuid: uuid.hex.upper())
    | st.uuids().map(lambda uuid: f"{{{uuid}}}")
)
_OTHERS: list[Any] = [
    None, b"", b"bytes", bytearray(b"\x01"), memoryview(b"\x00"), object(), int, [], (), {}, set(), [None], ["a", 1], {"a": 1},
    {"a": "b"}, {1: "b"}, {"\ud800": ""}, {"a": None}, range(3), date(2026, 1, 1), timedelta(1), datetime(2026, 1, 1),  # noqa: DTZ001
    Later(2026, 1, 1, tzinfo=UTC), datetime.min.replace(tzinfo=timezone(timedelta(hours=14))), UTC, ErrorCode.NO_ERROR, Phase.TO_BE_GRADED, Phase(99), 3, 99, ApiErrorEntity(error_code=ErrorCode.NO_ERROR), ..., NotImplemented, sys, len,
    "2026-01-01T00:00:00Z", "true", "1", "urn:uuid:6f9619ff-8b86-4d01-b42d-00cf4fc964ff", UUID(int=0), str(UUID(int=0)),
]  # fmt: skip


@attrs.frozen
class Declared:
    """One argument as the spec declares it."""

    name: str
    key: str
    where: str
    schema: Mapping[str, Any]
    required: bool


def is_nullable(schema: Mapping[str, Any]) -> bool:
    """Return whether the spec declares that a value may be null."""
    return "null" in schema.get("type", ()) or {"type": "null"} in schema.get("oneOf", ())


def declared(operation: SpecOperation) -> list[Declared]:
    """Return the arguments of an operation, without page and page size."""
    operation_spec = PATHS[operation.path][operation.method.lower()]
    arguments = [
        Declared(
            argument_name(item["name"]), item["name"], "query", item["schema"], item.get("required", False)
        )
        for item in operation_spec.get("parameters", [])
    ]
    if "requestBody" in operation_spec:
        body = resolved(operation_spec["requestBody"]["content"]["application/json"]["schema"])
        required = body.get("required", ())
        arguments += [
            Declared(argument_name(key), key, "body", schema, key in required)
            for key, schema in body["properties"].items()
        ]
    names = {argument.name for argument in operation.arguments}
    return [item for item in arguments if item.name in names]


def values_for(argument: Declared) -> st.SearchStrategy[Any]:
    """Generate values of every kind, including valid ones for the argument."""
    plain = _STRINGS | _NUMBERS | _LONG_NUMBERS | _QUOTED | _IDS | _AWARE
    several = st.lists(_IDS, max_size=3) | st.lists(_STRINGS, max_size=3) | st.sets(st.uuids(), max_size=3)
    mixed = st.lists(plain | st.sampled_from(_OTHERS), max_size=3) | st.dictionaries(
        _STRINGS, _STRINGS, max_size=3
    )
    right = several if kind_of(resolved(argument.schema)) == "array" else plain
    return right | plain | st.sampled_from(_OTHERS) | several | several.map(tuple) | mixed


def expected_json(operation: SpecOperation, argument: Declared, value: Any) -> Any:
    """Return the JSON that the request must have for a value, or REFUSED."""
    if argument.name in ("password", "invoice_item_redemption_code") and isinstance(value, UUID):
        value = str(value)
    expected = _expected(resolved(argument.schema), value)
    filters = operation.name == "search_enrollments" and not argument.name.startswith("utc_")
    return REFUSED if filters and expected == [] else expected


def _expected(schema: Mapping[str, Any], value: Any) -> Any:
    if "properties" in schema:
        return REFUSED  # none of the values is a model of these
    if schema.get("type") == ["integer", "string"]:
        whole = _expected_integer({"format": "int32"}, value)
        return _expected_string(value) if whole is REFUSED else whole
    kind = kind_of(schema)
    if kind == "array":
        return _expected_list(schema, value)
    if kind == "object":
        return _expected_mapping(value)
    if "enum" in schema:
        return _expected_enum(schema, value)
    if kind == "integer":
        return _expected_integer(schema, value)
    if kind == "number":
        return _expected_number(value)
    if kind == "boolean":
        return value if isinstance(value, bool) else REFUSED
    return {"uuid": _expected_uuid, "date-time": _expected_date}.get(
        schema.get("format", ""), _expected_string
    )(value)


def _expected_list(schema: Mapping[str, Any], value: Any) -> Any:
    if not isinstance(value, Iterable) or isinstance(value, str | bytes | Mapping | type):
        return REFUSED
    items = [_expected(resolved(schema["items"]), item) for item in value]
    return REFUSED if REFUSED in items else items


def _expected_mapping(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return REFUSED
    pairs = {_expected_string(key): _expected_string(item) for key, item in value.items()}
    return REFUSED if REFUSED in pairs or REFUSED in pairs.values() else pairs


def _expected_enum(schema: Mapping[str, Any], value: Any) -> Any:
    foreign = isinstance(value, ErrorCode | Phase)
    number = isinstance(value, int) and not isinstance(value, bool) and value in schema["enum"]
    return REFUSED if foreign or not number else int(value)


def _expected_integer(schema: Mapping[str, Any], value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int):
        return REFUSED
    bits = 31 if schema.get("format") == "int32" else 63
    return int(value) if -(2**bits) <= value < 2**bits else REFUSED


def _expected_number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | Fraction | Decimal):
        return REFUSED
    if not -sys.float_info.max <= value <= sys.float_info.max:
        return REFUSED
    near = float(value)
    # An integer whose digits a float would change is sent as it is.
    return int(value) if isinstance(value, int) and Decimal(repr(near)) != value else near


def _expected_string(value: Any) -> Any:
    if not isinstance(value, str) or any("\ud800" <= character <= "\udfff" for character in value):
        return REFUSED
    return "".join(value)


def _expected_uuid(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    if not isinstance(value, str) or not _UUID.fullmatch(value):
        return REFUSED
    return str(UUID(hex="".join(character for character in value if character not in "{}()-")))


def _expected_date(value: Any) -> Any:
    if not isinstance(value, datetime) or value.utcoffset() is None:
        return REFUSED
    return value
