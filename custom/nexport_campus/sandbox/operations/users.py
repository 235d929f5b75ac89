"""Users: GetUser and GetUserContactInformation."""

from __future__ import annotations

from typing import Final

from nexport_campus.sandbox.aspnet_values import drop_nulls
from nexport_campus.sandbox.campus_state import CampusState, Row
from nexport_campus.sandbox.operation_results import OperationResult, success
from nexport_campus.sandbox.permissions import Permission

from .registry import OperationCall, operation

# The city, state and postal code of each organization's short name; everybody else lives in New York.
_PLACES: Final = {
    "boston": ("Boston", "Massachusetts", "02108"),
    "boston-evening": ("Boston", "Massachusetts", "02108"),
    "seattle": ("Seattle", "Washington", "98101"),
    "portland": ("Portland", "Oregon", "97201"),
    "denver": ("Denver", "Colorado", "80202"),
    "chicago": ("Chicago", "Illinois", "60601"),
    "chicago-rail": ("Chicago", "Illinois", "60601"),
}
_ELSEWHERE: Final = ("New York", "New York", "10001")
_USER: Final = """SELECT user.*, short_name FROM user
    JOIN organization ON organization.number = user.organization WHERE user.number = ?"""


@operation("GET", "AdminApi_GetUser")
def get_user(campus: CampusState, call: OperationCall) -> OperationResult:
    """Return one user by id. Looking one up by login is not modeled: the name of that parameter is not public."""
    user = _find_user(campus, call, Permission.VIEW_USERS, "view users")
    return success(
        drop_nulls(
            {
                "user_id": campus.ids.make("user", user["number"]),
                "first_name": user["first_name"],
                "last_name": user["last_name"],
                "email": f"{user['first_name']}.{user['last_name']}.{user['number']}@example.org".lower(),
                "owner_org_id": campus.ids.make("organization", user["organization"]),
                "owner_org_short_name": user["short_name"],
            }
        )
    )


@operation("GET", "AdminApi_GetUserContactInformation")
def get_user_contact_information(campus: CampusState, call: OperationCall) -> OperationResult:
    """Return a user's address, without its two street lines: their names are not public."""
    user = _find_user(campus, call, Permission.VIEW_USER_PROFILE, "view user profiles")
    city, state, postal_code = _PLACES.get(user["short_name"], _ELSEWHERE)
    return success(
        {
            "city": city,
            "state": state,
            "country": "United States",
            "postal_code": postal_code,
            "phone": f"+1 555 01{user['number'] % 100:02}",
            "fax": None,
        }
    )


def _find_user(campus: CampusState, call: OperationCall, permission: Permission, action: str) -> Row:
    """Return the requested user, whose owner organization decides about the permission."""
    user = campus.find("user", call.query.required(call.query.id, "user_id"))
    campus.permissions.require(call.user, user["organization"], permission, action=action)
    return campus.rows(_USER, user["number"])[0]
