"""Parsing and formatting of TimeSpans, CMITimespans and ISO 8601 durations."""

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import example, given
from hypothesis import strategies as st

from nexport_campus import NexportCampus
from nexport_campus.sandbox import Sandbox
from nexport_campus.times import (
    format_cmi_timespan,
    format_iso_duration,
    format_timespan,
    parse_cmi_timespan,
    parse_duration,
    parse_iso_duration,
    parse_iso_relativedelta,
    parse_timespan,
)

Parse = Callable[[str], timedelta]
DAY = timedelta(days=1, hours=2, minutes=30, seconds=45)
HUNDREDTH = timedelta(milliseconds=10)
LONGEST_TIMESPAN = timedelta(days=10675199, hours=2, minutes=48, seconds=5, microseconds=477580)
LONGEST_CMI = timedelta(hours=9999, minutes=99, seconds=99, milliseconds=990)


@pytest.mark.parametrize(
    ("parse", "string", "expected"),
    [
        (parse_timespan, "1.02:30:45", DAY),
        (parse_timespan, "-1.02:30:45", -DAY),
        (parse_timespan, "00:00:00", timedelta()),
        (parse_timespan, "00:00:00.5", timedelta(milliseconds=500)),
        (parse_timespan, "00:59:59.9999999", timedelta(minutes=59, seconds=59, microseconds=999999)),
        (parse_timespan, "-00:00:00.0000019", timedelta(microseconds=-1)),
        (parse_timespan, "10675199.02:48:05.4775807", LONGEST_TIMESPAN),
        (parse_timespan, "-10675199.02:48:05.4775808", -LONGEST_TIMESPAN),
        (parse_cmi_timespan, "0026:30:45.00", DAY),
        (parse_cmi_timespan, "26:30:45", DAY),
        (parse_cmi_timespan, "0000:00:00.5", timedelta(milliseconds=500)),
        (parse_cmi_timespan, "0000:90:90.25", timedelta(minutes=91, seconds=30, milliseconds=250)),
        (parse_cmi_timespan, "9999:99:99.99", LONGEST_CMI),
        (parse_iso_duration, "P1DT2H30M45S", DAY),
        (parse_iso_duration, "P1DT2H3M4.5S", timedelta(days=1, hours=2, minutes=3, seconds=4.5)),
        (parse_iso_duration, "PT1590M45S", DAY),
        (parse_iso_duration, "P2D", timedelta(days=2)),
        (parse_iso_duration, "P0Y0M0DT0H0M0S", timedelta()),
        (parse_iso_duration, "PT0.1234569S", timedelta(microseconds=123456)),
    ],
)
def test_each_format_is_parsed(parse: Parse, string: str, expected: timedelta) -> None:
    """Each format is parsed by its own function and by `parse_duration`; digits beyond microseconds are cut."""
    assert parse(string) == parse_duration(string) == expected


@pytest.mark.parametrize(
    ("duration", "timespan", "cmi_timespan", "iso_duration"),
    [
        (timedelta(), "00:00:00", "0000:00:00.00", "PT0S"),
        (DAY, "1.02:30:45", "0026:30:45.00", "P1DT2H30M45S"),
        (timedelta(days=2), "2.00:00:00", "0048:00:00.00", "P2D"),
        (timedelta(minutes=20), "00:20:00", "0000:20:00.00", "PT20M"),
        (timedelta(hours=10, seconds=20), "10:00:20", "0010:00:20.00", "PT10H20S"),
        (timedelta(milliseconds=1500), "00:00:01.5000000", "0000:00:01.50", "PT1.5S"),
        (timedelta(microseconds=59_999_999), "00:00:59.9999990", "0000:00:59.99", "PT59.99S"),
        (timedelta(microseconds=9_999), "00:00:00.0099990", "0000:00:00.00", "PT0S"),
        (timedelta(hours=10_000), "416.16:00:00", "9999:60:00.00", "P416DT16H"),
        (LONGEST_CMI, "416.16:40:39.9900000", "9999:99:99.99", "P416DT16H40M39.99S"),
    ],
)
def test_each_format_is_written(
    duration: timedelta, timespan: str, cmi_timespan: str, iso_duration: str
) -> None:
    """Each format is written as its standard defines; the two of SCORM are cut at hundredths of a second."""
    assert format_timespan(duration) == timespan
    assert format_cmi_timespan(duration) == cmi_timespan
    assert format_iso_duration(duration) == iso_duration


