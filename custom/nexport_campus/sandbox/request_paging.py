"""Pages: what a caller asks for, what the vendor makes of it, and where a page begins.

A listing's row numbers are computed once and kept until something changes: any page of it, the last of
a thousand included, then costs no more than its own rows.
"""

from __future__ import annotations

import array
import dataclasses
import itertools
import sqlite3
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final

from .request_arguments import RequestArguments

__all__ = ["Listings", "Paging", "read_paging"]

_DEFAULT: Final = 30
_MOST: Final = 1000
_KEPT: Final = 32


@dataclasses.dataclass(frozen=True, slots=True)
class Paging:
    """A page, one-based; the size that the server applies, and the one that was asked for."""

    page: int
    size: int
    requested_size: int

    @property
    def start(self) -> int:
        """How many records come before the page."""
        return (self.page - 1) * self.size

    def headers(self, total: int) -> dict[str, str]:
        """The headers that the vendor's own client reads on some operations."""
        return {"X-Total-Count": str(total), "X-Per-Page": str(self.size), "X-Page": str(self.page)}


def read_paging(arguments: RequestArguments) -> Paging:
    """`page` and `per_page` as SearchEnrollments documents them, without a word where they are changed.

    Null and less than 1 become 30, more than 1000 becomes 1000. `paer_page`, the obsolete spelling,
    counts where `per_page` is missing.
    """
    page, size, obsolete = map(arguments.integer, ("page", "per_page", "paer_page"))
    size = obsolete if size is None else size
    applied = _DEFAULT if size is None or size < 1 else min(size, _MOST)
    return Paging(max(page or 1, 1), applied, _DEFAULT if size is None else size)


class Listings:
    """The row numbers of recent listings, in order, each with the version of the campus it is of."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._kept: OrderedDict[tuple[Any, ...], tuple[int, array.array[int]]] = OrderedDict()

    def numbers(self, sql: str, arguments: Sequence[Any], version: int) -> array.array[int]:
        """All row numbers that `sql`, a query for one column, finds at this version of the campus."""
        key = (sql, *arguments)
        kept = self._kept.pop(key, None)
        if kept is None or kept[0] != version:
            kept = version, self._query(sql, arguments)
        self._kept[key] = kept
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return kept[1]

    def _query(self, sql: str, arguments: Sequence[Any]) -> array.array[int]:
        cursor = self._connection.cursor()
        cursor.row_factory = None
        return array.array("q", itertools.chain.from_iterable(cursor.execute(sql, arguments)))
