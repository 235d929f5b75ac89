"""Payments of an invoice: AddInvoicePayment, AddInvoiceScheduledPayment. A campus takes no money, but keeps records."""

from __future__ import annotations

from nexport_campus.sandbox.campus_state import CampusState
from nexport_campus.sandbox.operation_results import OperationResult, invalid, success

from .invoices import find_open_invoice, read_amount
from .registry import OperationCall, operation


@operation("POST", "PointOfSaleApi_AddInvoicePayment")
def add_invoice_payment(campus: CampusState, call: OperationCall) -> OperationResult:
    """Record a payment. A second one is recorded too: the campus does not compare them.

    The ids of the collector and of the merchant account are not looked up.
    """
    body = call.body
    invoice_id, payee_id = body.required(body.id, "invoice_id"), body.required(body.id, "payee_id")
    amount = read_amount(body, "amount_usd")
    if amount is None:
        raise invalid("amount_usd is required")
    for unread in ("payment_collector_id", "merchant_account_id"):
        body.id(unread)
    body.name_or_number("payment_processor")
    terms = (body.text("payment_processor_transaction_id"), body.date("utc_payment_date"), body.text("note"))
    invoice, payee = find_open_invoice(campus, call.user, invoice_id), campus.find("user", payee_id)
    number = campus.change(
        "INSERT INTO invoice_payment (invoice, payee, amount, transaction_id, paid, note)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        *(invoice["number"], payee["number"], amount, *terms),
    )
    payment_id = campus.ids.make("invoice_payment", number)
    campus.record_change("invoice payment recorded", payment_id)
    return success({"invoice_payment_id": payment_id})


@operation("POST", "PointOfSaleApi_AddInvoiceScheduledPayment")
def add_invoice_scheduled_payment(campus: CampusState, call: OperationCall) -> OperationResult:
    """Record an instalment that is due later. The name under which the vendor returns its id is not public."""
    body = call.body
    invoice_id = body.required(body.id, "invoice_id")
    terms = (read_amount(body, "amount_usd"), body.date("utc_due_date"), body.text("note"))
    invoice = find_open_invoice(campus, call.user, invoice_id)
    number = campus.change(
        "INSERT INTO scheduled_payment (invoice, amount, due, note) VALUES (?, ?, ?, ?)",
        *(invoice["number"], *terms),
    )
    campus.record_change("scheduled payment recorded", campus.ids.make("scheduled_payment", number))
    return success({})
