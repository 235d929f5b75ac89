"""Catalogs: GetCatalogs, GetCatalog, GetCatalogDescription, GetCatalogCreditHours."""

from __future__ import annotations

from typing import Any, Final

from nexport_campus.sandbox.aspnet_values import drop_nulls, format_date, format_time_span
from nexport_campus.sandbox.campus_state import CampusState, Row
from nexport_campus.sandbox.groups import find_group_organization
from nexport_campus.sandbox.operation_results import OperationResult, success
from nexport_campus.sandbox.request_paging import read_paging

from .registry import OperationCall, operation

_SHARED: Final = 0
_OWNED: Final = 1
_ACCESS_OPTIONS: Final = (_SHARED, _OWNED, 2)
_PUBLISHING_MODELS: Final = (0, 1, 2)
_WITH_NAMES: Final = """SELECT catalog.*, organization.name AS org_name, short_name,
    user.first_name || ' ' || user.last_name AS owner_name
    FROM catalog JOIN organization ON organization.number = catalog.organization
    JOIN user ON user.number = catalog.owner"""


@operation("POST", "LearningApi_GetCatalogs")
def get_catalogs(campus: CampusState, call: OperationCall) -> OperationResult:
    """Page: the catalogs of a group or organization, alphabetically by name.

    Lists the shared catalogs unless catalog_access_option says otherwise, and all publishing models unless
    one is given.
    """
    group_id = call.body.required(call.body.id, "group_id")
    model = call.body.choice("publishing_model", _PUBLISHING_MODELS)
    option = call.body.choice("catalog_access_option", _ACCESS_OPTIONS) or _SHARED
    paging = read_paging(call.query)
    group = find_group_organization(campus, group_id)
    numbers, total = campus.page(
        "SELECT number FROM catalog WHERE (?1 IS NULL OR publishing_model = ?1)"
        " AND ((?2 <> 0 AND organization = ?3)"
        "  OR (?2 <> 1 AND number IN (SELECT catalog FROM catalog_share WHERE organization = ?3)))"
        " ORDER BY name, number",
        (model, option, group),
        paging,
    )
    rows = campus.by_number(_WITH_NAMES, numbers, "catalog.number")
    return OperationResult(
        success({"catalogs": [_record(campus, row) for row in rows]}).content, paging.headers(total)
    )


@operation("GET", "LearningApi_GetCatalog")
def get_catalog(campus: CampusState, call: OperationCall) -> OperationResult:
    """Return one catalog. A CatalogResponseItem has no error entity."""
    catalog = _find_requested_catalog(campus, call)
    return OperationResult(
        _record(campus, campus.by_number(_WITH_NAMES, [catalog["number"]], "catalog.number")[0])
    )


@operation("GET", "LearningApi_GetCatalogDescription")
def get_catalog_description(campus: CampusState, call: OperationCall) -> OperationResult:
    """Return the description, or null if the catalog has none."""
    return success({"description": _find_requested_catalog(campus, call)["description"]})


@operation("GET", "LearningApi_GetCatalogCreditHours")
def get_catalog_credit_hours(campus: CampusState, call: OperationCall) -> OperationResult:
    """Page: the total of the credit hours of the sections and training plans in the catalog."""
    total = campus.row(
        "SELECT coalesce(sum(credit_hours), 0) AS hours FROM product"
        " JOIN syllabus ON syllabus.number = product.syllabus WHERE catalog = ?",
        _find_requested_catalog(campus, call)["number"],
    )
    return success({"credit_hours": total["hours"] if total else 0})


def _find_requested_catalog(campus: CampusState, call: OperationCall) -> Row:
    return campus.find("catalog", call.query.required(call.query.id, "catalog_id"))


def _record(campus: CampusState, row: Row) -> dict[str, Any]:
    make = campus.ids.make
    catalog_id = make("catalog", row["number"])
    modified_by = row["modified_by"]
    record = {
        "org_id": make("organization", row["organization"]),
        "org_name": row["org_name"],
        "org_short_name": row["short_name"],
        "id": catalog_id,
        "catalog_id": catalog_id,
        "is_enabled": bool(row["is_enabled"]),
        "name": row["name"],
        "date_created": format_date(row["created"]),
        "owner_id": make("user", row["owner"]),
        "owner_name": row["owner_name"],
        "modified_by_id": None if modified_by is None else make("user", modified_by),
        "last_modified": format_date(row["modified"]),
        "pricing_model": row["pricing_model"],
        "access_time_limit": format_time_span(row["access_time_limit"]),
        "publishing_model": row["publishing_model"],
    }
    return drop_nulls(record, nulls=("access_time_limit",))
