"""Groups: every organization counts as a group, and has one more group of the same name."""

from __future__ import annotations

from .campus_state import CampusState

__all__ = ["find_group_organization"]


def find_group_organization(campus: CampusState, group_id: str) -> int:
    """Return the organization number for a group or organization id, or raise a 409 refusal with code 3."""
    number = campus.ids.number("organization", group_id)
    if number is not None and campus.row("SELECT 1 FROM organization WHERE number = ?", number):
        return number
    organization: int = campus.find("membership_group", group_id)["organization"]
    return organization
