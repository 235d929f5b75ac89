"""Groups: RemoveMembership, HasGroupPermission, SearchGroupsForPermission."""

from __future__ import annotations

from nexport_campus.sandbox.campus_state import CampusState
from nexport_campus.sandbox.groups import find_group_organization
from nexport_campus.sandbox.operation_results import OperationResult, invalid, success
from nexport_campus.sandbox.permissions import Permission
from nexport_campus.sandbox.request_arguments import RequestArguments
from nexport_campus.sandbox.request_paging import read_paging

from .registry import OperationCall, operation


@operation("POST", "AdminApi_RemoveMembership")
def remove_membership(campus: CampusState, call: OperationCall) -> OperationResult:
    """Remove memberships by id; an unknown id removes nothing and isn't an error.

    The response has an empty object for each: what the vendor's objects hold is not public.
    """
    wanted = dict.fromkeys(call.body.required(call.body.ids, "memberships"))
    numbers = [campus.ids.number("membership", each) or 0 for each in wanted]
    found = campus.by_number("SELECT * FROM membership", numbers)
    for membership in found:
        campus.permissions.require(
            call.user, membership["organization"], Permission.ADD_MEMBERSHIPS, action="remove memberships"
        )
        campus.change("DELETE FROM membership WHERE number = ?", membership["number"])
        campus.record_change("membership removed", campus.ids.make("membership", membership["number"]))
    return success({"memberships": [{} for _ in found]})


@operation("POST", "AdminApi_HasGroupPermission")
def has_group_permission(campus: CampusState, call: OperationCall) -> OperationResult:
    """Return whether a user has a permission in a group or above it."""
    body = call.body
    user_id, group_id = body.required(body.id, "user_id"), body.required(body.id, "group_id")
    permission = _find_permission(body)
    user, organization = campus.find("user", user_id), find_group_organization(campus, group_id)
    campus.permissions.require(call.user, organization, Permission.VIEW_USERS, action="view users")
    return success({"is_permitted": campus.permissions.has(user["number"], permission, organization)})


@operation("POST", "AdminApi_SearchGroupsForPermission")
def search_groups_for_permission(campus: CampusState, call: OperationCall) -> OperationResult:
    """Return the groups of an organization and those below it in which a user has a permission, by name.

    Paging is in the body, and `groups` is null if there are none.
    """
    body = call.body
    paging = read_paging(body)
    user_id, org_id = body.required(body.id, "user_id"), body.required(body.id, "org_id")
    permission = _find_permission(body)
    user, organization = campus.find("user", user_id), campus.find("organization", org_id)
    campus.permissions.require(call.user, organization["number"], Permission.VIEW_USERS, action="view users")
    permitted = campus.permissions.organizations(user["number"], permission)
    rows = campus.rows(
        "SELECT membership_group.* FROM membership_group JOIN lineage ON descendant = organization"
        " WHERE ancestor = ? ORDER BY name, number",
        organization["number"],
    )
    groups = [
        {"id": campus.ids.make("membership_group", row["number"]), "name": row["name"]}
        for row in rows
        if row["organization"] in permitted
    ]
    page = groups[paging.start : paging.start + paging.size]
    result = success({"groups": page or None})
    return OperationResult(result.content, paging.headers(len(groups)))


def _find_permission(body: RequestArguments) -> Permission:
    """Return the permission with the name that the guides use; how the real campus writes it is not public."""
    name = body.required(body.text, "permission")
    try:
        return Permission(name)
    except ValueError:
        raise invalid(f"permission: the sandbox has {', '.join(Permission)}") from None
