"""Windows: the calendar months and days of a time zone, without gap or overlap."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from dateutil import tz
from hypothesis import given
from hypothesis import strategies as st

from nexport_campus import NexportCampus
from nexport_campus.sandbox import Sandbox
from nexport_campus.times import Window, days, months

Cut = Callable[..., list[Window]]
BOTH = pytest.mark.parametrize("cut", [months, days])
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# Zones that skip midnight, repeat it, skip a day, change by half an hour, or have an offset of odd minutes, and others.
ZONES = st.sampled_from(
    [
        *("America/Chicago", "America/Sao_Paulo", "America/Havana", "Asia/Beirut", "Asia/Kathmandu"),
        *("Asia/Pyongyang", "Australia/Lord_Howe", "Europe/Berlin", "Pacific/Apia", "UTC"),
    ]
)
# Clocks went back from 00:01: some minutes of a day came before the last hour of the previous day.
ST_JOHNS = st.just("America/St_Johns")
INSTANTS = st.datetimes(datetime(1990, 1, 1), datetime(2038, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 -- hypothesis adds the zone


def utc(*parts: int) -> datetime:
    """Return an instant in UTC."""
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]  # year, month and so on


def starts(windows: list[Window]) -> list[str]:
    """Return the starts of windows in their zone's local time."""
    return [window.start.isoformat() for window in windows]


def lengths(windows: list[Window]) -> list[timedelta]:
    """Return the lengths of windows."""
    return [window.end - window.start for window in windows]


@given(ZONES | ST_JOHNS, INSTANTS, st.timedeltas(timedelta(), timedelta(days=800)))
def test_windows_cover_the_range(zone: str, since: datetime, range_: timedelta) -> None:
    """The first window starts with the range, the last ends with it, and each starts where the previous one ends."""
    for cut in (months, days):
        windows = cut(since, since + range_, zone=zone)
        if not range_:
            assert windows == []
            continue
        assert (windows[0].start, windows[-1].end) == (since, since + range_)
        assert all(earlier.end == later.start for earlier, later in pairwise(windows))
        assert all(window.start < window.end for window in windows)
        assert sum(lengths(windows), timedelta()) == range_


@given(ZONES, INSTANTS, st.timedeltas(timedelta.resolution, timedelta(days=800)))
def test_a_window_is_one_month_or_day(zone: str, since: datetime, range_: timedelta) -> None:
    """A window's start and middle are in one local month or day, and its end in a later one."""

    def local(instant: datetime) -> date:
        return instant.astimezone(ZoneInfo(zone)).date()

    def month(instant: datetime) -> date:
        return local(instant).replace(day=1)

    for cut, part in ((days, local), (months, month)):
        for window in cut(since, since + range_, zone=zone):
            # Not the last instant: clocks that go back at midnight show the previous day again.
            assert part(window.start) == part(window.start + (window.end - window.start) / 2)
            assert part(window.start) < part(window.end) or window.end == since + range_


def test_local_months() -> None:
    """Months start at local midnight, and the first and last are cut to the range."""
    windows = months(utc(2025, 12, 15), utc(2026, 3, 2), zone="America/Chicago")
    assert starts(windows) == [
        "2025-12-14T18:00:00-06:00",
        "2026-01-01T00:00:00-06:00",
        "2026-02-01T00:00:00-06:00",
        "2026-03-01T00:00:00-06:00",
    ]
    assert windows[-1].end.isoformat() == "2026-03-01T18:00:00-06:00"


def test_days_with_clock_changes() -> None:
    """A day in March has 23 hours and one in November 25, and end - start shows it."""
    spring = days(utc(2026, 3, 7, 6), utc(2026, 3, 10, 5), zone="America/Chicago")
    assert lengths(spring) == [DAY, 23 * HOUR, DAY]
    autumn = days(utc(2026, 10, 31, 5), utc(2026, 11, 3, 6), zone="America/Chicago")
    assert lengths(autumn) == [DAY, 25 * HOUR, DAY]
    assert lengths(months(utc(2026, 11, 1, 5), utc(2026, 12, 1, 6), zone="America/Chicago")) == [
        30 * DAY + HOUR
    ]


def zones(name: str) -> list[tzinfo | str]:
    """Return a zone by name, from zoneinfo and from dateutil."""
    from_dateutil = tz.gettz(name)
    assert from_dateutil is not None
    return [name, ZoneInfo(name), from_dateutil]


