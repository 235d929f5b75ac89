"""The training shop's backend, over HTTP, with the sandbox behind it."""

import asyncio
import hashlib
import hmac
import json
from uuid import uuid4

import httpx
import pytest

from nexport_campus import NexportCampus
from nexport_campus.sandbox import Samples, Sandbox

pytestmark = pytest.mark.nexport_sandbox(enrollments=1000)
CREATE = "LearningApi_CreateEnrollment"


def payment(samples: Samples, event_id: str = "payment-1") -> dict[str, object]:
    """Return a payment of a section, for a student who isn't enrolled in it."""
    body = {"event_id": event_id, "user_id": samples.user_id, "syllabus_id": samples.section_id}
    content = json.dumps(body).encode()
    signature = hmac.new(b"secret-of-the-provider", content, hashlib.sha256).hexdigest()
    return {"content": content, "headers": {"X-Signature": signature}}


async def pay(shop: httpx.AsyncClient, samples: Samples, event_id: str = "payment-1") -> httpx.Response:
    """Send the payment provider's request."""
    return await shop.post("/webhooks/payment", **payment(samples, event_id))  # type: ignore[arg-type]


@pytest.mark.parametrize("shop_url", [1, 3], indirect=True)
async def test_a_payment_enrolls_once(
    shop: httpx.AsyncClient, samples: Samples, nexport_sandbox: Sandbox
) -> None:
    """Repeated requests, to any worker, create one enrollment, and all return it."""
    responses = await asyncio.gather(*(pay(shop, samples) for _ in range(12)))
    assert {response.status_code for response in responses} == {200}
    assert len({response.json()["enrollment_id"] for response in responses}) == 1
    again = await pay(shop, samples, "payment-2")
    assert again.json() == responses[0].json()
    created = [change for change in (await nexport_sandbox.books()).changes if "created" in change.what]
    assert [change.what for change in created].count("enrollment created") == 1


async def test_a_lost_response(shop: httpx.AsyncClient, samples: Samples, nexport_sandbox: Sandbox) -> None:
    """If the response to an enrollment is lost, it is found at once, and a second request finds it too."""
    await nexport_sandbox.faults.add(operation=CREATE, when="after", reset=True, nth=1)
    first, second = [await pay(shop, samples) for _ in range(2)]
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json() == second.json()
    changes = (await nexport_sandbox.books()).changes
    assert [change.what for change in changes].count("enrollment created") == 1


async def test_an_unknown_outcome_and_a_second_call(
    shop: httpx.AsyncClient, samples: Samples, nexport_sandbox: Sandbox
) -> None:
    """A lost request is reported to the provider as possibly carried out; the second one enrolls."""
    await nexport_sandbox.faults.add(operation=CREATE, when="before", reset=True, nth=1)
    lost = await pay(shop, samples)
    assert (lost.status_code, lost.headers["content-type"]) == (502, "application/problem+json")
    assert lost.json()["maybe_applied"] is True
    assert (await pay(shop, samples)).status_code == 200
    changes = (await nexport_sandbox.books()).changes
    assert [change.what for change in changes].count("enrollment created") == 1


@pytest.mark.parametrize("shop_url", [3], indirect=True)
async def test_a_repeated_payment_after_a_drop(
    shop: httpx.AsyncClient, samples: Samples, campus: NexportCampus
) -> None:
    """A payment that was processed by any worker isn't processed again: a late repetition doesn't undo a drop."""
    enrollment_id = (await pay(shop, samples)).json()["enrollment_id"]
    await campus.learning.delete_enrollment(enrollment_id=enrollment_id)
    responses = await asyncio.gather(*(pay(shop, samples) for _ in range(6)))
    assert {response.json()["enrollment_id"] for response in responses} == {enrollment_id}
    left = campus.learning.search_enrollments(user_ids=[samples.user_id], syllabus_ids=[samples.section_id])
    assert await left.collect() == []


async def test_unauthorized_requests(shop: httpx.AsyncClient, samples: Samples) -> None:
    """A wrong signature, a wrong key and an invalid body change nothing."""
    forged = payment(samples) | {"headers": {"X-Signature": "00"}}
    assert (await shop.post("/webhooks/payment", **forged)).status_code == 401  # type: ignore[arg-type]
    content = b'{"event_id": "x"}'
    signature = hmac.new(b"secret-of-the-provider", content, hashlib.sha256).hexdigest()
    wrong = await shop.post("/webhooks/payment", content=content, headers={"X-Signature": signature})
    assert [error["loc"] for error in wrong.json()["detail"]] == [["user_id"], ["syllabus_id"]]
    path = f"/learners/{samples.user_id}/courses"
    assert (await shop.get(path, headers={"X-Api-Key": "none"})).status_code == 401


async def test_the_dashboard(shop: httpx.AsyncClient, samples: Samples, campus: NexportCampus) -> None:
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


async def test_a_certificate(shop: httpx.AsyncClient, samples: Samples) -> None:
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
