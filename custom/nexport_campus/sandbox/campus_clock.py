"""The campus's clock."""

from __future__ import annotations

import time
from collections.abc import Callable

from .aspnet_values import SECOND

__all__ = ["CampusClock"]


class CampusClock:
    """The machine's clock in ticks, which starts no earlier than the end of the seeded history.

    It never runs backwards, so that later enrollments have later dates.
    """

    def __init__(self, start: int, wall: Callable[[], int] = time.time_ns) -> None:
        self._latest = start
        self._ahead = 0
        self._wall = wall

    def now(self) -> int:
        """Return the current time in ticks."""
        self._latest = max(self._latest, self._wall() // 100 + self._ahead)
        return self._latest

    def advance(self, seconds: float) -> None:
        """Move the clock forward."""
        self._ahead += int(seconds * SECOND)