@pytest.mark.parametrize("zone", zones("America/Sao_Paulo"), ids=lambda zone: type(zone).__name__)
def test_a_day_without_midnight(zone: tzinfo | str) -> None:
    """If clocks skip midnight, the day starts at one; if they go back at midnight, the previous day is longer."""
    spring = days(utc(2018, 11, 3, 3), utc(2018, 11, 6, 2), zone=zone)
    assert starts(spring) == [
        "2018-11-03T00:00:00-03:00",
        "2018-11-04T01:00:00-02:00",
        "2018-11-05T00:00:00-02:00",
    ]
    assert lengths(spring) == [DAY, 23 * HOUR, DAY]
    autumn = days(utc(2018, 2, 17, 2), utc(2018, 2, 19, 3), zone=zone)
    assert starts(autumn) == ["2018-02-17T00:00:00-02:00", "2018-02-18T00:00:00-03:00"]
    assert lengths(autumn) == [25 * HOUR, DAY]


def test_a_month_without_midnight() -> None:
    """A month whose first day has no midnight starts with that day's first instant."""
    windows = months(utc(1977, 4, 20), utc(1977, 5, 20), zone="Asia/Beirut")
    assert windows[1].start.isoformat() == "1977-05-01T01:00:00+03:00"


def test_a_repeated_midnight() -> None:
    """In Havana clocks go back from one to midnight: the day starts at the first midnight."""
    windows = days(utc(2026, 10, 31, 4), utc(2026, 11, 3, 5), zone="America/Havana")
    assert starts(windows)[1] == "2026-11-01T00:00:00-04:00"
    assert lengths(windows) == [DAY, 25 * HOUR, DAY]


def test_a_skipped_day() -> None:
    """Samoa had no 30 December 2011: it has no window, and nothing is missing."""
    windows = days(utc(2011, 12, 29, 10), utc(2012, 1, 1, 10), zone="Pacific/Apia")
    assert [window.start.day for window in windows] == [29, 31, 1]
    assert lengths(windows) == [DAY] * 3


@BOTH
def test_kinds_of_zones(cut: Cut) -> None:
    """A name, a zoneinfo zone and a dateutil zone are equivalent; a fixed offset is accepted."""
    range_ = utc(2026, 1, 15), utc(2026, 12, 15)
    by_name = cut(*range_, zone="Europe/Berlin")
    assert cut(*range_, zone=ZoneInfo("Europe/Berlin")) == by_name
    assert cut(*range_, zone=tz.gettz("Europe/Berlin")) == by_name
    assert cut(*range_, zone=timezone(timedelta(hours=5, minutes=30)))[1].start.utcoffset() == 5.5 * HOUR


class OnlyFromUtc(tzinfo):
    """A zone as pytz returns it: only conversion from UTC is right, its own offset is from another century."""

    def fromutc(self, moment: datetime) -> datetime:
        local = moment.replace(tzinfo=UTC).astimezone(ZoneInfo("America/Sao_Paulo"))
        return local.replace(tzinfo=timezone(local.utcoffset() or timedelta()))

    def utcoffset(self, moment: datetime | None) -> timedelta:
        return -timedelta(hours=3, minutes=6)

    def dst(self, moment: datetime | None) -> None:
        return None

    def tzname(self, moment: datetime | None) -> str:
        return "LMT"


@BOTH
def test_zones_that_only_convert_from_utc(cut: Cut) -> None:
    """They have the same windows."""
    range_ = utc(2018, 9, 15), utc(2019, 3, 15)
    assert cut(*range_, zone=OnlyFromUtc()) == cut(*range_, zone="America/Sao_Paulo")


def test_clocks_that_skip_midnight_before_it() -> None:
    """Toronto went from 23:30 to 00:30 in 1919: the day started at half past midnight."""
    windows = days(utc(1919, 3, 30, 5), utc(1919, 4, 1, 4), zone="America/Toronto")
    assert starts(windows) == ["1919-03-30T00:00:00-05:00", "1919-03-31T00:30:00-04:00"]


@BOTH
def test_ends_in_other_zones(cut: Cut) -> None:
    """Ends are instants, so they may be given in any zone, even within a repeated hour."""
    berlin = ZoneInfo("Europe/Berlin")
    since = datetime(2026, 10, 25, 2, 30, tzinfo=berlin, fold=0)
    until = datetime(2026, 10, 25, 2, 30, tzinfo=berlin, fold=1)
    (window,) = cut(since, until, zone=berlin)
    assert window.end - window.start == HOUR


@pytest.mark.parametrize(
    "zone", ["", "America", "America/Chicag", "/etc/localtime", "../UTC", "UTC+3", "\0", "\ud800"]
)
@BOTH
def test_an_unknown_zone(cut: Cut, zone: str) -> None:
    """An unknown zone is refused, and named in the error."""
    with pytest.raises(ValueError, match="no time zone") as caught:
        cut(utc(2026, 1, 1), utc(2026, 2, 1), zone=zone)
    assert repr(zone) in str(caught.value)


