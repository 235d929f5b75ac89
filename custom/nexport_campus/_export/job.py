"""The place of an export: its state, what earlier runs left there, and the file that comes of it."""

import sqlite3
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal

import attrs

from nexport_campus._errors import ConfigurationError, ExportError

from .database import Database
from .layout import ROWS, json_table, typed_table
from .plan import DATE_FILTERS, LAST, Plan
from .published import Former, Published
from .scans import Span, spans_of
from .store import Parent, Run, Store
from .writers import CsvWriter, JsonLinesWriter, Writer, replacing

__all__ = ["FORMATS", "Job", "Output", "open_job"]

Format = Literal["jsonl", "csv", "sqlite", "parquet"]
FORMATS: Final[dict[str, Format]] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".sqlite": "sqlite",
    ".sqlite3": "sqlite",
    ".db": "sqlite",
    ".parquet": "parquet",
}
"""Formats by the suffix of a file's name."""

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


@attrs.frozen(kw_only=True)
class Output:
    """Where the rows go, and how: `labels` for enums by the vendor's words, `bom` for a byte order mark in CSV.

    `keep_state`: whether what `--since` needs stays beside the file.
    """

    target: Path
    format: Format
    labels: bool = False
    bom: bool = False
    keep_state: bool = True


@attrs.frozen
class Job:
    """An export that may begin, or go on: nobody else is at work there, and what is there is of its kind."""

    plan: Plan
    output: Output
    database: Database
    store: Store
    published: Published
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

    def is_under_way(self) -> bool:
        """Whether there is something to go on from."""
        with suppress(sqlite3.Error):
            return self.store.run() is not None
        return False

    def write(self) -> Generator[int, None, None]:
        """Write the file, batch by batch, and put it in place at the end; gives how many rows each has."""
        with replacing(self.output.target) as file:
            writer = self._writer(file)
            for batch in self.published.batches():
                writer.write(batch)
                yield len(batch)
            writer.close()

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
            from .parquet import ParquetWriter

            return ParquetWriter(file, kind, elements, labels=output.labels)
        return JsonLinesWriter(file)


@contextmanager
def open_job(plan: Plan, output: Output, *, restart: bool = False) -> Iterator[Job]:
    """Take the place of an export, and leave it to others at the end.

    Args:
        plan: What is exported.
        output: Where to.
        restart: Forget what was cut short there, and what earlier runs left; the target is replaced.

    Raises:
        ConfigurationError: It can't be begun: others are at work there, or what is there is something else.
    """
    output = attrs.evolve(output, target=_checked(output.target))
    with ExitStack() as stack:
        try:
            job = _opened(plan, output, stack, restart=restart)
        except (OSError, sqlite3.Error) as error:
            raise ExportError(f"{output.target}: {error}") from error
        _check(job, restart=restart)
        yield job


def _opened(plan: Plan, output: Output, stack: ExitStack, *, restart: bool) -> Job:
    typed = output.format == "sqlite"
    beside = f"{output.target.name}.{plan.kind.table}" if typed else output.target.name
    database = Database(output.target.with_name(f"{beside}.state"))
    stack.callback(database.close)
    table = typed_table(plan.kind, plan.elements) if typed else json_table(plan.kind)
    store = Store(database, table)
    published = Published(
        database, plan.kind, plan.kind.table if typed else ROWS, table, output.target if typed else None
    )
    stack.callback(_tidy, store, published)
    former, unfinished = published.former(), store.run()
    if restart:
        former = unfinished = None
    return Job(plan, output, database, store, published, former, unfinished)


def _tidy(store: Store, published: Published) -> None:
    """Leave no state that says nothing."""
    with suppress(sqlite3.Error):
        says = store.run() is not None or (published.target is None and published.former() is not None)
        if not says:
            published.database.delete()


def _checked(target: Path) -> Path:
    """Where the file really is. Raises ConfigurationError where there can't be one."""
    target = target.resolve()
    if target.is_dir():
        raise ConfigurationError(f"--to: {target} is a folder")
    if not target.parent.is_dir():
        raise ConfigurationError(f"--to: there is no folder {target.parent}")
    return target


def _check(job: Job, *, restart: bool) -> None:
    """Refuse to mix what doesn't belong together."""
    plan, target = job.plan, job.output.target
    if job.unfinished is not None:
        asked, begun = plan.scope() | plan.span(), job.unfinished.scope | job.unfinished.span
        if asked != begun:
            raise ConfigurationError(
                f"an export into {target.name} was cut short, and it was another one ({_differing(asked, begun)}):"
                " finish it with its own options, or add --restart to forget it"
            )
        cursor = job.former.cursor.isoformat() if job.former else None
        if job.unfinished.base is not None and cursor not in (job.unfinished.base, job.unfinished.cursor):
            raise ConfigurationError(
                f"{target.name} isn't what it was when an export of changes into it was cut short:"
                " bring it back, or add --restart to begin anew"
            )
    elif job.former is not None and job.former.scope != plan.scope():
        raise ConfigurationError(
            f"{target.name} holds another export ({_differing(plan.scope(), job.former.scope)}):"
            " choose another --to, or add --restart to replace it"
        )
    elif job.former is None and plan.since == LAST and plan.by:
        raise ConfigurationError(
            f"there is no earlier export in {target.name} to go on from: --by-{plan.by} needs a date for --since"
        )
    elif job.former is None and isinstance(plan.since, datetime) and _is_foreign(job.output) and not restart:
        raise ConfigurationError(
            f"{target.name} exists, and no state beside it says what it holds, so that nothing can be added to it:"
            " choose another --to, or add --restart to replace it"
        )


def _is_foreign(output: Output) -> bool:
    """Whether a file is there that would lose what it has; an SQLite file has room for more."""
    return output.format != "sqlite" and output.target.exists()


def _differing(one: dict[str, Any], other: dict[str, Any]) -> str:
    names = sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
    return f"it differs in {', '.join(_OPTIONS.get(name, name) for name in names)}"
