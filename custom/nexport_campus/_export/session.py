"""An export with its target opened: its state, what earlier runs left there, and the file that it writes."""

import sqlite3
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

import attrs

from nexport_campus._errors import ExportError

from .checkpoint import Parent, Run, Store
from .completed_rows import Former, Published
from .database import Database
from .errors import TargetError
from .output import Output
from .queries import Span, spans_of
from .request import DATE_FILTERS, LAST, Plan
from .tables import ROWS, json_table, typed_table
from .target import Destination, StandardOutput, TargetFile, check_writable, resolve_target
from .writers import CsvWriter, JsonLinesWriter, Writer

__all__ = ["Job", "open_job"]

_OPTIONS: Final = {
    "campus": "the campus",
    "kind": "the kind",
    "org_ids": "--org",
    "user_ids": "--user",
    "enrollment_ids": "--enrollment",
    "syllabus_ids": "--syllabus",
    "syllabus_unique_names": "--syllabus-name",
    "elements": "--element",
    "since": "--since",
    "until": "--until",
    "by": "--by-month or --by-day",
    "zone": "--zone",
    **{name: f"--{name.removeprefix('utc_').replace('_', '-')}" for name in DATE_FILTERS},
}


@attrs.frozen
class Job:
    """An export that may begin or resume: no other one uses its target, and what is there belongs to it.

    `destination`: where the file is written; None for SQLite, where `published` is the target.
    """

    plan: Plan
    output: Output
    database: Database
    store: Store
    published: Published
    destination: Destination | None
    former: Former | None
    unfinished: Run | None

    def since(self) -> datetime | None:
        """Where a new run begins: None is everything."""
        if self.plan.since != LAST:
            return self.plan.since if isinstance(self.plan.since, datetime) else None
        overlap = self.plan.kind.overlap if self.plan.overlap is None else self.plan.overlap
        return self.former.cursor - overlap if self.former else None

    def begin(self, started: datetime) -> Run:
        """Begin a new run.

        Args:
            started: Now, by the campus's clock: until then the rows will be complete.
        """
        since, former = self.since(), self.former
        reached = min(started, self.plan.until or started)
        if former is not None and since is not None:
            # A run that begins after the last one ended leaves a gap: the next one is to begin before it.
            reached = max(former.cursor, reached) if since <= former.cursor else former.cursor
        replaces = former is None or since is None
        named = self.plan.filters.enrollment_ids if self.plan.by_enrollment_ids else ()
        parents = [Parent(str(each), {"enrollment_id": str(each)}) for each in named]
        parents += former.failed if former is not None and not replaces else []
        run = Run(
            scope=self.plan.scope(),
            span=self.plan.span(),
            replaces=replaces,
            base=former.cursor.isoformat() if former is not None and not replaces else None,
            started=started.isoformat(),
            cursor=reached.isoformat(),
        )
        spans = [Span()] if self.plan.by_enrollment_ids else spans_of(self.plan, since, started)
        self.store.begin(run, spans, parents)
        return run

    def can_resume(self) -> bool:
        """Return whether the next run with the same plan resumes this one."""
        with suppress(sqlite3.Error):
            return self.database.path is not None and self.store.run() is not None
        return False

    def write(self) -> Generator[int, None, None]:
        """Write the file, batch by batch, and complete it at the end; gives how many rows each batch has."""
        if self.destination is None:
            return
        with self.destination.writing() as file:
            writer = self._writer(file)
            try:
                for batch in self.published.batches():
                    writer.write(batch)
                    yield len(batch)
                writer.close()
            except BaseException:
                writer.abandon()
                raise

    def finish(self) -> None:
        """Forget what was needed to go on."""
        self.store.clear()
        if self.output.format == "sqlite" or not self.output.keep_state:
            self.database.delete()

    def _writer(self, file: BinaryIO) -> Writer:
        kind, elements, output = self.plan.kind, self.plan.elements, self.output
        if output.format == "csv":
            return CsvWriter(file, kind, elements, labels=output.labels, bom=output.bom)
        if output.format == "parquet":
            from .parquet_writer import ParquetWriter

            return ParquetWriter(file, kind, elements, labels=output.labels)
        return JsonLinesWriter(file)


