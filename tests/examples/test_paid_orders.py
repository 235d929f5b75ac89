"""Paid orders that crash anywhere, and are resumed: never two invoices, two payments or two redemptions."""

import itertools
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
from paid_orders import UNKNOWN, Fulfilment, Order, OrderBusyError, OrderStore

from nexport_campus import NexportCampus, PasswordAuth, RetryPolicy, ServerError, TransportError
from nexport_campus.sandbox import Invoice, Samples, Sandbox
from tests.examples.crashes import Crash, CrashingStore, CrashingTransport, CrashPlan
from tests.support.examples import STRIDE

pytestmark = pytest.mark.nexport_sandbox(enrollments=1000)
LEASE = 120.0
BEGIN = "PointOfSaleApi_BeginInvoiceTransaction"
ADD_ITEM = "PointOfSaleApi_AddInvoiceItem"
PAY = "PointOfSaleApi_AddInvoicePayment"
COMMIT = "PointOfSaleApi_CommitInvoiceTransaction"
REDEEM = "PointOfSaleApi_RedeemInvoiceItem"
WRITES = (BEGIN, ADD_ITEM, PAY, COMMIT, REDEEM)


class Shop:
    """A shop with one order, whose program can crash and be started again."""

    def __init__(self, sandbox: Sandbox, samples: Samples, path: Path) -> None:
        self.sandbox, self.samples, self.path = sandbox, samples, path
        self.now = 1_000_000.0

    def store(self, plan: CrashPlan | None = None) -> OrderStore:
        """Open the store, as the program does when it starts."""
        if plan is None:
            return OrderStore(str(self.path), LEASE, lambda: self.now)
        store = CrashingStore(str(self.path), LEASE, lambda: self.now)
        store.plan = plan
        return store

    @asynccontextmanager
    async def started(self, plan: CrashPlan | None = None) -> AsyncIterator[Fulfilment]:
        """Start the program, with a plan for its crash."""
        campus = NexportCampus(
            PasswordAuth(self.sandbox.username, self.sandbox.password),
            base_url=self.sandbox.url,
            retry=RetryPolicy(max_attempts=1),
            transport=CrashingTransport(plan or CrashPlan()),
        )
        async with campus:
            yield Fulfilment(campus, self.store(plan), UUID(self.samples.org_id))

    async def run(self, plan: CrashPlan | None = None) -> Order:
        """Receive the payment's report, and fulfil the order."""
        samples = self.samples
        async with self.started(plan) as fulfilment:
            product, amount = UUID(samples.section_product_id), Decimal("49.50")
            self.store().add("order-1", UUID(samples.user_id), product, amount)
            return await fulfilment.fulfil("order-1")

    async def resume(self) -> Order:
        """Start the program again after its claim has run out, and do what a person does if the order waits for one."""
        self.now += LEASE + 1
        order = await self.run()
        if order.problem:
            assert "Order order-1" in order.problem
            invoices = [each.id for each in (await self.sandbox.books()).invoices]
            found = UUID(invoices[0]) if invoices else None
            assert self.store().settle_invoice("order-1", found)
            order = await self.run()
        return order


@pytest.fixture
async def shop(nexport_sandbox: Sandbox, tmp_path: Path) -> Shop:
    """Return a shop with a fresh campus."""
    return Shop(nexport_sandbox, await nexport_sandbox.samples(), tmp_path / "shop.sqlite3")


async def only_invoice(sandbox: Sandbox) -> Invoice:
    """Return the campus's only invoice, which is committed, with one redeemed item and at most one payment."""
    books = await sandbox.books()
    (invoice,) = books.invoices
    assert invoice.committed
    assert len(invoice.items) == 1
    assert len(invoice.payments) <= 1
    changes = Counter(change.what for change in books.changes)
    assert changes["invoice item redeemed"] == changes["enrollment created"] == 1
    return invoice


async def test_an_order_without_trouble(shop: Shop, campus: NexportCampus) -> None:
    """A paid order becomes one invoice with its payment, and an enrollment whose classroom opens."""
    order = await shop.run()
    assert (order.problem, order.unsettled) == (None, None)
    invoice = await only_invoice(shop.sandbox)
    assert (invoice.note, invoice.organization_id) == ("Order order-1", shop.samples.org_id)
    assert [item.cost for item in invoice.items] == [49.5]
    (payment,) = invoice.payments
    assert (payment.id, payment.amount_usd, payment.transaction_id) == (order.payment_id, 49.5, "order-1")
    assert order.enrollment_id
    entrance = await campus.sso.classroom(enrollment_id=order.enrollment_id)
    assert entrance.url
    async with httpx.AsyncClient() as browser:
        assert (await browser.get(entrance.url)).status_code == 200


async def places(shop: Shop) -> int:
    """Return the number of places at which the order's first run can crash."""
    plan = CrashPlan()
    await shop.run(plan)
    return plan.passed


async def check_crashes(shop: Shop, crashes: tuple[int, ...]) -> None:
    """Crash at the given places of the first runs, resume, and check the campus."""
    await shop.sandbox.reset()
    shop.path = shop.path.with_name(f"shop-{'-'.join(map(str, crashes))}.sqlite3")
    for place in crashes:
        try:
            await shop.run(CrashPlan(place))
        except Crash:
            shop.now += LEASE + 1
        else:
            break
    order = await shop.resume()
    assert order.problem is None, crashes
    invoice = await only_invoice(shop.sandbox)
    assert invoice.items[0].enrollment_id == order.enrollment_id, crashes
    assert len(invoice.payments) == 1 or order.payment_id == UNKNOWN, crashes


