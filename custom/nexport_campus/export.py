"""Exports of a campus's records to files that stay up to date, as `nexport export` makes them."""

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal, cast
from uuid import UUID

from nexport_client.api.learning_api.learning_api_search_enrollments import OPERATION

from ._calling.arguments import check_page_arguments, read_strings, read_uuids
from ._client import NexportCampus
from ._errors import ArgumentError
from ._export.datasets import DATASETS
from ._export.engine import export
from ._export.errors import OptionError, OptionNamingError
from ._export.options import make_output, make_request
from ._export.output import FORMATS, Format, Output
from ._export.reports import ExportProgress, ExportSummary, OnProgress
from ._export.request import LAST, ExportRequest, Filters
from ._export.session import ExportSession
from ._export.session_opening import open_session
from ._export.worker_thread import WorkerThread
from ._inputs import describe, find_zone_problem, is_async, to_whole

__all__ = ["DatasetName", "ExportProgress", "ExportSummary", "OnProgress", "export_records"]

DatasetName = Literal["enrollments", "assignment_statuses", "sessions", "scorm_data"]

_MAX_CONCURRENCY: Final = 64


async def export_records(
    campus: NexportCampus,
    dataset: DatasetName,
    to: str | os.PathLike[str] | BinaryIO,
    *,
    org_ids: Iterable[UUID | str] | None = None,
    user_ids: Iterable[UUID | str] | None = None,
    enrollment_ids: Iterable[UUID | str] | None = None,
    syllabus_ids: Iterable[UUID | str] | None = None,
    since: datetime | Literal["last"] | None = None,
    until: datetime | None = None,
    overlap: timedelta | None = None,
    format: Format | None = None,  # noqa: A002 -- the name of the command line's option
    elements: Iterable[str] | None = None,
    labels: bool | None = None,
    force: bool = False,
    restart: bool = False,
    keep_state: bool = True,
    concurrency: int = 8,
    per_page: int | None = None,
    on_progress: OnProgress | None = None,
) -> ExportSummary:
    """Export records to a file, or bring such a file up to date.

    An interrupted or cancelled export resumes when it is called again with the same arguments. The file is replaced in
    one step when the export is complete; files and databases are read and written in a thread.

    Args:
        campus: The client, which stays open.
        dataset: What to export: "enrollments", "assignment_statuses", "sessions" or "scorm_data".
        to: The file, or a binary stream for JSON Lines and CSV, which gets all rows at the end.
        org_ids: Export enrollments in these organizations, or the records of these enrollments.
        user_ids: Export enrollments of these users. The campus requires organizations or users.
        enrollment_ids: Export these enrollments; sufficient for "assignment_statuses" and "scorm_data".
        syllabus_ids: Export enrollments in these sections and training plans.
        since: Export what changed since then, or since the last export into the same file; None exports everything.
        until: Export what changed before then.
        overlap: How far before the start of the last export "last" starts; None is an hour, or a day for sessions.
        format: "jsonl", "csv", "sqlite" or "parquet"; None decides by the suffix of the file.
        elements: The CMI elements of SCORM data; None takes those that describe a learner's progress.
        labels: Whether enums are written as the vendor's labels; None does so in CSV only.
        force: Whether to overwrite a file that no export wrote, or that was changed afterwards.
        restart: Whether to discard an interrupted export, and replace the file.
        keep_state: Whether the state that `since="last"` needs stays next to the file.
        concurrency: The number of concurrent calls, from 1 to 64.
        per_page: The requested page size; None takes the SDK's default.
        on_progress: A synchronous function called with each `ExportProgress`.

    Returns:
        ExportSummary: The number of rows, of changes, and of what couldn't be read, with the errors.

    Raises:
        ArgumentError: The arguments are invalid or contradict each other; nothing was sent.
        ExportError: The file can't be written, is in use, or holds something else.
        NexportError: The campus is unavailable or refused a request; the same call resumes.
    """
    with _naming_arguments():
        _check(dataset, since, until, overlap, on_progress)
        _check_target(to, format)
        filters = _check_filters(
            org_ids=org_ids, user_ids=user_ids, enrollment_ids=enrollment_ids, syllabus_ids=syllabus_ids
        )
        _, size = check_page_arguments(OPERATION, 1, per_page)
        request = make_request(
            dataset.replace("_", "-"),
            address=str(campus._settings.base_url),
            filters=filters,
            since=since,
            until=until,
            overlap=overlap,
            elements=() if elements is None else tuple(read_strings("elements", elements)),
            per_page=size,
            concurrency=_check_concurrency(concurrency),
        )
        target = Path(to) if isinstance(to, str | os.PathLike) else to
        output = make_output(target, format=format, labels=labels, keep_state=keep_state, since=since)
        return await _run(campus, request, output, on_progress, restart=restart, force=force)


