"""Calendar months and days of a time zone, as consecutive windows that cover a period."""

from bisect import bisect_left
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from itertools import pairwise
from zoneinfo import ZoneInfo

import attrs
from dateutil.relativedelta import relativedelta

from nexport_campus._inputs import find_zone_problem

__all__ = ["Window", "days", "months"]

_MONTH = relativedelta(months=1)
_DAY = relativedelta(days=1)


def _check_aware(window: "Window", attribute: "attrs.Attribute[datetime]", value: datetime) -> None:
    _check_instant(attribute.name, value)


@attrs.frozen
class Window:
    """A half-open period that includes its start and excludes its end, so that adjacent windows share no instant.

    The campus's filters `utc_..._after` and `utc_..._before` may exclude the instant itself: to query window by window,
    request from slightly before `start`, and keep the records whose date is `in` the window.

    Attributes:
        start: The first instant, a datetime with a zone.
        end: The first instant after it, later than `start`.

    Raises:
        ValueError: A datetime has no zone, or `end` isn't later than `start`.
    """

    start: datetime = attrs.field(validator=_check_aware)
    end: datetime = attrs.field(validator=_check_aware)

    def __attrs_post_init__(self) -> None:
        if not _check_instant("start", self.start) < _check_instant("end", self.end):
            raise ValueError(f"a window's end must be later than its start, {self.start.isoformat()}")

    def __contains__(self, instant: datetime | None) -> bool:
        """Return whether an instant is in the window; None, a record's missing date, never is."""
        if instant is None:
            return False
        # In UTC: Python compares two datetimes of the same zone by wall clock time, which repeats when clocks are put
        # back.
        moment = _check_instant("the instant", instant)
        return self.start.astimezone(UTC) <= moment < self.end.astimezone(UTC)


def months(since: datetime, until: datetime, *, zone: tzinfo | str) -> list[Window]:
    """Return the calendar months of a zone from `since` to `until`, the first and the last one cut to fit.

    Each instant of the period is in exactly one window. A month begins with the first instant of its first day: at
    01:00 where clocks skip midnight, at the first of two midnights where they are put back to it.

    Args:
        since: The start, a datetime with a zone.
        until: The end, a datetime with a zone, not before `since`.
        zone: The calendar's time zone: an IANA name such as "America/Chicago", or a tzinfo.

    Returns:
        The windows, the earliest first; none if `since` equals `until`. Their datetimes are in the zone's local time
        with its offset at that instant, so `end - start` is the elapsed time.

    Raises:
        ValueError: A datetime has no zone, `until` is before `since`, a year is outside 2 to 9998, or the zone is
            unknown.
    """
    return _make_windows(since, until, zone, _MONTH)


def days(since: datetime, until: datetime, *, zone: tzinfo | str) -> list[Window]:
    """Return the calendar days of a zone from `since` to `until`, the first and the last one cut to fit.

    Otherwise like `months`. A day has 23 or 25 hours when clocks change. A day that a zone skipped, as Samoa did with
    30 December 2011, has no window.

    Args:
        since: The start, a datetime with a zone.
        until: The end, a datetime with a zone, not before `since`.
        zone: The calendar's time zone: an IANA name such as "America/Chicago", or a tzinfo.

    Returns:
        The windows, as for `months`.

    Raises:
        ValueError: As for `months`.
    """
    return _make_windows(since, until, zone, _DAY)


def _make_windows(since: datetime, until: datetime, zone: tzinfo | str, step: relativedelta) -> list[Window]:
    zone = _find_zone(zone) if isinstance(zone, str) else zone
    first, last = _check_instant("since", since), _check_instant("until", until)
    if last < first:
        raise ValueError(f"until, {until.isoformat()}, is before since, {since.isoformat()}")
    if first == last:
        return []
    if first.year < 2 or last.year > 9998:
        raise ValueError(f"years must be from 2 to 9998, got {since.isoformat()} to {until.isoformat()}")
    edges = [first]
    day = first.astimezone(zone).date()
    day = day.replace(day=1) if step is _MONTH else day
    while (edge := _find_first_instant(day := day + step, zone)) < last:
        if edge > edges[-1]:
            edges.append(edge)
    return [Window(_localize(start, zone), _localize(end, zone)) for start, end in pairwise([*edges, last])]


def _find_first_instant(day: date, zone: tzinfo) -> datetime:
    """Return when a day begins in a zone: where clocks skip midnight, the instant at which they do.

    It is searched for by the second, starting from UTC, which every tzinfo converts correctly. pytz's don't know the
    offset of a local time, and libraries disagree about local times that clocks skip.
    """
    earliest = datetime.combine(day, time(), UTC) - timedelta(days=1)  # no zone is further from UTC

    def day_after(seconds: int) -> date:
        return (earliest + timedelta(seconds=seconds)).astimezone(zone).date()

    return earliest + timedelta(seconds=bisect_left(range(2 * 24 * 60 * 60), day, key=day_after))


def _localize(instant: datetime, zone: tzinfo) -> datetime:
    """Return an instant in a zone's local time with a fixed offset.

    Python subtracts wall clock times if two datetimes share a zone.
    """
    local = instant.astimezone(zone)
    offset = local.utcoffset()
    assert offset is not None
    return local.replace(tzinfo=timezone(offset), fold=0)


def _check_instant(name: str, given: datetime) -> datetime:
    """Return a datetime in UTC. Raises ValueError."""
    problem = find_zone_problem(given) if isinstance(given, datetime) else "must be a datetime with a zone"
    if problem is not None:
        raise ValueError(f"{name} {problem}, got {given!r}")
    try:
        return given.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{name} has no time in UTC that a datetime can hold: {given.isoformat()}") from None


def _find_zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):  # not found; not a valid name; a folder of zones
        raise ValueError(
            f"there is no time zone {name!r}; zones have IANA names, such as 'America/Chicago'"
            " (where a system knows none, the package tzdata brings them)"
        ) from None
