"""Enrollments by any number of ids."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from nexport_campus._errors import PaginationError
from nexport_client.models import ApiEnrollmentItem

from .enrollment_search import EnrollmentSearch, SearchClient
from .results import EnrollmentsById
from .searches import split_ids

__all__ = ["get_enrollments_by_id"]


async def get_enrollments_by_id(
    campus: SearchClient, ids: Iterable[UUID], filters: Mapping[str, Sequence[UUID]]
) -> EnrollmentsById:
    """Return any number of enrollments; see `NexportCampus.get_enrollments_by_id`.

    Args:
        campus: The client.
        ids: The enrollments.
        filters: `org_ids`, `user_ids`, or both.
    """
    wanted = list(dict.fromkeys(ids))
    found: dict[UUID, ApiEnrollmentItem] = {}
    for chunk in split_ids({**filters, "enrollment_ids": wanted}):
        found |= await _find(campus, chunk, [each for each in chunk["enrollment_ids"] if each not in found])
    return EnrollmentsById(
        enrollments=[found[each] for each in wanted if each in found],
        missing=[each for each in wanted if each not in found],
    )


async def _find(
    campus: SearchClient, filters: dict[str, Any], ids: list[UUID]
) -> dict[UUID, ApiEnrollmentItem]:
    """Return the enrollments with these ids.

    What a page doesn't have is searched for again, until a single response is complete: between two pages of a search,
    a removal shifts an enrollment out of both.
    """
    search = EnrollmentSearch(campus, filters)
    found: dict[UUID, ApiEnrollmentItem] = {}
    left = set(ids)
    while left:
        page = await search.fetch(ids=[each for each in ids if each in left])
        hits = {item.enrollment_id: item for item in page.items if item.enrollment_id in left}
        found |= hits
        left -= hits.keys()
        if page.is_last(0):
            break
        if not hits:
            raise PaginationError(
                "the campus ignored enrollment_ids and returned other enrollments",
                operation_id="LearningApi_SearchEnrollments",
                page=1,
            )
    return found
