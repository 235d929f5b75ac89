"""Items of an invoice: AddInvoiceItem, AddInvoiceItems."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, Final

from nexport_campus.sandbox.campus_state import CampusState, Row
from nexport_campus.sandbox.groups import find_group_organization
from nexport_campus.sandbox.operation_results import (
    NotModeled,
    OperationResult,
    invalid,
    not_found,
    success,
)
from nexport_campus.sandbox.request_arguments import RequestArguments

from .invoices import check_purchasing_agent, find_open_invoice, read_amount
from .registry import OperationCall, operation

_MOST: Final = 1000
_KINDS: Final = {"Syllabus": "product", "Catalog": "catalog"}


@operation("POST", "PointOfSaleApi_AddInvoiceItem")
def add_invoice_item(campus: CampusState, call: OperationCall) -> OperationResult:
    """Add one item to an invoice that is not committed."""
    return success({"invoice_item_id": _add(campus, call, 1)[0]})


@operation("POST", "PointOfSaleApi_AddInvoiceItems")
def add_invoice_items(campus: CampusState, call: OperationCall) -> OperationResult:
    """Add several equal items. The name under which the vendor returns their ids is not public."""
    quantity = call.body.required(call.body.integer, "quantity")
    if not 1 <= quantity <= _MOST:
        raise invalid(f"quantity must be between 1 and {_MOST}")
    _add(campus, call, quantity)
    return success({})


def _add(campus: CampusState, call: OperationCall, quantity: int) -> list[str]:
    """Add equal items, and return their ids."""
    body = call.body
    invoice_id, product_id = body.required(body.id, "invoice_id"), body.required(body.id, "product_id")
    product_type, terms, recipients = (
        body.name_or_number("product_type"),
        _read_terms(body),
        _read_recipients(body),
    )
    invoice = find_open_invoice(campus, call.user, invoice_id)
    item = {
        "invoice": invoice["number"],
        **terms,
        **_find_product(campus, product_id, product_type),
        **_find_recipients(campus, invoice, recipients),
    }
    columns, marks = ", ".join(item), ", ".join("?" * len(item))
    sql = f"INSERT INTO invoice_item ({columns}) VALUES ({marks})"  # noqa: S608  the names are constants
    ids = [campus.ids.make("invoice_item", campus.change(sql, *item.values())) for _ in range(quantity)]
    for item_id in ids:
        campus.record_change("invoice item added", item_id)
    return ids


def _read_terms(body: RequestArguments) -> dict[str, Any]:
    """Return the columns with the price of an item and the limits of its use."""
    if body.text("funding_pool") is not None:
        raise NotModeled("funding pools")
    return {
        "cost": read_amount(body, "cost"),
        "note": body.text("note"),
        "access_ends": body.date("utc_access_expiration_date"),
        "access_limit": body.time_span("access_expiration_time_limit"),
        "available": body.date("utc_redemption_available_date"),
    }


@dataclasses.dataclass(frozen=True, slots=True)
class _Recipients:
    """Ids of the organization of the subscription, the groups to join, and the group that buys."""

    org_id: str | None
    group_ids: list[str]
    purchasing_group_id: str | None


def _read_recipients(body: RequestArguments) -> _Recipients:
    groups = body.ids("group_membership_ids") or []
    return _Recipients(body.id("subscription_org_id"), groups, body.id("purchasing_group_id"))


def _find_recipients(campus: CampusState, invoice: Row, recipients: _Recipients) -> dict[str, Any]:
    """Return the columns of the recipients. Without an organization, it is that of the invoice."""
    organization = invoice["organization"]
    if recipients.org_id is not None:
        organization = campus.find("organization", recipients.org_id)["number"]
    return {
        "organization": organization,
        "groups": json.dumps([find_group_organization(campus, each) for each in recipients.group_ids]),
        "purchasing_group": check_purchasing_agent(campus, invoice["agent"], recipients.purchasing_group_id),
    }


def _find_product(campus: CampusState, product_id: str, product_type: str | int | None) -> dict[str, int]:
    """Return the column with the product: that of a syllabus, or a whole catalog.

    Without the name of a type, the id decides: the vendor's numbers of the types are not public.
    """
    if product_type == "OpenEnded":
        raise NotModeled("open-ended items")
    if isinstance(product_type, str) and product_type not in _KINDS:
        raise invalid(f"product_type must be one of {', '.join(_KINDS)}, OpenEnded")
    for kind in (_KINDS[product_type],) if isinstance(product_type, str) else _KINDS.values():
        if campus.ids.number(kind, product_id) is not None:
            return {kind: campus.find(kind, product_id)["number"]}
    raise not_found("product")
