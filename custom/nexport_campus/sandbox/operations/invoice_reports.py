"""Invoices for the request log's reader, with what no operation returns: payments, and who redeemed what."""

from __future__ import annotations

from typing import Any

from nexport_campus.sandbox.campus_state import CampusState, Row

from .invoices import COMMITTED

__all__ = ["find_invoices"]


def find_invoices(campus: CampusState) -> list[dict[str, Any]]:
    """Return the fields of every `Invoice`, the oldest first."""
    return [_make_invoice(campus, row) for row in campus.rows("SELECT * FROM invoice ORDER BY number")]


def _make_invoice(campus: CampusState, invoice: Row) -> dict[str, Any]:
    def parts(table: str) -> list[Row]:
        sql = f"SELECT * FROM {table} WHERE invoice = ? ORDER BY number"  # noqa: S608  the name is a constant
        return campus.rows(sql, invoice["number"])

    make = campus.ids.make
    return {
        "id": make("invoice", invoice["number"]),
        "organization_id": make("organization", invoice["organization"]),
        "purchasing_agent_id": make("user", invoice["agent"]),
        "note": invoice["note"],
        "committed": invoice["state"] == COMMITTED,
        "items": [_make_item(campus, row) for row in parts("invoice_item")],
        "payments": [_make_payment(campus, row) for row in parts("invoice_payment")],
        "scheduled_payments": [
            {"id": make("scheduled_payment", row["number"]), "amount_usd": row["amount"]}
            for row in parts("scheduled_payment")
        ],
    }


def _make_item(campus: CampusState, item: Row) -> dict[str, Any]:
    make = campus.ids.make
    kind = "product" if item["catalog"] is None else "catalog"
    return {
        "id": make("invoice_item", item["number"]),
        "product_id": make(kind, item[kind]),
        "cost": item["cost"],
        "redeemed_by": make("user", item["redeemed_by"]) if item["redeemed_by"] else None,
        "enrollment_id": make("enrollment", item["enrollment"]) if item["enrollment"] else None,
    }


def _make_payment(campus: CampusState, payment: Row) -> dict[str, Any]:
    return {
        "id": campus.ids.make("invoice_payment", payment["number"]),
        "amount_usd": payment["amount"],
        "payee_id": campus.ids.make("user", payment["payee"]),
        "transaction_id": payment["transaction_id"],
    }