@contextmanager
def open_job(plan: Plan, output: Output, *, restart: bool = False, force: bool = False) -> Iterator[Job]:
    """Open the target of an export for the block, and lock out other exports.

    Args:
        plan: What is exported.
        output: Where to.
        restart: Forget what was cut short there, and what earlier runs left; the target is replaced.
        force: Overwrite a target that no export wrote, or that was changed since.

    Raises:
        TargetError: The export can't begin: another one uses the target, or the target is something else.
        ExportError: The target's folder can't be written to.
    """
    if isinstance(output.target, Path):
        output = attrs.evolve(output, target=resolve_target(output.target))
    elif plan.since == LAST:
        raise TargetError("--since last: an export to standard output leaves nothing to continue from")
    with ExitStack() as stack:
        try:
            job = _opened(plan, output, stack, restart=restart, force=force)
        except (OSError, sqlite3.Error) as error:
            raise ExportError(f"{output.name}: {error}") from error
        _check(job)
        yield job


def _opened(plan: Plan, output: Output, stack: ExitStack, *, restart: bool, force: bool) -> Job:
    typed = output.format == "sqlite"
    file = output.target if isinstance(output.target, Path) else None
    database = Database(_state_path(file, plan.kind.table if typed else None))
    stack.callback(database.close)
    table = typed_table(plan.kind, plan.elements) if typed else json_table(plan.kind)
    store = Store(database, table)
    name = plan.kind.table if typed else ROWS
    published = Published(database, plan.kind, name, table, file if typed else None, force=force)
    stack.callback(_tidy, store, published)
    former, unfinished = published.former(), store.run()
    destination = None if typed else _destination(output, database, former, force=force)
    if typed and file is not None:
        check_writable(file)
    if restart:
        former = unfinished = None
    return Job(plan, output, database, store, published, destination, former, unfinished)


def _state_path(file: Path | None, table: str | None) -> Path | None:
    """Return the path of the state: beside a file, one for each table of an SQLite file."""
    if file is None:
        return None
    return file.with_name(f"{file.name}.{table}.state" if table else f"{file.name}.state")


def _destination(output: Output, database: Database, former: Former | None, *, force: bool) -> Destination:
    if not isinstance(output.target, Path):
        return StandardOutput(output.target)
    file = TargetFile(database, output.target)
    file.check(force=force, exported_before=former is not None)
    return file


def _tidy(store: Store, published: Published) -> None:
    """Delete a state that holds nothing."""
    with suppress(sqlite3.Error):
        holds = store.run() is not None or (published.target is None and published.former() is not None)
        if not holds:
            published.database.delete()


def _check(job: Job) -> None:
    """Raise TargetError for a target that holds, or is to hold, another export."""
    plan, name = job.plan, job.output.name
    if job.unfinished is not None:
        wanted, begun = plan.scope() | plan.span(), job.unfinished.scope | job.unfinished.span
        if wanted != begun:
            raise TargetError(
                f"an export into {name} was cut short, and it was another one ({_differing(wanted, begun)}):"
                " finish it with its own options, or add --restart to forget it"
            )
        cursor = job.former.cursor.isoformat() if job.former else None
        if job.unfinished.base is not None and cursor not in (job.unfinished.base, job.unfinished.cursor):
            raise TargetError(
                f"{name} isn't what it was when an export of changes into it was cut short:"
                " bring it back, or add --restart to begin anew"
            )
    elif job.former is not None and job.former.scope != plan.scope():
        raise TargetError(
            f"{name} holds another export ({_differing(plan.scope(), job.former.scope)}):"
            " choose another --to, or add --restart to replace it"
        )
    elif job.former is None and plan.since == LAST and plan.by:
        raise TargetError(
            f"there is no earlier export in {name} to continue: --by-{plan.by} needs a date for --since"
        )


def _differing(one: dict[str, Any], other: dict[str, Any]) -> str:
    names = sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
    return f"it differs in {', '.join(_OPTIONS.get(name, name) for name in names)}"