@given(st.timedeltas(min_value=-LONGEST_TIMESPAN, max_value=LONGEST_TIMESPAN))
@example(-LONGEST_TIMESPAN)
def test_timespan_round_trip(duration: timedelta) -> None:
    """Every TimeSpan survives a round trip to the microsecond, in .NET's format `c`."""
    string = format_timespan(duration)
    assert re.fullmatch(r"-?([1-9][0-9]*\.)?[0-9]{2}:[0-5][0-9]:[0-5][0-9](\.[0-9]{7})?", string)
    assert parse_timespan(string) == parse_duration(string) == duration


@given(st.timedeltas(min_value=timedelta(), max_value=LONGEST_CMI))
@example(LONGEST_CMI)
def test_cmi_timespan_round_trip(duration: timedelta) -> None:
    """Every CMITimespan survives a round trip, cut at hundredths."""
    string = format_cmi_timespan(duration)
    assert re.fullmatch(r"[0-9]{4}:[0-9]{2}:[0-9]{2}\.[0-9]{2}", string)
    assert parse_cmi_timespan(string) == parse_duration(string) == duration // HUNDREDTH * HUNDREDTH


@given(st.timedeltas(min_value=timedelta()))
@example(timedelta.max)
def test_iso_duration_round_trip(duration: timedelta) -> None:
    """Every duration that is not negative survives a round trip, cut at hundredths."""
    string = format_iso_duration(duration)
    assert re.fullmatch(r"P([0-9]+D)?(T([0-9]+H)?([0-9]+M)?([0-9]+(\.[0-9]{1,2})?S)?)?(?<!T)(?<!P)", string)
    assert parse_iso_duration(string) == parse_duration(string) == duration // HUNDREDTH * HUNDREDTH


TIMESPANS = st.from_regex(r"\A-?([0-9]{1,3}\.)?[0-9]{2,4}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,7})?\Z")


@given(TIMESPANS)
def test_ambiguous_strings_have_one_meaning(string: str) -> None:
    """A string that is both a TimeSpan and a CMITimespan has the same value in both."""
    read = []
    for parse in (parse_timespan, parse_cmi_timespan):
        try:
            read.append(parse(string))
        except ValueError:
            continue
    if read:
        assert set(read) == {parse_duration(string)}
    else:
        with pytest.raises(
            ValueError, match=r"none of these: a TimeSpan.* a CMITimespan.* an ISO 8601 duration"
        ):
            parse_duration(string)


def test_days_and_four_digits_of_hours() -> None:
    """Digits before a point are days; without a point they are hours."""
    assert parse_duration("1.02:30:45") == timedelta(days=1, hours=2, minutes=30, seconds=45)
    assert parse_duration("0102:30:45") == timedelta(hours=102, minutes=30, seconds=45)


MALFORMED: dict[Parse, list[str]] = {
    parse_timespan: [
        "0102:30:45",
        "24:00:00",
        "00:60:00",
        "1:00:00",
        "1.2:30:45",
        "00:00:00.",
        "00:00:00.12345678",
        "P1D",
    ],
    parse_cmi_timespan: [
        "1.02:30:45",
        "-00:00:01",
        "1:00:00",
        "10000:00:00",
        "00:00:00.123",
        "00:00",
        "PT1S",
    ],
    parse_iso_duration: [
        "P",
        "PT",
        "P1DT",
        "1D",
        "P1H",
        "PT1D",
        "P1W",
        "-P1D",
        "PT1,5S",
        "PT1.5H",
        "PT.5S",
        "p1d",
        "02:30:45",
    ],
}
EXPECTED: dict[Parse, str] = {
    parse_timespan: "a TimeSpan, [-][d.]hh:mm:ss",
    parse_cmi_timespan: "a CMITimespan, HHHH:MM:SS",
    parse_iso_duration: "an ISO 8601 duration, P",
    parse_duration: "an ISO 8601 duration, P",
}
MALFORMED_IN_ALL = ["", " ", "00:00:01\n", " 00:00:01", "٠١:٠٢:٠٣", "one hour", "P1D\n", "PT٣S"]


@pytest.mark.parametrize(
    ("parse", "string"),
    [(parse, string) for parse, strings in MALFORMED.items() for string in strings + MALFORMED_IN_ALL]
    + [(parse_duration, string) for string in MALFORMED_IN_ALL],
)
def test_malformed_strings_are_refused(parse: Parse, string: str) -> None:
    """The error names the string and the expected format."""
    with pytest.raises(ValueError, match=re.escape(repr(string))) as caught:
        parse(string)
    assert EXPECTED[parse] in str(caught.value)


