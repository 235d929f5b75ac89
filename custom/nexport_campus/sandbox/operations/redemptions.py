"""Redemption of invoice items: RedeemInvoiceItem, GetInvoiceRedemption."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, Final

from nexport_campus.sandbox.aspnet_values import format_date
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

from .enrolling import Placement, add_memberships, enroll, ensure_subscription
from .invoices import COMMITTED, check_purchasing_agent, find_invoice
from .registry import OperationCall, operation

_NORMAL: Final = (None, 0, "NormalRedemption")
_ITEM: Final = """SELECT invoice_item.*, product.syllabus FROM invoice_item
    LEFT JOIN product ON product.number = invoice_item.product WHERE invoice_item.number = ?"""


@operation("POST", "PointOfSaleApi_RedeemInvoiceItem")
def redeem_invoice_item(campus: CampusState, call: OperationCall) -> OperationResult:
    """Redeem an item of a committed invoice for a user, once: all or nothing.

    For a syllabus the user is enrolled, in the subscription's organization of the item. For a catalog there is
    no enrollment, but a subscription and the memberships.
    """
    body = call.body
    user_id = body.required(body.id, "redeeming_user_id")
    updates = _read_updates(body)
    item = _find_item(campus, body)
    invoice = find_invoice(campus, call.user, campus.ids.make("invoice", item["invoice"]))
    user = campus.find("user", user_id)["number"]
    _check_redeemable(campus, invoice, item)
    check_purchasing_agent(campus, invoice["agent"], updates.purchasing_group_id)
    groups = frozenset(
        [*json.loads(item["groups"]), *(find_group_organization(campus, each) for each in updates.groups)]
    )
    enrollment = _place(campus, item, user, groups)
    campus.change(
        "UPDATE invoice_item SET redeemed = ?, redeemed_by = ?, enrollment = ? WHERE number = ?",
        *(campus.clock.now(), user, enrollment, item["number"]),
    )
    campus.record_change("invoice item redeemed", campus.ids.make("invoice_item", item["number"]))
    return success(_record(campus, campus.rows(_ITEM, item["number"])[0]))


@dataclasses.dataclass(frozen=True, slots=True)
class _Updates:
    """The fields of an item that a redemption changes."""

    groups: list[str]
    purchasing_group_id: str | None


def _read_updates(body: RequestArguments) -> _Updates:
    """Return `invoice_updates`. Raises NotModeled for what open-ended items and other actions need."""
    action = body.name_or_number("redemption_action_type")
    if action not in _NORMAL:
        raise NotModeled(f"redemption_action_type {action}, only NormalRedemption")
    if body.id("product_id") is not None:
        raise NotModeled("open-ended items")
    body.name_or_number("product_type")
    updates = body.nested("invoice_updates") or RequestArguments({})
    if updates.text("funding_pool") is not None:
        raise NotModeled("funding pools")
    return _Updates(updates.ids("group_memberships") or [], updates.id("purchasing_group_id"))


def _find_item(campus: CampusState, body: RequestArguments) -> Row:
    """Return the item with the id or the redemption code; both must name the same one."""
    item_id, code = body.id("invoice_item_id"), body.text("invoice_item_redemption_code")
    if item_id is None and code is None:
        raise invalid("One of invoice_item_id and invoice_item_redemption_code is required")
    number = None if item_id is None else campus.find("invoice_item", item_id)["number"]
    if code is not None:
        coded = campus.row("SELECT number FROM invoice_item WHERE code = ?", code)
        if coded is None:
            raise not_found("invoice item")
        if number not in (None, coded["number"]):
            raise invalid("invoice_item_id and invoice_item_redemption_code name different items")
        number = coded["number"]
    return campus.rows(_ITEM, number)[0]


def _check_redeemable(campus: CampusState, invoice: Row, item: Row) -> None:
    if invoice["state"] != COMMITTED:
        raise invalid("The invoice has not been committed")
    if item["redeemed"] is not None:
        raise invalid("The invoice item has been redeemed")
    if item["available"] is not None and campus.clock.now() < item["available"]:
        raise invalid("The invoice item cannot be redeemed yet")


def _place(campus: CampusState, item: Row, user: int, groups: frozenset[int]) -> int | None:
    """Give the user what the item is for; return the number of the enrollment, or None for a catalog."""
    if item["syllabus"] is None:
        add_memberships(campus, None, user, groups)
        ensure_subscription(campus, None, user, item["organization"])
        return None
    limits = [item["access_ends"]]
    if item["access_limit"] is not None:
        limits.append(campus.clock.now() + item["access_limit"])
    enrollment_id = enroll(
        campus,
        Placement(
            user=user,
            organization=item["organization"],
            syllabus=campus.rows("SELECT * FROM syllabus WHERE number = ?", item["syllabus"])[0],
            groups=groups,
            expires=min((each for each in limits if each is not None), default=None),
        ),
    )
    return campus.ids.number("enrollment", enrollment_id)


@operation("GET", "PointOfSaleApi_GetInvoiceRedemption")
def get_invoice_redemption(campus: CampusState, call: OperationCall) -> OperationResult:
    """Return the redemption of an item, with nulls before it is redeemed, and its code once it is committed."""
    item_id = call.query.required(call.query.id, "invoice_item_id")
    item = campus.rows(_ITEM, campus.find("invoice_item", item_id)["number"])[0]
    find_invoice(campus, call.user, campus.ids.make("invoice", item["invoice"]))
    return success(_record(campus, item))


def _record(campus: CampusState, item: Row) -> dict[str, Any]:
    """Return an InvoiceRedemptionResponse, without redemption_type: its numbers are not public."""
    make = campus.ids.make
    syllabus = campus.row("SELECT * FROM syllabus WHERE number = ?", item["syllabus"])
    return {
        "organization_id": make("organization", item["organization"]),
        "redemption_user_id": make("user", item["redeemed_by"]) if item["redeemed_by"] else None,
        "redemption_enrollment_id": make("enrollment", item["enrollment"]) if item["enrollment"] else None,
        "utc_redemption_date": format_date(item["redeemed"], "Z"),
        "redemption_code": item["code"],
        "syllabus_id": make("syllabus", syllabus["number"]) if syllabus else None,
        "syllabus_title": syllabus["title"] if syllabus else None,
    }
