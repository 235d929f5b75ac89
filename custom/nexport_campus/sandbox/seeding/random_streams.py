"""Reproducible random numbers for seeding."""

from __future__ import annotations

import random

__all__ = ["make_random_stream"]


def make_random_stream(seed: int, purpose: str) -> random.Random:
    """Return a random number generator that depends only on the seed and the purpose."""
    return random.Random(f"{seed}/{purpose}")  # noqa: S311  for test data, not for security
