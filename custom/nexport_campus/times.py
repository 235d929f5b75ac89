"""Times as the campus writes them, and windows of time to ask it for."""

from ._windows import Window, days, months

__all__ = ["Window", "days", "months"]

for _public in (Window, days, months):
    _public.__module__ = __name__
