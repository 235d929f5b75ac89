"""Invoices, from the first transaction to the redemption of their items (PointOfSaleApi)."""

import asyncio
import datetime as dt
import uuid
from typing import Any

import pytest

from nexport_campus.sandbox import InvoiceItem, InvoicePayment, Samples, Sandbox
from tests.sandbox.http_api import HttpApi

BEGIN = "PointOfSaleApi_BeginInvoiceTransaction"
ADD_ITEM = "PointOfSaleApi_AddInvoiceItem"
ADD_ITEMS = "PointOfSaleApi_AddInvoiceItems"
PAY = "PointOfSaleApi_AddInvoicePayment"
SCHEDULE = "PointOfSaleApi_AddInvoiceScheduledPayment"
COMMIT = "PointOfSaleApi_CommitInvoiceTransaction"
REDEEM = "PointOfSaleApi_RedeemInvoiceItem"
INVOICE = "PointOfSaleApi_GetInvoice"
REDEMPTION = "PointOfSaleApi_GetInvoiceRedemption"
NOTHING = str(uuid.uuid4())


async def begin(api: HttpApi, samples: Samples, **more: object) -> str:
    """Begin an invoice of the sample user, and return its id."""
    body = {"purchasing_agent_id": samples.user_id, "organization_id": samples.org_id, **more}
    invoice_id: str = (await api.get(BEGIN, body))["invoice_id"]
    return invoice_id


async def add_item(api: HttpApi, samples: Samples, invoice_id: str, **more: object) -> str:
    """Add the sample section to an invoice, and return the item's id."""
    body = {"invoice_id": invoice_id, "product_id": samples.section_product_id, "cost": 49.5, **more}
    item_id: str = (await api.get(ADD_ITEM, body))["invoice_item_id"]
    return item_id


async def sell(api: HttpApi, samples: Samples, **more: object) -> tuple[str, str, str]:
    """Commit an invoice with one item; return the ids of both and the item's redemption code."""
    invoice_id = await begin(api, samples)
    item_id = await add_item(api, samples, invoice_id, **more)
    codes = await api.get(COMMIT, {"invoice_id": invoice_id})
    return invoice_id, item_id, codes["invoice_item_redemption_codes"][item_id]


async def redeem(api: HttpApi, samples: Samples, **item: object) -> dict[str, Any]:
    """Redeem an item for the sample user."""
    found: dict[str, Any] = await api.get(REDEEM, {"redeeming_user_id": samples.user_id, **item})
    return found


async def test_from_invoice_to_enrollment(api: HttpApi, sandbox: Sandbox, samples: Samples) -> None:
    """The vendor's workflow ends in an enrollment, and the books have all of it."""
    invoice_id = await begin(api, samples, note="order 17")
    item_id = await add_item(api, samples, invoice_id)
    body = {"invoice_id": invoice_id, "payee_id": samples.user_id, "amount_usd": 49.5}
    body |= {"payment_processor": "NopCommercePlugin", "payment_processor_transaction_id": "ch_1"}
    payment_id = (await api.get(PAY, body))["invoice_payment_id"]
    codes = await api.get(COMMIT, {"invoice_id": invoice_id})
    code = codes["invoice_item_redemption_codes"][item_id]
    redemption = await redeem(api, samples, invoice_item_redemption_code=code)
    assert (redemption["organization_id"], redemption["syllabus_id"]) == (samples.org_id, samples.section_id)
    assert redemption["redemption_user_id"] == samples.user_id
    enrollment_id = redemption["redemption_enrollment_id"]
    found = await api.get(
        "LearningApi_SearchEnrollments", {"user_ids": [samples.user_id], "enrollment_ids": [enrollment_id]}
    )
    assert [each["syllabus_id"] for each in found["enrollments"]] == [samples.section_id]
    books = await sandbox.books()
    (invoice,) = books.invoices
    assert (invoice.id, invoice.note, invoice.committed) == (invoice_id, "order 17", True)
    assert invoice.items == (
        InvoiceItem(
            id=item_id,
            product_id=samples.section_product_id,
            cost=49.5,
            redeemed_by=samples.user_id,
            enrollment_id=enrollment_id,
        ),
    )
    assert invoice.payments == (
        InvoicePayment(id=payment_id, amount_usd=49.5, payee_id=samples.user_id, transaction_id="ch_1"),
    )
    assert [change.what for change in books.changes] == [
        "invoice begun",
        "invoice item added",
        "invoice payment recorded",
        "invoice committed",
        "enrollment created",
        "invoice item redeemed",
    ]


