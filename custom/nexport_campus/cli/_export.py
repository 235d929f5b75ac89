"""`nexport export`: enrollments and what hangs on them, to a file."""

import asyncio
import json
import re
import sys
import time
from datetime import datetime, timedelta, tzinfo
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import attrs
import click

from nexport_campus import ConfigurationError, ExportError, NexportCampus
from nexport_campus._export.bar import progress_on
from nexport_campus._export.job import FORMATS, Job, Output, open_job
from nexport_campus._export.kinds import DEFAULT_ELEMENTS, KINDS
from nexport_campus._export.plan import DATE_FILTERS, LAST, Filters, Plan, instant, zone_named
from nexport_campus._export.run import Summary, export
from nexport_campus._export.work import Progress
from nexport_campus.cli._connect import Connection, common_options, open_campus
from nexport_campus.cli._exits import PARTIAL
from nexport_campus.cli._input import lines_of, read_text
from nexport_campus.cli._output import console, note, on_terminal, warn

__all__ = ["command"]

_IDS: Final = {
    "org_ids": "--org",
    "user_ids": "--user",
    "enrollment_ids": "--enrollment",
    "syllabus_ids": "--syllabus",
}
_LONGEST: Final = timedelta(days=3650)
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def _duration(text: str) -> timedelta:
    """A number with a unit: 30s, 15m, 2h, 1d."""
    read = re.fullmatch(r"([0-9]{1,6})([smhd])", text, re.ASCII)
    if read is None:
        raise click.BadParameter("a duration is a number and a unit, such as 15m, 2h or 1d")
    duration = timedelta(**{_UNITS[read[2]]: int(read[1])})
    if duration > _LONGEST:
        raise click.BadParameter(f"at most {_LONGEST.days}d")
    return duration


def _date_filters(function: Any) -> Any:
    """An option for each date filter of SearchEnrollments: --enrolled-after and so on."""
    words = {"enrolled": "Made", "activity": "Last active", "completed": "Completed"}
    for name in reversed(DATE_FILTERS):
        _, what, side = name.split("_")
        option = click.option(f"--{what}-{side}", name, metavar="DATE", help=f"{words[what]} {side} a date.")
        function = option(function)
    return function


