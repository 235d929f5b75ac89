"""Strategies for response bodies: any JSON, valid responses made from the spec, and ones with a single defect."""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from hypothesis import strategies as st

from tests.fuzz.result_checker import kind_of, resolved
from tests.support.spec import SpecOperation

_VALID: dict[str, st.SearchStrategy[Any]] = {}
Draw = Callable[[st.SearchStrategy[Any]], Any]
__all__ = ["NotPlainJSON", "any_json", "bytes_with_one_defect", "dump", "load", "valid", "with_one_defect"]

_TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
_NUMBER = st.integers(-(2**40), 2**40) | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
_SCALAR = st.none() | st.booleans() | _NUMBER | _TEXT
_ODD: list[Any] = [
    None, True, False, 0, -1, 1.0, 1.5, 4.0, 2**31, 2**53 + 1, -(2**63), 2**64, 10**30, 10**400, 1e308, -0.0, "", " ", "0",
    "null", "NaN", [], {}, [None], [[]], {"": None}, {"api_error_entity": None}, {"api_error_entity": {"error_code": 3}},
    {"api_error_entity": {"error_code": 0}}, {"error_code": 4}, 17, 3, 4, 7.0, "4", "00000000-0000-0000-0000-000000000000",
    "0001-01-01T00:00:00", "9999-12-31T23:59:59.9999999Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
    "2026-05-26T01:56:25.2811239", "2026-05-26", "20260526T015625Z", "2026-W01-1", "2026-05-26 01:56:25,5+02:00:01.5",
    "2026-02-30T00:00:00Z", "2026-05-26T24:00:00Z", "2026-05-26T01:56:60Z", "1.02:30:45", "{6f9619ff8b864d01b42d00cf4fc964ff}",
    "6F9619FF8B864D01B42D00CF4FC964FF", "6f9619ff-8b86-4d01-b42d-00cf4fc964f", "urn:uuid:6f9619ff-8b86-4d01-b42d-00cf4fc964ff",
    "6f9619ff-8b86-4d01-b42d-00cf4fc964fg", "(6f9619ff-8b86-4d01-b42d-00cf4fc964ff)", "\u0663", "\ufeff", "a\x00b", "x" * 5000,
    "\ud800", "a\udfffz", ["\ud83d", "\ude00\ud83d"], {"\udc00": {"\ud800": "\ud800"}},
]  # fmt: skip
_DATES = st.datetimes().map(lambda date: date.isoformat())
_OFFSETS = st.sampled_from(["", "Z", "+00:00", "+02:00", "-05:30", "+14:00"])


@cache
def any_json() -> st.SearchStrategy[Any]:
    """Generate any JSON value."""
    return st.recursive(
        _SCALAR | st.sampled_from(_ODD),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
        max_leaves=12,
    )


def valid(operation: SpecOperation) -> st.SearchStrategy[Any]:
    """Generate valid responses of an operation, with all required fields and no error."""
    if operation.id not in _VALID:
        _VALID[operation.id] = _valid(operation.response_schema)
    return _VALID[operation.id]


def _valid(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    schema = resolved(schema)
    if "properties" in schema:
        return _objects(schema)
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kind = kind_of(schema)
    if kind == "array":
        return st.lists(_valid(schema["items"]), max_size=3)
    if kind == "string":
        return {"uuid": st.uuids().map(str), "date-time": _dates()}.get(schema.get("format", ""), _TEXT)
    return {
        "object": st.dictionaries(_TEXT, _TEXT, max_size=3),
        "integer": st.integers(-(2**31), 2**31 - 1),
        "number": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53),
        "boolean": st.booleans(),
    }[kind]


def _dates() -> st.SearchStrategy[str]:
    fractions = st.sampled_from(["", "0", "9"])
    return st.builds(
        lambda date, digit, offset: date + (digit if "." in date else "") + offset,
        _DATES,
        fractions,
        _OFFSETS,
    )


def _objects(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    if "memberships" in schema["properties"]:  # without any, the response is an error
        removed = st.lists(any_json(), min_size=1, max_size=3)
        return st.fixed_dictionaries({"memberships": removed, "api_error_entity": st.just({"error_code": 0})})
    if schema["properties"].keys() == {"message", "api_error_entity"}:  # a message makes it an error
        return st.fixed_dictionaries(
            {"message": st.just(" "), "api_error_entity": st.just({"error_code": 0})}
        )
    required = set(schema.get("required", ()))
    fields = {key: st.just({"error_code": 0, "error_message": "", "warning_messages": []}) if key == "api_error_entity"
              else st.just(False) if key == "error" else _valid(inner)
              for key, inner in schema["properties"].items()}  # fmt: skip
    return st.fixed_dictionaries(
        {key: field for key, field in fields.items() if key in required},
        optional={key: field for key, field in fields.items() if key not in required},
    )


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every place in a JSON value as a pair of container and key."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield value, key
            yield from _places(inner)


def with_one_defect(draw: Draw, value: Any) -> Any:
    """Return the value with one defect."""
    root = [json.loads(json.dumps(value))]
    container, key = draw(st.sampled_from([(root, 0), *_places(root[0])]))
    inner = container[key]
    change = draw(st.sampled_from(["replace", "replace", "null", "remove", "add", "wrap", "repeat"]))
    if change == "remove" and container is not root:
        del container[key]
    elif change == "null":
        container[key] = None
    elif change == "add" and isinstance(inner, dict):
        inner[
            draw(_TEXT | st.sampled_from(["api_error_entity", "error", "Title", "additional_properties"]))
        ] = draw(any_json())
    elif change == "wrap":
        container[key] = [inner]
    elif change == "repeat" and isinstance(inner, list):
        container[key] = inner * 2
    else:
        container[key] = draw(st.sampled_from(_ODD) | any_json())
    return root[0]


def dump(value: Any) -> bytes:
    """Return JSON as a server might write it, with lone surrogates escaped."""
    return json.dumps(value, ensure_ascii=False).encode(errors="backslashreplace")


def bytes_with_one_defect(draw: Draw, body: bytes) -> bytes:
    """Return the bytes with one defect."""
    at: int = draw(st.integers(0, max(0, len(body) - 1)))
    byte: bytes = draw(st.binary(min_size=1, max_size=2))
    variants = {
        "cut": body[:at],
        "change": body[:at] + byte + body[at + 1 :],
        "insert": body[:at] + byte + body[at:],
        "remove": body[:at] + body[at + 1 :],
        "double": body + body[at:],
        "mark": b"\xef\xbb\xbf" + body,
        "wide": body.decode().encode("utf-16"),
        "blank": b" \r\n" + body + b"\t",
        "end": body + b"\0",
    }
    return variants[draw(st.sampled_from(sorted(variants)))]


class NotPlainJSON(ValueError):
    """Raised for JSON that RFC 8259 doesn't define, or a number that the standard library doesn't read."""


def load(body: bytes) -> Any:
    """Return the body's JSON as the standard library reads it, ignoring a byte order mark. Raise NotPlainJSON."""
    try:
        return json.loads(body.decode("utf-8-sig"), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise NotPlainJSON(str(error)) from None


def _refuse(name: str) -> None:
    raise ValueError(name)
