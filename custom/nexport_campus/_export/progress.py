"""Progress display: a bar on a terminal, otherwise nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import attrs

from .context import Progress

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

__all__ = ["show_progress"]


@contextmanager
def show_progress(console: "Console | None") -> Iterator[Progress]:
    """Show a progress bar on a console during the block; with None, show nothing."""
    if console is None:
        yield _Silent()
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
        yield _Bar(bar)


class _Silent:
    def stage(self, title: str, total: int | None = None, done: int = 0) -> None:
        """No-op."""

    def expect(self, more: int) -> None:
        """No-op."""

    def advance(self, count: int) -> None:
        """No-op."""


@attrs.define
class _Bar:
    bar: "RichProgress"
    task: "TaskID | None" = None
    total: int | None = None

    def stage(self, title: str, total: int | None = None, done: int = 0) -> None:
        if self.task is not None:
            self.bar.remove_task(self.task)
        # With a total of 0, rich would show the bar as complete.
        self.total = total
        self.task = self.bar.add_task(title, total=total or None, completed=done)

    def expect(self, more: int) -> None:
        self.total = (self.total or 0) + more
        self._update(total=self.total)

    def advance(self, count: int) -> None:
        self._update(advance=count)

    def _update(self, *, total: float | None = None, advance: float | None = None) -> None:
        if self.task is not None:
            self.bar.update(self.task, total=total, advance=advance)
