"""Invoices of the point of sale: BeginInvoiceTransaction, CommitInvoiceTransaction, GetInvoice."""

from __future__ import annotations

import hashlib
from typing import Final

from nexport_campus.sandbox.campus_state import CampusState, Row
from nexport_campus.sandbox.groups import find_group_organization
from nexport_campus.sandbox.operation_results import OperationResult, forbidden, invalid, success
from nexport_campus.sandbox.permissions import Permission
from nexport_campus.sandbox.request_arguments import RequestArguments

from .registry import OperationCall, operation

__all__ = ["COMMITTED", "check_purchasing_agent", "find_invoice", "find_open_invoice", "read_amount"]

# The vendor's numbers are not public.
_OPEN: Final = 0
COMMITTED: Final = 1
_HIGHEST_AMOUNT: Final = 10**12
_LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


@operation("POST", "PointOfSaleApi_BeginInvoiceTransaction")
def begin_invoice_transaction(campus: CampusState, call: OperationCall) -> OperationResult:
    """Begin an invoice. Page: Manage Invoices in the organization or an ancestor.

    The workflow's page requires the organization, although the schema doesn't.
    """
    body = call.body
    agent_id = body.required(body.id, "purchasing_agent_id")
    org_id, group_id = body.required(body.id, "organization_id"), body.id("purchasing_group_id")
    note = body.text("note")
    agent, organization = campus.find("user", agent_id), campus.find("organization", org_id)
    group = check_purchasing_agent(campus, agent["number"], group_id)
    _require(campus, call.user, organization["number"])
    number = campus.change(
        "INSERT INTO invoice (agent, organization, purchasing_group, note, state) VALUES (?, ?, ?, ?, ?)",
        *(agent["number"], organization["number"], group, note, _OPEN),
    )
    invoice_id = campus.ids.make("invoice", number)
    campus.record_change("invoice begun", invoice_id)
    return success({"invoice_id": invoice_id})


def check_purchasing_agent(campus: CampusState, agent: int, group_id: str | None) -> int | None:
    """Return the organization of a purchasing group, in which the agent must be permitted (since 6.7.0)."""
    if group_id is None:
        return None
    group = find_group_organization(campus, group_id)
    if not campus.permissions.has(agent, Permission.GROUP_PURCHASING_AGENT, group):
        raise forbidden("The purchasing agent is not permitted for the purchasing group")
    return group


@operation("POST", "PointOfSaleApi_CommitInvoiceTransaction")
def commit_invoice_transaction(campus: CampusState, call: OperationCall) -> OperationResult:
    """Complete an invoice that has items, and return the redemption codes of the invoice and each item."""
    body = call.body
    invoice = find_open_invoice(campus, call.user, body.required(body.id, "invoice_id"))
    items = campus.rows("SELECT number FROM invoice_item WHERE invoice = ?", invoice["number"])
    if not items:
        raise invalid("The invoice has no items")
    code = _make_redemption_code(campus, "invoice", invoice["number"])
    campus.change(
        "UPDATE invoice SET state = ?, code = ? WHERE number = ?", COMMITTED, code, invoice["number"]
    )
    codes = {}
    for item in items:
        item_code = _make_redemption_code(campus, "invoice_item", item["number"])
        campus.change("UPDATE invoice_item SET code = ? WHERE number = ?", item_code, item["number"])
        codes[campus.ids.make("invoice_item", item["number"])] = item_code
    campus.record_change("invoice committed", campus.ids.make("invoice", invoice["number"]))
    return success({"invoice_redemption_code": code, "invoice_item_redemption_codes": codes})


def _make_redemption_code(campus: CampusState, kind: str, number: int) -> str:
    """Return a code that cannot be guessed from another one, and is the same in every run."""
    source = f"{campus.settings.seed}/{kind}/{number}".encode()
    digest = hashlib.blake2b(source, digest_size=12).digest()
    letters = "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest)
    return f"{letters[:4]}-{letters[4:8]}-{letters[8:]}"


@operation("GET", "PointOfSaleApi_GetInvoice")
def get_invoice(campus: CampusState, call: OperationCall) -> OperationResult:
    """Return the state and the items of an invoice."""
    query = call.query
    invoice = find_invoice(campus, call.user, query.required(query.id, "invoice_id"))
    items = campus.rows(
        "SELECT number FROM invoice_item WHERE invoice = ? ORDER BY number", invoice["number"]
    )
    ids = [{"id": campus.ids.make("invoice_item", item["number"])} for item in items]
    return success({"state": invoice["state"], "invoice_items": ids})


def find_open_invoice(campus: CampusState, caller: int, invoice_id: str) -> Row:
    """Return the invoice with that id. Raises a refusal if it has been committed."""
    invoice = find_invoice(campus, caller, invoice_id)
    if invoice["state"] != _OPEN:
        raise invalid("The invoice has been committed")
    return invoice


def find_invoice(campus: CampusState, caller: int, invoice_id: str) -> Row:
    """Return the invoice with that id. Raises a refusal without Manage Invoices in its organization or above."""
    invoice = campus.find("invoice", invoice_id)
    _require(campus, caller, invoice["organization"])
    return invoice


def read_amount(body: RequestArguments, name: str) -> float | None:
    """Return an amount of money."""
    amount = body.number(name)
    if amount is not None and not 0 <= amount < _HIGHEST_AMOUNT:
        raise invalid(f"{name} must be an amount of money")
    return None if amount is None else float(amount)


def _require(campus: CampusState, caller: int, organization: int) -> None:
    campus.permissions.require(caller, organization, Permission.MANAGE_INVOICES, action="manage invoices")