@given(st.text(max_size=20) | st.text("PTWYDHMS0123456789:.-", max_size=12) | TIMESPANS)
def test_only_value_errors_are_raised(string: str) -> None:
    """Any string is a duration or a ValueError; `parse_duration` reads what one of the formats reads, and no more."""
    read = []
    for parse in set(MALFORMED) - {parse_duration}:
        with suppress(ValueError):
            read.append(parse(string))
    if read:
        assert parse_duration(string) in read
    else:
        with pytest.raises(ValueError, match=r".+"):
            parse_duration(string)
    with suppress(ValueError):
        assert isinstance(parse_iso_relativedelta(string), relativedelta)


def test_long_strings_are_shortened_in_errors() -> None:
    """The message stays short, whatever a course has written."""
    with pytest.raises(ValueError, match="none of these") as caught:
        parse_duration("lesson " * 10_000)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("string", ["P1Y", "P2M", "P1Y2M3DT4H", "P0Y1M"])
def test_years_and_months_are_refused(string: str) -> None:
    """They have no timedelta; the error names the function that parses them."""
    for parse in (parse_iso_duration, parse_duration):
        with pytest.raises(ValueError, match=r"years or months.*parse_iso_relativedelta"):
            parse(string)
    assert parse_iso_relativedelta(string)


def test_years_and_months_as_relativedelta() -> None:
    """Added to a date, they follow the calendar."""
    assert parse_iso_relativedelta("P1Y2M3DT4H5M6.5S") == relativedelta(
        years=1, months=2, days=3, hours=4, minutes=5, seconds=6, microseconds=500_000
    )
    assert datetime(2028, 1, 31).date() + parse_iso_relativedelta("P1M") == datetime(2028, 2, 29).date()  # noqa: DTZ001
    with pytest.raises(ValueError, match="ISO 8601"):
        parse_iso_relativedelta("1.02:30:45")


@pytest.mark.parametrize(
    ("parse", "string"),
    [
        (parse_timespan, "10675199.02:48:05.4775818"),
        (parse_timespan, "99999999.00:00:00"),
        (parse_iso_duration, "P1000000000D"),
        (parse_iso_duration, "PT99999999999999H"),
    ],
)
def test_durations_too_long_to_parse(parse: Parse, string: str) -> None:
    """Values beyond a TimeSpan or a timedelta are refused."""
    for each in (parse, parse_duration):
        with pytest.raises(ValueError, match=f"{re.escape(string)}' is longer than"):
            each(string)


@pytest.mark.parametrize(
    ("write", "duration", "reason"),
    [
        (format_timespan, LONGEST_TIMESPAN + timedelta.resolution, "longer than a TimeSpan"),
        (format_timespan, timedelta.min, "longer than a TimeSpan"),
        (format_cmi_timespan, LONGEST_CMI + HUNDREDTH, "longer than a CMITimespan"),
        (format_cmi_timespan, -timedelta.resolution, "negative"),
        (format_iso_duration, -timedelta.resolution, "negative"),
    ],
)
def test_durations_too_long_to_format(
    write: Callable[[timedelta], str], duration: timedelta, reason: str
) -> None:
    """Values beyond a format's range are refused."""
    with pytest.raises(ValueError, match=reason):
        write(duration)


async def test_access_time_limits_of_the_sandbox(campus: NexportCampus, nexport_sandbox: Sandbox) -> None:
    """The access time limits of catalogs are TimeSpans."""
    root = (await nexport_sandbox.samples()).root_org_id
    catalogs = await campus.learning.get_catalogs(group_id=root).collect()
    limits = {item.access_time_limit for item in catalogs} - {None}
    assert limits
    assert {format_timespan(parse_timespan(limit)) for limit in limits if limit} == limits


async def test_scorm_times_of_the_sandbox(campus: NexportCampus, nexport_sandbox: Sandbox) -> None:
    """A time that was set is read back, in SCORM 1.2 and 2004."""
    samples = await nexport_sandbox.samples()
    spent = timedelta(hours=1, minutes=5, seconds=30.25)
    await campus.scorm.edit_scorm_data(
        assignment_status_id=samples.scorm_assignment_status_id,
        sco_id=samples.scorm_sco_id,
        session_time=format_cmi_timespan(spent),
    )
    read = {}
    async for sco in campus.scorm.get_cmi_data(
        enrollment_id=samples.scorm_enrollment_id,
        assignment_id=samples.scorm_assignment_id,
        cmi_element_names=["cmi.core.session_time", "cmi.core.total_time"],
    ):
        for field in sco.cmi_fields or ():
            if sco.sco_id == samples.scorm_sco_id and field.cmi_element_value:
                read[field.cmi_element_name] = parse_duration(field.cmi_element_value)
    assert read["cmi.core.session_time"] == spent
    assert read["cmi.core.total_time"] > timedelta()