async def test_an_open_and_a_committed_invoice(api: HttpApi, samples: Samples) -> None:
    """GetInvoice has the items and the state; only a committed invoice has redemption codes."""
    invoice_id = await begin(api, samples)
    empty = await api.get(INVOICE, invoice_id=invoice_id)
    assert empty["invoice_items"] == []
    item_id = await add_item(api, samples, invoice_id)
    before = await api.get(REDEMPTION, invoice_item_id=item_id)
    assert (before["redemption_code"], before["redemption_user_id"]) == (None, None)
    codes = await api.get(COMMIT, {"invoice_id": invoice_id})
    invoice = await api.get(INVOICE, invoice_id=invoice_id)
    assert invoice["invoice_items"] == [{"id": item_id}]
    assert invoice["state"] != empty["state"]
    after = await api.get(REDEMPTION, invoice_item_id=item_id)
    assert codes["invoice_item_redemption_codes"] == {item_id: after["redemption_code"]}
    assert codes["invoice_redemption_code"] not in (None, after["redemption_code"])
    assert after["utc_redemption_date"] is None


async def test_a_committed_invoice_is_final(api: HttpApi, samples: Samples) -> None:
    """Nothing can be added to a committed invoice, and it can't be committed again; nor can an empty one."""
    invoice_id, _, _ = await sell(api, samples)
    for operation, body in (
        (ADD_ITEM, {"product_id": samples.section_product_id}),
        (ADD_ITEMS, {"product_id": samples.section_product_id, "quantity": 2}),
        (PAY, {"payee_id": samples.user_id, "amount_usd": 1}),
        (SCHEDULE, {"amount_usd": 1}),
        (COMMIT, {}),
    ):
        assert await api.refusal(operation, {"invoice_id": invoice_id, **body}) == (422, 2)
    assert await api.refusal(COMMIT, {"invoice_id": await begin(api, samples)}) == (422, 2)


async def test_many_items_and_instalments(api: HttpApi, sandbox: Sandbox, samples: Samples) -> None:
    """AddInvoiceItems adds equal items, whose ids are the keys of the commit's codes."""
    invoice_id = await begin(api, samples)
    body = {"invoice_id": invoice_id, "product_id": samples.section_product_id, "quantity": 3}
    assert set(await api.get(ADD_ITEMS, body)) == {"api_error_entity"}
    await api.get(
        SCHEDULE, {"invoice_id": invoice_id, "amount_usd": 10, "utc_due_date": "2027-01-01T00:00:00Z"}
    )
    codes = (await api.get(COMMIT, {"invoice_id": invoice_id}))["invoice_item_redemption_codes"]
    assert len(codes) == len(set(codes.values())) == 3
    (invoice,) = (await sandbox.books()).invoices
    assert {item.id for item in invoice.items} == set(codes)
    assert [payment.amount_usd for payment in invoice.scheduled_payments] == [10]
    for quantity in (0, -1, 1001, None):
        assert await api.refusal(ADD_ITEMS, body | {"quantity": quantity}) == (422, 2)


