"""Checks a result against the JSON it was decoded from, by the rules of the spec and without the client's code.

`check` fails the test when a model differs from the JSON, or when the JSON should have been refused.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from enum import IntEnum
from typing import Any
from uuid import UUID

from tests.support.spec import SCHEMAS

__all__ = ["check", "encodable", "reported_code", "resolved", "same_json"]

_DATE = re.compile(
    r"(?P<year>\d{4})-?(?P<month>\d\d)-?(?P<day>\d\d)"
    r"(?:.(?P<hour>\d\d)(?::?(?P<minute>\d\d)(?::?(?P<second>\d\d)(?:[.,](?P<fraction>\d+))?)?)?"
    r"(?P<offset>Z|[+-]\d\d(?::?\d\d(?::?\d\d(?:[.,]\d+)?)?)?)?)?",
    re.ASCII | re.DOTALL,
)
_WEEK = re.compile(r"\d{4}-?W\d\d", re.ASCII)
_HEX = re.compile(r"[0-9a-fA-F]")


def resolved(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a schema without `$ref`, and without the null of a oneOf."""
    if "oneOf" in schema:
        return resolved(next(each for each in schema["oneOf"] if each.get("type") != "null"))
    return SCHEMAS[schema["$ref"].rsplit("/", 1)[-1]] if "$ref" in schema else schema


def kind_of(schema: Mapping[str, Any]) -> str:
    """Return the one JSON type of a schema, null aside."""
    declared = schema.get("type", "integer" if "enum" in schema else "object")
    return declared if isinstance(declared, str) else next(word for word in declared if word != "null")


def reported_code(value: Any) -> int:
    """Return the error code that a JSON object reports, or 0."""
    entity = value.get("api_error_entity") if isinstance(value, dict) else None
    code = entity.get("error_code") if isinstance(entity, dict) else None
    if isinstance(code, bool) or not isinstance(code, int | float) or code != code // 1:
        return 0
    if isinstance(code, float) and abs(code) > 2**53:  # larger integers have no exact float
        return 0
    return int(code)


def check(schema: Mapping[str, Any], value: Any, got: Any) -> None:
    """Assert that `got` equals the response body `value`, and that nothing in it was an error."""
    if value is None:
        assert any(each.get("type") == "null" for each in schema.get("oneOf", []))
        assert got is None
        return
    assert reported_code(value) == 0, "a response with an error code counts as a success"
    assert not (
        isinstance(value, dict) and value.get("error") is True and "error" in resolved(schema)["properties"]
    )
    if isinstance(value, list):
        assert not any(map(reported_code, value)), "an element's error code was overlooked"
    _check_value(resolved(schema), value, got, "response")


def _check_value(schema: Mapping[str, Any], value: Any, got: Any, where: str) -> None:
    if not schema:
        assert same_json(encodable(value), got), where
        return
    kind = kind_of(schema)
    if kind == "array":
        _check_list(schema, value, got, where)
    elif "properties" in schema:
        _check_model(schema, value, got, where)
    elif kind == "object":
        assert same_json(encodable(value), got), where
        # A null in place of a string is accepted here as it is in lists.
        assert all(isinstance(item, str | None) for item in got.values()), where
    else:
        assert _is_equal(schema, kind, value, got), f"{where}: {value!r} became {got!r}"


def _check_list(schema: Mapping[str, Any], value: Any, got: Any, where: str) -> None:
    assert isinstance(value, list), where
    assert isinstance(got, list), where
    assert len(value) == len(got), where
    item = resolved(schema["items"])
    for index, (one, other) in enumerate(zip(value, got, strict=True)):
        if one is None:
            assert other is None, where
            assert not item or _may_be_missing(item, ""), f"{where}[{index}] may not be null"
        else:
            _check_value(item, one, other, f"{where}[{index}]")


def _check_model(schema: Mapping[str, Any], value: Any, got: Any, where: str) -> None:
    assert isinstance(value, dict), where
    for key, inner in schema["properties"].items():
        field = got.__getattribute__(key if hasattr(got, key) else f"{key}_")
        here = f"{where}.{key}"
        if value.get(key) is not None:
            _check_value(resolved(inner), value[key], field, here)
            continue
        assert field is None, here
        nullable = "null" in inner.get("type", ())
        if key in schema.get("required", ()) and not nullable:
            assert _may_be_missing(resolved(inner), key), f"{here} is required"
    unknown = encodable({key: inner for key, inner in value.items() if key not in schema["properties"]})
    assert same_json(unknown, got.additional_properties), f"{where}: unknown fields"


def _may_be_missing(schema: Mapping[str, Any], key: str) -> bool:
    """Return whether null is accepted: in a required string, number, boolean, date or enum, and an error entity."""
    plain = kind_of(schema) not in {"array", "object"} and schema.get("format") != "uuid"
    return plain or key == "api_error_entity"


def _is_equal(schema: Mapping[str, Any], kind: str, value: Any, got: Any) -> bool:
    """Return whether a decoded value is the one in the JSON."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if "enum" in schema:
        return number and isinstance(got, IntEnum) and got.value == value
    if isinstance(value, str) and schema.get("type") == ["integer", "string"]:
        return type(got) is str and got == encodable(value)
    if kind == "integer":
        return number and type(got) is int and got == value
    if kind == "number":
        return number and type(got) is float and got == float(value)
    if kind == "boolean":
        return isinstance(value, bool) and got is value
    if not isinstance(value, str):
        return False
    if schema.get("format") == "uuid":
        return isinstance(got, UUID) and "".join(_HEX.findall(value)).lower() == got.hex
    if schema.get("format") == "date-time":
        return isinstance(got, datetime) and _same_instant(value, got)
    return type(got) is str and got == encodable(value)


def encodable(value: Any) -> Any:
    """Return a JSON value with U+FFFD for each lone surrogate, which can't be encoded."""
    if isinstance(value, str):
        return "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in value)
    if isinstance(value, list):
        return [encodable(item) for item in value]
    if isinstance(value, dict):
        return {encodable(key): encodable(item) for key, item in value.items()}
    return value


def _same_instant(text: str, got: datetime) -> bool:
    if _WEEK.match(text):
        return True  # ISO 8601 weeks: the standard library's reading is not checked.
    found = _DATE.fullmatch(text)
    if found is None:
        return False
    parts = {name: int(found[name] or 0) for name in ("year", "month", "day", "hour", "minute", "second")}
    micros = int(f"{found['fraction'] or 0:0<6}"[:6])
    offset = _offset(found["offset"])
    midnight = parts.pop("hour") if parts["hour"] != 24 else parts.pop("hour") - 24
    expected = datetime(
        hour=midnight, **parts, microsecond=micros, tzinfo=timezone(offset) if offset else UTC
    )
    expected += timedelta(days=int(text[11:13] == "24"))
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    if not first <= expected <= last:  # UTC can't express it
        return got == (first if expected < first else last) and got.utcoffset() == timedelta()
    return got == expected and got.utcoffset() == offset


def _offset(text: str | None) -> timedelta:
    if text is None or text == "Z":
        return timedelta()
    whole, _, fraction = text[1:].replace(":", "").replace(",", ".").partition(".")
    hours, minutes, seconds = (int(whole[start : start + 2] or 0) for start in (0, 2, 4))
    micros = int(f"{fraction or 0:0<6}"[:6])
    size = timedelta(hours=hours, minutes=minutes, seconds=seconds, microseconds=micros)
    return -size if text[0] == "-" else size


def same_json(one: Any, other: Any) -> bool:
    """Return whether two JSON values are equal; true is not 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_json(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_json, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return bool(one == other)
