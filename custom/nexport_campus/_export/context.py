"""What the parts of a run share."""

from datetime import datetime
from typing import Protocol

import attrs

from .checkpoint import Store
from .children import Campus
from .request import Plan
from .worker_thread import Desk

__all__ = ["Progress", "Work"]


class Progress(Protocol):
    """Who is told how far a run is."""

    def stage(self, title: str, total: int | None = None, done: int = 0) -> None:
        """Something begins: what, of how many, and how many of these were done before."""

    def expect(self, more: int) -> None:
        """There is more to come than was known."""

    def advance(self, count: int) -> None:
        """So many more are done."""


@attrs.frozen
class Work:
    """One run: whom it asks, what for, where it keeps what comes, and when it started by the campus's clock."""

    campus: Campus
    plan: Plan
    store: Store
    desk: Desk
    progress: Progress
    started: datetime
