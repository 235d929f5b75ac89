"""Ids of the campus, each of which encodes a kind and a row number.

Tables need no index by uuid, and records that are computed on demand (the history of one enrollment among
a million) can be found by an id that was handed out before they existed.
"""

from __future__ import annotations

import hashlib
from typing import Final

__all__ = ["EMPTY_ID", "Ids"]

EMPTY_ID: Final = "00000000-0000-0000-0000-000000000000"
"""The value that .NET sends for an unset Guid."""

_MASK: Final = 2**64 - 1
_MOST: Final = 2**48


class Ids:
    """A two-way mapping between (kind, number) and uuids in the form of version 4, different for each seed."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._factor = int.from_bytes(self._digest("factor")[:8], "big") | 1
        self._inverse = pow(self._factor, -1, 2**64)
        self._kinds: dict[str, tuple[int, str]] = {}

    def make(self, kind: str, number: int) -> str:
        """Return the id of row `number` of `kind`."""
        offset, tail = self._kind(kind)
        digits = f"{(number * self._factor + offset) & _MASK:016x}"
        return f"{digits[:8]}-{digits[8:12]}-4{digits[12:15]}-a{digits[15]}{tail}"

    def number(self, kind: str, text: str) -> int | None:
        """Return the row number encoded in an id of `kind`, or None if the id is of another kind or unknown."""
        offset, tail = self._kind(kind)
        text = text.lower()
        if text[14] != "4" or text[19] != "a" or text[21:] != tail:
            return None
        scrambled = int(text[:8] + text[9:13] + text[15:18] + text[20], 16)
        number = (scrambled - offset) * self._inverse & _MASK
        return number if 0 < number < _MOST else None

    def _kind(self, kind: str) -> tuple[int, str]:
        known = self._kinds.get(kind)
        if known is None:
            digest = self._digest(kind).hex()
            known = self._kinds[kind] = int(digest[:16], 16), f"{digest[16:18]}-{digest[18:30]}"
        return known

    def _digest(self, name: str) -> bytes:
        return hashlib.blake2b(f"{self._seed}/{name}".encode(), digest_size=16).digest()
