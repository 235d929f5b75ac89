"""Custom enrollment fields: definitions, defaults and values."""

from __future__ import annotations

import json
from typing import Any, Final

from nexport_campus.sandbox.aspnet_values import drop_nulls
from nexport_campus.sandbox.campus_state import CampusState, Row
from nexport_campus.sandbox.field_types import normalize_value
from nexport_campus.sandbox.operation_results import (
    OperationResult,
    invalid,
    no_error,
    no_subscription,
    not_found,
    success,
)
from nexport_campus.sandbox.permissions import Permission
from nexport_campus.sandbox.seeding.enrollment_history import ensure_history

from .registry import OperationCall, operation

# The fields of an organization (?): its own and those of its ancestors.
_AVAILABLE: Final = """SELECT field.*, short_name, distance FROM field
    JOIN lineage ON ancestor = field.organization
    JOIN organization ON organization.number = field.organization WHERE descendant = ?"""


@operation("GET", "LearningApi_GetCustomEnrollmentFields")
def get_custom_enrollment_fields(campus: CampusState, call: OperationCall) -> OperationResult:
    """Page: all fields available to an organization, or the one with the id; 409 if it is none of them."""
    org_id, field_id = call.query.required(call.query.id, "org_id"), call.query.id("field_id")
    organization = campus.find("organization", org_id)
    fields = campus.rows(_AVAILABLE + " ORDER BY field.number", organization["number"])
    if field_id:
        fields = [_find_field(campus, fields, field_id)]
    return OperationResult([_make_field_record(campus, field) for field in fields])


def _find_field(campus: CampusState, fields: list[Row], field_id: str) -> Row:
    number = campus.ids.number("field", field_id)
    for field in fields:
        if field["number"] == number:
            return field
    raise not_found("custom field")


def _make_field_record(campus: CampusState, field: Row) -> dict[str, Any]:
    record = {
        "field_id": campus.ids.make("field", field["number"]),
        "name": field["name"],
        "key": field["key"],
        "description": field["description"],
        "type": field["type"],
        "org_id": campus.ids.make("organization", field["organization"]),
        "org_short_name": field["short_name"],
        "api_error_entity": no_error(),
    }
    return drop_nulls(record)


@operation("GET", "LearningApi_GetDefaultCustomEnrollmentFieldSetting")
def get_default_custom_enrollment_field_setting(campus: CampusState, call: OperationCall) -> OperationResult:
    """Page: the default for an organization and field, optionally of one syllabus; JSON null if there is none.

    The setting of the organization itself applies, or else that of its nearest ancestor.
    """
    query = call.query
    org_id, field_id = (query.required(query.id, name) for name in ("org_id", "field_id"))
    syllabus_id = query.id("syllabus_id")
    organization = campus.find("organization", org_id)
    field = _find_field(campus, campus.rows(_AVAILABLE, organization["number"]), field_id)
    syllabus = None if syllabus_id is None else campus.find("syllabus", syllabus_id)["number"]
    setting = _find_default(campus, field["number"], organization["number"], syllabus)
    if setting is None:
        return OperationResult(None)
    make = campus.ids.make
    return success(
        {
            "field_id": make("field", field["number"]),
            "name": field["name"],
            "key": field["key"],
            "default_value": setting["value"],
            "setting_org_id": make("organization", setting["organization"]),
            "setting_org_short_name": setting["short_name"],
            "field_org_id": make("organization", field["organization"]),
            "field_org_short_name": field["short_name"],
            "type": field["type"],
        }
    )


def _find_default(campus: CampusState, field: int, organization: int, syllabus: int | None) -> Row | None:
    return campus.row(
        "SELECT field_default.*, short_name FROM field_default"
        " JOIN lineage ON ancestor = field_default.organization"
        " JOIN organization ON organization.number = field_default.organization"
        " WHERE descendant = ? AND field = ? AND syllabus IS ? ORDER BY distance LIMIT 1",
        *(organization, field, syllabus),
    )


@operation("GET", "LearningApi_GetCustomEnrollmentFieldValues")
def get_custom_enrollment_field_values(campus: CampusState, call: OperationCall) -> OperationResult:
    """Page: enrollment_id, or subscriber_id and syllabus_id, optionally with key; dates in UTC.

    A field without a value gets its default for the syllabus or the organization, or null. The View
    permission must be granted in the enrollment's organization itself: the page does not mention ancestors.
    """
    enrollment = _find_enrollment(campus, call)
    organization = enrollment["organization"]
    view = Permission.VIEW_SECTION_ENROLLMENTS
    campus.permissions.require(
        call.user, organization, view, ancestors=False, action="view section enrollments"
    )
    ensure_history(campus, enrollment)
    fields = campus.rows(_AVAILABLE + " ORDER BY field.number", organization)
    key = call.query.text("key")
    if key is not None:
        fields = [field for field in fields if field["key"] == key]
        if not fields:
            raise not_found("custom field")
    return OperationResult([_make_value_record(campus, enrollment, field) for field in fields])