@click.command(name="export", short_help="Export records to a file that stays up to date.")
@click.argument("kind", type=click.Choice(list(KINDS)))
@click.option(
    "--to", "target", type=click.Path(path_type=Path), required=True, metavar="FILE", help="Where to."
)
@click.option(
    "--format", "form", type=click.Choice(sorted(set(FORMATS.values()))), help="Unless the suffix says it."
)
@click.option("--org", "org_ids", multiple=True, metavar="ID", help="Of this organization.")
@click.option("--user", "user_ids", multiple=True, metavar="ID", help="Of this user.")
@click.option("--enrollment", "enrollment_ids", multiple=True, metavar="ID", help="Of this enrollment.")
@click.option(
    "--syllabus",
    "syllabus_ids",
    multiple=True,
    metavar="ID",
    help="In this section or training plan.",
)
@click.option(
    "--syllabus-name",
    "syllabus_unique_names",
    multiple=True,
    metavar="NAME",
    help="The same by its unique name.",
)
@_date_filters
@click.option("--since", metavar="DATE|last", help="What changed since a date, or since the last export.")
@click.option("--until", metavar="DATE", help="What changed before a date.")
@click.option(
    "--overlap",
    type=_duration,
    metavar="DURATION",
    help="How far before the last export `last` begins.  [default: 1h; sessions: 1d]",
)
@click.option("--by-month", "by", flag_value="month", help="Month by month, each finished before the next.")
@click.option("--by-day", "by", flag_value="day", help="Day by day.")
@click.option(
    "--zone", default="UTC", show_default=True, help="Whose months and days, and dates without an offset."
)
@click.option(
    "--element",
    "elements",
    multiple=True,
    metavar="NAME",
    help="A CMI element of SCORM data.  [default: those that tell progress]",
)
@click.option(
    "--labels/--numbers", default=None, help="Enums by words or by number.  [default: words in CSV]"
)
@click.option("--bom", is_flag=True, help="Begin a CSV as Excel wants it.")
@click.option("--no-state", is_flag=True, help="Leave nothing beside the file: --since can't go on from it.")
@click.option("--restart", is_flag=True, help="Forget what was cut short, and replace what is there.")
@click.option(
    "--concurrency", type=click.IntRange(1, 64), default=8, show_default=True, help="Calls at a time."
)
@click.option(
    "--per-page", type=click.IntRange(1), help="Records a page.  [default: as many as the campus gives]"
)
@click.option("--json", "as_json", is_flag=True, help="Tell on stdout what came of it, as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="Tell nothing but what is wrong.")
@common_options
@click.pass_context
def command(ctx: click.Context, /, **given: Any) -> int:
    """Export records to a file of JSON Lines, CSV, SQLite or Parquet (.jsonl, .csv, .sqlite or .db, .parquet).

    KIND is enrollments, assignment-statuses, sessions or scorm-data. Which records, the filters tell: those of
    enrollments that match all of them, and any of the ids of each. An option of ids may be repeated, and takes @FILE for a
    file with an id a line.

    The same command goes on where it was cut short. With --since last it fetches what has changed since the last
    export, and puts it into the file. Exit code 15 tells that a few records failed; the next run asks for them again.
    """
    plan, output = _plan(ctx.ensure_object(Connection).address, given), _output(given)
    talks = on_terminal(sys.stderr) and not given["quiet"]
    begun = time.monotonic()
    try:
        with open_job(plan, output, restart=given["restart"]) as job:
            # It may ask who logs in, which a bar would be in the way of.
            campus = open_campus(ctx, max_concurrency=plan.concurrency)
            with progress_on(console(stderr=True) if talks else None) as progress:
                summary = asyncio.run(_run(campus, job, progress))
    except ExportError as error:
        raise click.ClickException(str(error)) from error
    _tell(summary, job, time.monotonic() - begun, as_json=given["as_json"], quiet=given["quiet"])
    return PARTIAL if summary.failed else 0


async def _run(campus: NexportCampus, job: Job, progress: Progress) -> Summary:
    try:
        async with campus:
            return await export(campus, job, progress)
    except BaseException:
        if job.is_under_way():
            note("what came so far is kept: the same command goes on from there")
        raise


def _plan(address: str, given: dict[str, Any]) -> Plan:
    kind, zone = KINDS[given["kind"]], zone_named(given["zone"])
    if given["elements"] and kind.name != "scorm-data":
        raise click.UsageError("--element is for scorm-data alone")
    if given["overlap"] is not None and given["since"] != LAST:
        raise click.UsageError("--overlap is for --since last alone")
    filters: dict[str, Any] = {name: _ids(option, given[name]) for name, option in _IDS.items()}
    filters |= {name: _date(name, given[name], zone) for name in DATE_FILTERS}
    elements = given["elements"] or DEFAULT_ELEMENTS
    return Plan(
        kind=kind,
        address=address,
        filters=Filters(**filters, syllabus_unique_names=given["syllabus_unique_names"]),
        since=LAST if given["since"] == LAST else _date("since", given["since"], zone),
        until=_date("until", given["until"], zone),
        overlap=given["overlap"],
        by=given["by"],
        zone=given["zone"],
        elements=tuple(dict.fromkeys(elements)) if kind.name == "scorm-data" else (),
        per_page=given["per_page"],
        concurrency=given["concurrency"],
    )


def _ids(option: str, given: tuple[str, ...]) -> tuple[UUID, ...]:
    """Return the ids of an option: each value is an id, or @FILE with one id per line."""
    return tuple(each for value in given for each in _ids_of(option, value))


def _ids_of(option: str, value: str) -> list[UUID]:
    if not value.startswith("@"):
        return [_id(option, value)]
    name = value[1:]
    try:
        lines = lines_of(read_text(name))
    except ValueError as error:
        raise click.UsageError(f"{option} {error}") from None
    if not lines:
        # A filter without ids would be no filter: the export would hold everybody.
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
        return instant(text, zone)
    except (ValueError, OverflowError):
        option = f"--{name.removeprefix('utc_').replace('_', '-')}"
        raise click.UsageError(
            f"{option}: {text!r} is no date of ISO 8601, such as 2026-01-31 or 2026-01-31T08:00:00Z"
        ) from None


def _output(given: dict[str, Any]) -> Output:
    target: Path = given["target"]
    form = given["form"] or FORMATS.get(target.suffix.lower())
    if form is None:
        raise click.UsageError(f"--to: the suffix of {target.name} names no format; add --format")
    if form == "parquet" and find_spec("pyarrow") is None:
        raise ConfigurationError('Parquet needs pyarrow: pip install "nexport-campus[parquet]"')
    if given["labels"] and form in ("jsonl", "sqlite"):
        raise click.UsageError(
            f"--labels: {form} is for machines, and has numbers; CSV and Parquet can have words"
        )
    if given["bom"] and form != "csv":
        raise click.UsageError("--bom is for CSV alone")
    if given["no_state"] and given["since"] is not None:
        raise click.UsageError("--no-state leaves nothing for --since to go on from")
    labels = form == "csv" if given["labels"] is None else given["labels"]
    return Output(
        target=target, format=form, labels=labels, bom=given["bom"], keep_state=not given["no_state"]
    )


def _tell(summary: Summary, job: Job, seconds: float, *, as_json: bool, quiet: bool) -> None:
    for error in summary.errors:
        warn(error)
    if summary.failed:
        warn(f"{summary.failed} of those asked one by one failed; the next run asks them again")
    counts, target = summary.counts, job.output.target
    if as_json:
        told = attrs.asdict(counts) | {
            "kind": job.plan.kind.name,
            "file": str(target),
            "absent": summary.absent,
            "failed": summary.failed,
            "complete_until": summary.cursor.isoformat(),
            "resumed": summary.resumed,
            "seconds": round(seconds, 3),
        }
        click.echo(json.dumps(told))
    elif not quiet:
        changes = f"{counts.new} new, {counts.updated} changed, {counts.removed} gone"
        absent = f"; {summary.absent} enrollments or users have none" if summary.absent else ""
        click.echo(f"{target.name}: {counts.rows} rows ({changes}) in {seconds:.1f} s{absent}", err=True)
