"""Test attempts: GetTestAttempts of AssessmentApi, and the obsolete one of LearningApi."""

from __future__ import annotations

from typing import Any, Final

from nexport_campus.sandbox.aspnet_values import drop_nulls, format_date, format_time_span
from nexport_campus.sandbox.campus_state import CampusState, Row
from nexport_campus.sandbox.operation_results import OperationResult, forbidden, no_error, not_found
from nexport_campus.sandbox.permissions import Permission
from nexport_campus.sandbox.request_paging import read_paging
from nexport_campus.sandbox.seeding.enrollment_history import ensure_history

from .registry import OperationCall, operation

_ENOUGH: Final = (Permission.VIEW_SECTION_ENROLLMENTS, Permission.UPDATE_SECTION_ENROLLMENTS)
_ATTEMPTS: Final = """SELECT test_attempt.*, proctor.user AS proctor_user, proctor.code, proctor.access_code,
    user.first_name, user.last_name
    FROM test_attempt JOIN assignment_status ON assignment_status.number = test_attempt.status
    LEFT JOIN proctor ON proctor.number = test_attempt.proctor LEFT JOIN user ON user.number = proctor.user
    WHERE enrollment = ? AND assignment = ? ORDER BY attempt_index DESC LIMIT ? OFFSET ?"""


@operation("GET", "AssessmentApi_GetTestAttempts", "LearningApi_GetTestAttempts")
def get_test_attempts(campus: CampusState, call: OperationCall) -> OperationResult:
    """Return the attempts at a test, by attempt index from highest to lowest.

    Page: requires the View or the Update Section Enrollments permission, or the section's instructor.
    """
    query = call.query
    enrollment_id = query.required(query.id, "enrollment_id")
    assignment_id = query.required(query.id, "assignment_id")
    paging = read_paging(query)
    enrollment = campus.find("enrollment", enrollment_id)
    assignment = campus.find("assignment", assignment_id)
    if assignment["syllabus"] != enrollment["syllabus"]:
        raise not_found("assignment")
    _check(campus, call.user, enrollment)
    ensure_history(campus, enrollment)
    rows = campus.rows(_ATTEMPTS, enrollment["number"], assignment["number"], paging.size, paging.start)
    return OperationResult([_record(campus, row) for row in rows])


def _check(campus: CampusState, user: int, enrollment: Row) -> None:
    instructs = "SELECT 1 FROM syllabus WHERE number = ? AND instructor = ?"
    if any(campus.permissions.has(user, each, enrollment["organization"]) for each in _ENOUGH):
        return
    if campus.row(instructs, enrollment["syllabus"], user) is None:
        raise forbidden("Not authorized to view test attempts")


def _record(campus: CampusState, row: Row) -> dict[str, Any]:
    record = {
        "attempt_id": campus.ids.make("test_attempt", row["number"]),
        "attempt_index": row["attempt_index"],
        "start_date": format_date(row["started"], "Z"),
        "last_time_left_update": format_date(row["time_left_updated"], "Z"),
        "finish_date": format_date(row["finished"], "Z"),
        "allow_relaunch": bool(row["allow_relaunch"]),
        "time_left": format_time_span(row["time_left"]),
        "num_questions": row["num_questions"],
        "is_complete": bool(row["is_complete"]),
        "score": row["score"],
        "comments": row["comments"],
        "proctor_response_item": _find_proctor(campus, row),
        "api_error_entity": no_error(),
    }
    return drop_nulls(record, nulls=("score", "proctor_response_item"))


def _find_proctor(campus: CampusState, row: Row) -> dict[str, Any] | None:
    """Return the user who unlocked the attempt, or null if it was not proctored."""
    if row["proctor"] is None:
        return None
    make = campus.ids.make
    return {
        "proctor_id": make("proctor", row["proctor"]),
        "proctor_user_id": make("user", row["proctor_user"]),
        "proctor_code": row["code"],
        "proctor_first_name": row["first_name"],
        "proctor_last_name": row["last_name"],
        "organization_access_code_id": make("access_code", row["proctor"]),
        "access_code": row["access_code"],
        "date_proctored": format_date(row["proctored"], "Z"),
        "api_error_entity": no_error(),
    }
