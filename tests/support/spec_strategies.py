"""Hypothesis strategies for response bodies: valid ones, and ones with a single defect."""

import copy
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from tests.support.spec import SCHEMAS

__all__ = ["any_json", "damaged", "valid"]

TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
_DATES = st.sampled_from(
    [
        "2026-05-26T01:56:25.2811239Z",
        "9999-12-31T23:59:59.9999999",
        "0001-01-01T00:00:00",
        "2015-12-25T19:25:24.731+00:00",
        "2026-05-26T01:56:25-05:30",
        "2026-05-26",
    ]
)
_PLAIN: dict[str, st.SearchStrategy[Any]] = {
    "uuid": st.uuids().map(str),
    "date-time": _DATES,
    "string": TEXT,
    "integer": st.integers(-(2**31), 2**31 - 1),
    "number": st.floats(allow_nan=False, allow_infinity=False, width=32) | st.integers(-1000, 1000),
    "boolean": st.booleans(),
}
_ODD = st.sampled_from(
    [
        None,
        "",
        0,
        -1,
        3.0,
        17,
        2**53 + 1,
        2**70,
        1e300,
        True,
        [],
        {},
        [None],
        {"a": 1},
        "2026-05-26T01:56:25.2811239Z",
        "{6F9619FF-8B86-4D01-B42D-00CF4FC964FF}",
        "6f9619ff8b864d01b42d00cf4fc964ff",
        "2026-W01-1",
        "\u2028",
    ]
)
any_json: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


def valid(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Generate JSON values that a schema allows, with optional fields sometimes absent or null, and unknown keys."""
    if "oneOf" in schema:
        return st.one_of(*(valid(option) for option in schema["oneOf"]))
    schema = SCHEMAS[schema["$ref"].rsplit("/", 1)[-1]] if "$ref" in schema else schema
    if "properties" in schema:
        return _object(schema)
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "type" not in schema:
        return any_json
    declared = schema["type"]
    kinds = [declared] if isinstance(declared, str) else declared
    if "null" in kinds and len(kinds) > 1:
        return st.none() | valid({**schema, "type": next(kind for kind in kinds if kind != "null")})
    if len(kinds) > 1:
        return st.one_of(*(valid({**schema, "type": kind}) for kind in kinds))
    if declared == "array":
        return st.lists(valid(schema["items"]), max_size=3)
    if declared == "object":
        return st.dictionaries(TEXT, TEXT, max_size=3)
    if declared == "null":
        return st.none()
    return _PLAIN.get(schema.get("format", ""), _PLAIN[declared])


def _object(schema: Mapping[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    required = schema.get("required", [])
    fields = {key: valid(value) for key, value in schema["properties"].items()}
    known = st.fixed_dictionaries(
        {key: value for key, value in fields.items() if key in required},
        optional={key: st.none() | value for key, value in fields.items() if key not in required},
    )
    unknown = st.dictionaries(TEXT.filter(lambda key: key not in fields), any_json, max_size=1)
    return st.tuples(known, unknown).map(lambda parts: parts[1] | parts[0])


@st.composite
def damaged(draw: st.DrawFn, values: st.SearchStrategy[Any]) -> Any:
    """Generate one of these values with one part replaced, removed or added."""
    value = [copy.deepcopy(draw(values))]
    places: list[tuple[Any, Any]] = []
    _collect(value, places)
    holder, key = draw(st.sampled_from(places))
    action = draw(st.sampled_from(["replace", "remove", "add"]))
    if action == "remove" and isinstance(holder, dict):
        del holder[key]
    elif action == "add" and isinstance(holder, dict):
        holder[draw(TEXT)] = draw(_ODD)
    else:
        holder[key] = draw(_ODD | any_json)
    return value[0]


def _collect(value: Any, places: list[tuple[Any, Any]]) -> None:
    """Collect every place in a JSON value as a pair of container and key."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inside:
        places.append((value, key))
        _collect(item, places)
