"""Paging: the requested page, the size that the vendor applies, and the records of the page.

The row numbers of a listing are computed once and cached until something changes, so that every page,
even the last of a thousand, costs no more than its own rows.
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

__all__ = ["Listings", "RequestedPage", "read_paging"]

_DEFAULT: Final = 30
_MOST: Final = 1000
_KEPT: Final = 32


@dataclasses.dataclass(frozen=True, slots=True)
class RequestedPage:
    """A one-based page number, the page size that the server applies, and the requested page size."""

    page: int
    size: int
    requested_size: int

    @property
    def start(self) -> int:
        """Return the number of records before the page."""
        return (self.page - 1) * self.size

    def headers(self, total: int) -> dict[str, str]:
        """Return the paging headers, which the vendor's own client reads on some operations."""
        return {"X-Total-Count": str(total), "X-Per-Page": str(self.size), "X-Page": str(self.page)}


def read_paging(arguments: RequestArguments) -> RequestedPage:
    """Read `page` and `per_page`, and clamp them silently as SearchEnrollments documents.

    Null and less than 1 become 30, more than 1000 becomes 1000. The obsolete spelling `paer_page` is used if
    `per_page` is missing.
    """
    page, size, obsolete = map(arguments.integer, ("page", "per_page", "paer_page"))
    size = obsolete if size is None else size
    applied = _DEFAULT if size is None or size < 1 else min(size, _MOST)
    return RequestedPage(max(page or 1, 1), applied, _DEFAULT if size is None else size)


class Listings:
    """A cache of the ordered row numbers of recent listings, each with the campus version it was read from."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._kept: OrderedDict[tuple[Any, ...], tuple[int, array.array[int]]] = OrderedDict()

    def numbers(self, sql: str, arguments: Sequence[Any], version: int) -> array.array[int]:
        """Return all row numbers that `sql`, a query for one column, finds in this version of the campus."""
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
