"""Seeding of the custom enrollment fields: every type, on the root and below, some with defaults."""

from __future__ import annotations

import json
import sqlite3
from typing import Final

from .seed_people import BUSY, EAST, ROOT

__all__ = ["seed_fields"]

# (organization, name, key, description, type, options)
_FIELDS: Final = (
    (ROOT, "Purchase Order", "po_number", "The customer's order", 1, None),
    (ROOT, "Badge Issued", "badge_issued", None, 2, None),
    (ROOT, "Paid", "paid", "Whether the course is paid", 3, None),
    (ROOT, "Seat Price", "seat_price", None, 4, None),
    (EAST, "Supervisor's Email", "supervisor_email", "Who is told of the result", 5, None),
    (BUSY, "Shift", "shift", "The student's shift", 6, ("early", "late", "night")),
    (BUSY, "License Renewal", "license_renewal", None, 7, None),
    (BUSY, "Equipment", "equipment", "What the student brings", 8, ("boots", "helmet", "vest")),
)

# (field, organization of the setting, syllabus or None, value)
_DEFAULTS: Final = (
    (1, ROOT, None, "PO-0000"),
    (1, EAST, None, "PO-EAST"),
    (1, EAST, 1, "PO-EAST-1"),
    (6, BUSY, None, "early"),
)


def seed_fields(connection: sqlite3.Connection) -> None:
    """Insert the fields and their default settings."""
    connection.executemany(
        "INSERT INTO field (organization, name, key, description, type, options) VALUES (?, ?, ?, ?, ?, ?)",
        [(*row[:5], None if row[5] is None else json.dumps(row[5])) for row in _FIELDS],
    )
    connection.executemany(
        "INSERT INTO field_default (field, organization, syllabus, value) VALUES (?, ?, ?, ?)", _DEFAULTS
    )
