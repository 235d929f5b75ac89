"""Durations in the three forms that the campus writes them in: .NET's TimeSpan, and those of the two SCORM versions.

Each form has a parser that takes nothing else. isodate, pydantic and their like read ISO 8601 alone, and more of it
than SCORM 2004 allows; for one regular expression more the package would have one more dependency.
"""

import re
from datetime import timedelta
from reprlib import Repr
from typing import Any, Final

import attrs
from dateutil.relativedelta import relativedelta

__all__ = [
    "format_cmi_timespan",
    "format_iso_duration",
    "format_timespan",
    "parse_cmi_timespan",
    "parse_duration",
    "parse_iso_duration",
    "parse_iso_relativedelta",
    "parse_timespan",
]

_HUNDREDTH: Final = timedelta(milliseconds=10)
# What .NET's 64 bits of ticks can hold, to the microsecond.
_LONGEST_TIMESPAN: Final = timedelta(days=10675199, hours=2, minutes=48, seconds=5, microseconds=477580)
_LONGEST_CMI_TIMESPAN: Final = timedelta(hours=9999, minutes=99, seconds=99, milliseconds=990)

_short = Repr()
_short.maxstring = 80


@attrs.frozen
class _Form:
    """One way to write a duration: what it is called, how it is written, and the expression that takes it apart."""

    name: str
    written: str
    pattern: re.Pattern[str]

    def parts(self, text: str) -> dict[str, int]:
        """How many of each unit the text has, of a fraction the microseconds. Raises ValueError."""
        matched = self.pattern.fullmatch(text)
        if matched is None:
            raise ValueError(f"{_short.repr(text)} is not {self.name}, {self.written}")
        parts = {unit: digits for unit, digits in matched.groupdict().items() if digits}
        if "microseconds" in parts:
            parts["microseconds"] = parts["microseconds"][:6].ljust(6, "0")
        return {unit: int(digits) for unit, digits in parts.items()}


_TIMESPAN: Final = _Form(
    "a TimeSpan",
    "[-][d.]hh:mm:ss[.fffffff] such as '1.02:30:45'",
    re.compile(
        r"-?(?:(?P<days>[0-9]{1,8})\.)?(?P<hours>[01][0-9]|2[0-3]):(?P<minutes>[0-5][0-9])"
        r":(?P<seconds>[0-5][0-9])(?:\.(?P<microseconds>[0-9]{1,7}))?"
    ),
)
_CMI_TIMESPAN: Final = _Form(
    "a CMITimespan",
    "HHHH:MM:SS.SS such as '0026:30:45.00'",
    re.compile(
        r"(?P<hours>[0-9]{2,4}):(?P<minutes>[0-9]{2}):(?P<seconds>[0-9]{2})(?:\.(?P<microseconds>[0-9]{1,2}))?"
    ),
)
_ISO_DURATION: Final = _Form(
    "an ISO 8601 duration",
    "P[yY][mM][dD][T[hH][mM][s[.s]S]] such as 'P1DT2H30M45S'",
    re.compile(
        r"P(?=.)(?:(?P<years>[0-9]{1,14})Y)?(?:(?P<months>[0-9]{1,14})M)?(?:(?P<days>[0-9]{1,14})D)?"
        r"(?:T(?=.)(?:(?P<hours>[0-9]{1,14})H)?(?:(?P<minutes>[0-9]{1,14})M)?"
        r"(?:(?P<seconds>[0-9]{1,14})(?:\.(?P<microseconds>[0-9]+))?S)?)?"
    ),
)


def parse_duration(text: str) -> timedelta:
    """Read a duration in any of the three forms, such as a SCORM field of a version that isn't known.

    Which form it is shows: ISO 8601 begins with `P`. Of the other two a TimeSpan alone has days, a sign or more than
    two digits of a fraction, and a CMITimespan alone more than 23 hours: `1.02:30:45` is one day, two hours and more,
    `0102:30:45` is 102 hours and more. What could be either, `02:30:45`, means the same in both.

    Args:
        text: The duration, as the campus has it.

    Returns:
        The duration, to the microsecond; digits beyond are cut.

    Raises:
        ValueError: it is none of the three, or has years or months (see `parse_iso_duration`).
    """
    if text.startswith("P"):
        return parse_iso_duration(text)
    for form, parse in ((_TIMESPAN, parse_timespan), (_CMI_TIMESPAN, parse_cmi_timespan)):
        if form.pattern.fullmatch(text):
            return parse(text)
    forms = "; ".join(f"{form.name}, {form.written}" for form in (_TIMESPAN, _CMI_TIMESPAN, _ISO_DURATION))
    raise ValueError(f"{_short.repr(text)} is none of these: {forms}")


def parse_timespan(text: str) -> timedelta:
    """Read a .NET TimeSpan: `time_left` of a test attempt, `access_time_limit` of a catalog.

    Args:
        text: `[-][d.]hh:mm:ss[.fffffff]`, such as `1.02:30:45` for one day, two hours, 30 minutes and 45 seconds.

    Returns:
        The duration, to the microsecond; the seventh digit is cut.

    Raises:
        ValueError: it isn't written so, or beyond what a TimeSpan can be.
    """
    duration = timedelta(**_TIMESPAN.parts(text))
    if duration > _LONGEST_TIMESPAN:
        raise ValueError(f"{text!r} is longer than a TimeSpan can be, 10675199.02:48:05.4775807")
    return -duration if text.startswith("-") else duration


