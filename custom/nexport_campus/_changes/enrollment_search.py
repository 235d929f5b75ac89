"""Requests to SearchEnrollments with fixed filters, one page at a time."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import attrs

from nexport_campus._errors import PaginationError
from nexport_client.client import RawAreas
from nexport_client.models import ApiEnrollmentItem, EnrollmentSearchResponse
from nexport_client.results import RawResponse

__all__ = ["EnrollmentPage", "EnrollmentSearch", "OnResponse", "SearchClient"]

OnResponse = Callable[[RawResponse[EnrollmentSearchResponse]], object]


class SearchClient(Protocol):
    """The part of a client that searches use."""

    raw: RawAreas


@attrs.frozen
class EnrollmentPage:
    """One page: its enrollments, its one-based number, and the number of enrollments on all pages, or None if unknown."""

    items: list[ApiEnrollmentItem]
    number: int
    total: int | None

    def is_last(self, full: int) -> bool:
        """Return whether no page follows. `full`: the size of the fullest page seen, 0 if this is the first one."""
        if not self.items:
            return True
        if self.total is None:
            return len(self.items) < full
        return (self.number - 1) * full + len(self.items) >= self.total


@attrs.frozen
class EnrollmentSearch:
    """A search for enrollments.

    Args:
        campus: The client.
        filters: Arguments of SearchEnrollments.
        per_page: The requested page size; None takes the SDK's default.
        on_response: Called with every response.
    """

    campus: SearchClient
    filters: Mapping[str, Any]
    per_page: int | None = None
    on_response: OnResponse = lambda _: None

    @property
    def enrolled_after(self) -> datetime | None:
        """The filters' own lower bound of the enrollment date."""
        return self.filters.get("utc_enrolled_after")

    @property
    def finds_undated(self) -> bool:
        """Whether it can find enrollments without an enrollment date: filters by that date exclude them."""
        return not {"utc_enrolled_after", "utc_enrolled_before"} & self.filters.keys()

    async def fetch(
        self,
        number: int = 1,
        *,
        after: datetime | None = None,
        before: datetime | None = None,
        ids: Iterable[UUID] | None = None,
    ) -> EnrollmentPage:
        """Fetch a page.

        Args:
            number: The one-based number of the page.
            after: A further lower bound of the enrollment date.
            before: A further upper bound of the enrollment date.
            ids: The only enrollments to find.

        Raises:
            PaginationError: The response lacks the enrollments that it should have.
            NexportError: The page couldn't be fetched.
        """
        arguments = dict(self.filters)
        if after is not None:
            arguments["utc_enrolled_after"] = max(after, self.enrolled_after or after)
        if before is not None:
            arguments["utc_enrolled_before"] = min(before, self.filters.get("utc_enrolled_before", before))
        if ids is not None:
            arguments["enrollment_ids"] = list(ids)
        response = await self.campus.raw.learning.search_enrollments(
            **arguments, page=number, per_page=self.per_page
        )
        self.on_response(response)
        items = response.parsed.enrollments or []
        total = _read_total(response, len(items))
        if not items and number == 1 and (total or (total is None and response.parsed.enrollments is None)):
            raise PaginationError(
                f"the response has no enrollments, but {'no total' if total is None else f'a total of {total}'}",
                operation_id="LearningApi_SearchEnrollments",
                page=number,
                attempts=response.attempts,
            )
        return EnrollmentPage(items, number, total)


def _read_total(response: RawResponse[EnrollmentSearchResponse], least: int) -> int | None:
    """Return the total from the body or else from a header; None without one, or if it contradicts the page."""
    # The field is required, and is None only where the campus leaves it out.
    total: int | None = response.parsed.total_count
    header = response.headers.get("x-total-count", "")
    if total is None and header.isascii() and header.isdigit():
        total = int(header[:18])
    return total if total is not None and total >= least else None
