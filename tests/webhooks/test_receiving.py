"""Webhooks from the sandbox to an application with `webhook_enrollment`, over real connections."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import httpx
import pytest

from nexport_campus import ConfigurationError, NexportCampus
from nexport_campus.fastapi import webhook_enrollment
from nexport_campus.models import Phase, Result
from nexport_campus.sandbox import Samples, Sandbox, SandboxError
from nexport_campus.testing import webhook_request
from tests.webhooks.receiver import Receiver, receive

pytestmark = pytest.mark.nexport_sandbox(enrollments=500)
SECRET = "a shared secret"
SEARCH = "LearningApi_SearchEnrollments"


@pytest.fixture
async def samples(nexport_sandbox: Sandbox) -> Samples:
    """Return the sandbox's sample ids."""
    return await nexport_sandbox.samples()


@pytest.fixture
async def receiver(nexport_sandbox: Sandbox) -> AsyncIterator[Receiver]:
    """Serve an application that receives webhooks with the secret."""
    async with receive(nexport_sandbox, secret=SECRET) as receiver:
        yield receiver


async def post(receiver: Receiver, headers: dict[str, str], body: bytes) -> httpx.Response:
    """Send a request to the application's route."""
    async with httpx.AsyncClient() as client:
        return await client.post(receiver.url, headers=headers, content=body)


async def deliveries(sandbox: Sandbox, count: int) -> list[tuple[str, int]]:
    """Return event and status of the webhooks that the sandbox sent, once all have a response."""
    async with asyncio.timeout(30):
        while True:
            found = (await sandbox.books()).webhooks
            if len(found) == count and all(each.status for each in found):
                return [(each.event, each.status) for each in found]
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("secret_in", ["header", "body"])
async def test_the_campus_calls(
    nexport_sandbox: Sandbox, campus: NexportCampus, samples: Samples, receiver: Receiver, secret_in: str
) -> None:
    """Creating and completing an enrollment calls the application, which reads the enrollment each time."""
    await nexport_sandbox.add_webhook(
        receiver.url,
        secret=SECRET,
        secret_in=secret_in,  # type: ignore[arg-type]  # parametrized
    )
    made = await campus.ensure_enrollment(
        org_id=samples.org_id, user_id=samples.user_id, syllabus_id=samples.section_id
    )
    created = await asyncio.wait_for(receiver.received.get(), 30)
    assert created is not None
    assert (created.enrollment_id, created.phase) == (made.enrollment_id, Phase.NOT_STARTED)
    await nexport_sandbox.complete_enrollment(str(made.enrollment_id))
    completed = await asyncio.wait_for(receiver.received.get(), 30)
    assert completed is not None
    assert (completed.phase, completed.result) == (Phase.FINISHED, Result.PASSED)
    assert completed.completion_date is not None
    assert await deliveries(nexport_sandbox, 2) == [("Enrollment Created", 204), ("Complete Enrollment", 204)]


async def test_only_the_chosen_events(nexport_sandbox: Sandbox, samples: Samples, receiver: Receiver) -> None:
    """An address gets the events that it was added for; a reset removes it."""
    await nexport_sandbox.add_webhook(receiver.url, secret=SECRET, events=["Complete Enrollment"])
    await nexport_sandbox.complete_enrollment(samples.scorm_enrollment_id, passed=False)
    failed = await asyncio.wait_for(receiver.received.get(), 30)
    assert failed is not None
    assert failed.result is Result.FAILED
    await nexport_sandbox.reset()
    await nexport_sandbox.complete_enrollment(samples.scorm_enrollment_id)
    assert (await nexport_sandbox.books()).webhooks == ()


async def test_a_forged_web_hook(nexport_sandbox: Sandbox, receiver: Receiver) -> None:
    """A wrong or missing secret is 401, and the campus isn't even read."""
    assert await nexport_sandbox.send_webhook(receiver.url, secret="a guess") == 401
    _, body = webhook_request(secret="a guess", enrollment_id=uuid.uuid4(), user_id=uuid.uuid4())
    assert (await post(receiver, {}, body)).status_code == 401
    assert receiver.received.empty()
    assert (await nexport_sandbox.books()).counts == {}


async def test_a_record_is_read_not_believed(
    nexport_sandbox: Sandbox, samples: Samples, receiver: Receiver
) -> None:
    """Ids of the body that don't belong together, or are unknown, give no enrollment."""
    for user_id in (samples.user_id, uuid.uuid4()):
        status = await nexport_sandbox.send_webhook(receiver.url, secret=SECRET, user_id=user_id)
        assert status == 204
        assert receiver.received.get_nowait() is None
    for event_ids in ({}, {"enrollment_id": samples.finished_enrollment_id}, {"user_id": samples.user_id}):
        headers, body = webhook_request("Subscription Created", secret=SECRET, **event_ids)  # type: ignore[arg-type]
        assert (await post(receiver, headers, body)).status_code == 204
        assert receiver.received.get_nowait() is None


