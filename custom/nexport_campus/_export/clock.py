"""The campus's clock: what changes after a run began has a date by that one, not by ours."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from .families import Campus
from .plan import Plan
from .scans import Span, arguments_of, scans_of

__all__ = ["campus_time"]


async def campus_time(campus: Campus, plan: Plan) -> datetime:
    """When the campus answers a first, small question: by the Date header (RFC 9110), or by our clock without one.

    Raises:
        NexportError: It doesn't answer, or not this account: better known before anything else is done.
    """
    ours = datetime.now(UTC)
    scans = scans_of(plan, Span())
    if plan.by_enrollment_ids or not scans:
        return ours
    answer = await campus.raw.learning.search_enrollments(**arguments_of(scans[0]), per_page=1)
    try:
        told = parsedate_to_datetime(answer.headers["date"])
    except (KeyError, ValueError):
        return ours
    return told if told.tzinfo else told.replace(tzinfo=UTC)
