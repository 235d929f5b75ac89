"""Translation of the options of `nexport export` into an export request and an output."""

import re
import sys
from datetime import datetime, timedelta, tzinfo
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO, Final
from uuid import UUID

import click

from nexport_campus import ConfigurationError
from nexport_campus._export.datasets import DATASETS, DEFAULT_ELEMENTS
from nexport_campus._export.errors import TargetError
from nexport_campus._export.output import FORMATS, Output
from nexport_campus._export.request import (
    DATE_FILTERS,
    LAST,
    ExportRequest,
    Filters,
    find_zone,
    parse_instant,
)

from .row_stream import row_stream
from .standard_streams import is_closed
from .text_input import numbered_lines, read_text

__all__ = ["STDOUT", "duration", "to_output", "to_request"]

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


def duration(text: str) -> timedelta:
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
    dataset, zone = DATASETS[given["kind"]], find_zone(given["zone"])
    if given["elements"] and dataset.name != "scorm-data":
        raise click.UsageError("--element is for scorm-data only")
    if given["overlap"] is not None and given["since"] != LAST:
        raise click.UsageError("--overlap is for --since last only")
    filters: dict[str, Any] = {name: _ids(option, given[name]) for name, option in _IDS.items()}
    filters |= {name: _date(name, given[name], zone) for name in DATE_FILTERS}
    elements = given["elements"] or DEFAULT_ELEMENTS
    return ExportRequest(
        dataset=dataset,
        address=address,
        filters=Filters(**filters, syllabus_unique_names=given["syllabus_unique_names"]),
        since=LAST if given["since"] == LAST else _date("since", given["since"], zone),
        until=_date("until", given["until"], zone),
        overlap=given["overlap"],
        by=given["by"],
        zone=given["zone"],
        elements=tuple(dict.fromkeys(elements)) if dataset.name == "scorm-data" else (),
        per_page=given["per_page"],
        concurrency=given["concurrency"],
    )


def to_output(given: dict[str, Any]) -> Output:
    """Return the target and the format that the options specify."""
    to_stdout, target = given["target"] == STDOUT, Path(given["target"])
    form = given["form"] or ("jsonl" if to_stdout else FORMATS.get(target.suffix.lower()))
    if form is None:
        raise click.UsageError(
            f"--to: the suffix of {target.name} doesn't determine the format; add --format"
        )
    if form == "parquet" and find_spec("pyarrow") is None:
        raise ConfigurationError('Parquet needs pyarrow: pip install "nexport-campus[parquet]"')
    if given["labels"] and form in ("jsonl", "sqlite"):
        raise click.UsageError(f"--labels: {form} always has numbers; CSV and Parquet support labels")
    if given["bom"] and form != "csv":
        raise click.UsageError("--bom is for CSV only")
    if given["no_state"] and given["since"] is not None:
        raise click.UsageError("--no-state removes the state that --since continues from")
    labels = form == "csv" if given["labels"] is None else given["labels"]
    return Output(
        target=_standard_output() if to_stdout else target,
        format=form,
        labels=labels,
        bom=given["bom"],
        keep_state=not given["no_state"],
    )


def _standard_output() -> BinaryIO:
    if is_closed(sys.stdout):
        raise TargetError("--to -: standard output is closed")
    return row_stream(sys.stdout)


def _ids(option: str, given: tuple[str, ...]) -> tuple[UUID, ...]:
    """Return the ids of an option: each value is an id, or @FILE with one id per line."""
    return tuple(each for value in given for each in _ids_of(option, value))


def _ids_of(option: str, value: str) -> list[UUID]:
    if not value.startswith("@"):
        return [_id(option, value)]
    name = value[1:]
    try:
        lines = numbered_lines(read_text(name))
    except ValueError as error:
        raise click.UsageError(f"{option} {error}") from None
    if not lines:
        # An empty list doesn't filter: the export would contain every learner.
        raise click.UsageError(f"{option}: {name} holds no ids")
    return [_id(f"{option}: {name}, line {number}", line) for number, line in lines]


def _id(place: str, text: str) -> UUID:
    try:
        return UUID(text.strip().strip('"'))
    except ValueError:
        raise click.UsageError(
            f"{place}: {text.strip()[:40]!r} is not a UUID, such as 8ebf2d8d-01eb-4af5-a317-4279e2b752d4"
        ) from None


def _date(name: str, text: str | None, zone: tzinfo) -> datetime | None:
    if text is None:
        return None
    try:
        return parse_instant(text, zone)
    except (ValueError, OverflowError):
        option = f"--{name.removeprefix('utc_').replace('_', '-')}"
        raise click.UsageError(
            f"{option}: {text!r} isn't an ISO 8601 date, such as 2026-01-31 or 2026-01-31T08:00:00Z"
        ) from None
