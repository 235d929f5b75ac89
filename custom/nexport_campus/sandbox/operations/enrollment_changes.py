"""Operations that change enrollments: CreateEnrollment, DropEnrollment, DeleteEnrollment."""

from __future__ import annotations

from nexport_campus.sandbox.campus_state import CampusState, Row
from nexport_campus.sandbox.groups import find_group_organization
from nexport_campus.sandbox.operation_results import (
    OperationResult,
    invalid,
    not_found,
    success,
)
from nexport_campus.sandbox.permissions import Permission

from .enrolling import Placement, enroll
from .registry import OperationCall, operation
from .syllabi import SECTION


@operation("POST", "LearningApi_CreateEnrollment")
def create_enrollment(campus: CampusState, call: OperationCall) -> OperationResult:
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
    groups = frozenset(find_group_organization(campus, each) for each in group_ids)
    syllabus = _find_syllabus(campus, syllabus_id, unique_name)
    update = (
        Permission.UPDATE_SECTION_ENROLLMENTS
        if syllabus["type"] == SECTION
        else Permission.UPDATE_TRAINING_PLAN_ENROLLMENTS
    )
    campus.permissions.require(call.user, organization, update, action="create an enrollment")
    placement = Placement(
        user=user, organization=organization, syllabus=syllabus, groups=groups, caller=call.user
    )
    return success({"enrollment_id": enroll(campus, placement)}, _list_warnings(campus, syllabus))


def _find_syllabus(campus: CampusState, syllabus_id: str | None, unique_name: str | None) -> Row:
    named = campus.row("SELECT * FROM syllabus WHERE unique_name = ?", unique_name)
    if syllabus_id is None:
        if named is None:
            raise not_found("syllabus")
        return named
    syllabus = campus.find("syllabus", syllabus_id)
    if unique_name is not None and (named is None or named["number"] != syllabus["number"]):
        raise invalid("syllabus_id and syllabus_unique_name name different syllabi")
    return syllabus


def _list_warnings(campus: CampusState, syllabus: Row) -> list[str]:
    """Return a warning if the syllabus is closed to students; an administrator may still enroll."""
    warnings = ["The syllabus is hidden"] if syllabus["hidden"] else []
    if syllabus["enrollment_end"] is not None and syllabus["enrollment_end"] < campus.clock.now():
        warnings.append("The enrollment period of the syllabus has ended")
    return warnings


@operation("GET", "LearningApi_DropEnrollment")
def drop_enrollment(campus: CampusState, call: OperationCall) -> OperationResult:
    """Remove an enrollment and add a drop record to the transcript.

    Page: either Drop permission, whatever the kind of syllabus. That an enrollment can refuse drops with 403
    concerns students: since release 6.7.8.1, a caller with the permission may drop it all the same.
    """
    permissions = (Permission.DROP_SECTION_ENROLLMENTS, Permission.DROP_TRAINING_PLAN_ENROLLMENTS)
    return _remove(campus, _find_removable(campus, call, permissions, "drop enrollments"), "dropped")


@operation("GET", "LearningApi_DeleteEnrollment")
def delete_enrollment(campus: CampusState, call: OperationCall) -> OperationResult:
    """Remove an enrollment and keep a deleted record for administrators.

    Page: "either the Delete Section Enrollments or Drop Training Plan Enrollments permission" (sic).
    """
    permissions = (Permission.DELETE_SECTION_ENROLLMENTS, Permission.DROP_TRAINING_PLAN_ENROLLMENTS)
    return _remove(campus, _find_removable(campus, call, permissions, "delete enrollments"), "deleted")


def _find_removable(
    campus: CampusState, call: OperationCall, any_of: tuple[Permission, ...], action: str
) -> Row:
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
