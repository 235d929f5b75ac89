"""The objects that the parts of an export share."""

from datetime import datetime
from typing import Protocol

import attrs

from .checkpoint import Checkpoint
from .children import Campus
from .request import ExportRequest
from .worker_thread import WorkerThread

__all__ = ["ExportContext", "Progress"]


class Progress(Protocol):
    """An observer of an export's progress."""

    def stage(self, title: str, total: int | None = None, done: int = 0) -> None:
        """Start a stage with a title, the expected number of items, and the number that is done already."""

    def expect(self, more: int) -> None:
        """Add to the expected number of items."""

    def advance(self, count: int) -> None:
        """Add to the number of items that are done."""


@attrs.frozen
class ExportContext:
    """A running export. `started`: the start time by the campus's clock."""

    campus: Campus
    request: ExportRequest
    checkpoint: Checkpoint
    worker: WorkerThread
    progress: Progress
    started: datetime