def _find_enrollment(campus: CampusState, call: OperationCall) -> Row:
    query = call.query
    enrollment_id, subscriber_id, syllabus_id = map(
        query.id, ("enrollment_id", "subscriber_id", "syllabus_id")
    )
    if enrollment_id and not subscriber_id and not syllabus_id:
        return campus.find("enrollment", enrollment_id)
    if enrollment_id or not subscriber_id or not syllabus_id:
        raise invalid("Use either enrollment_id, or both subscriber_id and syllabus_id")
    number = campus.ids.number("subscription", subscriber_id)
    subscription = campus.row("SELECT * FROM subscription WHERE number = ?", number)
    if subscription is None:
        raise no_subscription()
    syllabus = campus.find("syllabus", syllabus_id)
    row = campus.row(
        "SELECT * FROM enrollment WHERE user = ? AND subscription = ? AND syllabus = ?",
        *(subscription["user"], subscription["number"], syllabus["number"]),
    )
    if row is None:
        raise not_found("enrollment")
    return row


def _make_value_record(campus: CampusState, enrollment: Row, field: Row) -> dict[str, Any]:
    make = campus.ids.make
    organization = enrollment["organization"]
    place = campus.row("SELECT short_name FROM organization WHERE number = ?", organization)
    inherited = field["distance"] > 0
    record = {
        "name": field["name"],
        "key": field["key"],
        "value": _find_value(campus, enrollment, field["number"]),
        "org_id": make("organization", organization),
        "org_short_name": place["short_name"] if place else None,
        "inherited_from_org_id": make("organization", field["organization"]) if inherited else None,
        "inherited_from_org_short_name": field["short_name"] if inherited else None,
        "field_id": make("field", field["number"]),
        "type": field["type"],
        "api_error_entity": no_error(),
    }
    return drop_nulls(record, nulls=("value",))


def _find_value(campus: CampusState, enrollment: Row, field: int) -> str | None:
    own = "SELECT value FROM field_value WHERE enrollment = ? AND field = ?"
    found = campus.row(own, enrollment["number"], field)
    found = found or _find_default(campus, field, enrollment["organization"], enrollment["syllabus"])
    found = found or _find_default(campus, field, enrollment["organization"], None)
    return None if found is None else found["value"]


@operation("POST", "LearningApi_SetCustomEnrollmentFieldValues")
def set_custom_enrollment_field_values(campus: CampusState, call: OperationCall) -> OperationResult:
    """Set all values by key, or none; return `error: true` with code 0 for an unknown field or a wrong value.

    The Update permission must be granted in the enrollment's organization itself: the page does not mention
    ancestors.
    """
    body = call.body
    enrollment_id = body.required(body.id, "enrollment_id")
    values = body.required(body.pairs, "custom_enrollment_field_values")
    enrollment = campus.find("enrollment", enrollment_id)
    organization, update = enrollment["organization"], Permission.UPDATE_SECTION_ENROLLMENTS
    campus.permissions.require(
        call.user, organization, update, ancestors=False, action="update section enrollments"
    )
    ensure_history(campus, enrollment)
    fields = {field["key"]: field for field in campus.rows(_AVAILABLE, organization)}
    wrong = [key for key in values if key not in fields]
    if wrong:
        return success({"error": True, "message": f"No such custom field: {', '.join(wrong)}"})
    kept = {key: _normalize(fields[key], value) for key, value in values.items()}
    wrong = [key for key, value in kept.items() if value is None]
    if wrong:
        return success({"error": True, "message": f"Not a valid value: {', '.join(wrong)}"})
    for key, value in kept.items():
        campus.change(
            "INSERT OR REPLACE INTO field_value VALUES (?, ?, ?)",
            *(enrollment["number"], fields[key]["number"], value),
        )
    if kept:
        campus.record_change("custom field values set", campus.ids.make("enrollment", enrollment["number"]))
    return success({"error": False})


def _normalize(field: Row, value: str) -> str | None:
    return normalize_value(
        field["type"], value, () if field["options"] is None else tuple(json.loads(field["options"]))
    )
