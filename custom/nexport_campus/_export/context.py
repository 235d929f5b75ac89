"""What the parts of a run share."""

from datetime import datetime
from typing import Protocol

import attrs

from .checkpoint import Checkpoint
from .children import Campus
from .request import ExportRequest
from .worker_thread import WorkerThread

__all__ = ["ExportContext", "Progress"]


class Progress(Protocol):
    """Who is told how far a run is."""

    def stage(self, title: str, total: int | None = None, done: int = 0) -> None:
        """Something begins: what, of how many, and how many of these were done before."""

    def expect(self, more: int) -> None:
        """There is more to come than was known."""

    def advance(self, count: int) -> None:
        """So many more are done."""


@attrs.frozen
class ExportContext:
    """One run: whom it asks, what for, where it keeps what comes, and when it started by the campus's clock."""

    campus: Campus
    request: ExportRequest
    checkpoint: Checkpoint
    worker: WorkerThread
    progress: Progress
    started: datetime
