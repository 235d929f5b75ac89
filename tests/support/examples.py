"""The number of examples of a property that is checked for each operation or model."""

from typing import Final

from hypothesis import settings

__all__ = ["FEW"]

FEW: Final = settings(max_examples=max(2, settings().max_examples // 16))
"""Few of the usual: what one operation doesn't show, another does."""
