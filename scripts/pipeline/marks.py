"""Checks our marks, `x-nexport-...`: a typo in a name or a value would have no effect."""

import difflib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .jsontext import Document, escape
from .spec import MARK, OPERATION_ID

__all__ = ["find_wrong_marks", "find_wrong_names"]


def _is_boolean(value: object) -> bool:
    return isinstance(value, bool)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _is_operation(value: object) -> bool:
    return isinstance(value, str) and OPERATION_ID.fullmatch(value) is not None


def _are_failures(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(item, Mapping) and item.keys() == {"field", "when", "meaning"} for item in value
    )


_OPERATION: dict[str, tuple[Callable[[object], bool], str]] = {
    "x-nexport-effect": (lambda value: value in ("read", "write"), "neither read nor write"),
    "x-nexport-replacement": (_is_operation, "not the id of an operation"),
    "x-nexport-credentials": (_is_boolean, "neither true nor false"),
    "x-nexport-items": (_is_text, "not the name of a list"),
    "x-nexport-provisional": (_is_boolean, "neither true nor false"),
    "x-nexport-failures": (_are_failures, "not a list of field, when and meaning"),
}
_ELSEWHERE: dict[str, tuple[Callable[[object], bool], str]] = {
    "x-nexport-secret": (_is_boolean, "neither true nor false"),
    "x-nexport-in-requests": (lambda value: isinstance(value, Mapping), "not an object"),
    "x-nexport-may-be-missing": (_is_boolean, "neither true nor false"),
    "x-nexport-name": (_is_text, "not a name"),
}
_KNOWN = _OPERATION | _ELSEWHERE
# Extensions of others that the generator reads.
_FOREIGN = ("x-enum-varnames", "x-enum-labels")


def find_wrong_marks(document: Document) -> Iterator[tuple[str, str]]:
    """Yield the place and the problem of each mark that is unknown, misplaced or has an invalid value."""
    for pointer, key, value in _find_extensions(document):
        place = pointer.rsplit("/", 1)[0]
        if not key.startswith(MARK):
            continue
        if key not in _KNOWN:
            yield pointer, f"{pointer}: there is no mark {key}{_suggest(key)}"
        elif not _KNOWN[key][0](value):
            yield pointer, f"{pointer}: {key} is {_KNOWN[key][1]}: {value!r}"
        elif (key in _OPERATION) != _is_place_of_operation(place):
            what = "an operation" if key in _OPERATION else "a schema or a parameter"
            yield pointer, f"{pointer}: {key} is a mark of {what}"


def find_wrong_names(update: object) -> Iterator[str]:
    """Yield the problems of the names of extensions in an update of the overlay."""
    for _, key, _ in _find_extensions(update):
        if key not in _KNOWN and key not in _FOREIGN:
            yield f"there is no mark {key}{_suggest(key)}"


def _suggest(key: str) -> str:
    close = difflib.get_close_matches(key.lower(), [*_KNOWN, *_FOREIGN], 1, 0.6)
    return f"; is {close[0]} meant?" if close else f"; the marks are {', '.join(_KNOWN)}"


def _is_place_of_operation(pointer: str) -> bool:
    return pointer.startswith("/paths/") and pointer.count("/") == len(("paths", "PATH", "METHOD"))


def _find_extensions(value: Any, pointer: str = "") -> Iterator[tuple[str, str, object]]:
    """Yield every key that begins with `x-` or resembles a mark: its JSON Pointer, its name and its value."""
    children: Any = (
        value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, child in children:
        place = f"{pointer}/{escape(str(key))}"
        named = place.rsplit("/", 2)[-2] in (
            "properties",
            "schemas",
        )  # the vendor's names of fields and schemas
        if isinstance(key, str) and not named and (key.startswith("x-") or "nexport-" in key):
            yield place, key, child
        yield from _find_extensions(child, place)
