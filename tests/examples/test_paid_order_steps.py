"""The steps of a paid order with a scripted campus: what they send, and what happens if one of them fails."""

import asyncio
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest
from paid_orders import Fulfilment, OrderBusyError, OrderStore

from nexport_campus import NexportError
from tests.support.clients import campus_with
from tests.support.scripted_server import (
    Handler,
    Request,
    Response,
    error_entity,
    html_response,
    json_response,
)
from tests.support.spec import example_response

ORGANIZATION, BUYER, PRODUCT, MERCHANT = (UUID(int=number) for number in range(1, 5))
PAY = "PointOfSaleApi_AddInvoicePayment"
STEPS = [
    "AdminApi_GetUser",
    "PointOfSaleApi_BeginInvoiceTransaction",
    "PointOfSaleApi_AddInvoiceItem",
    PAY,
    "PointOfSaleApi_CommitInvoiceTransaction",
    "PointOfSaleApi_RedeemInvoiceItem",
]


def respond_with(changes: dict[str, Response]) -> Handler:
    """Return the handler of a campus that responds to some operations differently."""

    async def respond(request: Request) -> Response:
        if request.operation_id in changes:
            return changes[request.operation_id]
        return json_response(example_response(request.operation_id) | error_entity())

    return respond


class Clock:
    """The clock of the claims."""

    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def store_with_order(folder: Path, clock: Clock, lease: float = 120) -> OrderStore:
    """Return a store with one order."""
    store = OrderStore(str(folder / "shop.sqlite3"), lease, clock)
    store.add("order-1", BUYER, PRODUCT, Decimal("49.50"))
    return store


@pytest.mark.parametrize("account", [None, MERCHANT], ids=["none", "one"])
async def test_payments_name_the_merchant_account(tmp_path: Path, account: UUID | None) -> None:
    """A payment is recorded for the shop's merchant account, if it has one."""
    store = store_with_order(tmp_path, Clock())
    async with campus_with(respond_with({})) as (campus, server):
        order = await Fulfilment(campus, store, ORGANIZATION, account).fulfil("order-1")
    assert order.enrollment_id
    assert [request.operation_id for request in server.requests] == STEPS
    (request,) = server.requests_to(PAY)
    sent = dict(request.query) | (request.json or {})
    assert sent.get("merchant_account_id") == (account and str(account))


@pytest.mark.parametrize("step", STEPS)
async def test_a_step_that_takes_too_long_keeps_the_claim(tmp_path: Path, step: str) -> None:
    """Its request may still be on its way, so that no worker touches the order until the claim runs out."""
    clock = Clock()
    store = store_with_order(tmp_path, clock, lease=0.3)
    async with campus_with(respond_with({step: Response(gate=asyncio.Event())})) as (campus, server):
        fulfilment = Fulfilment(campus, store, ORGANIZATION)
        with pytest.raises(OrderBusyError):
            await fulfilment.fulfil("order-1")
        count = len(server.requests)
        with pytest.raises(OrderBusyError):
            await fulfilment.fulfil("order-1")
        assert len(server.requests) == count
    clock.now += store.lease
    assert store.claim("order-1")


TEMPORARY = {
    "a permission that is missing": json_response(error_entity(5, "Not authorized"), status=403),
    "a token that is refused": json_response(error_entity(4, "Invalid token"), status=401),
    "a gateway's 403": html_response(403),
    "a campus that is busy": json_response(error_entity(1, "busy"), status=500),
}


@pytest.mark.parametrize("failure", TEMPORARY.values(), ids=TEMPORARY)
@pytest.mark.parametrize("step", [STEPS[0], STEPS[-1]])
async def test_a_failure_that_may_pass_is_no_problem(tmp_path: Path, step: str, failure: Response) -> None:
    """It is raised, so that the payment is reported again, and the order is fulfilled once the campus allows it."""
    store, changes = store_with_order(tmp_path, Clock()), {step: failure}
    async with campus_with(respond_with(changes)) as (campus, server):
        fulfilment = Fulfilment(campus, store, ORGANIZATION)
        with pytest.raises(NexportError):
            await fulfilment.fulfil("order-1")
        changes.clear()
        order = await fulfilment.fulfil("order-1")
    assert (order.problem, order.unsettled) == (None, None)
    assert order.enrollment_id
    assert len(server.requests_to(step)) == 2
