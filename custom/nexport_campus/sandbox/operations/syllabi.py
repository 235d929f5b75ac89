"""Functions shared by sections and training plans, which are both syllabi."""

from __future__ import annotations

from typing import Any

from nexport_campus.sandbox.aspnet_values import format_date
from nexport_campus.sandbox.campus_state import CampusState, Row
from nexport_campus.sandbox.operation_results import invalid, not_found

from .registry import OperationCall

__all__ = ["SECTION", "TRAINING_PLAN", "find_requested_syllabus", "find_syllabus", "make_syllabus_record"]

SECTION = 0
TRAINING_PLAN = 1
_KINDS = {SECTION: "section", TRAINING_PLAN: "training plan"}


def find_syllabus(campus: CampusState, text: str, syllabus_type: int) -> Row:
    """Return the section or training plan with that id. Raises a 409 refusal with code 3 if there is none."""
    row = campus.find("syllabus", text)
    if row["type"] != syllabus_type:
        raise not_found(_KINDS[syllabus_type])
    return row


def find_requested_syllabus(campus: CampusState, call: OperationCall, name: str, syllabus_type: int) -> Row:
    """Return the syllabus named by either its own id or a catalog's product id."""
    syllabus_id, product_id = call.query.id(name), call.query.id("product_id")
    if (syllabus_id is None) == (product_id is None):
        raise invalid(f"Either {name} or product_id must be given, but not both")
    if syllabus_id is not None:
        return find_syllabus(campus, syllabus_id, syllabus_type)
    product = campus.find("product", product_id or "")
    return find_syllabus(campus, campus.ids.make("syllabus", product["syllabus"]), syllabus_type)


def make_syllabus_record(campus: CampusState, row: Row) -> dict[str, Any]:
    """Return the fields common to SectionResponse and TrainingPlanResponse, including the examples' `id`.

    Dates that the pages require are null if the syllabus has none.
    """
    syllabus_id = campus.ids.make("syllabus", row["number"])
    return {
        "id": syllabus_id,
        "syllabus_id": syllabus_id,
        "title": row["title"],
        "unique_name": row["unique_name"],
        "utc_date_created": format_date(row["created"], "Z"),
        "utc_date_last_modified": format_date(row["modified"], "Z"),
        "hidden": bool(row["hidden"]),
        "disable_certificates_for_student": bool(row["disable_certificates"]),
        "allow_drops": bool(row["allow_drops"]),
        "auto_enroll_new_members": bool(row["auto_enroll"]),
        "end_after_period_from_enrollment_start": bool(row["ends_after_period"]),
        "enrollment_duration": row["enrollment_duration"],
        "enrollment_start": format_date(row["enrollment_start"]),
        "enrollment_end": format_date(row["enrollment_end"]),
        "final_drop_date": format_date(row["final_drop_date"]),
        "training_start": format_date(row["training_start"]),
        "training_end": format_date(row["training_end"]),
        "disable_manual_enrollment": bool(row["disable_manual_enrollment"]),
        "credit_hours": row["credit_hours"],
    }