async def test_a_crash_at_any_place(shop: Shop) -> None:
    """Whatever the place of a crash, before or after a request or a change of the database, the order resumes.

    The default run tries every fourth place.
    """
    count = await places(shop)
    assert count > 30
    for place in range(1, count + 1, STRIDE):
        await check_crashes(shop, (place,))


@pytest.mark.full
async def test_two_crashes(shop: Shop) -> None:
    """A resumed run can crash as well."""
    count = await places(shop)
    for pair in itertools.product(range(5, count + 1, 9), range(3, count + 1, 12)):
        await check_crashes(shop, pair)


@pytest.mark.full
async def test_any_two_crashes(shop: Shop) -> None:
    """The same holds for a quarter of all pairs of places, with each place as the first and as the second."""
    count = await places(shop)
    for pair in itertools.product(range(1, count + 1), repeat=2):
        if sum(pair) % 4 == 0:
            await check_crashes(shop, pair)


@pytest.mark.parametrize("operation", WRITES)
async def test_a_lost_response(shop: Shop, operation: str) -> None:
    """After a lost response the order rests until the request has ended, then it is looked up, not repeated."""
    await shop.sandbox.faults.add(operation=operation, when="after", reset=True, nth=1)
    with pytest.raises(TransportError) as caught:
        await shop.run()
    assert caught.value.maybe_applied
    with pytest.raises(OrderBusyError):
        await shop.run()
    order = await shop.resume()
    invoice = await only_invoice(shop.sandbox)
    assert len(invoice.payments) == 1
    assert (order.payment_id == UNKNOWN) == (operation == PAY)
    counts = (await shop.sandbox.books()).counts
    assert counts[operation] == 1


@pytest.mark.parametrize("operation", WRITES)
async def test_a_campus_that_is_down(shop: Shop, operation: str) -> None:
    """A refused write is simply sent again when the payment is reported again."""
    busy = '{"api_error_entity": {"error_code": 1, "error_message": "busy"}}'
    await shop.sandbox.faults.add(operation=operation, status=500, body=busy, nth=1)
    with pytest.raises(ServerError):
        await shop.run()
    order = await shop.run()
    assert order.enrollment_id
    invoice = await only_invoice(shop.sandbox)
    assert [payment.id for payment in invoice.payments] == [order.payment_id]


async def test_an_order_in_progress_is_not_touched(shop: Shop) -> None:
    """An order that another worker has claimed is not touched, until the claim runs out."""
    shop.store().add("order-1", UUID(shop.samples.user_id), UUID(shop.samples.section_product_id), Decimal(1))
    assert shop.store().claim("order-1")
    with pytest.raises(OrderBusyError):
        await shop.run()
    assert (await shop.sandbox.books()).invoices == ()
    shop.now += LEASE
    assert (await shop.run()).enrollment_id


async def test_a_fulfilled_order_causes_no_request(shop: Shop) -> None:
    """A payment that is reported again causes no request."""
    first = await shop.run()
    seen = (await shop.sandbox.books()).last
    assert await shop.run() == first
    assert (await shop.sandbox.books(seen)).entries == ()


async def test_orders_that_need_a_person(shop: Shop) -> None:
    """A buyer whom the campus doesn't know, or who is enrolled already, is a problem that no repetition solves."""
    store = shop.store()
    store.add("order-2", uuid4(), UUID(shop.samples.section_product_id), Decimal(1))
    async with shop.started() as fulfilment:
        unknown = await fulfilment.fulfil("order-2")
        assert unknown.problem
        assert "AdminApi_GetUser" in unknown.problem
        assert (await shop.sandbox.books()).invoices == ()
        await fulfilment.fulfil((await shop.run()).order_id)
        store.add("order-3", UUID(shop.samples.user_id), UUID(shop.samples.section_product_id), Decimal(1))
        again = await fulfilment.fulfil("order-3")
        assert again.problem
        assert "PointOfSaleApi_RedeemInvoiceItem" in again.problem
        seen = (await shop.sandbox.books()).last
        assert await fulfilment.fulfil("order-3") == again
    assert (await shop.sandbox.books(seen)).entries == ()
    assert not store.settle_invoice("order-3", None)


async def test_a_product_that_is_not_a_course(shop: Shop) -> None:
    """A product without an enrollment is a problem, also when its redemption is found by looking."""
    store = shop.store()
    for place, order_id in enumerate(("order-4", "order-5")):
        if place:
            await shop.sandbox.faults.add(operation=REDEEM, when="after", reset=True, nth=1)
        store.add(order_id, UUID(shop.samples.user_id), UUID(shop.samples.catalog_id), Decimal(1))
        async with shop.started() as fulfilment:
            if place:
                with pytest.raises(TransportError):
                    await fulfilment.fulfil(order_id)
                shop.now += LEASE + 1
            order = await fulfilment.fulfil(order_id)
            assert order.problem
            assert "catalog" in order.problem
