"""Sections: GetSection, GetSections, GetSectionDescription, GetSectionObjectives."""

from __future__ import annotations

from typing import Any, Final

from nexport_campus.sandbox.aspnet_values import drop_nulls
from nexport_campus.sandbox.campus_state import CampusState, Row
from nexport_campus.sandbox.operation_results import OperationResult, invalid, no_error, success

from .registry import OperationCall, operation
from .syllabi import SECTION, find_requested_syllabus, find_syllabus, make_syllabus_record

__all__ = ["make_section_record"]

_MOST_IDS: Final = 1000
# Sent as null if the section has no value, although the page requires them.
_NULLS: Final = ("enrollment_end", "final_drop_date", "training_end", "section_ceus")


def make_section_record(campus: CampusState, row: Row) -> dict[str, Any]:
    """Return a SectionResponse."""
    record = {
        "section_number": row["section_number"],
        "section_ceus": row["section_ceus"],
        "section_duration": row["section_duration"],
        **make_syllabus_record(campus, row),
        "api_error_entity": no_error(),
    }
    return drop_nulls(record, nulls=_NULLS)


@operation("GET", "LearningApi_GetSection")
def get_section(campus: CampusState, call: OperationCall) -> OperationResult:
    """Return one section. Page: "Either a productid or a syllabus ID must be given but not both."."""
    return OperationResult(
        make_section_record(campus, find_requested_syllabus(campus, call, "syllabus_id", SECTION))
    )


@operation("POST", "LearningApi_GetSections")
def get_sections(campus: CampusState, call: OperationCall) -> OperationResult:
    """Page: 422 for an empty list, a null or empty value, more than 1000 entries or an unknown section.

    Duplicates are returned once.
    """
    wanted = call.body.required(call.body.ids, "sections")
    if not wanted:
        raise invalid("List of IDs is empty")
    if len(wanted) > _MOST_IDS:
        raise invalid(f"The list contains more than {_MOST_IDS} entries")
    unique = list(dict.fromkeys(wanted))
    numbers = [campus.ids.number("syllabus", each) or 0 for each in unique]
    rows = [row for row in campus.by_number("SELECT * FROM syllabus", numbers) if row["type"] == SECTION]
    if len(rows) != len(unique):
        raise invalid("One or more Sections could not be found.")
    warnings = ["The list of IDs contains duplicates"] if len(unique) < len(wanted) else []
    return success({"sections": [make_section_record(campus, row) for row in rows]}, warnings)


@operation("GET", "LearningApi_GetSectionDescription")
def get_section_description(campus: CampusState, call: OperationCall) -> OperationResult:
    """Return the description, or null if the section has none."""
    section = find_syllabus(campus, call.query.required(call.query.id, "section_id"), SECTION)
    return success({"description": section["description"]})


@operation("GET", "LearningApi_GetSectionObjectives")
def get_section_objectives(campus: CampusState, call: OperationCall) -> OperationResult:
    """Return the objectives, or null if the section has none."""
    section = find_syllabus(campus, call.query.required(call.query.id, "section_id"), SECTION)
    return success({"objectives": section["objectives"]})
