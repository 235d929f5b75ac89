"""How much of what could be tried a run of the tests tries."""

from typing import Final

from hypothesis import settings

__all__ = ["FEW", "STRIDE"]

FEW: Final = settings(max_examples=max(2, settings().max_examples // 16))
"""Few of the usual: what one operation doesn't show, another does."""

STRIDE: Final = max(1, 200 // settings().max_examples)
"""The distance of the steps that a test tries of a long sequence: all of them in the full run."""