@BOTH
def test_naive_ends(cut: Cut) -> None:
    """A datetime without a zone is refused, and so is a date."""
    naive = datetime(2026, 1, 31)  # noqa: DTZ001 -- is refused
    with pytest.raises(ValueError, match="since must be a datetime with a zone"):
        cut(naive, utc(2026, 2, 1), zone="UTC")
    with pytest.raises(ValueError, match="until must be a datetime with a zone"):
        cut(utc(2026, 1, 1), naive, zone="UTC")
    with pytest.raises(ValueError, match="since must be a datetime with a zone"):
        cut(naive.date(), utc(2026, 2, 1), zone="UTC")


@BOTH
def test_ends_in_the_wrong_order(cut: Cut) -> None:
    """An end before the start is refused; equal ends have no windows."""
    with pytest.raises(ValueError, match="is before since"):
        cut(utc(2026, 2, 1), utc(2026, 1, 1), zone="UTC")
    assert cut(utc(2026, 2, 1), utc(2026, 2, 1), zone="UTC") == []


@BOTH
def test_the_first_and_last_dates_of_dotnet(cut: Cut) -> None:
    """.NET's first and last dates, which mean "no date", are refused."""
    for since, until in ((utc(1, 1, 1), utc(1, 3, 1)), (utc(9999, 1, 1), utc(9999, 12, 31, 23, 59, 59))):
        with pytest.raises(ValueError, match="from 2 to 9998"):
            cut(since, until, zone="America/Chicago")
    with pytest.raises(ValueError, match="until has no time in UTC"):
        cut(utc(2026, 1, 1), datetime.max.replace(tzinfo=timezone(-HOUR)), zone="UTC")


@pytest.mark.parametrize("year", [2, 9998])
def test_the_first_and_last_year(year: int) -> None:
    """Every other year is accepted."""
    for zone in ("Asia/Tokyo", "America/Chicago"):
        windows = months(utc(year, 1, 1), utc(year, 12, 31), zone=zone)
        assert len({(window.start.year, window.start.month) for window in windows}) in {12, 13}


def test_a_window_includes_its_start_and_excludes_its_end() -> None:
    """`in` compares instants, whatever zone they are given in."""
    berlin = ZoneInfo("Europe/Berlin")
    window = Window(
        datetime(2026, 10, 25, 2, 30, tzinfo=berlin), datetime(2026, 10, 25, 2, 30, tzinfo=berlin, fold=1)
    )
    assert window.start in window
    assert window.end not in window
    assert None not in window
    assert utc(2026, 10, 25, 1, 29) in window
    assert utc(2026, 10, 25, 0, 29) not in window
    with pytest.raises(ValueError, match="a zone"):
        assert datetime(2026, 10, 25, 2, 45) in window  # noqa: DTZ001 -- is refused


def test_invalid_windows_are_refused() -> None:
    """Ends without a zone or in the wrong order are refused, and a window is immutable."""
    with pytest.raises(ValueError, match="start must be a datetime with a zone"):
        Window(datetime(2026, 1, 1), utc(2026, 2, 1))  # noqa: DTZ001 -- is refused
    for end in (utc(2026, 1, 1), utc(2025, 1, 1)):
        with pytest.raises(ValueError, match="end must be later"):
            Window(utc(2026, 1, 1), end)
    with pytest.raises(AttributeError):
        Window(utc(2026, 1, 1), utc(2026, 2, 1)).start = utc(2025, 1, 1)  # type: ignore[misc]  # is refused


@pytest.mark.nexport_sandbox(enrollments=2000)
async def test_a_backfill_by_month(campus: NexportCampus, nexport_sandbox: Sandbox) -> None:
    """Searching month by month finds each enrollment in one window, and the same ones as a single search."""
    samples = await nexport_sandbox.samples()
    whole = campus.learning.search_enrollments(org_ids=[samples.root_org_id])
    enrolled = {item.enrollment_id: item.enrollment_date async for item in whole if item.enrollment_date}
    range_ = min(enrolled.values()), max(enrolled.values()) + HOUR
    found = []
    for window in months(*range_, zone="America/Chicago"):
        search = campus.learning.search_enrollments(
            org_ids=[samples.root_org_id],
            utc_enrolled_after=window.start - timedelta(seconds=1),
            utc_enrolled_before=window.end,
        )
        found += [item.enrollment_id async for item in search if item.enrollment_date in window]
    assert len(found) == len(set(found))
    assert set(found) == set(enrolled)
