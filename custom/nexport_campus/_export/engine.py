"""One export from its begin, or from where it was cut short, to its end."""

from datetime import datetime
from typing import Final

import attrs

from .children import Campus
from .completed_rows import Counts
from .context import Progress, Work
from .fetch_children import ask_all
from .fetch_enrollments import search_span
from .queries import Span, scans_of
from .request import Plan, zone_named
from .server_clock import campus_time
from .session import Job
from .worker_thread import Desk

__all__ = ["Summary", "export"]

_TOLD: Final = 10


@attrs.frozen(kw_only=True)
class Summary:
    """What came of an export.

    Attributes:
        counts: Its rows, and what is new in them.
        absent: How many of those asked had nothing to tell: removed meanwhile, or no enrollments in sections.
        failed: How many of those asked failed, and are asked again by the next run.
        errors: What went wrong with the first of them.
        cursor: Until when the rows are complete: where `--since last` begins, less the overlap.
        resumed: Whether it went on with a run that was cut short.
    """

    counts: Counts
    absent: int
    failed: int
    errors: list[str]
    cursor: datetime
    resumed: bool


async def export(campus: Campus, job: Job, progress: Progress) -> Summary:
    """Do what is left of an export, or all of it.

    Raises:
        NexportError: The campus can't be had, or refuses; the same job goes on from there.
        ExportError: This machine refuses: a full disk, say; likewise.
    """
    with Desk(job.output.name, _advice(job)) as desk:
        run, plan = job.unfinished, job.plan
        if run is None:
            run = await desk.do(job.begin, await campus_time(campus, plan))
        else:
            await desk.do(job.store.reopen)
        work = Work(campus, plan, job.store, desk, progress, datetime.fromisoformat(run.started))
        while (left := await desk.do(job.store.next_span)) is not None:
            await _do_span(work, *left)
        progress.stage("saving")
        summary = Summary(
            counts=await desk.do(job.published.publish, run),
            absent=await desk.do(job.store.count, "absent"),
            failed=await desk.do(job.store.count, "failed"),
            errors=await desk.do(job.store.failures, _TOLD),
            cursor=datetime.fromisoformat(run.cursor),
            resumed=job.unfinished is not None,
        )
        if job.destination is not None:
            await _write(job, desk, progress, summary.counts.rows)
        await desk.do(job.finish)
    return summary


def _advice(job: Job) -> str:
    """Return what to do after an error of this machine's files."""
    if job.database.path is None:
        return "an export to standard output can't resume: run it again"
    return "run the same command again to resume"


async def _do_span(work: Work, number: int, span: Span) -> None:
    label = _label(work.plan, span)
    scans = [] if work.plan.by_enrollment_ids else scans_of(work.plan, span)
    work.progress.stage(f"enrollments{label}", 0)
    await work.desk.do(work.store.begin_span, number, scans)
    await search_span(work, span)
    if work.plan.kind.parents is not None:
        await ask_all(work, f"{work.plan.kind.name}{label}")
    await work.desk.do(work.store.end_span, number)


def _label(plan: Plan, span: Span) -> str:
    """Which month or day a span is, by the zone's calendar."""
    if plan.by is None or span.start is None:
        return ""
    local = span.start.astimezone(zone_named(plan.zone))
    return f" {local:%Y-%m}" if plan.by == "month" else f" {local:%Y-%m-%d}"


async def _write(job: Job, desk: Desk, progress: Progress, rows: int) -> None:
    progress.stage(f"writing {job.output.name}", rows)
    batches = job.write()
    try:
        while written := await desk.do(next, batches, 0):
            progress.advance(written)
    finally:
        await desk.do(batches.close)
