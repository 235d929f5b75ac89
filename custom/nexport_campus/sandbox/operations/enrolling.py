"""Enrolling a user, which CreateEnrollment and RedeemInvoiceItem do."""

from __future__ import annotations

import dataclasses

from nexport_campus.sandbox.aspnet_values import DAY
from nexport_campus.sandbox.campus_state import CampusState, Row
from nexport_campus.sandbox.operation_results import duplicate, invalid
from nexport_campus.sandbox.permissions import Permission

__all__ = ["Placement", "add_memberships", "enroll", "ensure_subscription"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Who is enrolled where, and the organizations in which they become a member first.

    `caller` is the API user who needs permission to add subscriptions and memberships; None skips these checks.
    `expires` is the end of access in ticks; None leaves it to the syllabus.
    """

    user: int
    organization: int
    syllabus: Row
    groups: frozenset[int]
    caller: int | None = None
    expires: int | None = None


def enroll(campus: CampusState, placement: Placement) -> str:
    """Enroll a user, creating the subscription and the memberships that are missing; return the enrollment's id.

    Raises a refusal if a membership is missing, or for a duplicate.
    """
    user, organization, syllabus = placement.user, placement.organization, placement.syllabus
    add_memberships(campus, placement.caller, user, placement.groups)
    _check_membership(campus, user, syllabus)
    subscription = ensure_subscription(campus, placement.caller, user, organization)
    taken = "SELECT 1 FROM enrollment WHERE user = ? AND subscription = ? AND syllabus = ?"
    if campus.row(taken, user, subscription, syllabus["number"]):
        raise duplicate()
    number = _insert(campus, subscription, placement)
    enrollment_id = campus.ids.make("enrollment", number)
    campus.record_change("enrollment created", enrollment_id)
    return enrollment_id


def add_memberships(
    campus: CampusState, caller: int | None, user: int, organizations: frozenset[int]
) -> None:
    """Add the memberships that the user lacks."""
    for organization in sorted(organizations):
        if campus.row("SELECT 1 FROM membership WHERE user = ? AND organization = ?", user, organization):
            continue
        if caller is not None:
            campus.permissions.require(
                caller, organization, Permission.ADD_MEMBERSHIPS, action="add memberships"
            )
        made = campus.change("INSERT INTO membership (user, organization) VALUES (?, ?)", user, organization)
        campus.record_change("membership created", campus.ids.make("membership", made))


def _check_membership(campus: CampusState, user: int, syllabus: Row) -> None:
    shared = """SELECT 1 FROM membership WHERE user = ? AND (organization = ? OR organization IN (
        SELECT catalog_share.organization FROM product JOIN catalog_share USING (catalog) WHERE syllabus = ?))"""
    if campus.row(shared, user, syllabus["organization"], syllabus["number"]) is None:
        raise invalid(
            "A membership is required in the syllabus organization or in an organization to which the catalog is shared"
        )


def ensure_subscription(campus: CampusState, caller: int | None, user: int, organization: int) -> int:
    """Return the user's subscription in the organization, creating it if there is none."""
    found = campus.row(
        "SELECT number FROM subscription WHERE user = ? AND organization = ?", user, organization
    )
    if found is not None:
        number: int = found["number"]
        return number
    if caller is not None:
        campus.permissions.require(
            caller, organization, Permission.ADD_SUBSCRIPTIONS, action="add subscriptions"
        )
    made = campus.change("INSERT INTO subscription (user, organization) VALUES (?, ?)", user, organization)
    campus.record_change("subscription created", campus.ids.make("subscription", made))
    return made


def _insert(campus: CampusState, subscription: int, placement: Placement) -> int:
    now, syllabus = campus.clock.now(), placement.syllabus
    expires = placement.expires
    if expires is None and syllabus["ends_after_period"]:
        expires = now + syllabus["enrollment_duration"] * DAY
    # The numbers of removed enrollments are not reused: their ids are on transcripts.
    return campus.change(
        "INSERT INTO enrollment SELECT 1 + max((SELECT max(number) FROM enrollment),"
        " (SELECT coalesce(max(enrollment), 0) FROM transcript)),"
        " ?, ?, ?, ?, ?, NULL, ?, NULL, NULL, NULL, 0, 0, 0, 0",
        *(subscription, placement.user, placement.organization, syllabus["number"], now, expires),
    )
