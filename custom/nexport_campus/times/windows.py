"""Calendar months and days of a time zone, as windows that tile a span of time."""

from bisect import bisect_left
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from itertools import pairwise
from zoneinfo import ZoneInfo

import attrs
from dateutil.relativedelta import relativedelta

from nexport_campus._inputs import zone_problem

__all__ = ["Window", "days", "months"]

_MONTH = relativedelta(months=1)
_DAY = relativedelta(days=1)


def _aware(window: "Window", attribute: "attrs.Attribute[datetime]", value: datetime) -> None:
    _instant(attribute.name, value)


@attrs.frozen
class Window:
    """A span of time, with its start and without its end, so that windows side by side share no instant.

    The campus's filters `utc_..._after` and `utc_..._before` may leave out the instant itself: who asks it window by
    window asks from a little before `start`, and keeps what is `in` the window.

    Attributes:
        start: The first instant, a datetime with a zone.
        end: The first instant after it, later than `start`.

    Raises:
        ValueError: one has no zone, or `end` isn't later than `start`.
    """

    start: datetime = attrs.field(validator=_aware)
    end: datetime = attrs.field(validator=_aware)

    def __attrs_post_init__(self) -> None:
        if not _instant("start", self.start) < _instant("end", self.end):
            raise ValueError(f"a window's end must be later than its start, {self.start.isoformat()}")

    def __contains__(self, instant: datetime | None) -> bool:
        """Whether an instant is within; None, a date that a record lacks, never is."""
        if instant is None:
            return False
        # In UTC: two datetimes of one zone are compared by the clock on the wall, which is put back once a year.
        moment = _instant("the instant", instant)
        return self.start.astimezone(UTC) <= moment < self.end.astimezone(UTC)


def months(since: datetime, until: datetime, *, zone: tzinfo | str) -> list[Window]:
    """The calendar months of a zone from `since` to `until`, the first and the last one cut to fit.

    Each instant of the span is in exactly one window. A month begins with the first instant of its first day: at 01:00
    where clocks skip midnight, at the first of two midnights where they are put back to it.

    Args:
        since: The start, a datetime with a zone.
        until: The end, a datetime with a zone, not before `since`.
        zone: Whose calendar: an IANA name such as "America/Chicago", or a tzinfo.

    Returns:
        The windows, the earliest first; none where `since` is `until`. Their datetimes show the zone's own clock and
        have the zone's offset of that instant, so `end - start` is the time that passes.

    Raises:
        ValueError: a datetime without a zone, `until` before `since`, a year outside 2 to 9998, or an unknown zone.
    """
    return _windows(since, until, zone, _MONTH)


def days(since: datetime, until: datetime, *, zone: tzinfo | str) -> list[Window]:
    """The calendar days of a zone from `since` to `until`, the first and the last one cut to fit.

    As `months` otherwise. A day has 23 or 25 hours where clocks change. One that a zone left out, as Samoa did with
    30 December 2011, has no window.

    Args:
        since: The start, a datetime with a zone.
        until: The end, a datetime with a zone, not before `since`.
        zone: Whose calendar: an IANA name such as "America/Chicago", or a tzinfo.

    Returns:
        The windows, as `months` has them.

    Raises:
        ValueError: as `months`.
    """
    return _windows(since, until, zone, _DAY)


def _windows(since: datetime, until: datetime, zone: tzinfo | str, step: relativedelta) -> list[Window]:
    zone = _zone(zone) if isinstance(zone, str) else zone
    first, last = _instant("since", since), _instant("until", until)
    if last < first:
        raise ValueError(f"until, {until.isoformat()}, is before since, {since.isoformat()}")
    if first == last:
        return []
    if first.year < 2 or last.year > 9998:
        raise ValueError(f"years must be from 2 to 9998, got {since.isoformat()} to {until.isoformat()}")
    edges = [first]
    day = first.astimezone(zone).date()
    day = day.replace(day=1) if step is _MONTH else day
    while (edge := _first_instant(day := day + step, zone)) < last:
        if edge > edges[-1]:
            edges.append(edge)
    return [Window(_shown(start, zone), _shown(end, zone)) for start, end in pairwise([*edges, last])]


def _first_instant(day: date, zone: tzinfo) -> datetime:
    """When a day begins in a zone; where clocks skip midnight, that is when they do.

    It is searched for by the second and from UTC, which every tzinfo converts rightly; of a local time pytz's don't know
    the offset, and no two libraries agree on those that clocks skip.
    """
    earliest = datetime.combine(day, time(), UTC) - timedelta(days=1)  # no zone is further away

    def day_after(seconds: int) -> date:
        return (earliest + timedelta(seconds=seconds)).astimezone(zone).date()

    return earliest + timedelta(seconds=bisect_left(range(2 * 24 * 60 * 60), day, key=day_after))


def _shown(instant: datetime, zone: tzinfo) -> datetime:
    """An instant by a zone's clock, with the offset alone: of two datetimes in one zone, Python subtracts clock times."""
    local = instant.astimezone(zone)
    offset = local.utcoffset()
    assert offset is not None
    return local.replace(tzinfo=timezone(offset), fold=0)


def _instant(name: str, given: datetime) -> datetime:
    """Return a datetime in UTC. Raises ValueError."""
    problem = zone_problem(given) if isinstance(given, datetime) else "must be a datetime with a zone"
    if problem is not None:
        raise ValueError(f"{name} {problem}, got {given!r}")
    try:
        return given.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{name} has no time in UTC that a datetime can hold: {given.isoformat()}") from None


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):  # not found; no name at all; a folder of zones
        raise ValueError(
            f"there is no time zone {name!r}; zones have IANA names, such as 'America/Chicago'"
            " (where a system knows none, the package tzdata brings them)"
        ) from None
