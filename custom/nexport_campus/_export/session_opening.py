"""Opening an export session: the target is locked, and must not hold another export."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import attrs

from nexport_campus._errors import ExportError
from nexport_campus._version import __version__

from .checkpoint import Checkpoint
from .completed_rows import CompletedRows, PreviousExport
from .database import Database
from .errors import TargetError
from .output import Output
from .request import DATE_FILTERS, LAST, ExportRequest
from .session import ExportSession
from .tables import ROWS, make_json_table, make_typed_table
from .target import Destination, StandardOutput, TargetFile, check_writable, resolve_target

__all__ = ["open_session"]

_PARAMETERS: Final = {
    "campus": "the campus",
    "kind": "{dataset}",
    **{
        name: f"{{{name}}}"
        for name in ("org_ids", "user_ids", "enrollment_ids", "syllabus_ids", "elements", "since", "until")
    },
    "syllabus_unique_names": "--syllabus-name",
    "by": "--by-month or --by-day",
    "zone": "--zone",
    **{name: f"--{name.removeprefix('utc_').replace('_', '-')}" for name in DATE_FILTERS},
}
"""How the templates of messages name the parameters of an export."""


@contextmanager
def open_session(
    request: ExportRequest, output: Output, *, restart: bool = False, force: bool = False
) -> Iterator[ExportSession]:
    """Open and lock the target of an export for the block.

    Args:
        request: The export.
        output: The target and format.
        restart: Discard an interrupted export and earlier results, and replace the target.
        force: Overwrite a target that no export wrote, or that was changed afterwards.

    Raises:
        TargetError: Another export is using the target, or the target holds something else.
        ExportError: The target's folder can't be written to.
    """
    if isinstance(output.target, Path):
        output = attrs.evolve(output, target=resolve_target(output.target))
    elif request.since == LAST:
        raise TargetError("{since_last}: an export to standard output leaves nothing to continue from")
    with ExitStack() as stack:
        try:
            session = _open(request, output, stack, restart=restart, force=force)
        except (OSError, sqlite3.Error) as error:
            raise ExportError(f"{output.name}: {error}") from error
        _check(session)
        yield session


def _open(
    request: ExportRequest, output: Output, stack: ExitStack, *, restart: bool, force: bool
) -> ExportSession:
    typed = output.format == "sqlite"
    file = output.target if isinstance(output.target, Path) else None
    database = Database(_get_state_path(file, request.dataset.table if typed else None))
    stack.callback(database.close)
    table = make_typed_table(request.dataset, request.elements) if typed else make_json_table(request.dataset)
    checkpoint = Checkpoint(database, table)
    name = request.dataset.table if typed else ROWS
    completed = CompletedRows(database, request.dataset, name, table, file if typed else None, force=force)
    stack.callback(_delete_if_empty, checkpoint, completed)
    previous, unfinished = completed.find_previous(), checkpoint.load_run()
    destination = None if typed else _make_destination(request, output, database, previous, force=force)
    if typed and file is not None:
        check_writable(file)
    if restart:
        previous = unfinished = None
    return ExportSession(request, output, database, checkpoint, completed, destination, previous, unfinished)


def _get_state_path(file: Path | None, table: str | None) -> Path | None:
    """Return the path of the state: next to a file, one for each table of an SQLite file."""
    if file is None:
        return None
    return file.with_name(f"{file.name}.{table}.state" if table else f"{file.name}.state")


def _make_destination(
    request: ExportRequest,
    output: Output,
    database: Database,
    previous: PreviousExport | None,
    *,
    force: bool,
) -> Destination:
    if not isinstance(output.target, Path):
        return StandardOutput(output.target)
    columns = request.dataset.columns(request.elements) if output.format != "jsonl" else ()
    form = json.dumps([__version__, output.format, output.labels, output.bom, *columns])
    file = TargetFile(database, output.target, form)
    file.check(force=force, exported_before=previous is not None)
    return file


def _delete_if_empty(checkpoint: Checkpoint, completed: CompletedRows) -> None:
    """Delete the state file if it holds neither an interrupted export nor completed rows."""
    with suppress(sqlite3.Error):
        holds = checkpoint.load_run() is not None or (
            completed.target is None and completed.find_previous() is not None
        )
        if not holds:
            completed.database.delete()


def _check(session: ExportSession) -> None:
    """Raise TargetError if the target holds another export, finished or interrupted."""
    request, name = session.request, session.output.name
    if session.unfinished is not None:
        wanted = request.get_scope() | request.get_time_parameters()
        begun = session.unfinished.scope | session.unfinished.span
        if wanted != begun:
            raise TargetError(
                "another export into {name} was interrupted ("
                + _describe_difference(wanted, begun)
                + "): resume it with its {arguments}, or add {restart} to discard it",
                name=name,
            )
        cursor = session.previous.cursor.isoformat() if session.previous else None
        if session.unfinished.base is not None and cursor not in (
            session.unfinished.base,
            session.unfinished.cursor,
        ):
            raise TargetError(
                "{name} has changed since an export of changes into it was interrupted:"
                " restore it, or add {restart} to start over",
                name=name,
            )
    elif session.previous is not None and session.previous.scope != request.get_scope():
        raise TargetError(
            "{name} holds another export ("
            + _describe_difference(request.get_scope(), session.previous.scope)
            + "): choose another {target}, or add {restart} to replace it",
            name=name,
        )
    elif session.previous is None and request.since == LAST and request.by:
        raise TargetError(
            "there is no earlier export in {name} to continue: --by-{by} needs a date for {since}",
            name=name,
            by=request.by,
        )


def _describe_difference(one: dict[str, Any], other: dict[str, Any]) -> str:
    """Return the part of a message's template that names the parameters in which two exports differ."""
    names = sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
    return f"it differs in {', '.join(_PARAMETERS.get(name, 'an unknown option') for name in names)}"
