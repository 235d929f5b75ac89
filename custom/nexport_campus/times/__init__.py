"""Durations in the campus's formats, and time windows for querying it.

The campus writes durations in three formats: .NET's TimeSpan (`time_left`, `access_time_limit`), the CMITimespan of
SCORM 1.2 and the ISO 8601 duration of SCORM 2004 (`session_time`, `total_time`). Each has a `parse_...` and a
`format_...` function; `parse_duration` reads any of them.
"""

from .durations import (
    format_cmi_timespan,
    format_iso_duration,
    format_timespan,
    parse_cmi_timespan,
    parse_duration,
    parse_iso_duration,
    parse_iso_relativedelta,
    parse_timespan,
)
from .windows import Window, days, months

__all__ = [
    "Window",
    "days",
    "format_cmi_timespan",
    "format_iso_duration",
    "format_timespan",
    "months",
    "parse_cmi_timespan",
    "parse_duration",
    "parse_iso_duration",
    "parse_iso_relativedelta",
    "parse_timespan",
]

# Tracebacks and reprs show the public module from which users import these.
for _name in __all__:
    globals()[_name].__module__ = __name__
