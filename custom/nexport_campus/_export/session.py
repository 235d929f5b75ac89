"""An export session: the opened target, its state, and the result of earlier exports."""

import sqlite3
from collections.abc import Generator
from contextlib import suppress
from datetime import datetime
from typing import BinaryIO

import attrs

from .checkpoint import Checkpoint, ExportRun, Parent
from .completed_rows import CompletedRows, PreviousExport
from .database import Database
from .output import Output
from .queries import TimeRange, split_into_ranges
from .request import LAST, ExportRequest
from .target import Destination
from .writers import CsvWriter, JsonLinesWriter, Writer

__all__ = ["ExportSession"]


@attrs.frozen
class ExportSession:
    """An export that may start or resume: its target is locked and checked.

    `destination`: where the file is written; None for SQLite, where `completed` writes to the target.
    """

    request: ExportRequest
    output: Output
    database: Database
    checkpoint: Checkpoint
    completed: CompletedRows
    destination: Destination | None
    previous: PreviousExport | None
    unfinished: ExportRun | None

    def compute_start(self) -> datetime | None:
        """Return the start of a new export; None exports everything."""
        if self.request.since != LAST:
            return self.request.since if isinstance(self.request.since, datetime) else None
        overlap = self.request.dataset.overlap if self.request.overlap is None else self.request.overlap
        return self.previous.cursor - overlap if self.previous else None

    def begin(self, started: datetime) -> ExportRun:
        """Start a new export.

        Args:
            started: The current time by the campus's clock; the rows will be complete up to it.
        """
        since, previous = self.compute_start(), self.previous
        reached = min(started, self.request.until or started)
        if previous is not None and since is not None:
            # An export that starts after the end of the last one leaves a gap: keep the cursor before the gap.
            reached = max(previous.cursor, reached) if since <= previous.cursor else previous.cursor
        replaces = previous is None or since is None
        named = self.request.filters.enrollment_ids if self.request.by_enrollment_ids else ()
        parents = [Parent(str(each), {"enrollment_id": str(each)}) for each in named]
        parents += previous.failed if previous is not None and not replaces else []
        run = ExportRun(
            scope=self.request.get_scope(),
            span=self.request.get_time_parameters(),
            replaces=replaces,
            base=previous.cursor.isoformat() if previous is not None and not replaces else None,
            started=started.isoformat(),
            cursor=reached.isoformat(),
        )
        time_ranges = (
            [TimeRange()]
            if self.request.by_enrollment_ids
            else split_into_ranges(self.request, since, started)
        )
        self.checkpoint.begin(run, time_ranges, parents)
        return run

    def can_resume(self) -> bool:
        """Return whether a new session with the same request would resume this export."""
        with suppress(sqlite3.Error):
            return self.database.path is not None and self.checkpoint.load_run() is not None
        return False

    def write(self) -> Generator[int, None, None]:
        """Write the file in batches, yielding the number of rows of each, and complete it at the end.

        A file that would stay the same is left as it is.
        """
        if self.destination is None or self.destination.is_current():
            return
        with self.destination.writing() as file:
            writer = self._make_writer(file)
            try:
                for batch in self.completed.iterate_batches():
                    writer.write(batch)
                    yield len(batch)
                writer.close()
            except BaseException:
                writer.abandon()
                raise

    def finish(self) -> None:
        """Delete the checkpoint, which is no longer needed."""
        self.checkpoint.clear()
        if self.output.format == "sqlite" or not self.output.keep_state:
            self.database.delete()

    def _make_writer(self, file: BinaryIO) -> Writer:
        dataset, elements, output = self.request.dataset, self.request.elements, self.output
        if output.format == "csv":
            return CsvWriter(file, dataset, elements, labels=output.labels, bom=output.bom)
        if output.format == "parquet":
            from .parquet_writer import ParquetWriter

            return ParquetWriter(file, dataset, elements, labels=output.labels)
        return JsonLinesWriter(file)
