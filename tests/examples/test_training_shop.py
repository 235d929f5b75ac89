"""The training shop's backend, over HTTP, with the sandbox behind it."""

import asyncio
import hashlib
import hmac
import itertools
import json
from uuid import uuid4

import httpx
import pytest
from paid_orders import OrderStore

from nexport_campus import NexportCampus
from nexport_campus.sandbox import Samples, Sandbox
from tests.examples.shop_process import client_of, shop_process

pytestmark = pytest.mark.nexport_sandbox(enrollments=1000)
COMMIT = "PointOfSaleApi_CommitInvoiceTransaction"


def payment(samples: Samples, order_id: str = "order-1", **changes: object) -> dict[str, object]:
    """Return the report of a paid section, for a student who isn't enrolled in it."""
    body = {"order_id": order_id, "user_id": samples.user_id, "product_id": samples.section_product_id}
    content = json.dumps({**body, "amount": "49.50", **changes}).encode()
    signature = hmac.new(b"secret-of-the-provider", content, hashlib.sha256).hexdigest()
    return {"content": content, "headers": {"X-Signature": signature}}


async def pay(shop: httpx.AsyncClient, samples: Samples, **changes: object) -> httpx.Response:
    """Send the payment provider's request."""
    return await shop.post("/webhooks/payment", **payment(samples, **changes))  # type: ignore[arg-type]


async def pay_until_accepted(shop: httpx.AsyncClient, samples: Samples) -> httpx.Response:
    """Repeat the payment provider's request until it gets a 2xx."""
    async with asyncio.timeout(60):
        while not (response := await pay(shop, samples)).is_success:
            assert response.status_code in {502, 503, 504}, response.text
            await asyncio.sleep(0.2)
    return response


def let_claim_run_out(environment: dict[str, str]) -> None:
    """End the claim on the order, as time does."""
    OrderStore(environment["SHOP_DATABASE"]).release("order-1")


async def test_from_a_paid_order_to_the_classroom(
    shop: httpx.AsyncClient, samples: Samples, campus: NexportCampus
) -> None:
    """A paid order leads the buyer into a classroom that names the buyer and the course."""
    paid = await pay(shop, samples)
    assert (paid.status_code, paid.json()["status"], paid.json()["problem"]) == (202, "enrolled", None)
    entrance = await shop.get("/classroom/order-1")
    assert (entrance.status_code, entrance.headers["cache-control"]) == (303, "no-store")
    async with httpx.AsyncClient() as browser:
        page = (await browser.get(entrance.headers["location"])).text
    params = {"user_id": samples.user_id}
    user = (await campus.request("GET", "/api/v1/AdminApi/GetUser", params=params)).parsed
    section = await campus.learning.get_section(syllabus_id=samples.section_id)
    assert f"{user['first_name']} {user['last_name']}" in page
    assert str(section.title) in page
    assert (await shop.get("/orders/order-1")).json() == paid.json()


@pytest.mark.sampled(1)
@pytest.mark.parametrize("shop_url", [1, 3], indirect=True)
async def test_a_payment_enrolls_once(
    shop: httpx.AsyncClient, samples: Samples, nexport_sandbox: Sandbox
) -> None:
    """Repeated requests, to any worker, lead to one invoice and one enrollment; the others are to come again."""
    responses = await asyncio.gather(*(pay(shop, samples) for _ in range(12)))
    assert {response.status_code for response in responses} <= {202, 503}
    accepted = await pay_until_accepted(shop, samples)
    assert all(response.json() == accepted.json() for response in responses if response.is_success)
    assert all(response.headers["retry-after"] == "5" for response in responses if not response.is_success)
    books = await nexport_sandbox.books()
    assert len(books.invoices) == len(books.invoices[0].items) == len(books.invoices[0].payments) == 1
    assert [change.what for change in books.changes].count("enrollment created") == 1


async def test_a_killed_shop(environment: dict[str, str], samples: Samples, nexport_sandbox: Sandbox) -> None:
    """A shop that is killed while the campus commits an invoice resumes the order after its restart."""
    await nexport_sandbox.faults.add(operation=COMMIT, when="after", delay=300, nth=1)
    with shop_process(environment) as (process, url):
        async with client_of(url) as shop:
            waiting = asyncio.create_task(pay(shop, samples))
            while "invoice committed" not in {
                change.what for change in (await nexport_sandbox.books()).changes
            }:
                assert not waiting.done(), waiting.result().text
                await asyncio.sleep(0.05)
            process.kill()
            with pytest.raises(httpx.TransportError):
                await waiting
    let_claim_run_out(environment)
    with shop_process(environment) as (_, url):
        async with client_of(url) as shop:
            accepted = await pay_until_accepted(shop, samples)
            assert accepted.json()["status"] == "enrolled"
            assert (await shop.get("/classroom/order-1")).status_code == 303
    books = await nexport_sandbox.books()
    assert len(books.invoices) == len(books.invoices[0].items) == len(books.invoices[0].payments) == 1
    assert books.counts[COMMIT] == 1


async def test_an_order_that_waits_for_an_invoice(
    environment: dict[str, str], samples: Samples, nexport_sandbox: Sandbox
) -> None:
    """If the response to a begun invoice is lost, a person looks for it, and the order resumes with it."""
    operation = "PointOfSaleApi_BeginInvoiceTransaction"
    await nexport_sandbox.faults.add(operation=operation, when="after", reset=True, nth=1)
    with shop_process(environment) as (_, url):
        async with client_of(url) as shop:
            lost = await pay(shop, samples)
            assert (lost.status_code, lost.json()["maybe_applied"]) == (502, True)
            assert (await pay(shop, samples)).status_code == 503
            let_claim_run_out(environment)
            waiting = (await pay(shop, samples)).json()
            assert waiting["status"] == "problem"
            assert "Order order-1" in waiting["problem"]
            assert (await shop.get("/classroom/order-1")).status_code == 409
            (invoice,) = (await nexport_sandbox.books()).invoices
            found = {"invoice_id": invoice.id}
            assert (await shop.put("/orders/order-1/invoice", json=found)).status_code == 204
            assert (await shop.put("/orders/order-1/invoice", json=found)).status_code == 409
            assert (await pay(shop, samples)).json()["status"] == "enrolled"
    assert len((await nexport_sandbox.books()).invoices) == 1


