"""Strict reading and stable writing of JSON."""

import itertools
import json
from collections.abc import Iterator
from typing import Any, NoReturn, TypeAlias

from .errors import PipelineError

Document: TypeAlias = dict[str, Any]


def loads(text: str, where: str, first_line: int = 1) -> Document:
    """Read one JSON object.

    Refuses what Python accepts but JSON doesn't (NaN, infinities), and what would silently lose data (a key given twice,
    half of a surrogate pair).

    Args:
        text: The JSON.
        where: The name of the file, for messages.
        first_line: The number of the line on which the JSON begins.

    Raises:
        PipelineError: The JSON is not one object; the message names file and line.
    """
    try:
        value = json.loads(text, object_pairs_hook=_refuse_repeats, parse_constant=_refuse_constant)
        text.encode()
        dumps(value).encode()
    except json.JSONDecodeError as error:
        line = first_line + error.lineno - 1
        raise PipelineError(
            f"{where}:{line}: the JSON does not parse ({error.msg} at column {error.colno}); correct the page"
        ) from error
    except (ValueError, RecursionError) as error:
        raise PipelineError(
            f"{where}:{first_line}: the JSON cannot be used: {error}; correct the page"
        ) from error
    if not isinstance(value, dict):
        raise PipelineError(f"{where}:{first_line}: expected a JSON object, found {type(value).__name__}")
    return value


def dumps(value: object) -> str:
    """Serialize JSON in the form of every file in `openapi/`: two spaces, keys in order, a final newline."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def find_differences(one: object, other: object, pointer: str = "") -> Iterator[str]:
    """Yield the JSON Pointer (RFC 6901) of each difference of two values.

    The order of keys does not matter; `1`, `1.0` and `true` are different values.
    """
    if type(one) is not type(other):
        yield pointer
    elif isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            place = f"{pointer}/{escape(key)}"
            if key not in one or key not in other:
                yield place
            else:
                yield from find_differences(one[key], other[key], place)
    elif isinstance(one, list) and isinstance(other, list):
        for index, (left, right) in enumerate(zip(one, other, strict=False)):
            yield from find_differences(left, right, f"{pointer}/{index}")
        if len(one) != len(other):
            yield f"{pointer}/{min(len(one), len(other))}"
    elif one != other:
        yield pointer


def find_first_difference(one: object, other: object, pointer: str = "") -> str | None:
    """Return the JSON Pointer of the first difference of two values, or None if they are equal."""
    return next(find_differences(one, other, pointer), None)


def reorder_like(known: object, value: Any) -> Any:
    """Return a value with its keys in the order of another one, so that only changes show in a diff."""
    if isinstance(value, dict) and isinstance(known, dict):
        keys = [key for key in known if key in value]
        return {key: reorder_like(known.get(key), value[key]) for key in dict.fromkeys([*keys, *value])}
    if isinstance(value, list) and isinstance(known, list):
        pairs = itertools.zip_longest(known, value)
        return [reorder_like(one, other) for (one, other), _ in zip(pairs, value, strict=False)]
    return value


def escape(key: str) -> str:
    """Escape a key as a token of a JSON Pointer."""
    return key.replace("~", "~0").replace("/", "~1")


def _refuse_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(
            f"the key {next(key for key in keys if keys.count(key) > 1)!r} is given twice in one object"
        )
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
