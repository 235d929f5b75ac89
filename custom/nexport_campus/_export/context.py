"""The objects that the parts of an export share."""

from datetime import datetime

import attrs

from .checkpoint import Checkpoint
from .children import ExportClient
from .reports import ProgressReporter
from .request import ExportRequest
from .worker_thread import WorkerThread

__all__ = ["ExportContext"]


@attrs.frozen
class ExportContext:
    """A running export. `started`: the start time by the campus's clock."""

    campus: ExportClient
    request: ExportRequest
    checkpoint: Checkpoint
    worker: WorkerThread
    progress: ProgressReporter
    started: datetime
