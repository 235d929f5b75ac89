"""Translation of the options of `nexport export` into an export request and an output."""

import re
import sys
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, BinaryIO, Final
from uuid import UUID

import click

from nexport_campus._export.errors import TargetError
from nexport_campus._export.options import make_output, make_request
from nexport_campus._export.output import Output
from nexport_campus._export.request import (
    DATE_FILTERS,
    LAST,
    ExportRequest,
    Filters,
    find_zone,
    parse_instant,
)

from .row_stream import open_row_stream
from .standard_streams import is_closed
from .text_input import number_lines, read_text

__all__ = ["STDOUT", "parse_duration", "to_output", "to_request"]

STDOUT: Final = "-"
"""The value of --to for standard output; a file of that name is `./-`."""

_IDS: Final = {
    "org_ids": "--org",
    "user_ids": "--user",
    "enrollment_ids": "--enrollment",
    "syllabus_ids": "--syllabus",
}
_LONGEST: Final = timedelta(days=3650)
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_duration(text: str) -> timedelta:
    """Return the duration of a number with a unit: 30s, 15m, 2h, 1d."""
    read = re.fullmatch(r"([0-9]{1,6})([smhd])", text, re.ASCII)
    if read is None:
        raise click.BadParameter("a duration is a number and a unit, such as 15m, 2h or 1d")
    duration = timedelta(**{_UNITS[read[2]]: int(read[1])})
    if duration > _LONGEST:
        raise click.BadParameter(f"at most {_LONGEST.days}d")
    return duration


def to_request(address: str, given: dict[str, Any]) -> ExportRequest:
    """Return the export request that the options describe, for the campus at an address."""
    zone = find_zone(given["zone"])
    filters: dict[str, Any] = {name: _read_ids(option, given[name]) for name, option in _IDS.items()}
    filters |= {name: _read_date(name, given[name], zone) for name in DATE_FILTERS}
    return make_request(
        given["kind"],
        address=address,
        filters=Filters(**filters, syllabus_unique_names=given["syllabus_unique_names"]),
        since=LAST if given["since"] == LAST else _read_date("since", given["since"], zone),
        until=_read_date("until", given["until"], zone),
        overlap=given["overlap"],
        by=given["by"],
        zone=given["zone"],
        elements=given["elements"],
        per_page=given["per_page"],
        concurrency=given["concurrency"],
    )


def to_output(given: dict[str, Any]) -> Output:
    """Return the target and the format that the options specify."""
    return make_output(
        _open_standard_output() if given["target"] == STDOUT else Path(given["target"]),
        format=given["form"],
        labels=given["labels"],
        bom=given["bom"],
        keep_state=not given["no_state"],
        since=given["since"],
    )


def _open_standard_output() -> BinaryIO:
    if is_closed(sys.stdout):
        raise TargetError("--to -: standard output is closed")
    return open_row_stream(sys.stdout)


def _read_ids(option: str, given: tuple[str, ...]) -> tuple[UUID, ...]:
    """Return the ids of an option: each value is an id, or @FILE with one id per line."""
    return tuple(each for value in given for each in _read_ids_of(option, value))


def _read_ids_of(option: str, value: str) -> list[UUID]:
    if not value.startswith("@"):
        return [_read_id(option, value)]
    name = value[1:]
    try:
        lines = number_lines(read_text(name))
    except ValueError as error:
        raise click.UsageError(f"{option} {error}") from None
    if not lines:
        # An empty list doesn't filter: the export would contain every learner.
        raise click.UsageError(f"{option}: {name} holds no ids")
    return [_read_id(f"{option}: {name}, line {number}", line) for number, line in lines]


def _read_id(place: str, text: str) -> UUID:
    try:
        return UUID(text.strip().strip('"'))
    except ValueError:
        raise click.UsageError(
            f"{place}: {text.strip()[:40]!r} is not a UUID, such as 8ebf2d8d-01eb-4af5-a317-4279e2b752d4"
        ) from None


def _read_date(name: str, text: str | None, zone: tzinfo) -> datetime | None:
    if text is None:
        return None
    try:
        return parse_instant(text, zone)
    except (ValueError, OverflowError):
        option = f"--{name.removeprefix('utc_').replace('_', '-')}"
        raise click.UsageError(
            f"{option}: {text!r} isn't an ISO 8601 date, such as 2026-01-31 or 2026-01-31T08:00:00Z"
        ) from None
