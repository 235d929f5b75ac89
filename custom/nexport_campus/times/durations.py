"""Durations in the campus's three formats: .NET's TimeSpan, and those of the two SCORM versions.

Each format has a strict parser. isodate, pydantic and similar libraries only read ISO 8601, and accept more of it than
SCORM 2004 allows; they would be a dependency for the sake of one regular expression.
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
# The limit of .NET's 64 bits of ticks, to the microsecond.
_LONGEST_TIMESPAN: Final = timedelta(days=10675199, hours=2, minutes=48, seconds=5, microseconds=477580)
_LONGEST_CMI_TIMESPAN: Final = timedelta(hours=9999, minutes=99, seconds=99, milliseconds=990)

_short = Repr()
_short.maxstring = 80


@attrs.frozen
class _Form:
    """A format for durations: its name, a description of the syntax, and the expression that parses it."""

    name: str
    written: str
    pattern: re.Pattern[str]

    def parts(self, text: str) -> dict[str, int]:
        """Return the number of each unit in the string; a fraction in microseconds. Raises ValueError."""
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
    """Parse a duration in any of the three formats, such as a SCORM field of unknown version.

    The format is unambiguous where it matters: ISO 8601 begins with `P`. Of the other two, only a TimeSpan has days,
    a sign or more than two fractional digits, and only a CMITimespan more than 23 hours: `1.02:30:45` is one day, two
    hours and more, `0102:30:45` is 102 hours and more. `02:30:45` could be either, and means the same in both.

    Args:
        text: The duration as received from the campus.

    Returns:
        The duration, to the microsecond; further digits are truncated.

    Raises:
        ValueError: The string has none of the three formats, or has years or months (see `parse_iso_duration`).
    """
    if text.startswith("P"):
        return parse_iso_duration(text)
    for form, parse in ((_TIMESPAN, parse_timespan), (_CMI_TIMESPAN, parse_cmi_timespan)):
        if form.pattern.fullmatch(text):
            return parse(text)
    forms = "; ".join(f"{form.name}, {form.written}" for form in (_TIMESPAN, _CMI_TIMESPAN, _ISO_DURATION))
    raise ValueError(f"{_short.repr(text)} is none of these: {forms}")


def parse_timespan(text: str) -> timedelta:
    """Parse a .NET TimeSpan: `time_left` of a test attempt, `access_time_limit` of a catalog.

    Args:
        text: `[-][d.]hh:mm:ss[.fffffff]`, such as `1.02:30:45` for one day, two hours, 30 minutes and 45 seconds.

    Returns:
        The duration, to the microsecond; the seventh digit is truncated.

    Raises:
        ValueError: The string has another format, or exceeds the range of a TimeSpan.
    """
    duration = timedelta(**_TIMESPAN.parts(text))
    if duration > _LONGEST_TIMESPAN:
        raise ValueError(f"{text!r} is longer than a TimeSpan can be, 10675199.02:48:05.4775807")
    return -duration if text.startswith("-") else duration


def format_timespan(duration: timedelta) -> str:
    """Format a duration as .NET does: `1.02:30:45`, or `02:30:45.5000000` with a fraction.

    Args:
        duration: The duration; it may be negative.

    Returns:
        The TimeSpan.

    Raises:
        ValueError: The duration exceeds the range of a TimeSpan, some 29,000 years.
    """
    if not -_LONGEST_TIMESPAN <= duration <= _LONGEST_TIMESPAN:
        raise ValueError(f"{duration!r} is longer than a TimeSpan can be, 10675199.02:48:05.4775807")
    sign, duration = "-" if duration < timedelta() else "", abs(duration)
    days = f"{duration.days}." if duration.days else ""
    minutes, seconds = divmod(duration.seconds, 60)
    fraction = f".{duration.microseconds:06}0" if duration.microseconds else ""
    return f"{sign}{days}{minutes // 60:02}:{minutes % 60:02}:{seconds:02}{fraction}"


def parse_cmi_timespan(text: str) -> timedelta:
    """Parse a CMITimespan of SCORM 1.2: `cmi.core.session_time`, `cmi.core.total_time`.

    Args:
        text: `HHHH:MM:SS.SS`: two to four digits of hours, two of minutes and of seconds (each up to 99), and up to
            two of a fraction, such as `0026:30:45.00`.

    Returns:
        The duration.

    Raises:
        ValueError: The string has another format.
    """
    return timedelta(**_CMI_TIMESPAN.parts(text))


def format_cmi_timespan(duration: timedelta) -> str:
    """Format a duration for SCORM 1.2: `0026:30:45.00`. Anything below a hundredth of a second is truncated.

    Args:
        duration: The duration, up to 9999:99:99.99; beyond 9999 hours, the rest is written as minutes and seconds.

    Returns:
        The CMITimespan, with four digits of hours.

    Raises:
        ValueError: The duration is negative, or exceeds the range of a CMITimespan.
    """
    hundredths = _check_not_negative(duration, _CMI_TIMESPAN) // _HUNDREDTH
    if hundredths > _LONGEST_CMI_TIMESPAN // _HUNDREDTH:
        raise ValueError(f"{duration!r} is longer than a CMITimespan can be, 9999:99:99.99")
    hours = min(hundredths // 360_000, 9999)
    minutes = min((hundredths - hours * 360_000) // 6_000, 99)
    seconds, fraction = divmod(hundredths - hours * 360_000 - minutes * 6_000, 100)
    return f"{hours:04}:{minutes:02}:{seconds:02}.{fraction:02}"


def parse_iso_duration(text: str) -> timedelta:
    """Parse an ISO 8601 duration of SCORM 2004: `cmi.session_time`, `cmi.total_time`.

    Args:
        text: `P[yY][mM][dD][T[hH][mM][s[.s]S]]`, such as `P1DT2H30M45S`: at least one unit, and one after a `T`. Years
            and months must be zero, because their length depends on the start date.

    Returns:
        The duration, to the microsecond; further digits are truncated.

    Raises:
        ValueError: The string has another format, has years or months, or exceeds the range of a timedelta.
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
    """Parse an ISO 8601 duration that may have years and months, to be added to a date.

    Args:
        text: The duration, as for `parse_iso_duration`, with any number of years and months.

    Returns:
        The duration by units, as dateutil represents them.

    Raises:
        ValueError: The string has another format.
    """
    parts: dict[str, Any] = _ISO_DURATION.parts(text)  # the stubs also allow arguments that aren't numbers
    return relativedelta(**parts)


def format_iso_duration(duration: timedelta) -> str:
    """Format a duration for SCORM 2004: `P1DT2H30M45.5S`. Anything below a hundredth of a second is truncated.

    Args:
        duration: The duration.

    Returns:
        The ISO 8601 duration, in days, hours, minutes and seconds; `PT0S` if there are none.

    Raises:
        ValueError: The duration is negative; the format has no sign.
    """
    days, clock = _check_not_negative(duration, _ISO_DURATION).days, duration.seconds
    seconds = f"{clock % 60}.{duration.microseconds // 10_000:02}".rstrip("0").rstrip(".")
    units = ((f"{clock // 3600}", "H"), (f"{clock // 60 % 60}", "M"), (seconds, "S"))
    time = "".join(f"{amount}{unit}" for amount, unit in units if amount != "0")
    date = f"{days}D" if days else ""
    return f"P{date}T{time}" if time else f"P{date}" if date else "PT0S"


def _check_not_negative(duration: timedelta, form: _Form) -> timedelta:
    if duration < timedelta():
        raise ValueError(f"{duration!r} is negative, which {form.name} can't be")
    return duration
