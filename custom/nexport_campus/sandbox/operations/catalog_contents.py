"""Contents of catalogs: GetCategories, GetCatalogSyllabi, GetCategorySyllabi."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from nexport_campus.sandbox.aspnet_values import format_date
from nexport_campus.sandbox.campus_state import CampusState, Row
from nexport_campus.sandbox.ids import EMPTY_ID
from nexport_campus.sandbox.operation_results import OperationResult, no_error
from nexport_campus.sandbox.request_paging import read_paging

from .registry import OperationCall, operation

_WITH_TITLES: Final = """SELECT product.*, title, type
    FROM product JOIN syllabus ON syllabus.number = product.syllabus"""


@operation("GET", "LearningApi_GetCategories")
def get_categories(campus: CampusState, call: OperationCall) -> OperationResult:
    """Page: the categories of a catalog by creation date, most recent first."""
    paging = read_paging(call.query)
    catalog = campus.find("catalog", call.query.required(call.query.id, "catalog_id"))
    rows = campus.rows(
        "SELECT * FROM category WHERE catalog = ? ORDER BY created DESC, number DESC LIMIT ? OFFSET ?",
        *(catalog["number"], paging.size, paging.start),
    )
    return OperationResult([_make_category_record(campus, catalog, row) for row in rows])


def _make_category_record(campus: CampusState, catalog: Row, row: Row) -> dict[str, Any]:
    """Return a CategoryResponseItem, which has no error entity. A missing parent is .NET's empty id."""
    category_id = campus.ids.make("category", row["number"])
    return {
        "id": category_id,
        "category_id": category_id,
        "name": row["name"],
        "catalog_id": campus.ids.make("catalog", catalog["number"]),
        "org_id": campus.ids.make("organization", catalog["organization"]),
        "parent_category_id": campus.ids.make("category", row["parent"]) if row["parent"] else EMPTY_ID,
        "date_created": format_date(row["created"]),
    }


@operation("GET", "LearningApi_GetCatalogSyllabi")
def get_catalog_syllabi(campus: CampusState, call: OperationCall) -> OperationResult:
    """Page: the syllabi of a catalog, alphabetically by title. The total is sent in headers."""
    paging = read_paging(call.query)
    catalog = campus.find("catalog", call.query.required(call.query.id, "catalog_id"))
    numbers, total = campus.page(
        "SELECT product.number FROM product JOIN syllabus ON syllabus.number = product.syllabus"
        " WHERE catalog = ? ORDER BY title, syllabus.number",
        (catalog["number"],),
        paging,
    )
    rows = campus.by_number(_WITH_TITLES, numbers, "product.number")
    return OperationResult(_list_syllabi(campus, rows), paging.headers(total))


@operation("GET", "LearningApi_GetCategorySyllabi")
def get_category_syllabi(campus: CampusState, call: OperationCall) -> OperationResult:
    """Page: the syllabi of a category, alphabetically by title. The total is not sent."""
    paging = read_paging(call.query)
    category = campus.find("category", call.query.required(call.query.id, "category_id"))
    rows = campus.rows(
        _WITH_TITLES + " WHERE category = ? ORDER BY title, syllabus.number LIMIT ? OFFSET ?",
        *(category["number"], paging.size, paging.start),
    )
    return OperationResult(_list_syllabi(campus, rows))


def _list_syllabi(campus: CampusState, rows: Iterable[Row]) -> list[dict[str, Any]]:
    make = campus.ids.make
    return [
        {
            "id": make("syllabus", row["syllabus"]),
            "syllabus_id": make("syllabus", row["syllabus"]),
            "syllabus_name": row["title"],
            "syllabus_type": row["type"],
            "product_id": make("product", row["number"]),
            "api_error_entity": no_error(),
        }
        for row in rows
    ]
