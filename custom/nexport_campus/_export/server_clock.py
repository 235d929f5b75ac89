"""The time at which an export starts, by the campus's clock."""

from datetime import UTC, datetime

from nexport_campus._changes.campus_time import estimate_campus_time

from .children import ExportClient
from .queries import TimeRange, build_queries, to_arguments
from .request import ExportRequest

__all__ = ["fetch_campus_time"]


async def fetch_campus_time(campus: ExportClient, request: ExportRequest) -> datetime:
    """Return the campus's time, from the Date header of a small request, or else the local time.

    Raises:
        NexportError: The campus doesn't respond, or refuses the request.
    """
    sent = datetime.now(UTC)
    queries = build_queries(request, TimeRange())
    if request.by_enrollment_ids or not queries:
        return sent
    response = await campus.raw.learning.search_enrollments(**to_arguments(queries[0]), per_page=1)
    return estimate_campus_time(response.headers.get("date"), sent)
