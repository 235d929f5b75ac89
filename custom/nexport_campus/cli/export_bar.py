"""The progress bar of an export."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import attrs

from nexport_campus.export import ExportProgress

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console
    from rich.progress import Progress, TaskID

__all__ = ["show_progress"]


@contextmanager
def show_progress(console: "Console | None") -> "Iterator[Callable[[ExportProgress], None] | None]":
    """Show a progress bar on a console during the block; with None, show nothing. Yields its `on_progress`."""
    if console is None:
        yield None
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        yield _Bar(bar).show


@attrs.define
class _Bar:
    bar: "Progress"
    task: "TaskID | None" = None
    stage: str = ""

    def show(self, progress: ExportProgress) -> None:
        # With a total of 0, rich would show the bar as complete.
        total = progress.total or None
        if self.task is not None and progress.stage == self.stage:
            self.bar.update(self.task, total=total, completed=progress.done)
            return
        if self.task is not None:
            self.bar.remove_task(self.task)
        self.stage = progress.stage
        self.task = self.bar.add_task(progress.stage, total=total, completed=progress.done)