async def test_a_repeated_payment_is_recorded_twice(api: HttpApi, sandbox: Sandbox, samples: Samples) -> None:
    """The campus doesn't compare payments, not even their transaction."""
    body = {"invoice_id": await begin(api, samples), "payee_id": samples.user_id, "amount_usd": 5}
    for _ in range(2):
        await api.get(PAY, body | {"payment_processor_transaction_id": "ch_1"})
    (invoice,) = (await sandbox.books()).invoices
    assert [payment.transaction_id for payment in invoice.payments] == ["ch_1", "ch_1"]


async def test_an_item_is_redeemed_once(api: HttpApi, sandbox: Sandbox, samples: Samples) -> None:
    """A second redemption is refused, for the same user and for another; of simultaneous ones, one succeeds."""
    _, item_id, code = await sell(api, samples)
    body = {"redeeming_user_id": samples.user_id, "invoice_item_id": item_id}
    responses = await asyncio.gather(*(api.call(REDEEM, body) for _ in range(5)))
    assert sorted(response.status_code for response in responses) == [200, 422, 422, 422, 422]
    assert await api.refusal(REDEEM, body | {"redeeming_user_id": samples.finished_user_id}) == (422, 2)
    assert await api.refusal(
        REDEEM, {"redeeming_user_id": samples.user_id, "invoice_item_redemption_code": code}
    ) == (422, 2)
    changes = [change.what for change in (await sandbox.books()).changes]
    assert (changes.count("invoice item redeemed"), changes.count("enrollment created")) == (1, 1)


async def test_a_redemption_is_all_or_nothing(api: HttpApi, sandbox: Sandbox, samples: Samples) -> None:
    """A user who is enrolled already gets 409 with code 7, and the item can still be redeemed for another."""
    _, first, _ = await sell(api, samples)
    _, second, _ = await sell(api, samples, group_membership_ids=[samples.root_org_id])
    await redeem(api, samples, invoice_item_id=first)
    before = (await sandbox.books()).last
    body = {"redeeming_user_id": samples.user_id, "invoice_item_id": second}
    assert await api.refusal(REDEEM, body) == (409, 7)
    assert (await sandbox.books(before)).changes == ()
    assert (await api.get(REDEMPTION, invoice_item_id=second))["redemption_user_id"] is None
    other = await api.get(REDEEM, body | {"redeeming_user_id": samples.finished_user_id})
    assert other["redemption_enrollment_id"]


async def test_what_a_redemption_brings(api: HttpApi, sandbox: Sandbox, samples: Samples) -> None:
    """The item's and the redemption's groups, the subscription's organization and the limit of access apply."""
    harbor = (await api.get("AdminApi_GetOrganizations", org_short_name="harbor"))[0]["org_id"]
    terms = {
        "group_membership_ids": [samples.root_org_id],
        "subscription_org_id": harbor,
        "access_expiration_time_limit": "30.00:00:00",
    }
    _, item_id, _ = await sell(api, samples, **terms)
    seen = (await sandbox.books()).last
    redemption = await redeem(
        api, samples, invoice_item_id=item_id, invoice_updates={"group_memberships": [harbor]}
    )
    assert redemption["organization_id"] == harbor
    made = [change.what for change in (await sandbox.books(seen)).changes]
    assert made == [
        *["membership created"] * 2,
        "subscription created",
        "enrollment created",
        "invoice item redeemed",
    ]
    body = {"user_ids": [samples.user_id], "enrollment_ids": [redemption["redemption_enrollment_id"]]}
    (enrollment,) = (await api.get("LearningApi_SearchEnrollments", body))["enrollments"]
    enrolled, expires = (
        dt.datetime.fromisoformat(enrollment[name]) for name in ("enrollment_date", "expiration_date")
    )
    assert round((expires - enrolled) / dt.timedelta(days=1), 3) == 30


async def test_a_catalog_can_be_sold(api: HttpApi, samples: Samples) -> None:
    """A redeemed catalog leads to no enrollment."""
    _, item_id, _ = await sell(api, samples, product_id=samples.catalog_id, product_type="Catalog")
    redemption = await redeem(api, samples, invoice_item_id=item_id)
    assert redemption["redemption_user_id"] == samples.user_id
    assert (redemption["redemption_enrollment_id"], redemption["syllabus_id"]) == (None, None)


