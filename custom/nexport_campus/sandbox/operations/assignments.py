"""Assignments of sections: GetAssignments, GetAssignment, GetAssignmentInstructions, GetAssignmentStatuses."""

from __future__ import annotations

from typing import Any, Final

from nexport_campus.sandbox.aspnet_values import drop_nulls, format_date
from nexport_campus.sandbox.campus_state import CampusState, Row
from nexport_campus.sandbox.operation_results import (
    OperationResult,
    invalid,
    no_error,
    no_subscription,
    not_found,
    success,
)
from nexport_campus.sandbox.permissions import Permission
from nexport_campus.sandbox.request_paging import read_paging
from nexport_campus.sandbox.seeding.enrollment_history import ensure_history

from .registry import OperationCall, operation
from .syllabi import SECTION, find_syllabus

# Sent as null if the assignment has no value, although the page requires them.
_NULLS: Final = ("utc_due_date", "utc_start_date")
_WITH_COUNT: Final = "SELECT assignment.*, assignment_count FROM assignment JOIN syllabus ON syllabus.number = assignment.syllabus"


def _record(campus: CampusState, row: Row) -> dict[str, Any]:
    assignment_id = campus.ids.make("assignment", row["number"])
    record = {
        "id": assignment_id,
        "assignment_id": assignment_id,
        "title": row["title"],
        "pacing_duration_hours": row["pacing_hours"],
        "weight": row["weight"],
        "due_date_deduction": row["due_date_deduction"],
        "due_date_strategy": row["due_date_strategy"],
        "utc_due_date": format_date(row["due"], "Z"),
        "utc_start_date": format_date(row["start"], "Z"),
        "lock_out_hours": row["lock_out_hours"],
        "utc_date_modified": format_date(row["modified"], "Z"),
        "utc_date_added": format_date(row["added"], "Z"),
        "grading_strategy": row["grading_strategy"],
        "max_score": row["max_score"],
        "mastery_score": row["mastery_score"],
        "display_order": row["display_order"],
        "assignment_type": row["assignment_type"],
        "attempt_limit": row["attempt_limit"],
        "api_error_entity": no_error(),
    }
    return drop_nulls(record, nulls=_NULLS)


@operation("GET", "LearningApi_GetAssignments")
def get_assignments(campus: CampusState, call: OperationCall) -> OperationResult:
    """Page: sorted by display order from lowest to highest, then by the date added, oldest first."""
    paging = read_paging(call.query)
    section = find_syllabus(campus, call.query.required(call.query.id, "section_id"), SECTION)
    rows = campus.rows(
        "SELECT * FROM assignment WHERE syllabus = ? ORDER BY display_order, added, number LIMIT ? OFFSET ?",
        *(section["number"], paging.size, paging.start),
    )
    return OperationResult([_record(campus, row) for row in rows])


@operation("GET", "LearningApi_GetAssignment")
def get_assignment(campus: CampusState, call: OperationCall) -> OperationResult:
    """Return one assignment."""
    return OperationResult(
        _record(campus, campus.find("assignment", call.query.required(call.query.id, "assignment_id")))
    )


@operation("GET", "LearningApi_GetAssignmentInstructions")
def get_assignment_instructions(campus: CampusState, call: OperationCall) -> OperationResult:
    """Page: the raw VTL template."""
    assignment = campus.find("assignment", call.query.required(call.query.id, "assignment_id"))
    return success({"assignment_instructions": assignment["instructions"]})


@operation("GET", "LearningApi_GetAssignmentStatuses")
def get_assignment_statuses(campus: CampusState, call: OperationCall) -> OperationResult:
    """Page: either enrollment_id, or both subscription_id and section_id; creation date, most recent first."""
    assignment_id, paging = call.query.id("assignment_id"), read_paging(call.query)
    enrollment = _find_section_enrollment(campus, call)
    view = Permission.VIEW_ENROLLMENTS
    campus.permissions.require(call.user, enrollment["organization"], view, action="view section enrollments")
    ensure_history(campus, enrollment)
    assignment = None if assignment_id is None else campus.find("assignment", assignment_id)["number"]
    rows = campus.rows(
        "SELECT * FROM assignment_status WHERE enrollment = ?1 AND (?2 IS NULL OR assignment = ?2)"
        " ORDER BY created DESC, number DESC LIMIT ?3 OFFSET ?4",
        *(enrollment["number"], assignment, paging.size, paging.start),
    )
    assignments = {
        row["number"]: row
        for row in campus.by_number(_WITH_COUNT, {row["assignment"] for row in rows}, "assignment.number")
    }
    return OperationResult(
        [_make_status_record(campus, enrollment, row, assignments[row["assignment"]]) for row in rows]
    )


def _find_section_enrollment(campus: CampusState, call: OperationCall) -> Row:
    query = call.query
    enrollment_id, subscription_id, section_id = map(
        query.id, ("enrollment_id", "subscription_id", "section_id")
    )
    if enrollment_id and not subscription_id and not section_id:
        found = campus.find("enrollment", enrollment_id)
        syllabus = campus.row("SELECT type FROM syllabus WHERE number = ?", found["syllabus"])
        if syllabus is None or syllabus["type"] != SECTION:
            raise not_found("section enrollment")
        return found
    if enrollment_id or not subscription_id or not section_id:
        raise invalid("Use either enrollment_id OR both subscription_id and section_id")
    number = campus.ids.number("subscription", subscription_id)
    subscription = campus.row("SELECT * FROM subscription WHERE number = ?", number)
    if subscription is None:
        raise no_subscription()
    section = find_syllabus(campus, section_id, SECTION)
    row = campus.row(
        "SELECT * FROM enrollment WHERE user = ? AND subscription = ? AND syllabus = ?",
        *(subscription["user"], subscription["number"], section["number"]),
    )
    if row is None:
        raise not_found("section enrollment")
    return row


def _make_status_record(campus: CampusState, enrollment: Row, row: Row, assignment: Row) -> dict[str, Any]:
    make = campus.ids.make
    score, weight = row["score"], assignment["weight"]
    admin, grader = row["override_admin"], row["grade_given_by"]
    record = {
        "assignment_status_id": make("assignment_status", row["number"]),
        "phase": row["phase"],
        "result": row["result"],
        "resubmit_required_reason": row["resubmit_reason"],
        "academic_override": bool(row["override"]),
        "academic_override_reason": row["override_reason"],
        "utc_creation_date": format_date(row["created"], "Z"),
        "utc_first_activity_date": format_date(row["first_activity"], "Z"),
        "utc_last_activity_date": format_date(row["last_activity"], "Z"),
        "utc_completion_date": format_date(row["completed"], "Z"),
        "academic_override_admin_id": admin and make("user", admin),
        "grade_given_by_id": grader and make("user", grader),
        "assignment_id": make("assignment", assignment["number"]),
        "enrollment_id": make("enrollment", enrollment["number"]),
        "user_id": make("user", enrollment["user"]),
        "enrollment_score": enrollment["score"] * enrollment["assignments_done"],
        "enrollment_max_score": 100.0 * assignment["assignment_count"],
        "assignment_score": score,
        "assignment_max_score": assignment["max_score"],
        "assignment_mastery_score": assignment["mastery_score"],
        "assignment_weight": weight,
        "assignment_weighted_score": None if score is None else score * weight,
        "api_error_entity": no_error(),
    }
    return drop_nulls(record, nulls=("utc_completion_date", "grade_given_by_id"))
