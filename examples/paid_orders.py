"""Paid orders, and the vendor's workflow that turns each into an enrollment: once, whatever fails on the way.

invoice -> item -> payment -> commit -> redemption. None of these writes may be sent twice, and the campus has no key for
repeated requests. So each write is recorded before it is sent (`unsettled`), and its result afterwards. A later run that
finds an unsettled write looks at the campus before it writes again. Two writes can't be looked up: an invoice needs a
person, and a payment is not repeated, because it only records what the shop has received.
"""

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from nexport_campus import (
    APIError,
    AuthenticationError,
    NexportCampus,
    NexportError,
    PermissionDeniedError,
)
from nexport_campus.models import InvoiceRedemptionResponse

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Order:
    """A paid order and its progress. `problem` says what a person has to look at."""

    order_id: str
    user_id: str
    product_id: str
    amount: str
    unsettled: str | None
    invoice_id: str | None
    item_id: str | None
    payment_id: str | None
    committed: int | None
    enrollment_id: str | None
    problem: str | None

    @property
    def note(self) -> str:
        """The note on the invoice, by which a person finds it in the campus."""
        return f"Order {self.order_id}"


class OrderBusyError(Exception):
    """The order is being processed, or paused after a failure with an unknown outcome. Try again later."""


class OrderStore:
    """The orders, in a file that all workers share.

    A worker claims an order for `lease` seconds before it works on it. If the worker dies, or doesn't know what its last request
    did, the claim runs out: by then a request that was still on its way has ended, and a look at its result is reliable.
    """

    def __init__(self, path: str, lease: float = 120, clock: Callable[[], float] = time.time) -> None:
        self._path, self.lease, self._clock = path, lease, clock
        with closing(self._connect()) as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute(
                "CREATE TABLE IF NOT EXISTS orders (order_id TEXT PRIMARY KEY, user_id TEXT, product_id TEXT, amount TEXT,"
                " unsettled TEXT, invoice_id TEXT, item_id TEXT, payment_id TEXT, committed INTEGER, enrollment_id TEXT,"
                " problem TEXT, claimed_until REAL NOT NULL DEFAULT 0)"
            )

    def add(self, order_id: str, user_id: UUID, product_id: UUID, amount: Decimal) -> None:
        """Add an order, unless it is there: payments are reported more than once."""
        self._execute(
            "INSERT OR IGNORE INTO orders (order_id, user_id, product_id, amount) VALUES (?, ?, ?, ?)",
            *(order_id, str(user_id), str(product_id), str(amount)),
        )

    def find(self, order_id: str) -> Order | None:
        """Return an order."""
        with closing(self._connect()) as database:
            row = database.execute("SELECT * FROM orders WHERE order_id = ?", (order_id,)).fetchone()
        return Order(*row[:-1]) if row else None

    def save(self, order_id: str, **columns: object) -> None:
        """Change columns of an order."""
        changes = ", ".join(f"{name} = ?" for name in columns)
        self._execute(f"UPDATE orders SET {changes} WHERE order_id = ?", *columns.values(), order_id)  # noqa: S608  own names

    def settle_invoice(self, order_id: str, invoice_id: UUID | None) -> bool:
        """Enter the invoice that a person found in the campus for an order, or that there is none.

        Returns whether the order was waiting for that. The invoice's items are looked up before one is added.
        """
        sql = "UPDATE orders SET invoice_id = ?, unsettled = ?, problem = NULL WHERE order_id = ? AND unsettled = 'begin'"
        found = (str(invoice_id), "item") if invoice_id else (None, None)
        return self._execute(sql, *found, order_id) == 1

    def claim(self, order_id: str) -> bool:
        """Claim an order, unless another worker has."""
        now = self._clock()
        sql = "UPDATE orders SET claimed_until = ? WHERE order_id = ? AND claimed_until <= ?"
        return self._execute(sql, now + self.lease, order_id, now) == 1

    def release(self, order_id: str) -> None:
        """End the claim."""
        self.save(order_id, claimed_until=0)

    def _execute(self, sql: str, *arguments: object) -> int:
        with closing(self._connect()) as database, database:
            return database.execute(sql, arguments).rowcount

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=30)


def known(value: UUID | str | None) -> str:
    """Return an id as a string. Raises LookupError if a response lacks it: then the write stays unsettled."""
    if value is None:
        raise LookupError("the campus returned no id")
    return str(value)


