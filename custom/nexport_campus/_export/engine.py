"""Running an export: from the start, or resuming an interrupted one."""

from datetime import datetime

from .children import ExportClient
from .completed_rows import Counts
from .context import ExportContext
from .fetch_children import fetch_children
from .fetch_enrollments import fetch_enrollments
from .queries import TimeRange, build_queries
from .reports import ExportSummary, OnProgress, ProgressReporter
from .request import ExportRequest, find_zone
from .server_clock import fetch_campus_time
from .session import ExportSession
from .worker_thread import WorkerThread

__all__ = ["export"]


async def export(
    campus: ExportClient, session: ExportSession, on_progress: OnProgress | None = None
) -> ExportSummary:
    """Run an export, or the rest of an interrupted one.

    Raises:
        NexportError: The campus is unavailable or refused a request; a new session resumes the export.
        ExportError: A local file can't be written, for example on a full disk; a new session resumes the export.
    """
    progress = ProgressReporter(on_progress)
    with WorkerThread(session.output.name, _describe_recovery(session)) as worker:
        run, request = session.unfinished, session.request
        if run is None:
            run = await worker.do(session.begin, await fetch_campus_time(campus, request))
        else:
            await worker.do(session.checkpoint.reopen)
        context = ExportContext(
            campus, request, session.checkpoint, worker, progress, datetime.fromisoformat(run.started)
        )
        while (left := await worker.do(session.checkpoint.get_next_range)) is not None:
            await _export_range(context, *left)
        progress.stage("saving")
        counts = await worker.do(session.completed.publish, run)
        summary = ExportSummary(
            rows=counts.rows,
            new=counts.new,
            updated=counts.updated,
            removed=counts.removed,
            absent=await worker.do(session.checkpoint.count, "absent"),
            failed=await worker.do(session.checkpoint.count, "failed"),
            errors=await worker.do(session.checkpoint.load_failures),
            complete_until=datetime.fromisoformat(run.cursor),
            resumed=session.unfinished is not None,
        )
        if session.destination is not None:
            await _write(session, worker, progress, counts)
        await worker.do(session.finish)
    return summary


def _describe_recovery(session: ExportSession) -> str:
    """Return how to recover from an error of a local file."""
    if session.database.path is None:
        return "an export to standard output can't resume: run it again"
    return "run the same command again to resume"


async def _export_range(context: ExportContext, number: int, time_range: TimeRange) -> None:
    label = _make_label(context.request, time_range)
    queries = [] if context.request.by_enrollment_ids else build_queries(context.request, time_range)
    context.progress.stage(f"enrollments{label}")
    await context.worker.do(context.checkpoint.begin_range, number, queries)
    await fetch_enrollments(context, time_range)
    if context.request.dataset.parents is not None:
        await fetch_children(context, f"{context.request.dataset.name}{label}")
    await context.worker.do(context.checkpoint.end_range, number)


def _make_label(request: ExportRequest, time_range: TimeRange) -> str:
    """Return the month or day of a time range in the request's zone, or "" if it isn't one."""
    if request.by is None or time_range.start is None:
        return ""
    local = time_range.start.astimezone(find_zone(request.zone))
    return f" {local:%Y-%m}" if request.by == "month" else f" {local:%Y-%m-%d}"


async def _write(
    session: ExportSession, worker: WorkerThread, progress: ProgressReporter, counts: Counts
) -> None:
    progress.stage(f"writing {session.output.name}", counts.rows)
    batches = session.write()
    try:
        while written := await worker.do(next, batches, 0):
            progress.advance(written)
    finally:
        await worker.do(batches.close)
