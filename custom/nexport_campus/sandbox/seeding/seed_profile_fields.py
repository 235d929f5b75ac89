"""Seeding of the custom profile fields: one of each type whose format is known."""

from __future__ import annotations

import json
import sqlite3
from typing import Final

from nexport_campus.sandbox.field_types import FieldType

__all__ = ["seed_profile_fields"]

# (key, type, options)
_FIELDS: Final = (
    ("license_number", FieldType.TEXT, None),
    ("license_valid_until", FieldType.DATE_TIME, None),
    ("newsletter", FieldType.BOOLEAN, None),
    ("trades", FieldType.SELECT_CHECKBOX, ("carpenter", "electrician", "welder")),
)


def seed_profile_fields(connection: sqlite3.Connection) -> None:
    """Insert the fields."""
    connection.executemany(
        "INSERT INTO profile_field (key, type, options) VALUES (?, ?, ?)",
        [(key, kind, None if options is None else json.dumps(options)) for key, kind, options in _FIELDS],
    )
