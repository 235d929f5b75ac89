"""Operations that change enrollments: CreateEnrollment, DropEnrollment, DeleteEnrollment."""

from __future__ import annotations

from nexport_campus.sandbox.aspnet_values import DAY
from nexport_campus.sandbox.campus_state import CampusState, Row
from nexport_campus.sandbox.groups import group_organization
from nexport_campus.sandbox.operation_results import (
    OperationResult,
    duplicate,
    forbidden,
    invalid,
    not_found,
    success,
)
from nexport_campus.sandbox.permissions import Permission

from .registry import Call, operation
from .syllabi import SECTION


@operation("POST", "LearningApi_CreateEnrollment")
def create_enrollment(campus: CampusState, call: Call) -> OperationResult:
    """Enroll a user, creating the subscription and the memberships that are missing.

    Page: the Update permission for the kind of syllabus in the organization or an ancestor; Add
    Subscriptions and Add Memberships if one is missing; a membership in the syllabus's organization or in
    one that a catalog with it is shared to; 409 for a duplicate.
    """
    body = call.body
    org_id, user_id = body.required(body.id, "org_id"), body.required(body.id, "user_id")
    group_ids = body.required(body.ids, "membership_group_ids")
    syllabus_id, unique_name = body.id("syllabus_id"), body.text("syllabus_unique_name")
    if syllabus_id is None and unique_name is None:
        raise invalid("One of syllabus_id and syllabus_unique_name is required")
    organization = campus.find("organization", org_id)["number"]
    user = campus.find("user", user_id)["number"]
    groups = {group_organization(campus, each) for each in group_ids}
    syllabus = _syllabus(campus, syllabus_id, unique_name)
    is_section = syllabus["type"] == SECTION
    update = (
        Permission.UPDATE_SECTION_ENROLLMENTS if is_section else Permission.UPDATE_TRAINING_PLAN_ENROLLMENTS
    )
    campus.permissions.require(call.user, organization, update, action="create an enrollment")
    _add_memberships(campus, call.user, user, groups)
    _check_membership(campus, user, syllabus)
    subscription = _ensure_subscription(campus, call.user, user, organization)
    taken = "SELECT 1 FROM enrollment WHERE user = ? AND subscription = ? AND syllabus = ?"
    if campus.row(taken, user, subscription, syllabus["number"]):
        raise duplicate()
    enrollment_id = _insert(campus, subscription, user, organization, syllabus)
    campus.record_change("enrollment created", enrollment_id)
    return success({"enrollment_id": enrollment_id}, _warnings(campus, syllabus))


def _syllabus(campus: CampusState, syllabus_id: str | None, unique_name: str | None) -> Row:
    named = campus.row("SELECT * FROM syllabus WHERE unique_name = ?", unique_name)
    if syllabus_id is None:
        if named is None:
            raise not_found("syllabus")
        return named
    syllabus = campus.find("syllabus", syllabus_id)
    if unique_name is not None and (named is None or named["number"] != syllabus["number"]):
        raise invalid("syllabus_id and syllabus_unique_name name different syllabi")
    return syllabus


def _add_memberships(campus: CampusState, caller: int, user: int, organizations: set[int]) -> None:
    """Add the memberships that the user lacks."""
    for organization in sorted(organizations):
        if campus.row("SELECT 1 FROM membership WHERE user = ? AND organization = ?", user, organization):
            continue
        campus.permissions.require(caller, organization, Permission.ADD_MEMBERSHIPS, action="add memberships")
        campus.change("INSERT INTO membership VALUES (?, ?)", user, organization)
        campus.record_change("membership created", campus.ids.make("organization", organization))


def _check_membership(campus: CampusState, user: int, syllabus: Row) -> None:
    shared = """SELECT 1 FROM membership WHERE user = ? AND (organization = ? OR organization IN (
        SELECT catalog_share.organization FROM product JOIN catalog_share USING (catalog) WHERE syllabus = ?))"""
    if campus.row(shared, user, syllabus["organization"], syllabus["number"]) is None:
        raise invalid(
            "A membership is required in the syllabus organization or in an organization to which the catalog is shared"
        )