async def test_an_item_that_is_not_available_yet(api: HttpApi, samples: Samples) -> None:
    """Before its redemption available date an item can't be redeemed."""
    _, item_id, _ = await sell(api, samples, utc_redemption_available_date="2099-01-01T00:00:00Z")
    body = {"redeeming_user_id": samples.user_id, "invoice_item_id": item_id}
    assert await api.refusal(REDEEM, body) == (422, 2)


async def test_redemptions_that_are_refused(api: HttpApi, samples: Samples) -> None:
    """The invoice must be committed, the item known, and the user too."""
    invoice_id = await begin(api, samples)
    open_item = await add_item(api, samples, invoice_id)
    _, item_id, code = await sell(api, samples)
    _, other, _ = await sell(api, samples)
    user = {"redeeming_user_id": samples.user_id}
    assert await api.refusal(REDEEM, user | {"invoice_item_id": open_item}) == (422, 2)
    assert await api.refusal(REDEEM, user) == (422, 2)
    assert await api.refusal(REDEEM, {"invoice_item_id": item_id}) == (422, 2)
    both = {"invoice_item_id": other, "invoice_item_redemption_code": code}
    assert await api.refusal(REDEEM, user | both) == (422, 2)
    assert await api.refusal(REDEEM, user | {"invoice_item_id": NOTHING}) == (409, 3)
    assert await api.refusal(REDEEM, user | {"invoice_item_redemption_code": "X"}) == (409, 3)
    assert await api.refusal(REDEEM, {"invoice_item_id": item_id, "redeeming_user_id": NOTHING}) == (409, 3)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        pytest.param({"invoice_id": None}, (422, 2), id="no invoice"),
        pytest.param({"invoice_id": NOTHING}, (409, 3), id="unknown invoice"),
        pytest.param({"product_id": None}, (422, 2), id="no product"),
        pytest.param({"product_id": NOTHING}, (409, 3), id="unknown product"),
        pytest.param({"product_type": "Catalog"}, (409, 3), id="another type"),
        pytest.param({"product_type": "Boat"}, (422, 2), id="unknown type"),
        pytest.param({"cost": -1}, (422, 2), id="negative cost"),
        pytest.param({"cost": 1e300}, (422, 2), id="huge cost"),
        pytest.param({"access_expiration_time_limit": "soon"}, (422, 2), id="no time span"),
        pytest.param({"subscription_org_id": NOTHING}, (409, 3), id="unknown organization"),
        pytest.param({"group_membership_ids": [NOTHING]}, (409, 3), id="unknown group"),
    ],
)
async def test_items_that_are_refused(
    api: HttpApi, samples: Samples, changes: dict[str, object], refusal: tuple[int, int]
) -> None:
    """Missing and malformed arguments are 422, unknown ids 409; neither adds an item."""
    invoice_id = await begin(api, samples)
    body = {"invoice_id": invoice_id, "product_id": samples.section_product_id, "cost": 1, **changes}
    assert await api.refusal(ADD_ITEM, body) == refusal
    assert (await api.get(INVOICE, invoice_id=invoice_id))["invoice_items"] == []


async def test_other_requests_that_are_refused(api: HttpApi, samples: Samples) -> None:
    """Agent and organization of an invoice, and invoice, payee and amount of a payment are required and known."""
    agent = {"purchasing_agent_id": samples.user_id}
    assert await api.refusal(BEGIN, agent) == (422, 2)
    assert await api.refusal(BEGIN, {"organization_id": samples.org_id}) == (422, 2)
    assert await api.refusal(BEGIN, agent | {"organization_id": NOTHING}) == (409, 3)
    payment = {"invoice_id": await begin(api, samples), "payee_id": samples.user_id, "amount_usd": 5}
    for wrong, refusal in (
        ({"amount_usd": None}, (422, 2)),
        ({"amount_usd": -5}, (422, 2)),
        ({"payee_id": None}, (422, 2)),
        ({"payee_id": NOTHING}, (409, 3)),
    ):
        assert await api.refusal(PAY, payment | wrong) == refusal
    for operation, name in ((INVOICE, "invoice_id"), (REDEMPTION, "invoice_item_id")):
        assert await api.refusal(operation) == (422, 2)
        assert await api.refusal(operation, **{name: NOTHING}) == (409, 3)


