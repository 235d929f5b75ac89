"""Student sessions: GetStudentSessions."""

from __future__ import annotations

from typing import Any, Final

from nexport_campus.sandbox.aspnet_values import drop_nulls, format_date
from nexport_campus.sandbox.campus_state import CampusState, Row
from nexport_campus.sandbox.operation_results import OperationResult, success
from nexport_campus.sandbox.permissions import Permission
from nexport_campus.sandbox.request_paging import read_paging
from nexport_campus.sandbox.seeding.enrollment_history import ensure_history

from .registry import OperationCall, operation
from .syllabi import SECTION, find_syllabus

_SESSIONS: Final = """SELECT session.number FROM session JOIN enrollment ON enrollment.number = session.enrollment
    WHERE user = ?1 AND organization = ?2 AND (?3 IS NULL OR syllabus = ?3)
    AND session.started >= ?4 AND (?5 IS NULL OR session.started <= ?5)
    ORDER BY session.started, session.number"""
_WITH_ENROLLMENT: Final = """SELECT session.*, assignment, user, organization, syllabus FROM session
    JOIN assignment_status ON assignment_status.number = session.status
    JOIN enrollment ON enrollment.number = session.enrollment"""


@operation("POST", "LearningApi_GetStudentSessions")
def get_student_sessions(campus: CampusState, call: OperationCall) -> OperationResult:
    """Return a student's sessions that began between two dates, in one organization and optionally one section.

    Page: requires the "Can View Enrollments" permission on the organization. It documents no order: the
    sandbox sorts by start. Paging travels in the body, as ApiPaginationOptions, and no headers are sent.
    """
    body = call.body
    user_id, org_id = body.required(body.id, "user_id"), body.required(body.id, "org_id")
    section_id = body.id("section_id")
    dates = (body.required(body.date, "from_date"), body.date("to_date"))
    options = body.required(body.nested, "paging")
    for name in ("page", "per_page"):
        options.required(options.integer, name)
    paging = read_paging(options)
    user = campus.find("user", user_id)["number"]
    organization = campus.find("organization", org_id)["number"]
    section = None if section_id is None else find_syllabus(campus, section_id, SECTION)["number"]
    view = Permission.VIEW_ENROLLMENTS
    campus.permissions.require(call.user, organization, view, ancestors=False, action="view enrollments")
    for enrollment in campus.rows(
        "SELECT * FROM enrollment WHERE user = ? AND organization = ?", user, organization
    ):
        ensure_history(campus, enrollment)
    numbers, total = campus.page(_SESSIONS, (user, organization, section, *dates), paging)
    rows = campus.by_number(_WITH_ENROLLMENT, numbers, "session.number")
    record = {
        "sessions": [_record(campus, row) for row in rows],
        "page": paging.page,
        "page_size": paging.requested_size,
        "total_count": total,
    }
    return success(record)


def _record(campus: CampusState, row: Row) -> dict[str, Any]:
    """Return an AssignmentSession, which has no error entity."""
    make = campus.ids.make
    return drop_nulls(
        {
            "assignment_id": make("assignment", row["assignment"]),
            "user_id": make("user", row["user"]),
            "enrollment_id": make("enrollment", row["enrollment"]),
            "organization_id": make("organization", row["organization"]),
            "section_id": make("syllabus", row["syllabus"]),
            "order": row["position"],
            "utc_start": format_date(row["started"], "Z"),
            "utc_end": format_date(row["ended"], "Z"),
            "id": make("session", row["number"]),
        }
    )