@pytest.mark.full
@pytest.mark.parametrize("shop_url", [3], indirect=True)
async def test_a_payment_after_a_drop_does_not_enroll(
    shop: httpx.AsyncClient, samples: Samples, campus: NexportCampus
) -> None:
    """A fulfilled order stays fulfilled, for all workers: a late repetition does not undo a drop."""
    enrollment_id = (await pay(shop, samples)).json()["enrollment_id"]
    await campus.learning.delete_enrollment(enrollment_id=enrollment_id)
    for _ in range(6):
        assert (await pay_until_accepted(shop, samples)).json()["enrollment_id"] == enrollment_id
    left = campus.learning.search_enrollments(user_ids=[samples.user_id], syllabus_ids=[samples.section_id])
    assert await left.collect() == []


async def test_who_may_not(shop: httpx.AsyncClient, samples: Samples, nexport_sandbox: Sandbox) -> None:
    """A wrong signature, a wrong key, an unknown order and a malformed body change nothing."""
    forged = payment(samples) | {"headers": {"X-Signature": "00"}}
    assert (await shop.post("/webhooks/payment", **forged)).status_code == 401  # type: ignore[arg-type]
    content = b'{"order_id": "x"}'
    signature = hmac.new(b"secret-of-the-provider", content, hashlib.sha256).hexdigest()
    wrong = await shop.post("/webhooks/payment", content=content, headers={"X-Signature": signature})
    assert [error["loc"] for error in wrong.json()["detail"]] == [["user_id"], ["product_id"], ["amount"]]
    for path in (f"/learners/{samples.user_id}/courses", "/classroom/order-1", "/orders/order-1"):
        assert (await shop.get(path, headers={"X-Api-Key": "none"})).status_code == 401
    for path in ("/classroom/order-1", "/orders/order-1"):
        assert (await shop.get(path)).status_code == 404
    assert (await nexport_sandbox.books()).changes == ()


async def test_every_route_but_the_webhook_needs_the_key(
    shop: httpx.AsyncClient, samples: Samples, nexport_sandbox: Sandbox
) -> None:
    """Without the shop's key, or with a wrong one, no route of the shop's web server responds or changes anything."""
    paths = (await shop.get("/openapi.json")).json()["paths"]
    routes = [(method, path) for path, methods in paths.items() for method in methods]
    guarded = [route for route in routes if route != ("post", "/webhooks/payment")]
    assert len(guarded) == len(routes) - 1 >= 6
    ids = {"user_id": samples.finished_user_id, "enrollment_id": samples.finished_enrollment_id}
    keys: list[tuple[dict[str, str], int]] = [
        ({}, 422),
        ({"X-Api-Key": ""}, 401),
        ({"X-Api-Key": "none"}, 401),
    ]
    async with httpx.AsyncClient(base_url=shop.base_url) as stranger:
        for (method, path), (headers, status) in itertools.product(guarded, keys):
            url = path.format(order_id="order-1", **ids)
            response = await stranger.request(method, url, json={"invoice_id": None}, headers=headers)
            assert response.status_code == status, (method, path, headers)
    assert "LearningApi_SearchEnrollments" not in (await nexport_sandbox.books()).counts


async def test_the_dashboard_lists_the_latest_first(
    shop: httpx.AsyncClient, samples: Samples, campus: NexportCampus
) -> None:
    """A learner's enrollments, the latest first, have titles and labels, and agree with the campus."""
    user = samples.finished_user_id
    expected = await campus.learning.search_enrollments(user_ids=[user]).collect()
    courses = (await shop.get(f"/learners/{user}/courses")).json()
    assert [course["enrollment_id"] for course in courses] == [
        str(e.enrollment_id) for e in reversed(expected)
    ]
    assert all(course["title"] for course in courses)
    assert {course["phase_label"] for course in courses} == {
        enrollment.phase.label for enrollment in expected
    }
    output = (await shop.get(f"/learners/{user}/enrollments")).json()
    assert output == [enrollment.to_dict() for enrollment in expected]
    missing = await shop.get(f"/learners/{uuid4()}/courses")
    assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")


async def test_only_the_learner_gets_the_certificate(shop: httpx.AsyncClient, samples: Samples) -> None:
    """The link is only given for the learner's own enrollment."""
    mine = f"/learners/{samples.finished_user_id}/certificates/{samples.finished_enrollment_id}"
    output = (await shop.get(mine)).json()
    assert output["ready"] is True
    assert "/certificate/" in output["url"]
    others = f"/learners/{samples.user_id}/certificates/{samples.finished_enrollment_id}"
    assert (await shop.get(others)).status_code == 404


async def test_openapi_page(shop: httpx.AsyncClient) -> None:
    """The shop's OpenAPI page has the vendor's models and enums."""
    schemas = (await shop.get("/openapi.json")).json()["components"]["schemas"]
    assert schemas["Course"]["properties"]["phase"] == {"$ref": "#/components/schemas/Phase"}
    assert schemas["Phase"]["x-enum-varnames"][0] == "NOT_STARTED"
    assert "ApiEnrollmentItem" in schemas
