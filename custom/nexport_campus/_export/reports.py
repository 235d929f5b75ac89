"""What an export reports: its progress while it runs, and its result."""

import logging
from collections.abc import Callable
from datetime import datetime

import attrs

__all__ = ["ExportProgress", "ExportSummary", "OnProgress", "ProgressReporter"]

_logger = logging.getLogger("nexport_campus")


@attrs.frozen
class ExportProgress:
    """The progress of an export's current stage.

    Attributes:
        stage: What is being done, such as "enrollments", "sessions 2026-03" or "saving".
        done: The number of items done.
        total: The expected number of items, which may grow; None if unknown.
    """

    stage: str
    done: int
    total: int | None


@attrs.frozen(kw_only=True)
class ExportSummary:
    """The result of an export.

    Attributes:
        rows: The number of rows in the target.
        new: The number of rows that the export added.
        updated: The number of rows that it changed.
        removed: The number of rows that it removed, as the campus no longer has the records.
        failed: The number of enrollments or users whose records couldn't be read; the next export reads them again.
        errors: What failed and why, one message for each.
        complete_until: The time up to which the rows are complete; `since="last"` starts from it, less the overlap.
        resumed: Whether it resumed an interrupted export.
        absent: The number of enrollments or users without records: removed in the meantime, or not in a section.
    """

    rows: int
    new: int
    updated: int
    removed: int
    failed: int
    errors: list[str]
    complete_until: datetime
    resumed: bool
    absent: int


OnProgress = Callable[[ExportProgress], object]


class ProgressReporter:
    """Reports progress to a function; without one, does nothing.

    Its exceptions are logged, so that a display can't end an export.
    """

    def __init__(self, on_progress: OnProgress | None = None) -> None:
        self._on_progress = on_progress
        self._progress = ExportProgress("", 0, None)

    def stage(self, title: str, total: int | None = None, done: int = 0) -> None:
        """Start a stage with a title, the expected number of items, and the number that is done already."""
        self._report(ExportProgress(title, done, total))

    def expect(self, more: int) -> None:
        """Add to the expected number of items."""
        self._report(attrs.evolve(self._progress, total=(self._progress.total or 0) + more))

    def advance(self, count: int) -> None:
        """Add to the number of items that are done."""
        self._report(attrs.evolve(self._progress, done=self._progress.done + count))

    def _report(self, progress: ExportProgress) -> None:
        self._progress = progress
        if self._on_progress is None:
            return
        try:
            self._on_progress(progress)
        except Exception:
            _logger.exception("on_progress raised an exception, which is ignored")
