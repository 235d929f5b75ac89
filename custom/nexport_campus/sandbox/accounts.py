"""API users of every campus and their passwords."""

from __future__ import annotations

import hashlib
from typing import Final

__all__ = ["ACCOUNT_NAMES", "account_password"]

ACCOUNT_NAMES: Final = ("administrator", "viewer", "registrar", "instructor", "operator", "service")


def account_password(seed: int, name: str) -> str:
    """Return the password of an API user, derived from the seed so that it never changes."""
    return hashlib.blake2b(f"{seed}/password/{name}".encode(), digest_size=9).hexdigest()
