"""SCORM data: both GetCmiData, and EditScormData."""

from __future__ import annotations

import json
from typing import Any, Final

from nexport_campus.sandbox.aspnet_values import drop_nulls, format_date
from nexport_campus.sandbox.campus_state import CampusState, Row
from nexport_campus.sandbox.operation_results import OperationResult, invalid, no_error, not_found, success
from nexport_campus.sandbox.permissions import Permission
from nexport_campus.sandbox.request_arguments import RequestArguments
from nexport_campus.sandbox.request_paging import read_paging
from nexport_campus.sandbox.scorm_elements import NOT_IMPLEMENTED, find_cmi_value
from nexport_campus.sandbox.seeding.enrollment_history import ensure_history, find_assignment_status

from .registry import OperationCall, operation

# The values listed in the descriptions of EditScormDataRequest.
_CHOICES: Final = {
    "lesson_mode": ("browse", "normal", "review"),
    "lesson_status": ("passed", "completed", "failed", "incomplete", "browsed", "not attempted"),
    "exit_status": ("normal", "suspend"),
    "entry": ("ab-initio", "resume", ""),
}
_TEXTS: Final = ("lesson_location", "session_time", "total_time", "suspend_data", "preference_language")


@operation("POST", "ScormApi_GetCmiData", "LearningApi_GetCmiData")
def get_cmi_data(campus: CampusState, call: OperationCall) -> OperationResult:
    """Return the SCOs of an assignment with the requested elements, alphabetically by SCO id.

    A null value is omitted; an unknown name gets an error message and an empty value. The obsolete
    operation of LearningApi returns the same.
    """
    body = call.body
    enrollment_id = body.required(body.id, "enrollment_id")
    assignment_id = body.required(body.id, "assignment_id")
    names = body.required(body.texts, "cmi_element_names")
    paging = read_paging(call.query)
    enrollment = campus.find("enrollment", enrollment_id)
    assignment = campus.find("assignment", assignment_id)
    permission = Permission.VIEW_SECTION_ENROLLMENTS
    campus.permissions.require(call.user, enrollment["organization"], permission, action="view CMI data")
    if assignment["syllabus"] != enrollment["syllabus"]:
        raise not_found("assignment")
    ensure_history(campus, enrollment)
    scos = campus.rows(
        "SELECT sco.* FROM sco JOIN assignment_status ON number = status"
        " WHERE enrollment = ? AND assignment = ? ORDER BY sco_id LIMIT ? OFFSET ?",
        *(enrollment["number"], assignment["number"], paging.size, paging.start),
    )
    return OperationResult([_record(row, assignment["scorm"], names) for row in scos])


def _record(row: Row, version: str, names: list[str]) -> dict[str, Any]:
    elements = json.loads(row["elements"])
    record = {
        "title": row["title"],
        "sco_id": row["sco_id"],
        "start_date_utc": format_date(row["started"], "Z"),
        "exit_date_utc": format_date(row["exited"], "Z"),
        "cmi_fields": [_make_field(version, elements, name) for name in names],
        "api_error_entity": no_error(),
    }
    return drop_nulls(record, nulls=("exit_date_utc",))


def _make_field(version: str, elements: dict[str, Any], name: str) -> dict[str, Any]:
    known, value = find_cmi_value(version, elements, name)
    if not known:
        return {"cmi_element_name": name, "cmi_element_value": "", "error_message": NOT_IMPLEMENTED}
    return drop_nulls({"cmi_element_name": name, "cmi_element_value": value})


@operation("POST", "ScormApi_EditScormData")
def edit_scorm_data(campus: CampusState, call: OperationCall) -> OperationResult:
    """Change the given fields of a SCO's attempt and keep the others.

    The status of the assignment stays too: the page mentions only the SCORM attempt and its history.
    """
    body = call.body
    status_id = body.required(body.id, "assignment_status_id")
    sco_id = body.required(body.text, "sco_id")
    elements, columns = _read_elements(body), _read_columns(body)
    status = find_assignment_status(campus, status_id)
    enrollment = campus.row("SELECT organization FROM enrollment WHERE number = ?", status["enrollment"])
    organization = enrollment["organization"] if enrollment else 0
    update = Permission.UPDATE_SECTION_ENROLLMENTS
    campus.permissions.require(call.user, organization, update, action="edit SCORM data")
    sco = campus.row("SELECT * FROM sco WHERE status = ? AND sco_id = ?", status["number"], sco_id)
    if sco is None:
        raise not_found("SCO")
    if not elements and not columns:
        return success({}, ["No field was sent, so nothing was changed"])
    merged = json.dumps({**json.loads(sco["elements"]), **elements})
    values = {**{name: sco[name] for name in ("title", "started", "exited")}, **columns}
    campus.change(
        "UPDATE sco SET title = ?, started = ?, exited = ?, elements = ? WHERE status = ? AND sco_id = ?",
        *(values["title"], values["started"], values["exited"], merged, status["number"], sco_id),
    )
    campus.record_change("SCORM data edited", campus.ids.make("assignment_status", status["number"]))
    return success({})


def _read_columns(body: RequestArguments) -> dict[str, Any]:
    values = {
        "title": body.text("title"),
        "started": body.date("start_date_utc"),
        "exited": body.date("exit_date_utc"),
    }
    return {name: value for name, value in values.items() if value is not None}


def _read_elements(body: RequestArguments) -> dict[str, Any]:
    values: dict[str, Any] = {name: body.text(name) for name in (*_CHOICES, *_TEXTS)}
    for name, allowed in _CHOICES.items():
        if values[name] is not None and values[name] not in allowed:
            raise invalid(f"{name} must be one of {', '.join(map(repr, allowed))}")
    values["raw_score"] = body.number("raw_score")
    values["preference_speed"] = body.integer("preference_speed")
    for_credit = body.boolean("for_credit")
    values["credit"] = None if for_credit is None else ("credit" if for_credit else "no-credit")
    return {name: value for name, value in values.items() if value is not None}
