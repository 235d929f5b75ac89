"""Organizations: GetOrganizations of AdminApi, and the obsolete one of LearningApi."""

from __future__ import annotations

from typing import Any

from nexport_campus.sandbox.campus_state import CampusState, Row
from nexport_campus.sandbox.operation_results import OperationResult, invalid, no_error, not_found
from nexport_campus.sandbox.request_paging import read_paging

from .registry import OperationCall, operation


@operation("GET", "AdminApi_GetOrganizations")
def get_organizations(campus: CampusState, call: OperationCall) -> OperationResult:
    """Page: the organization with the id or short name and all below it, alphabetically by name."""
    paging = read_paging(call.query)
    organization = _find_organization(campus, call)
    rows = campus.rows(
        "SELECT organization.* FROM organization JOIN lineage ON descendant = number WHERE ancestor = ?"
        " ORDER BY name, number",
        organization["number"],
    )
    page = rows[paging.start : paging.start + paging.size]
    return OperationResult([_record(campus, row) for row in page], paging.headers(len(rows)))


@operation("GET", "LearningApi_GetOrganizations")
def get_organizations_without_headers(campus: CampusState, call: OperationCall) -> OperationResult:
    """Return the same. That the obsolete operation has the paging headers is not known."""
    return OperationResult(get_organizations(campus, call).content)


def _find_organization(campus: CampusState, call: OperationCall) -> Row:
    """Return the requested organization; the id takes precedence over the short name."""
    if org_id := call.query.id("org_id"):
        return campus.find("organization", org_id)
    short_name = call.query.text("org_short_name")
    if short_name is None:
        raise invalid("One of org_id and org_short_name is required")
    row = campus.row("SELECT * FROM organization WHERE short_name = ?", short_name)
    if row is None:
        raise not_found("organization")
    return row


def _record(campus: CampusState, row: Row) -> dict[str, Any]:
    org_id = campus.ids.make("organization", row["number"])
    return {
        "id": org_id,
        "org_id": org_id,
        "name": row["name"],
        "short_name": row["short_name"],
        "api_error_entity": no_error(),
    }