def format_timespan(duration: timedelta) -> str:
    """Write a duration as .NET does: `1.02:30:45`, or `02:30:45.5000000` with a fraction.

    Args:
        duration: The duration; it may be negative.

    Returns:
        The TimeSpan.

    Raises:
        ValueError: the duration is beyond what a TimeSpan can be, some 29,000 years.
    """
    if not -_LONGEST_TIMESPAN <= duration <= _LONGEST_TIMESPAN:
        raise ValueError(f"{duration!r} is longer than a TimeSpan can be, 10675199.02:48:05.4775807")
    sign, duration = "-" if duration < timedelta() else "", abs(duration)
    days = f"{duration.days}." if duration.days else ""
    minutes, seconds = divmod(duration.seconds, 60)
    fraction = f".{duration.microseconds:06}0" if duration.microseconds else ""
    return f"{sign}{days}{minutes // 60:02}:{minutes % 60:02}:{seconds:02}{fraction}"


def parse_cmi_timespan(text: str) -> timedelta:
    """Read a CMITimespan of SCORM 1.2: `cmi.core.session_time`, `cmi.core.total_time`.

    Args:
        text: `HHHH:MM:SS.SS`: two to four digits of hours, two of minutes (up to 99, as of seconds), and up to two of a
            fraction, such as `0026:30:45.00`.

    Returns:
        The duration.

    Raises:
        ValueError: it isn't written so.
    """
    return timedelta(**_CMI_TIMESPAN.parts(text))


def format_cmi_timespan(duration: timedelta) -> str:
    """Write a duration for SCORM 1.2: `0026:30:45.00`. What is less than a hundredth of a second is cut.

    Args:
        duration: The duration, up to 9999:99:99.99; what is beyond 9999 hours goes to the minutes and seconds.

    Returns:
        The CMITimespan, with four digits of hours.

    Raises:
        ValueError: the duration is negative, or more than a CMITimespan can be.
    """
    hundredths = _not_negative(duration, _CMI_TIMESPAN) // _HUNDREDTH
    if hundredths > _LONGEST_CMI_TIMESPAN // _HUNDREDTH:
        raise ValueError(f"{duration!r} is longer than a CMITimespan can be, 9999:99:99.99")
    hours = min(hundredths // 360_000, 9999)
    minutes = min((hundredths - hours * 360_000) // 6_000, 99)
    seconds, fraction = divmod(hundredths - hours * 360_000 - minutes * 6_000, 100)
    return f"{hours:04}:{minutes:02}:{seconds:02}.{fraction:02}"


def parse_iso_duration(text: str) -> timedelta:
    """Read an ISO 8601 duration as SCORM 2004 has it: `cmi.session_time`, `cmi.total_time`.

    Args:
        text: `P[yY][mM][dD][T[hH][mM][s[.s]S]]`, such as `P1DT2H30M45S`: at least one unit, and one after a `T`. Years
            and months must be zero: how long they are depends on where they begin.

    Returns:
        The duration, to the microsecond; digits beyond are cut.

    Raises:
        ValueError: it isn't written so, has years or months, or is longer than a timedelta can be.
    """
    parts = _ISO_DURATION.parts(text)
    if parts.pop("years", 0) or parts.pop("months", 0):
        raise ValueError(
            f"{_short.repr(text)} has years or months, which have no fixed length; parse_iso_relativedelta reads them"
        )
    try:
        return timedelta(**parts)
    except OverflowError:
        raise ValueError(f"{_short.repr(text)} is longer than a timedelta can be") from None


def parse_iso_relativedelta(text: str) -> relativedelta:
    """Read an ISO 8601 duration that may have years and months, to be added to a date.

    Args:
        text: The duration, as `parse_iso_duration` takes it, with any number of years and months.

    Returns:
        The duration by its units, as dateutil has them.

    Raises:
        ValueError: it isn't written so.
    """
    parts: dict[str, Any] = _ISO_DURATION.parts(text)  # its stubs also know arguments that aren't numbers
    return relativedelta(**parts)


def format_iso_duration(duration: timedelta) -> str:
    """Write a duration for SCORM 2004: `P1DT2H30M45.5S`. What is less than a hundredth of a second is cut.

    Args:
        duration: The duration.

    Returns:
        The ISO 8601 duration, in days, hours, minutes and seconds; `PT0S` if there are none.

    Raises:
        ValueError: the duration is negative; the form has no sign.
    """
    days, clock = _not_negative(duration, _ISO_DURATION).days, duration.seconds
    seconds = f"{clock % 60}.{duration.microseconds // 10_000:02}".rstrip("0").rstrip(".")
    units = ((f"{clock // 3600}", "H"), (f"{clock // 60 % 60}", "M"), (seconds, "S"))
    time = "".join(f"{amount}{unit}" for amount, unit in units if amount != "0")
    date = f"{days}D" if days else ""
    return f"P{date}T{time}" if time else f"P{date}" if date else "PT0S"


def _not_negative(duration: timedelta, form: _Form) -> timedelta:
    if duration < timedelta():
        raise ValueError(f"{duration!r} is negative, which {form.name} can't be")
    return duration
