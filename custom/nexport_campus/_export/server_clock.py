"""The campus's clock. Records that change during an export are dated by it, not by the local clock."""

import logging
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from .children import Campus
from .queries import TimeRange, build_queries, to_arguments
from .request import FIRST_YEAR, ExportRequest

__all__ = ["fetch_campus_time"]

_logger = logging.getLogger("nexport_campus")
_MAX_CLOCK_DIFFERENCE: Final = timedelta(days=1)
"""Clocks that are set correctly differ by less."""


async def fetch_campus_time(campus: Campus, request: ExportRequest) -> datetime:
    """Return the campus's time, from the Date header (RFC 9110) of a small request, or else the local time.

    If the two are more than a day apart, one of the clocks is wrong, and the earlier time is returned: the next export
    starts there. Starting too early fetches some records twice, while starting too late misses some.

    Raises:
        NexportError: The campus doesn't respond, or refuses the request.
    """
    ours = datetime.now(UTC)
    queries = build_queries(request, TimeRange())
    if request.by_enrollment_ids or not queries:
        return ours
    response = await campus.raw.learning.search_enrollments(**to_arguments(queries[0]), per_page=1)
    theirs = _read(response.headers.get("date", ""))
    if theirs is None:
        return ours
    if abs(theirs - ours) > _MAX_CLOCK_DIFFERENCE:
        _logger.warning(
            "the campus's clock says %s, this machine's %s: the export is complete until the earlier one",
            *(each.isoformat(" ", "seconds") for each in (theirs, ours)),
        )
        return min(theirs, ours)
    return theirs


def _read(header: str) -> datetime | None:
    """Return the time of a Date header, or None if it is invalid or implausible."""
    try:
        read = parsedate_to_datetime(header)
        read = read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return read if read.year >= FIRST_YEAR else None
