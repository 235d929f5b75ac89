"""How much memory this process holds, and by how much that grew after a warm-up."""

import os
import resource
import sys
from pathlib import Path
from typing import Final

__all__ = ["MOST_GROWTH", "Memory", "resident"]

MOST_GROWTH: Final = 32 * 2**20
"""Bytes by which a phase may grow beyond its warm-up before the run counts as leaking."""

_WARM_UP: Final = 0.1
_STATM = Path("/proc/self/statm")


def resident() -> int:
    """Resident bytes of this process; where only the largest so far is told, that."""
    if _STATM.exists():
        return int(_STATM.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


class Memory:
    """The memory of one phase: the most during its first tenth, and the most after that."""

    def __init__(self) -> None:
        self.warm = 0
        self.peak = 0

    def sample(self, done: float) -> None:
        """Measure, with `done` between 0 and 1 of the phase behind us."""
        if done <= _WARM_UP:
            self.warm = max(self.warm, resident())
        else:
            self.peak = max(self.peak, resident())

    @property
    def growth(self) -> int:
        """Bytes that the rest of the phase took beyond the warm-up, never negative."""
        return max(0, self.peak - self.warm)
