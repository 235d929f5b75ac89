"""Operations that list enrollments: SearchEnrollments, GetSectionEnrollments, GetTrainingPlanEnrollments."""

from __future__ import annotations

import json
from typing import Any, Final

from nexport_campus.sandbox.campus_state import CampusState, Row
from nexport_campus.sandbox.operation_results import (
    OperationResult,
    forbidden,
    invalid,
    no_subscription,
    not_found,
    success,
)
from nexport_campus.sandbox.permissions import Permission
from nexport_campus.sandbox.request_paging import RequestedPage, read_paging

from .enrollment_records import (
    make_search_record,
    make_section_enrollment_records,
    make_training_plan_enrollment_records,
)
from .registry import OperationCall, operation
from .syllabi import SECTION, TRAINING_PLAN

_VIEW_BOTH: Final = (Permission.VIEW_SECTION_ENROLLMENTS, Permission.VIEW_TRAINING_PLAN_ENROLLMENTS)
_VIEW: Final = {
    SECTION: Permission.VIEW_SECTION_ENROLLMENTS,
    TRAINING_PLAN: Permission.VIEW_TRAINING_PLAN_ENROLLMENTS,
}
_AMONG: Final = "{} IN (SELECT value FROM json_each(?))"
_LISTING: Final = "SELECT number FROM enrollment WHERE {} ORDER BY number {}"
_DATE_FILTERS: Final = {
    "utc_activity_before": "last_activity < ?",
    "utc_activity_after": "last_activity > ?",
    "utc_enrolled_before": "enrolled < ?",
    "utc_enrolled_after": "enrolled > ?",
    "utc_completed_before": "completed < ?",
    "utc_completed_after": "completed > ?",
}


class _Conditions:
    """The WHERE clause of a listing of enrollments: conditions joined by AND."""

    def __init__(self) -> None:
        self._sql: list[str] = []
        self.arguments: list[Any] = []

    def add(self, sql: str, *arguments: Any) -> None:
        self._sql.append(sql)
        self.arguments += arguments

    def among(self, column: str, numbers: Any) -> None:
        # The unary plus keeps SQLite from using an index of the column instead of the table's order.
        self.add(_AMONG.format(column), json.dumps(sorted(numbers)))

    def listing(self, order: str) -> str:
        return _LISTING.format(" AND ".join(self._sql), order)


@operation("POST", "LearningApi_SearchEnrollments")
def search_enrollments(campus: CampusState, call: OperationCall) -> OperationResult:
    """List enrollments of ANY of the users, in ANY of the organizations, and so on for each non-empty filter.

    Page: at least one user id or org id; earliest enrollment date first; an empty list is ignored.
    """
    paging = read_paging(call.query)
    conditions = _Conditions()
    body = call.body
    if enrollment_ids := body.ids("enrollment_ids"):
        conditions.among("number", (campus.ids.number("enrollment", each) or 0 for each in enrollment_ids))
    if syllabus_ids := body.ids("syllabus_ids"):
        conditions.among("syllabus", (campus.ids.number("syllabus", each) or 0 for each in syllabus_ids))
    if unique_names := body.texts("syllabus_unique_names"):
        named = "SELECT number FROM syllabus WHERE unique_name IN (SELECT value FROM json_each(?))"
        conditions.add(f"syllabus IN ({named})", json.dumps(unique_names))
    for name, sql in _DATE_FILTERS.items():
        if (date := body.date(name)) is not None:
            conditions.add(sql, date)
    _filter_people_and_places(campus, call, conditions)
    numbers, total = campus.page(conditions.listing("ASC"), conditions.arguments, paging)
    found = campus.by_number("SELECT * FROM enrollment", numbers)
    record = {
        "enrollments": [make_search_record(campus, row) for row in found],
        "page": paging.page,
        "page_size": paging.requested_size,
        "total_count": total,
    }
    obsolete = ["paer_page is obsolete, use per_page"] if call.query.has("paer_page") else []
    return OperationResult(success(record, obsolete).content, paging.headers(total))


def _filter_people_and_places(campus: CampusState, call: OperationCall, conditions: _Conditions) -> None:
    """Add the filters by user and organization, checking the permission that each requires."""
    user_ids = call.body.ids("user_ids") or []
    org_ids = call.body.ids("org_ids") or []
    if not user_ids and not org_ids:
        raise invalid("At least one user id or org id is required")
    organizations = {campus.find("organization", each)["number"] for each in org_ids}
    users = {row["number"]: row["organization"] for row in (campus.find("user", each) for each in user_ids)}
    allowed = frozenset.intersection(
        *(campus.permissions.organizations(call.user, each) for each in _VIEW_BOTH)
    )
    if not organizations <= allowed:
        raise forbidden("Not authorized to view subscriptions")
    if organizations:
        conditions.among("+organization", organizations)
    if users:
        conditions.among("user", users)
    if organizations:
        return
    if not allowed:
        raise forbidden("Not authorized to view subscriptions")
    visible = [user for user, owner in users.items() if owner in allowed]
    conditions.add(
        "(user IN (SELECT value FROM json_each(?)) OR organization IN (SELECT value FROM json_each(?)))",
        json.dumps(visible),
        json.dumps(sorted(allowed)),
    )