def _ensure_subscription(campus: CampusState, caller: int, user: int, organization: int) -> int:
    """Return the user's subscription in the organization, creating it if there is none."""
    found = campus.row(
        "SELECT number FROM subscription WHERE user = ? AND organization = ?", user, organization
    )
    if found is not None:
        number: int = found["number"]
        return number
    campus.permissions.require(caller, organization, Permission.ADD_SUBSCRIPTIONS, action="add subscriptions")
    made = campus.change("INSERT INTO subscription (user, organization) VALUES (?, ?)", user, organization)
    campus.record_change("subscription created", campus.ids.make("subscription", made))
    return made


def _insert(campus: CampusState, subscription: int, user: int, organization: int, syllabus: Row) -> str:
    now = campus.clock.now()
    expires = now + syllabus["enrollment_duration"] * DAY if syllabus["ends_after_period"] else None
    # The numbers of removed enrollments are not reused: their ids are on transcripts.
    campus.change(
        "INSERT INTO enrollment SELECT 1 + max((SELECT max(number) FROM enrollment),"
        " (SELECT coalesce(max(enrollment), 0) FROM transcript)),"
        " ?, ?, ?, ?, ?, NULL, ?, NULL, NULL, NULL, 0, 0, 0, 0",
        *(subscription, user, organization, syllabus["number"], now, expires),
    )
    made = campus.row("SELECT max(number) AS number FROM enrollment")
    return campus.ids.make("enrollment", made["number"] if made else 0)


def _warnings(campus: CampusState, syllabus: Row) -> list[str]:
    """Return a warning if the syllabus is closed to students; an administrator may still enroll."""
    warnings = ["The syllabus is hidden"] if syllabus["hidden"] else []
    if syllabus["enrollment_end"] is not None and syllabus["enrollment_end"] < campus.clock.now():
        warnings.append("The enrollment period of the syllabus has ended")
    return warnings


@operation("GET", "LearningApi_DropEnrollment")
def drop_enrollment(campus: CampusState, call: Call) -> OperationResult:
    """Remove an enrollment and add a drop record to the transcript.

    Page: either Drop permission, whatever the kind of syllabus; also 403 for an enrollment that does not
    allow drops. In the sandbox a syllabus forbids them without allow_drops and after its final_drop_date.
    """
    enrollment = _find_removable(
        campus,
        call,
        (Permission.DROP_SECTION_ENROLLMENTS, Permission.DROP_TRAINING_PLAN_ENROLLMENTS),
        "drop enrollments",
    )
    syllabus = campus.row("SELECT * FROM syllabus WHERE number = ?", enrollment["syllabus"])
    final = syllabus["final_drop_date"] if syllabus else None
    if syllabus is None or not syllabus["allow_drops"] or (final is not None and final < campus.clock.now()):
        raise forbidden("The enrollment does not allow drops")
    return _remove(campus, enrollment, "dropped")


@operation("GET", "LearningApi_DeleteEnrollment")
def delete_enrollment(campus: CampusState, call: Call) -> OperationResult:
    """Remove an enrollment and keep a deleted record for administrators.

    Page: "either the Delete Section Enrollments or Drop Training Plan Enrollments permission" (sic).
    """
    permissions = (Permission.DELETE_SECTION_ENROLLMENTS, Permission.DROP_TRAINING_PLAN_ENROLLMENTS)
    return _remove(campus, _find_removable(campus, call, permissions, "delete enrollments"), "deleted")


def _find_removable(campus: CampusState, call: Call, any_of: tuple[Permission, ...], action: str) -> Row:
    enrollment = campus.find("enrollment", call.query.required(call.query.id, "enrollment_id"))
    campus.permissions.require(call.user, enrollment["organization"], *any_of, action=action)
    return enrollment


def _remove(campus: CampusState, enrollment: Row, record: str) -> OperationResult:
    campus.change(
        "INSERT INTO transcript SELECT number, ?, ?, user, organization, syllabus, completed, result"
        " FROM enrollment WHERE number = ?",
        *(record, campus.clock.now(), enrollment["number"]),
    )
    campus.change("DELETE FROM enrollment WHERE number = ?", enrollment["number"])
    enrollment_id = campus.ids.make("enrollment", enrollment["number"])
    campus.record_change(f"enrollment {record}", enrollment_id)
    return success({"enrollment_id": enrollment_id, "is_dropped_or_deleted": True})