async def test_invoices_need_manage_invoices(
    api: HttpApi, registrar: HttpApi, viewer: HttpApi, samples: Samples
) -> None:
    """Manage Invoices is required for every operation."""
    invoice_id, item_id, _ = await sell(api, samples)
    begin_body = {"purchasing_agent_id": samples.user_id, "organization_id": samples.org_id}
    for caller in (registrar, viewer):
        assert await caller.refusal(BEGIN, begin_body) == (403, 5)
        assert await caller.refusal(INVOICE, invoice_id=invoice_id) == (403, 5)
        assert await caller.refusal(REDEMPTION, invoice_item_id=item_id) == (403, 5)
        body = {"redeeming_user_id": samples.user_id, "invoice_item_id": item_id}
        assert await caller.refusal(REDEEM, body) == (403, 5)
        assert await caller.refusal(COMMIT, {"invoice_id": invoice_id}) == (403, 5)


async def test_wholesale_needs_a_purchasing_agent(api: HttpApi, samples: Samples) -> None:
    """With a purchasing group, the buyer needs Group Purchasing Agent in it."""
    student = {"purchasing_agent_id": samples.user_id, "organization_id": samples.org_id}
    group = {"purchasing_group_id": samples.org_id}
    assert await api.refusal(BEGIN, student | group) == (403, 5)
    invoice_id = await begin(api, samples)
    item = {"invoice_id": invoice_id, "product_id": samples.section_product_id}
    assert await api.refusal(ADD_ITEM, item | group) == (403, 5)
    agent = samples.administrator_user_id
    wholesale = await begin(api, samples, purchasing_agent_id=agent, **group)
    assert await add_item(api, samples, wholesale, **group)


async def test_what_invoices_do_not_model(api: HttpApi, samples: Samples) -> None:
    """Funding pools, open-ended items and renewals are 501: their rules are not public."""
    _, item_id, _ = await sell(api, samples)
    invoice_id = await begin(api, samples)
    item = {"invoice_id": invoice_id, "product_id": samples.section_product_id}
    redemption = {"invoice_item_id": item_id, "redeeming_user_id": samples.user_id}
    for operation, body in (
        (ADD_ITEM, item | {"funding_pool": "GRANT"}),
        (ADD_ITEM, item | {"product_id": samples.catalog_id, "product_type": "OpenEnded"}),
        (REDEEM, redemption | {"redemption_action_type": 1}),
        (REDEEM, redemption | {"redemption_action_type": "DeleteFinishedEnrollment"}),
        (REDEEM, redemption | {"product_id": samples.product_id}),
    ):
        response = await api.call(operation, body)
        assert response.status_code == 501
        assert "does not model" in response.json()["message"]
    await redeem(api, samples, invoice_item_id=item_id, redemption_action_type="NormalRedemption")


async def test_numbers_of_enums_are_not_interpreted(api: HttpApi, samples: Samples) -> None:
    """A number of product_type or payment_processor is accepted, whatever it means to the vendor."""
    _, item_id, _ = await sell(api, samples, product_type=7)
    body = {"invoice_id": await begin(api, samples), "payee_id": samples.user_id, "amount_usd": 1}
    await api.get(PAY, body | {"payment_processor": 4})
    assert (await redeem(api, samples, invoice_item_id=item_id))["syllabus_id"] == samples.section_id
    assert await api.refusal(PAY, body | {"payment_processor": 1.5}) == (422, 2)
