"""A list of enrollments in memory that can change between two pages."""

from collections.abc import AsyncGenerator, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import attrs

from nexport_campus.models import ApiEnrollmentItem, Phase, Result
from nexport_client.results import Page

__all__ = ["Enrollments", "enrollment"]


def enrollment(number: int, enrolled: datetime | None, **dates: Any) -> ApiEnrollmentItem:
    """Return an enrollment whose id is that number plus one."""
    return ApiEnrollmentItem(
        enrollment_id=UUID(int=number + 1),
        enrollment_date=enrolled,
        result=Result.NOT_GRADED,
        phase=Phase.IN_PROGRESS,
        user_id=UUID(int=1),
        **dates,
    )


@attrs.define
class Enrollments:
    """Enrollments, the earliest first, in pages of `size`; `between` is called before each page.

    `strict`: whether the filter excludes its own instant. `compared`: maps a shown date to the date that the filter
    compares. `has_total`: whether pages have a total.

    """

    items: list[ApiEnrollmentItem]
    size: int
    between: Callable[["Enrollments"], None] = lambda _: None
    strict: bool = True
    has_total: bool = True
    ordered: bool = True
    compared: Callable[[datetime], datetime] = lambda date: date
    pages: int = 0

    def search(self, after: datetime | None) -> "SearchResult":
        return SearchResult(self, after)

    def found(self, after: datetime | None) -> list[ApiEnrollmentItem]:
        items = self.items
        if self.ordered:
            items = sorted(items, key=lambda item: (str(item.enrollment_date), item.enrollment_id.int))
        return [item for item in items if after is None or self._is_after(item.enrollment_date, after)]

    def _is_after(self, date: datetime | None, after: datetime) -> bool:
        if date is None:
            return False
        shown = self.compared(date)
        return shown > after if self.strict else shown >= after


@attrs.frozen
class SearchResult:
    """The pages of a search: the part of AsyncPager that the walk uses."""

    enrollments: Enrollments
    after: datetime | None

    async def pages(self) -> AsyncGenerator[Page[ApiEnrollmentItem], None]:
        number, size = 1, self.enrollments.size
        while True:
            self.enrollments.between(self.enrollments)
            self.enrollments.pages += 1
            found = self.enrollments.found(self.after)
            items = found[(number - 1) * size : number * size]
            if not items:
                return
            total = len(found) if self.enrollments.has_total else None
            has_next = number * size < len(found) if total is not None else True
            yield Page(items=items, number=number, size=size, total=total, has_next=has_next)
            if not has_next:
                return
            number += 1
