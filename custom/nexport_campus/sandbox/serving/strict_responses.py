"""Strict mode: responses that conform exactly to the vendor's schemas, for validators.

The real server sends nulls where its own pages promise a value. In strict mode such a field holds
.NET's default value of its type instead, and every other null is omitted.
"""

from __future__ import annotations

from typing import Any, Final

from nexport_campus.sandbox.ids import EMPTY_ID

__all__ = ["replace_nulls"]

_UNSET_DATE: Final = "0001-01-01T00:00:00Z"

# Fields that the pages require and the campus may lack.
_UNSET: Final[dict[str, Any]] = {
    "section_number": "",
    "section_ceus": "",
    "section_duration": "",
    "enrollment_start": _UNSET_DATE,
    "enrollment_end": _UNSET_DATE,
    "final_drop_date": _UNSET_DATE,
    "training_end": _UNSET_DATE,
    "utc_due_date": _UNSET_DATE,
    "utc_start_date": _UNSET_DATE,
    "certificate_url": "",
    "description": "",
    "objectives": "",
    "assignment_instructions": "",
    "value": "",
    "parent_category_id": EMPTY_ID,
}


def replace_nulls(value: Any) -> Any:
    """Return the same content without nulls."""
    if isinstance(value, dict):
        kept = {name: _UNSET.get(name) if each is None else each for name, each in value.items()}
        return {name: replace_nulls(each) for name, each in kept.items() if each is not None}
    if isinstance(value, list):
        return [replace_nulls(each) for each in value]
    return value
