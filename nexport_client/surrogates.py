# Edit this file in openapi/runtime; scripts/regenerate copies it to nexport_client.
"""Lone surrogates in JSON.

JSON can escape half of a surrogate pair, and .NET sends one when it truncates a string within a character. A Python
string can hold it, but not encode it: writing it to a file, a database or another response would fail.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from .reader import Reader

__all__ = ["replace_surrogates"]

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_REPLACEMENT: Final = "\ufffd"


def replace_surrogates(value: Any, reader: Reader) -> Any:
    """Replace lone surrogates in the keys and values of JSON by U+FFFD, and report each string as drift in `reader`.

    Returns the value itself if it has none.
    """
    return _replace(value, reader) if _holds_surrogate(value) else value


def _holds_surrogate(value: Any) -> bool:
    # Not recursive, because a value can be nested more deeply than Python's recursion limit.
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            if not item.isascii() and _SURROGATE.search(item):
                return True
        elif isinstance(item, Mapping):
            waiting += item
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
    return False


def _replace(value: Any, reader: Reader) -> Any:
    if isinstance(value, str):
        return _replace_in(value, reader)
    if not isinstance(value, Mapping | list):
        return value
    replaced = {}
    reader.trail.append("")
    for key, item in enumerate(value) if isinstance(value, list) else value.items():
        reader.trail[-1] = key if isinstance(key, int) else _SURROGATE.sub(_REPLACEMENT, key)
        replaced[key if isinstance(key, int) else _replace_in(key, reader)] = _replace(item, reader)
    reader.trail.pop()
    return list(replaced.values()) if isinstance(value, list) else replaced


def _replace_in(text: str, reader: Reader) -> str:
    clean = _SURROGATE.sub(_REPLACEMENT, text)
    if clean != text:
        detail = "half of a surrogate pair, read as U+FFFD"
        reader.drifts.append(("lone_surrogate", reader.path(), detail, None, ""))
    return clean