async def _run(
    campus: NexportCampus,
    request: ExportRequest,
    output: Output,
    on_progress: OnProgress | None,
    *,
    restart: bool,
    force: bool,
) -> ExportSummary:
    with ExitStack() as stack, WorkerThread(output.name, "nothing was exported") as worker:
        opening = open_session(request, output, restart=restart, force=force)
        session = cast("ExportSession", await worker.do(stack.enter_context, opening))
        try:
            return await export(campus, session, on_progress)
        finally:
            await worker.do(stack.close)


def _check(dataset: object, since: object, until: object, overlap: object, on_progress: object) -> None:
    names = [name.replace("-", "_") for name in DATASETS]
    if dataset not in names:
        raise _make_error("dataset", f"must be one of {', '.join(names)}, got {describe(dataset)}")
    for name, value in (("since", None if since == LAST else since), ("until", until)):
        if value is None:
            continue
        if not isinstance(value, datetime):
            raise _make_error(name, f"must be a datetime, got {describe(value)}")
        problem = find_zone_problem(value)
        if problem is not None:
            raise _make_error(name, problem)
    if overlap is not None and (not isinstance(overlap, timedelta) or overlap < timedelta()):
        raise _make_error("overlap", "must be a timedelta that isn't negative")
    if on_progress is not None and (not callable(on_progress) or is_async(on_progress)):
        raise _make_error(
            "on_progress",
            "must be a synchronous function; it may call asyncio.create_task, and keep a reference to the task",
        )


def _check_target(to: object, form: object) -> None:
    if not isinstance(to, str | os.PathLike) and not callable(getattr(to, "write", None)):
        raise _make_error("to", f"must be a path or a binary stream, got {describe(to)}")
    formats = sorted(set(FORMATS.values()))
    if form is not None and form not in formats:
        raise _make_error("format", f"must be one of {', '.join(formats)}")


def _check_concurrency(value: object) -> int:
    number = to_whole(value)
    if number is None or not 1 <= number <= _MAX_CONCURRENCY:
        raise _make_error(
            "concurrency", f"must be a whole number from 1 to {_MAX_CONCURRENCY}, got {describe(value)}"
        )
    return number


def _check_filters(**given: Iterable[UUID | str] | None) -> Filters:
    ids: dict[str, Any] = {
        name: tuple(read_uuids(name, values)) for name, values in given.items() if values is not None
    }
    for name, values in ids.items():
        if not values:
            raise _make_error(
                name, "must not be empty: the campus ignores an empty filter and would return everybody"
            )
    return Filters(**ids)


@contextmanager
def _naming_arguments() -> Iterator[None]:
    """Raise errors that name arguments instead of the command line's options; invalid options as ArgumentErrors."""
    try:
        yield
    except OptionNamingError as error:
        error.name_arguments()
        if isinstance(error, OptionError):
            raise ArgumentError(f"{error.message}; nothing was sent", argument=error.argument) from None
        raise


def _make_error(name: str, reason: str) -> ArgumentError:
    return ArgumentError(f"{name} {reason}; nothing was sent", argument=name)


# Tracebacks and reprs show the module from which users import these.
for _public in (ExportProgress, ExportSummary):
    _public.__module__ = __name__
