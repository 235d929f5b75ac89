"""The campus's clock. Records are dated by it, not by the local clock."""

import logging
from datetime import datetime, timedelta
from typing import Final

from nexport_campus._clock import parse_utc_date

from .enrollment_dates import EARLIEST, EDGE

__all__ = ["estimate_campus_time"]

_logger = logging.getLogger("nexport_campus")
_MAX_CLOCK_DIFFERENCE: Final = timedelta(days=1)
"""Clocks that are set correctly differ by less."""


def estimate_campus_time(header: str | None, sent: datetime, seconds: float = 0.0) -> datetime:
    """Return the campus's time when it received a request, or an earlier one.

    If the clocks are more than a day apart, one of them is wrong, and the earlier time is returned. Starting too early
    fetches some records twice, while starting too late misses some.

    Args:
        header: The Date header of the response (RFC 9110), or None. Without a valid one, the local time is returned.
        sent: The local time when the request was sent.
        seconds: How long the response took. A second of it is covered by the margin of searches.
    """
    responded = parse_utc_date(header)
    if responded is None or responded < EARLIEST:
        return sent
    theirs = responded - max(timedelta(seconds=seconds) - EDGE, timedelta())
    if abs(theirs - sent) <= _MAX_CLOCK_DIFFERENCE:
        return theirs
    _logger.warning(
        "the campus's clock says %s, this machine's %s: changes are complete until the earlier one",
        *(each.isoformat(" ", "seconds") for each in (theirs, sent)),
    )
    return min(theirs, sent)
