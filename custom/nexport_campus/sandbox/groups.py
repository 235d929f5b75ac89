"""Groups: an organization counts as its own, and each has one of the name besides."""

from __future__ import annotations

from .campus_state import CampusState

__all__ = ["group_organization"]


def group_organization(campus: CampusState, group_id: str) -> int:
    """The number of the organization that a group or organization id leads to; else 409, code 3."""
    number = campus.ids.number("organization", group_id)
    if number is not None and campus.row("SELECT 1 FROM organization WHERE number = ?", number):
        return number
    organization: int = campus.find("membership_group", group_id)["organization"]
    return organization
