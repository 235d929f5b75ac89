"""Conversion of the outcome of a call: to a page of a list, or to a whole response; and the errors of list elements."""

import re
from typing import Any, Final, TypeVar

import attrs

from nexport_campus._decoding.error_entity import find_failing, read_field
from nexport_campus._decoding.response import Outcome, ResponseReader
from nexport_campus._errors import APIError
from nexport_campus._paging.fingerprint import fingerprint_of_json
from nexport_campus._paging.page_iterator import RawPage
from nexport_client.operation import Operation
from nexport_client.results import RawResponse

__all__ = ["OutcomeConverter"]

T = TypeVar("T")
_COUNT: Final = re.compile(r"[0-9]{1,18}")
_NOT_COMPARED: Final = 0
"""The fingerprint of a single page; hashing its JSON would take a twentieth as long as decoding it."""


@attrs.frozen
class OutcomeConverter:
    """Converter of outcomes that were read by one reader."""

    reader: ResponseReader

    def check(self, operation: Operation[T], outcome: Outcome[T]) -> Outcome[T]:
        """Return the outcome. Raises the error of the first list element that reports one."""
        if isinstance(outcome.parsed, list):
            failing = find_failing(outcome.parsed)
            error = self._item_error(operation, outcome, outcome.parsed, failing)
            if error is not None:
                raise error
        return outcome

    def to_page(
        self,
        operation: Operation[Any],
        outcome: Outcome[Any],
        items: list[Any],
        field: str | None,
        *,
        compared: bool,
        may_fail: bool = True,
    ) -> RawPage:
        """Return the page of a list that has these elements.

        `field`: the response's field that holds them, or None; `compared`: whether the page will be compared with
        others; `may_fail`: whether an element may report an error.
        """
        parsed, headers = outcome.parsed, outcome.response.headers
        failing = find_failing(items) if may_fail else []
        return RawPage(
            items=items,
            total=_count(read_field(parsed, "total_count"), headers.get("x-total-count")),
            reported_size=_count(read_field(parsed, "page_size"), headers.get("x-per-page")),
            failing=frozenset(failing),
            error=self._item_error(operation, outcome, items, failing),
            fingerprint=fingerprint_of_json(outcome.response.content, field) if compared else _NOT_COMPARED,
        )

    def to_response(self, outcome: Outcome[T]) -> RawResponse[T]:
        """Return the whole response, without secrets in its headers."""
        response = outcome.response
        return RawResponse(
            status_code=response.status_code,
            headers=self.reader.scrubber.scrub_headers(response.headers),
            content=response.content,
            parsed=outcome.parsed,
            warnings=outcome.warnings,
            attempts=outcome.attempts,
        )

    def _item_error(
        self, operation: Operation[Any], outcome: Outcome[Any], items: list[Any], failing: list[int]
    ) -> APIError | None:
        """Return the error of the first failing element, if there is one."""
        if not failing:
            return None
        return self.reader.make_item_error(operation, outcome, failing[0], items[failing[0]])


def _count(body: object, header: str | None) -> int | None:
    """Return a number of records from the body or else from a header; None if it isn't a valid number."""
    if isinstance(body, int) and body >= 0:
        return body
    return int(header) if header is not None and _COUNT.fullmatch(header) else None
