"""`maybe_applied`: whether the campus may have carried out a write that failed; over a real socket."""

import asyncio
import socket

import pytest

import nexport_campus as sdk
import nexport_client
from nexport_campus import NexportError
from tests.support.clients import campus_of, campus_with
from tests.support.scripted_server import (
    Response,
    ScriptedServer,
    error_entity,
    gzip_response,
    html_response,
    json_response,
)
from tests.support.spec import PATHS, SOME_ID, example_response

GOOD = example_response("LearningApi_DropEnrollment")
MAYBE: dict[str, Response] = {
    "lost": Response(cut_after=0),
    "reset": Response(cut_after=0, ending="reset"),
    "cut": json_response(GOOD, cut_after=-3),
    "no HTTP": Response(raw=b"???\r\n\r\n", ending="close"),
    "corrupt": gzip_response(GOOD, corrupt=True),
    "HTML": html_response(),
    "empty": Response(),
    "truncated JSON": Response(body=b'{"enrollment_id": '),
    "another's object": json_response({"status": "ok"}),
    "a list": json_response([GOOD]),
    "a wrong type": json_response(GOOD | error_entity(0) | {"api_error_entity": "none"}),
    "500": Response(status=500),
    "502 with HTML": html_response(502),
    "503 with JSON": json_response({"error": "down"}, 503),
    "504 with code 0": json_response(error_entity(0), 504),
    "599": Response(status=599),
}
CERTAIN: dict[str, Response] = {
    "200 with a code": json_response(error_entity(2, "No")),
    "409 with a code": json_response(error_entity(7, "There"), 409),
    "403": html_response(403),
    "404": html_response(404),
    "422": Response(status=422),
    "429": Response(status=429),
    "302": Response(status=302, headers=[("Location", "/login")]),
    "500 with a code": json_response(error_entity(1, "Unknown"), 500),
    "503 with a code": json_response(error_entity(5, "No"), 503),
    "401": Response(status=401),
}


@pytest.mark.parametrize("name", [*MAYBE, *CERTAIN])
async def test_writes_may_have_been_applied_after_a_lost_response(name: str) -> None:
    """True after a lost, late, cut or unreadable response, or a 5xx without a code; False after any other."""
    async with campus_with((MAYBE | CERTAIN)[name]) as (campus, server):
        with pytest.raises(NexportError) as caught:
            await campus.learning.drop_enrollment(enrollment_id=SOME_ID)
    assert caught.value.maybe_applied is (name in MAYBE)
    assert ("may have carried it out" in str(caught.value)) is (name in MAYBE)
    assert len(server.requests) == caught.value.attempts == 1


@pytest.mark.parametrize("name", [*MAYBE, *CERTAIN])
async def test_reads_are_never_applied(name: str) -> None:
    """It is always False for a read."""
    async with campus_with((MAYBE | CERTAIN)[name]) as (campus, _):
        with pytest.raises(NexportError) as caught:
            await campus.learning.get_section_description(section_id=SOME_ID)
    assert caught.value.maybe_applied is False


async def test_a_late_response() -> None:
    """A write that timed out waiting for its response may have been applied."""
    late = json_response(GOOD, gate=asyncio.Event())
    async with campus_with(late, timeout=0.05) as (campus, _):
        with pytest.raises(sdk.RequestTimeoutError, match="timed out waiting") as caught:
            await campus.learning.drop_enrollment(enrollment_id=SOME_ID)
    assert caught.value.maybe_applied


async def test_a_dripping_response() -> None:
    """`timeout` limits the attempt as a whole: a server that sends a byte now and then doesn't extend it."""
    async with campus_with(json_response(GOOD, drip_seconds=0.02), timeout=0.2) as (campus, _):
        with pytest.raises(sdk.RequestTimeoutError):
            await campus.learning.drop_enrollment(enrollment_id=SOME_ID)


async def test_no_server_listens() -> None:
    """A write that was never sent was not applied."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        async with (
            ScriptedServer([]) as server,
            campus_of(server, base_url=f"http://127.0.0.1:{port}") as campus,
        ):
            with pytest.raises(sdk.TransportError, match="can't connect") as caught:
                await campus.learning.drop_enrollment(enrollment_id=SOME_ID)
    assert caught.value.maybe_applied is False


async def test_an_unknown_host() -> None:
    """A host that doesn't exist is a TransportError that names it, and nothing was sent."""
    auth = sdk.StaticToken("token")
    async with sdk.NexportCampus(
        auth, base_url="https://campus.invalid", retry=sdk.RetryPolicy(max_attempts=1)
    ) as campus:
        with pytest.raises(sdk.TransportError, match=r"campus\.invalid") as caught:
            await campus.learning.drop_enrollment(enrollment_id=SOME_ID)
    assert caught.value.maybe_applied is False


def test_writing_operations() -> None:
    """The overlay's marks reach the client: these operations write, whatever their HTTP method."""
    declared = {name: operation.effect for name, operation in nexport_client.OPERATIONS.items()}
    stated = [operation for item in PATHS.values() for operation in item.values()]
    reads = {each["operationId"] for each in stated if each.get("x-nexport-effect") == "read"}
    assert {name for name, effect in declared.items() if effect == "read"} == reads
    known_to_write = {
        "AdminApi_RemoveMembership",
        "AdminApi_SetCustomProfileFieldValues",
        "LearningApi_CreateEnrollment",
        "LearningApi_DeleteEnrollment",
        "LearningApi_DropEnrollment",
        "LearningApi_SetCustomEnrollmentFieldValues",
        "PointOfSaleApi_AddInvoiceItem",
        "PointOfSaleApi_AddInvoiceItems",
        "PointOfSaleApi_AddInvoicePayment",
        "PointOfSaleApi_AddInvoiceScheduledPayment",
        "PointOfSaleApi_BeginInvoiceTransaction",
        "PointOfSaleApi_CommitInvoiceTransaction",
        "PointOfSaleApi_RedeemInvoiceItem",
        "ScormApi_EditScormData",
        "SsoApi_Classroom",
        "SsoApi_SignIn",
    }
    assert not reads & known_to_write
