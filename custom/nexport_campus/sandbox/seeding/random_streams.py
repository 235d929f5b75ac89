"""The chance in a seeded campus: the same for the same seed, and a stream of its own for each purpose."""

from __future__ import annotations

import random

__all__ = ["random_stream"]


def random_stream(seed: int, purpose: str) -> random.Random:
    """Random numbers that depend on the seed and the purpose alone."""
    return random.Random(f"{seed}/{purpose}")  # noqa: S311  it makes up data, it protects none
