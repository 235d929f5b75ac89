"""Measures the memory of this process and its growth after a warm-up."""

import os
import resource
import sys
from pathlib import Path
from typing import Final

__all__ = ["MOST_GROWTH", "Memory", "resident"]

MOST_GROWTH: Final = 32 * 2**20
"""Bytes of growth after the warm-up from which a phase counts as leaking."""

_WARM_UP: Final = 0.1
_STATM = Path("/proc/self/statm")


def resident() -> int:
    """Return the resident bytes of this process, or their peak where the platform reports only that."""
    if _STATM.exists():
        return int(_STATM.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


class Memory:
    """The memory of one phase: the peak of its first tenth, and the peak of the rest."""

    def __init__(self) -> None:
        self.warm = 0
        self.peak = 0

    def sample(self, done: float) -> None:
        """Measure when a fraction `done` of the phase, 0 to 1, has passed."""
        if done <= _WARM_UP:
            self.warm = max(self.warm, resident())
        else:
            self.peak = max(self.peak, resident())

    @property
    def growth(self) -> int:
        """Bytes of growth after the warm-up, never negative."""
        return max(0, self.peak - self.warm)
