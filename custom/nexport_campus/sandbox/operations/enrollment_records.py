"""Enrollments in each of the vendor's three response formats."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nexport_campus.sandbox.aspnet_values import drop_nulls, format_date
from nexport_campus.sandbox.campus_state import CampusState, Row
from nexport_campus.sandbox.ids import EMPTY_ID
from nexport_campus.sandbox.operation_results import no_error

from .sections import make_section_record

__all__ = ["make_search_record", "make_section_enrollment_records", "make_training_plan_enrollment_records"]


def make_search_record(campus: CampusState, row: Row) -> dict[str, Any]:
    """Return an ApiEnrollmentItem, which omits nulls and has no error entity."""
    return drop_nulls(_make_common_record(campus, row))


def _make_common_record(campus: CampusState, row: Row) -> dict[str, Any]:
    make = campus.ids.make
    return {
        "enrollment_id": make("enrollment", row["number"]),
        "enrollment_date": format_date(row["enrolled"]),
        "start_date": format_date(row["started"]),
        "expiration_date": format_date(row["expires"], "Z"),
        "completion_date": format_date(row["completed"], "Z"),
        "syllabus_id": make("syllabus", row["syllabus"]),
        "first_activity_date": format_date(row["first_activity"], "Z"),
        "last_activity_date": format_date(row["last_activity"], "Z"),
        "result": row["result"],
        "phase": row["phase"],
        "user_id": make("user", row["user"]),
    }


def make_section_enrollment_records(campus: CampusState, rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Return SectionEnrollmentsResponse records; unset completion_date and expiration_date are null."""
    enrollments = list(rows)
    sections = _find_syllabi(campus, enrollments)
    # One section object is shared by all its enrollments: it is only encoded, never changed.
    nested = {number: make_section_record(campus, row) for number, row in sections.items()}
    return [_make_section_record(campus, row, sections[row["syllabus"]], nested) for row in enrollments]


def _make_section_record(
    campus: CampusState, row: Row, section: Row, nested: dict[int, dict[str, Any]]
) -> dict[str, Any]:
    common = _make_common_record(campus, row)
    year, month, day = (int(part) for part in common["enrollment_date"][:10].split("-"))
    assignments = section["assignment_count"]
    record = {
        "section": nested[section["number"]],
        "enrollment_day": day,
        "enrollment_month": month,
        "enrollment_year": year,
        "subscription_id": campus.ids.make("subscription", row["subscription"]),
        "title": section["title"],
        "number": section["section_number"],
        "assignment_count": assignments,
        "completed_assignment_count": row["assignments_done"],
        "percent_assignments_complete": row["assignments_done"] * 100 // assignments,
        "weighted_score": row["score"] * row["assignments_done"],
        "max_weighted_score": 100.0 * assignments,
        "id": common["enrollment_id"],
        **common,
        "unique_name": section["unique_name"],
        "api_error_entity": no_error(),
    }
    return drop_nulls(record, nulls=("completion_date", "expiration_date"))


def make_training_plan_enrollment_records(campus: CampusState, rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Return TrainingPlanEnrollmentsResponse records, with the empty student_id of the vendor's example."""
    enrollments = list(rows)
    plans = _find_syllabi(campus, enrollments)
    return [_make_training_plan_record(campus, row, plans[row["syllabus"]]) for row in enrollments]


def _make_training_plan_record(campus: CampusState, row: Row, plan: Row) -> dict[str, Any]:
    common = _make_common_record(campus, row)
    graded = row["assignments_done"] > 0
    record = {
        "student_id": EMPTY_ID,
        "subscription_id": campus.ids.make("subscription", row["subscription"]),
        "name": plan["title"],
        "percent_requirements_fulfilled": row["assignments_done"] * 100 // plan["assignment_count"],
        "ed2go_registration_key": f"E2G-{row['number']}" if row["number"] // 7 % 3 == 0 else None,
        "average_score": row["score"] if graded else None,
        "grade_point_average": row["score"] / 25 if graded else None,
        "id": common["enrollment_id"],
        **common,
        "unique_name": plan["unique_name"],
        "api_error_entity": no_error(),
    }
    return drop_nulls(record, nulls=("completion_date", "average_score", "grade_point_average"))


def _find_syllabi(campus: CampusState, enrollments: Iterable[Row]) -> dict[int, Row]:
    numbers = {row["syllabus"] for row in enrollments}
    return {row["number"]: row for row in campus.by_number("SELECT * FROM syllabus", numbers)}
