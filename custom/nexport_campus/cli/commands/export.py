"""`nexport export`: records of a campus, written to a file or to standard output."""

import asyncio
import json
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click

from nexport_campus import ExportError, NexportCampus
from nexport_campus._export.datasets import DATASETS
from nexport_campus._export.engine import export
from nexport_campus._export.output import FORMATS
from nexport_campus._export.request import DATE_FILTERS
from nexport_campus._export.session import ExportSession
from nexport_campus._export.session_opening import open_session
from nexport_campus.cli.common_options import ConnectionOptions, common_options
from nexport_campus.cli.connection import open_campus
from nexport_campus.cli.exit_codes import INTERRUPTED, PARTIAL, TERMINATED
from nexport_campus.cli.export_bar import show_progress
from nexport_campus.cli.export_options import STDOUT, parse_duration, to_output, to_request
from nexport_campus.cli.terminal import is_terminal, make_console, note, warn
from nexport_campus.export import ExportSummary, OnProgress

__all__ = ["command"]

_MAX_ERRORS: Final = 10


class _Interrupted(click.ClickException):
    """SIGINT ended an export."""

    exit_code = INTERRUPTED


class _Terminated(click.ClickException):
    """SIGTERM ended an export."""

    exit_code = TERMINATED


def _add_date_filters(function: Any) -> Any:
    """Add an option for each date filter of SearchEnrollments: --enrolled-after and so on."""
    words = {"enrolled": "Made", "activity": "Last active", "completed": "Completed"}
    for name in reversed(DATE_FILTERS):
        _, what, side = name.split("_")
        option = click.option(f"--{what}-{side}", name, metavar="DATE", help=f"{words[what]} {side} a date.")
        function = option(function)
    return function


@click.command(name="export", short_help="Export records to a file that stays up to date.")
@click.argument("kind", type=click.Choice(list(DATASETS)))
@click.option(
    "--to",
    "target",
    type=click.Path(),
    required=True,
    metavar="FILE",
    help="Output file, or - for standard output.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(sorted(set(FORMATS.values()))),
    help="Output format.  [default: by the suffix of the file; jsonl on standard output]",
)
@click.option(
    "--org", "org_ids", multiple=True, metavar="ID", help="Export enrollments of this organization."
)
@click.option("--user", "user_ids", multiple=True, metavar="ID", help="Export enrollments of this user.")
@click.option("--enrollment", "enrollment_ids", multiple=True, metavar="ID", help="Export this enrollment.")
@click.option(
    "--syllabus",
    "syllabus_ids",
    multiple=True,
    metavar="ID",
    help="Export enrollments in this section or training plan.",
)
@click.option(
    "--syllabus-name",
    "syllabus_unique_names",
    multiple=True,
    metavar="NAME",
    help="Export enrollments in the section or training plan with this unique name.",
)
@_add_date_filters
@click.option(
    "--since", metavar="DATE|last", help="Export what changed since a date, or since the last export."
)
@click.option("--until", metavar="DATE", help="Export what changed before a date.")
@click.option(
    "--overlap",
    type=parse_duration,
    metavar="DURATION",
    help="How far before the last export `last` begins.  [default: 1h; sessions: 1d]",
)
@click.option(
    "--by-month", "by", flag_value="month", help="Export month by month, finishing each before the next."
)
@click.option("--by-day", "by", flag_value="day", help="Export day by day.")
@click.option(
    "--zone",
    default="UTC",
    show_default=True,
    help="Time zone of months and days, and of dates without an offset.",
)
@click.option(
    "--element",
    "elements",
    multiple=True,
    metavar="NAME",
    help="CMI element of SCORM data to export.  [default: the progress elements]",
)
@click.option(
    "--labels/--numbers", default=None, help="Write enums as labels or as numbers.  [default: labels in CSV]"
)
@click.option("--bom", is_flag=True, help="Start a CSV file with a byte order mark, for Excel.")
@click.option(
    "--no-state",
    is_flag=True,
    help="Keep no state file: --since can't continue from it, and the next run needs --force.",
)
@click.option("--restart", is_flag=True, help="Discard an interrupted export, and replace the file.")
@click.option(
    "--force", is_flag=True, help="Overwrite a file that no export wrote, or that was changed afterwards."
)
@click.option(
    "--concurrency",
    type=click.IntRange(1, 64),
    default=8,
    show_default=True,
    help="Number of concurrent calls.",
)
@click.option(
    "--per-page", type=click.IntRange(1), help="Records per page.  [default: as many as the campus allows]"
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print a summary as JSON to stdout; with --to -, to stderr."
)
@click.option("-q", "--quiet", is_flag=True, help="Print only warnings and errors.")
@common_options
@click.pass_context
def command(ctx: click.Context, /, **given: Any) -> int:
    """Export records as JSON Lines, CSV, SQLite or Parquet (.jsonl, .csv, .sqlite or .db, .parquet).

    KIND is enrollments, assignment-statuses, sessions or scorm-data. Filters select enrollments: all filters must match,
    and any of the ids of each. An option of ids may be repeated, and takes @FILE for a file with one id per line.

    The same command resumes an interrupted export. With --since last it fetches what has changed since the last
    export, and updates the file. A file that no export wrote is not overwritten without --force. Exit code 15 means that
    a few records failed; the next run retries them.
    """
    request, output = to_request(ctx.ensure_object(ConnectionOptions).address, given), to_output(given)
    # Rows on the same terminal would run into a progress bar.
    quiet = given["quiet"] or (given["target"] == STDOUT and is_terminal())
    begun = time.monotonic()
    bar = make_console(stderr=True) if is_terminal(sys.stderr) and not quiet else None
    with open_session(request, output, restart=given["restart"], force=given["force"]) as session:
        # It may prompt for credentials, before the progress bar is shown.
        campus = open_campus(ctx, max_concurrency=request.concurrency)
        with show_progress(bar) as on_progress:
            summary = _run(campus, session, on_progress)
    _report(summary, session, time.monotonic() - begun, as_json=given["as_json"], quiet=given["quiet"])
    return PARTIAL if summary.failed else 0