class Fulfilment:
    """The workflow of one shop: `organization` sells, and payments go to its `merchant_account` in the campus."""

    def __init__(
        self,
        campus: NexportCampus,
        store: OrderStore,
        organization: UUID,
        merchant_account: UUID | None = None,
    ) -> None:
        self._campus, self._store = campus, store
        self._organization, self._merchant_account = organization, merchant_account

    async def fulfil(self, order_id: str) -> Order:
        """Do the remaining steps until the buyer is enrolled, and return the order.

        Raises OrderBusyError, or a NexportError after which the same call can be repeated.
        """
        if not await asyncio.to_thread(self._store.claim, order_id):
            raise OrderBusyError
        try:
            async with asyncio.timeout(self._store.lease / 2):
                order = await self._run(order_id)
        except NexportError as error:
            if not error.maybe_applied:
                await asyncio.to_thread(self._store.release, order_id)
            raise
        except TimeoutError:
            raise OrderBusyError from None
        await asyncio.to_thread(self._store.release, order_id)
        return order

    async def _run(self, order_id: str) -> Order:
        order = await self._load(order_id)
        steps = (
            self._find_buyer,
            self._begin,
            self._add_item,
            self._record_payment,
            self._commit,
            self._redeem,
        )
        for step in steps:
            if order.problem or order.enrollment_id:
                break
            try:
                order = await step(order)
            except APIError as error:
                # Anything but the campus's own refusal of this order may be different next time.
                if error.transient or isinstance(error, AuthenticationError | PermissionDeniedError):
                    raise
                order = await self._save(order, problem=str(error))
        return order

    async def _find_buyer(self, order: Order) -> Order:
        """Make sure that the buyer is a user of the campus. A shop with the right to create users does it here."""
        if order.invoice_id is None:
            await self._campus.admin.get_user(user_id=order.user_id)
        return order

    async def _begin(self, order: Order) -> Order:
        if order.invoice_id:
            return order
        if order.unsettled == "begin":
            problem = f"there may be an invoice with the note {order.note!r}: look for it in the campus"
            return await self._save(order, problem=problem)

        async def write() -> dict[str, object]:
            begun = await self._campus.point_of_sale.begin_invoice_transaction(
                purchasing_agent_id=order.user_id, organization_id=self._organization, note=order.note
            )
            return {"invoice_id": known(begun.invoice_id)}

        return await self._write(order, "begin", write)

    async def _add_item(self, order: Order) -> Order:
        if order.item_id:
            return order
        invoice_id = known(order.invoice_id)
        if order.unsettled == "item":
            invoice = await self._campus.point_of_sale.get_invoice(invoice_id=invoice_id)
            if invoice.invoice_items is None:
                return await self._save(order, problem="the campus doesn't list the items of the invoice")
            for item in invoice.invoice_items:
                return await self._save(order, unsettled=None, item_id=str(item.id))

        async def write() -> dict[str, object]:
            added = await self._campus.point_of_sale.add_invoice_item(
                invoice_id=invoice_id, product_id=order.product_id, cost=float(order.amount)
            )
            return {"item_id": known(added.invoice_item_id)}

        return await self._write(order, "item", write)

    async def _record_payment(self, order: Order) -> Order:
        if order.payment_id:
            return order
        if order.unsettled == "payment":
            return await self._save(order, unsettled=None, payment_id=UNKNOWN)

        async def write() -> dict[str, object]:
            recorded = await self._campus.point_of_sale.add_invoice_payment(
                invoice_id=known(order.invoice_id),
                payee_id=order.user_id,
                merchant_account_id=self._merchant_account,
                payment_processor_transaction_id=order.order_id,
                amount_usd=float(order.amount),
                utc_payment_date=datetime.now(UTC),
            )
            return {"payment_id": str(recorded.invoice_payment_id or UNKNOWN)}

        return await self._write(order, "payment", write)

    async def _commit(self, order: Order) -> Order:
        if order.committed:
            return order
        if order.unsettled == "commit":
            item = await self._redemption(order)
            if item.redemption_code:  # only a committed invoice has codes
                return await self._save(order, unsettled=None, committed=1)

        async def write() -> dict[str, object]:
            await self._campus.point_of_sale.commit_invoice_transaction(invoice_id=known(order.invoice_id))
            return {"committed": 1}

        return await self._write(order, "commit", write)

    async def _redeem(self, order: Order) -> Order:
        if order.unsettled == "redeem":
            item = await self._redemption(order)
            if item.redemption_user_id:
                return await self._save(order, unsettled=None, **self._result(item))

        async def write() -> dict[str, object]:
            item = await self._campus.point_of_sale.redeem_invoice_item(
                invoice_item_id=order.item_id, redeeming_user_id=order.user_id
            )
            return self._result(item)

        return await self._write(order, "redeem", write)

    async def _redemption(self, order: Order) -> InvoiceRedemptionResponse:
        item_id = known(order.item_id)
        return await self._campus.point_of_sale.get_invoice_redemption(invoice_item_id=item_id)

    def _result(self, item: InvoiceRedemptionResponse) -> dict[str, object]:
        if item.redemption_enrollment_id is None:
            return {"problem": "the product was redeemed without an enrollment: is it a catalog?"}
        return {"enrollment_id": str(item.redemption_enrollment_id)}

    async def _write(
        self, order: Order, step: str, write: Callable[[], Awaitable[dict[str, object]]]
    ) -> Order:
        """Send a write, recorded as unsettled until its result is saved."""
        order = await self._save(order, unsettled=step)
        try:
            result = await write()
        except NexportError as error:
            if not error.maybe_applied:
                await self._save(order, unsettled=None)
            raise
        return await self._save(order, unsettled=None, **result)

    async def _save(self, order: Order, **columns: object) -> Order:
        await asyncio.to_thread(self._store.save, order.order_id, **columns)
        return await self._load(order.order_id)

    async def _load(self, order_id: str) -> Order:
        order = await asyncio.to_thread(self._store.find, order_id)
        assert order is not None
        return order
