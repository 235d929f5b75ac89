"""Custom profile fields: SetCustomProfileFieldValues. No operation that reads them is public."""

from __future__ import annotations

import datetime as dt
import json
from typing import Final

from nexport_campus.sandbox.campus_state import CampusState, Row
from nexport_campus.sandbox.field_types import FieldType, normalize_value
from nexport_campus.sandbox.operation_results import OperationResult, no_subscription, success
from nexport_campus.sandbox.permissions import Permission

from .registry import OperationCall, operation

_DATE: Final = "%m/%d/%Y %H:%M:%S"


@operation("POST", "AdminApi_SetCustomProfileFieldValues")
def set_custom_profile_field_values(campus: CampusState, call: OperationCall) -> OperationResult:
    """Set all values by key, or none; return a `message` with code 0 for an unknown field or a wrong value."""
    body = call.body
    subscriber_id = body.required(body.id, "subscriber_id")
    values = body.required(body.pairs, "custom_profile_field_values")
    number = campus.ids.number("subscription", subscriber_id)
    subscription = campus.row("SELECT * FROM subscription WHERE number = ?", number)
    if subscription is None:
        raise no_subscription()
    campus.permissions.require(
        call.user,
        subscription["organization"],
        Permission.EDIT_USER_EXTENDED_PROFILE,
        action="edit extended profiles",
    )
    fields = {field["key"]: field for field in campus.rows("SELECT * FROM profile_field")}
    wrong = [key for key in values if key not in fields]
    if wrong:
        return success({"message": f"No such custom profile field: {', '.join(wrong)}"})
    kept = {key: _normalize(fields[key], value) for key, value in values.items()}
    wrong = [key for key, value in kept.items() if value is None]
    if wrong:
        return success({"message": f"Not a valid value: {', '.join(wrong)}"})
    for key, value in kept.items():
        campus.change(
            "INSERT OR REPLACE INTO profile_field_value VALUES (?, ?, ?)",
            *(subscription["number"], fields[key]["number"], value),
        )
    if kept:
        campus.record_change("custom profile field values set", subscriber_id)
    return success({"message": None})


def _normalize(field: Row, value: str) -> str | None:
    """Return the value as stored, or None if it is invalid. A date is written as `MM/dd/yyyy HH:mm:ss`."""
    if field["type"] == FieldType.DATE_TIME:
        try:
            return dt.datetime.strptime(value, _DATE).replace(tzinfo=dt.UTC).isoformat()
        except ValueError:
            return None
    options = () if field["options"] is None else tuple(json.loads(field["options"]))
    return normalize_value(field["type"], value, options)
