"""Subscriptions: GetSubscription and GetSubscriptions."""

from __future__ import annotations

from typing import Any

from nexport_campus.sandbox.campus_state import CampusState
from nexport_campus.sandbox.operation_results import OperationResult, no_error, no_subscription, success
from nexport_campus.sandbox.permissions import Permission
from nexport_campus.sandbox.request_paging import read_paging

from .registry import OperationCall, operation

_VIEW = Permission.VIEW_USER_SUBSCRIPTIONS


@operation("GET", "AdminApi_GetSubscription")
def get_subscription(campus: CampusState, call: OperationCall) -> OperationResult:
    """Return a user's subscription in an organization, or 409 with code 6."""
    query = call.query
    user_id, org_id = query.required(query.id, "user_id"), query.required(query.id, "org_id")
    user, organization = campus.find("user", user_id), campus.find("organization", org_id)
    campus.permissions.require(call.user, organization["number"], _VIEW, action="view subscriptions")
    row = campus.row(
        "SELECT number FROM subscription WHERE user = ? AND organization = ?",
        *(user["number"], organization["number"]),
    )
    if row is None:
        raise no_subscription()
    return success(_record(campus, row["number"]))


@operation("GET", "AdminApi_GetSubscriptions")
def get_subscriptions(campus: CampusState, call: OperationCall) -> OperationResult:
    """Return a user's subscriptions, the oldest first; only those that the caller may view."""
    paging = read_paging(call.query)
    user = campus.find("user", call.query.required(call.query.id, "user_id"))
    visible = campus.permissions.organizations(call.user, _VIEW)
    campus.permissions.require(call.user, user["organization"], _VIEW, action="view subscriptions")
    rows = campus.rows(
        "SELECT number, organization FROM subscription WHERE user = ? ORDER BY number", user["number"]
    )
    numbers = [row["number"] for row in rows if row["organization"] in visible]
    page = numbers[paging.start : paging.start + paging.size]
    items = [{**_record(campus, number), "api_error_entity": no_error()} for number in page]
    return OperationResult(items, paging.headers(len(numbers)))


def _record(campus: CampusState, number: int) -> dict[str, Any]:
    return {"subscription_id": campus.ids.make("subscription", number)}