async def test_late_and_repeated_web_hooks(
    nexport_sandbox: Sandbox, campus: NexportCampus, samples: Samples, receiver: Receiver
) -> None:
    """A repeated webhook gives the present state again; after the enrollment was removed it gives none."""
    headers, body = webhook_request(
        "Enrollment Created",
        secret=SECRET,
        enrollment_id=samples.finished_enrollment_id,
        user_id=samples.finished_user_id,
    )
    for _ in range(2):
        assert (await post(receiver, headers, body)).status_code == 204
        enrollment = receiver.received.get_nowait()
        assert enrollment is not None
        assert enrollment.phase is Phase.FINISHED
    await campus.learning.delete_enrollment(enrollment_id=samples.finished_enrollment_id)
    assert (await post(receiver, headers, body)).status_code == 204
    assert receiver.received.get_nowait() is None
    changes = (await nexport_sandbox.books()).changes
    assert [change.what for change in changes] == ["enrollment deleted"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b"not JSON", 400, id="not JSON"),
        pytest.param(b"[]", 400, id="a list"),
        pytest.param(b'{"event": "x", "user_id": "$user.id"}', 400, id="no id"),
        pytest.param(b" " * 65_537, 413, id="one byte too many"),
        pytest.param(b"[" * 5_000_000, 413, id="five megabytes"),
    ],
)
async def test_malformed_web_hooks(
    nexport_sandbox: Sandbox, receiver: Receiver, body: bytes, status: int
) -> None:
    """A malformed body is 400 and an oversized one 413, also with the right secret; neither reads the campus."""

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 100_000):
            yield body[start : start + 100_000]

    async with httpx.AsyncClient() as client:
        try:
            response = await client.post(receiver.url, headers={"X-Nexport-Secret": SECRET}, content=chunks())
        except httpx.TransportError:  # the server closed the connection before it had read everything
            assert len(body) > 1_000_000
        else:
            assert response.status_code == status
    assert receiver.received.empty()
    assert (await nexport_sandbox.books()).counts == {}


@pytest.mark.parametrize(
    "framing",
    [
        pytest.param(b"Content-Length: 100000000\r\n\r\n", id="with a length"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\n5F5E100\r\n", id="in chunks"),
    ],
)
async def test_a_body_that_does_not_end(receiver: Receiver, framing: bytes) -> None:
    """The response to an oversized body comes before the body is complete, so that it isn't kept in memory."""
    url = httpx.URL(receiver.url)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(b"POST %b HTTP/1.1\r\nHost: shop.test\r\n" % url.raw_path + framing + b" " * 65_537)
    try:
        status_line = await asyncio.wait_for(reader.readline(), 10)
    finally:
        writer.close()
    assert status_line.startswith(b"HTTP/1.1 413 ")
    assert receiver.received.empty()


async def test_a_smaller_limit(nexport_sandbox: Sandbox) -> None:
    """`max_body` lowers the limit."""
    async with receive(nexport_sandbox, secret=SECRET, max_body=100) as receiver:
        headers, body = webhook_request(secret=SECRET, user_id=uuid.uuid4(), enrollment_id=uuid.uuid4())
        assert (await post(receiver, headers, body)).status_code == 413
        assert (await post(receiver, *webhook_request(secret=SECRET))).status_code == 204


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"status": 503}, id="the campus is down"),
        pytest.param({"reset": True}, id="connections are reset"),
        pytest.param({"html": True, "status": 200}, id="a gateway's page"),
        pytest.param({"html": True, "status": 404}, id="a gateway's 404"),
        pytest.param({"status": 403, "body": '{"api_error_entity": {"error_code": 5}}'}, id="no permission"),
    ],
)
async def test_a_campus_that_can_not_be_read(
    nexport_sandbox: Sandbox, receiver: Receiver, fault: dict[str, object]
) -> None:
    """The application responds with 503, and with the enrollment once the campus can be read again."""
    await nexport_sandbox.faults.add(operation=SEARCH, **fault)  # type: ignore[arg-type]
    headers, body = webhook_request(secret=SECRET, enrollment_id=uuid.uuid4(), user_id=uuid.uuid4())
    response = await post(receiver, headers, body)
    assert (response.status_code, response.headers["retry-after"]) == (503, "5")
    assert receiver.received.empty()
    await nexport_sandbox.faults.clear()
    assert await nexport_sandbox.send_webhook(receiver.url, secret=SECRET) == 204
    assert receiver.received.get_nowait() is not None


async def test_a_secret_that_changes(nexport_sandbox: Sandbox) -> None:
    """A function is called for each webhook, so that a secret can be replaced while the application runs."""
    accepted: list[str] | str = "old"
    async with receive(nexport_sandbox, secret=lambda: accepted) as receiver:

        async def send(secret: str) -> int:
            return await nexport_sandbox.send_webhook(receiver.url, secret=secret)

        assert [await send("old"), await send("new")] == [204, 401]
        accepted = ["old", "new"]
        assert [await send("old"), await send("new")] == [204, 204]
        accepted = "new"
        assert [await send("old"), await send("new")] == [401, 204]


@pytest.mark.parametrize("secret", ["", " ", [], ["good", ""]], ids=repr)
def test_a_route_without_a_secret(secret: str | list[str]) -> None:
    """An empty secret is found when the application is made."""
    with pytest.raises(ConfigurationError):
        webhook_enrollment(secret=secret)


async def test_webhooks_that_the_sandbox_can_not_send(nexport_sandbox: Sandbox) -> None:
    """Invalid arguments and an address without a server raise."""
    for wrong in ({"url": "ftp://x"}, {"url": "http://x", "secret_in": "query"}):
        with pytest.raises(ValueError, match=r"url|secret_in"):
            await nexport_sandbox.add_webhook(**wrong, secret=SECRET)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="enrollment"):
        await nexport_sandbox.send_webhook("http://x", secret=SECRET, enrollment_id=str(uuid.uuid4()))
    with pytest.raises(ValueError, match="enrollment"):
        await nexport_sandbox.complete_enrollment(str(uuid.uuid4()))
    with pytest.raises(SandboxError, match="no response"):
        await nexport_sandbox.send_webhook("http://127.0.0.1:1/", secret=SECRET)


def test_a_web_hook_in_neither_place() -> None:
    """`webhook_request` knows two places for the secret."""
    with pytest.raises(ValueError, match="secret_in"):
        webhook_request(secret=SECRET, secret_in="query")  # type: ignore[arg-type]  # deliberately wrong