@operation("GET", "LearningApi_GetSectionEnrollments")
def get_section_enrollments(campus: CampusState, call: OperationCall) -> OperationResult:
    """List section enrollments, the most recent enrollment date first.

    Page: at least one of subscriber_id, syllabus_id, enrollment_id, syllabus_unique_name; syllabus_id and
    enrollment_id require org_id; user_id and subscriber_id exclude each other.
    """
    query = call.query
    if query.id("user_id") and query.id("subscriber_id"):
        raise invalid("If user_id is provided then subscriber_id must not be sent")
    paging = read_paging(query)
    rows, total = _list_enrollments(campus, call, SECTION, ("subscriber_id",), paging)
    return OperationResult(make_section_enrollment_records(campus, rows), paging.headers(total))


@operation("GET", "LearningApi_GetTrainingPlanEnrollments")
def get_training_plan_enrollments(campus: CampusState, call: OperationCall) -> OperationResult:
    """List training plan enrollments.

    Page: as for GetSectionEnrollments, but user_id is enough, and may be combined with subscriber_id.
    """
    rows, _ = _list_enrollments(
        campus, call, TRAINING_PLAN, ("subscriber_id", "user_id"), read_paging(call.query)
    )
    return OperationResult(make_training_plan_enrollment_records(campus, rows))


def _list_enrollments(
    campus: CampusState,
    call: OperationCall,
    syllabus_type: int,
    people: tuple[str, ...],
    paging: RequestedPage,
) -> tuple[list[Row], int]:
    """Return one page of either list and its total; `people` are the filters that suffice without any other."""
    query = call.query
    unique_name = query.text("syllabus_unique_name")
    org_id = query.id("org_id")
    enough = [query.id(name) for name in (*people, "syllabus_id", "enrollment_id")]
    if not any(enough) and unique_name is None:
        raise invalid(
            f"One of {', '.join(people)}, syllabus_id, enrollment_id, syllabus_unique_name is required"
        )
    if (query.id("syllabus_id") or query.id("enrollment_id")) and not org_id:
        raise invalid("If syllabus_id or enrollment_id is supplied, then org_id must also be supplied")
    conditions = _Conditions()
    owner = _add_list_filters(campus, call, conditions, syllabus_type, unique_name)
    _check_list_permission(campus, call, conditions, _VIEW[syllabus_type], owner)
    conditions.add("syllabus IN (SELECT number FROM syllabus WHERE type = ?)", syllabus_type)
    numbers, total = campus.page(conditions.listing("DESC"), conditions.arguments, paging)
    return campus.by_number("SELECT * FROM enrollment", numbers), total


def _add_list_filters(
    campus: CampusState,
    call: OperationCall,
    conditions: _Conditions,
    syllabus_type: int,
    unique_name: str | None,
) -> int | None:
    """Add each filter that was sent, and return the subscription's organization if one was named."""
    query = call.query
    owner: int | None = None
    if subscriber_id := query.id("subscriber_id"):
        number = campus.ids.number("subscription", subscriber_id)
        subscription = campus.row("SELECT * FROM subscription WHERE number = ?", number)
        if subscription is None:
            raise no_subscription()
        owner = subscription["organization"]
        conditions.add("subscription = ? AND user = ?", subscription["number"], subscription["user"])
    if user_id := query.id("user_id"):
        conditions.add("user = ?", campus.find("user", user_id)["number"])
    if syllabus_id := query.id("syllabus_id"):
        conditions.add("syllabus = ?", campus.find("syllabus", syllabus_id)["number"])
    if enrollment_id := query.id("enrollment_id"):
        conditions.add("number = ?", campus.find("enrollment", enrollment_id)["number"])
    if unique_name is not None:
        named = campus.row(
            "SELECT number FROM syllabus WHERE unique_name = ? AND type = ?", unique_name, syllabus_type
        )
        if named is None:
            raise not_found("syllabus")
        conditions.add("syllabus = ?", named["number"])
    return owner


def _check_list_permission(
    campus: CampusState,
    call: OperationCall,
    conditions: _Conditions,
    permission: Permission,
    owner: int | None,
) -> None:
    """Check the permission in the given organization, the subscription's, or each enrollment's own."""
    org_id = call.query.id("org_id")
    places = [campus.find("organization", org_id)["number"]] if org_id else []
    places += [] if owner is None else [owner]
    allowed = campus.permissions.organizations(call.user, permission)
    if allowed.intersection(places):
        return
    if places or not allowed:
        raise forbidden(f"Not authorized: {permission} is required")
    conditions.among("+organization", allowed)