def _run(campus: NexportCampus, session: ExportSession, on_progress: OnProgress | None) -> ExportSummary:
    try:
        return asyncio.run(_export(campus, session, on_progress))
    except KeyboardInterrupt:
        raise _Interrupted(f"interrupted: {_describe_resuming(session)}") from None
    except asyncio.CancelledError:
        raise _Terminated(f"terminated: {_describe_resuming(session)}") from None
    except ExportError:
        raise
    except Exception:
        if session.can_resume():
            note("what was fetched so far is kept: run the same command again to resume")
        raise


async def _export(
    campus: NexportCampus, session: ExportSession, on_progress: OnProgress | None
) -> ExportSummary:
    with _cancel_on_sigterm():
        async with campus:
            return await export(campus, session, on_progress)


@contextmanager
def _cancel_on_sigterm() -> Iterator[None]:
    """Cancel the current task on SIGTERM, as service managers and containers send it, where signals can be handled."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    try:
        loop.add_signal_handler(signal.SIGTERM, task.cancel)
    except (NotImplementedError, RuntimeError, ValueError):  # Windows; another thread than the main one
        yield
        return
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


def _describe_resuming(session: ExportSession) -> str:
    if session.database.path is None:
        return "the output is incomplete; an export to standard output can't resume, one to a file can"
    if session.can_resume():
        return (
            f"run the same command again to resume; what was fetched is kept in {session.database.path.name}"
        )
    return "nothing was fetched"


def _report(
    summary: ExportSummary, session: ExportSession, seconds: float, *, as_json: bool, quiet: bool
) -> None:
    for error in summary.errors[:_MAX_ERRORS]:
        warn(error)
    if summary.failed:
        warn(
            f"could not read {summary.failed} of the enrollments or users: their rows of an earlier export are kept,"
            " and the next run retries them"
        )
    target = session.output.target
    if as_json:
        report = {
            "rows": summary.rows,
            "new": summary.new,
            "updated": summary.updated,
            "removed": summary.removed,
            "kind": session.request.dataset.name,
            "file": str(target) if isinstance(target, Path) else "-",
            "absent": summary.absent,
            "failed": summary.failed,
            "complete_until": summary.complete_until.isoformat(),
            "resumed": summary.resumed,
            "seconds": round(seconds, 3),
        }
        click.echo(json.dumps(report), err=not isinstance(target, Path))
    elif not quiet:
        changes = f"{summary.new} new, {summary.updated} updated, {summary.removed} removed"
        absent = f"; {summary.absent} enrollments or users have none" if summary.absent else ""
        click.echo(
            f"{session.output.name}: {summary.rows} rows ({changes}) in {seconds:.1f} s{absent}", err=True
        )
