"""API users of every campus, with their user names and passwords."""

from __future__ import annotations

import hashlib
from typing import Final

__all__ = ["ACCOUNT_NAMES", "account_password", "account_username"]

ACCOUNT_NAMES: Final = ("administrator", "viewer", "registrar", "instructor", "operator", "service")


def account_username(name: str) -> str:
    """Return the user name of an API user."""
    return f"api.{name}"


def account_password(seed: int, name: str) -> str:
    """Return the password of an API user, derived from the seed so that it never changes."""
    return hashlib.blake2b(f"{seed}/password/{name}".encode(), digest_size=9).hexdigest()
