"""Webhooks of the sandbox as a receiver sees them, and completed enrollments."""

import json
import queue
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from nexport_campus.sandbox import Samples, Sandbox
from tests.sandbox.http_api import HttpApi

Received = tuple[str, dict[str, str], dict[str, Any]]


class Receiver:
    """A server on loopback that keeps the requests, and redirects those for `/moved`."""

    def __init__(self) -> None:
        self.requests: queue.Queue[Received] = queue.Queue()
        requests = self.requests

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                requests.put((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(307 if self.path == "/moved" else 204)
                self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Serve a receiver of webhooks."""
    receiver = Receiver()
    thread = threading.Thread(target=receiver.server.serve_forever)
    thread.start()
    yield receiver
    receiver.server.shutdown()
    thread.join()
    receiver.server.server_close()


async def test_a_created_enrollment_is_announced(
    api: HttpApi, sandbox: Sandbox, samples: Samples, receiver: Receiver
) -> None:
    """Each address gets one call with the ids of a new enrollment; the secret is in the header or the body."""
    await sandbox.add_webhook(f"{receiver.url}/a", secret="s-1")
    await sandbox.add_webhook(f"{receiver.url}/b", secret="s-2", secret_in="body")
    request: dict[str, object] = {"org_id": samples.org_id, "user_id": samples.user_id}
    request |= {"syllabus_id": samples.section_id, "membership_group_ids": []}
    made = (await api.get("LearningApi_CreateEnrollment", request))["enrollment_id"]
    requests = [receiver.requests.get(timeout=30) for _ in range(2)]
    found = {path: (headers, body) for path, headers, body in requests}
    subscription = await api.get("AdminApi_GetSubscription", user_id=samples.user_id, org_id=samples.org_id)
    event = {
        "event": "Enrollment Created",
        "enrollment_id": made,
        "user_id": samples.user_id,
        "subscription_id": subscription["subscription_id"],
    }
    headers, body = found["/a"]
    assert (headers["x-nexport-secret"], headers["content-type"], body) == ("s-1", "application/json", event)
    headers, body = found["/b"]
    assert "x-nexport-secret" not in headers
    assert body == event | {"secret": "s-2"}


async def test_a_redemption_is_announced_and_a_refusal_is_not(
    api: HttpApi, sandbox: Sandbox, samples: Samples, receiver: Receiver
) -> None:
    """An enrollment by redemption counts as created; what is rolled back is not announced."""
    area = "PointOfSaleApi"
    agent = {"purchasing_agent_id": samples.user_id, "organization_id": samples.org_id}
    invoice = {"invoice_id": (await api.get(f"{area}_BeginInvoiceTransaction", agent))["invoice_id"]}
    product = {"product_id": samples.section_product_id, "quantity": 2}
    await api.get(f"{area}_AddInvoiceItems", invoice | product)
    codes = (await api.get(f"{area}_CommitInvoiceTransaction", invoice))["invoice_item_redemption_codes"]
    await sandbox.add_webhook(receiver.url, secret="s")
    items = [{"redeeming_user_id": samples.user_id, "invoice_item_id": item_id} for item_id in codes]
    made = await api.get(f"{area}_RedeemInvoiceItem", items[0])
    assert await api.refusal(f"{area}_RedeemInvoiceItem", items[1]) == (409, 7)
    assert receiver.requests.get(timeout=30)[2]["enrollment_id"] == made["redemption_enrollment_id"]
    assert [each.event for each in (await sandbox.books()).webhooks] == ["Enrollment Created"]


async def test_a_completed_enrollment(
    api: HttpApi, sandbox: Sandbox, samples: Samples, receiver: Receiver
) -> None:
    """A completed enrollment is announced, finished for every operation, and so are its assignments."""
    request: dict[str, object] = {"org_id": samples.org_id, "user_id": samples.user_id}
    request |= {"syllabus_id": samples.section_id, "membership_group_ids": []}
    made = (await api.get("LearningApi_CreateEnrollment", request))["enrollment_id"]
    before = await api.get("LearningApi_GetAssignmentStatuses", enrollment_id=made)
    await sandbox.add_webhook(receiver.url, secret="s")
    await sandbox.complete_enrollment(made)
    assert receiver.requests.get(timeout=30)[2]["event"] == "Complete Enrollment"
    after = await api.get("LearningApi_GetAssignmentStatuses", enrollment_id=made)
    assert [each["phase"] for each in before] == [0] * len(after)
    assert [(each["phase"], each["result"]) for each in after] == [(2, 1)] * len(before)
    search = {"user_ids": [samples.user_id], "enrollment_ids": [made]}
    (found,) = (await api.get("LearningApi_SearchEnrollments", search))["enrollments"]
    assert (found["phase"], found["result"]) == (2, 1)
    assert found["completion_date"] == found["last_activity_date"]
    certificate = await api.get("LearningApi_GetCertificateUrl", enrollment_id=made)
    assert certificate["certificate_not_assigned"] or certificate["certificate_url"]


async def test_a_redirect_is_not_followed(sandbox: Sandbox, receiver: Receiver) -> None:
    """A redirect is the response: the secret goes to no other address."""
    assert await sandbox.send_webhook(f"{receiver.url}/moved", secret="s") == 307
    assert receiver.requests.get(timeout=30)[0] == "/moved"
    assert receiver.requests.empty()
