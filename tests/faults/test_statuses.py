"""Every HTTP status, with and without an error entity: the error it leads to, retries, and doubt about writes."""

from http import HTTPStatus
from typing import Any

import attrs
import pytest

import nexport_campus as sdk
from nexport_campus import APIError, NexportError, RawResponse, RetryPolicy, TransportError
from tests.support.fault_cases import CALLS, Call, good_response
from tests.support.manual_clock import ManualClock, campus_on
from tests.support.scripted_server import Response, ScriptedServer, error_entity, json_response

pytestmark = pytest.mark.usefixtures("every_transport")
RETRIED_READS = {408, 425, 429, 500, 502, 503, 504, *range(520, 525)}


def error_class(status: int, *, empty: bool) -> type[NexportError]:
    """Return the class of an error with this status and without an error entity."""
    if 200 < status < 300:
        return sdk.ResponseDecodeError
    if 500 <= status <= 599:
        return sdk.ServerError
    if status == 429:
        return sdk.RateLimitError
    return sdk.AuthenticationError if status == 401 and empty else APIError


def in_doubt(status: int) -> bool:
    """Return whether a write with this response may have been applied."""
    return status < 300 or status >= 500


async def outcome(
    call: Call, response: Response, turned_away: int
) -> tuple[RawResponse[object] | NexportError, int]:
    """Return the result of a call that gets this response after some refusals, and the number of requests."""
    responses = [*[json_response({}, 429)] * turned_away, response, good_response(call)]
    async with (
        ScriptedServer(responses) as server,
        campus_on(ManualClock(), server, retry=RetryPolicy()) as campus,
    ):
        try:
            return await call(campus), len(server.requests)
        except NexportError as error:
            return error, len(server.requests)


def statuses(*values: int) -> list[Any]:
    """Return these values as parameters. All but the full run leave out most of those without a name."""
    kept = {*HTTPStatus, *RETRIED_READS, *range(209, 1000, 10)}
    return [pytest.param(value, marks=() if value in kept else pytest.mark.full) for value in values]


@pytest.mark.sampled(60)
@pytest.mark.parametrize("status", statuses(*range(201, 600), 600, 999))
async def test_every_status(status: int) -> None:
    """Checks class, doubt and retries for reads and writes at the first and a later attempt; never a model."""
    for turned_away in (0, 1):
        body = b"" if turned_away or status in {204, 304} else b"{}"
        for call in (CALLS[turned_away], CALLS[2 + turned_away]):
            got, seen = await outcome(call, Response(status=status, body=body), turned_away)
            if status == 429 or (status in RETRIED_READS and not call.writes):
                assert isinstance(got, RawResponse)
                assert got.attempts == seen == turned_away + 2
                continue
            assert type(got) is error_class(status, empty=not body)
            assert got.attempts == seen == turned_away + 1
            assert got.maybe_applied is (call.writes and in_doubt(status))
            assert f"HTTP {status}" in str(got)
            if isinstance(got, APIError):
                assert (got.status_code, got.error_code) == (status, None)
                assert got.transient is (type(got) is not sdk.AuthenticationError)
            else:
                assert not got.transient


@pytest.mark.parametrize("status", [201, 202, 203, 205, 206])
async def test_a_write_whose_body_is_missing(status: int) -> None:
    """A success status with an unexpected body may mean that the change was made, never that it wasn't."""
    for call in CALLS[2:]:
        for response in (attrs.evolve(good_response(call), status=status), Response(status=204), Response()):
            got, seen = await outcome(call, response, 0)
            assert type(got) is sdk.ResponseDecodeError
            assert (got.maybe_applied, seen) == (True, 1)


@pytest.mark.parametrize("status", statuses(100, *range(102, 200)))
@pytest.mark.parametrize("call", [CALLS[0], CALLS[3]], ids=str)
async def test_an_interim_status(status: int, call: Call) -> None:
    """It is skipped: the response is what follows it, and if nothing follows, there is none."""
    interim = f"HTTP/1.1 {status} Interim\r\n\r\n".encode()
    good = good_response(call)
    answered = Response(raw=interim + good.head() + good.payload())
    got, _ = await outcome(call, answered, 0)
    assert isinstance(got, RawResponse)
    assert got.attempts == 1
    assert got.status_code == 200
    lost, seen = await outcome(call, Response(raw=interim, ending="close"), 0)
    check_lost(call, lost, seen)


@pytest.mark.parametrize("call", CALLS, ids=str)
async def test_a_switch_of_protocols(call: Call) -> None:
    """The client requested no switch, so this is not a response."""
    got, seen = await outcome(call, Response(status=101, ending="close"), 0)
    check_lost(call, got, seen)


def check_lost(call: Call, got: RawResponse[object] | NexportError, requests: int) -> None:
    """Assert that the first response counted as lost: a write fails in doubt, a read is retried with success."""
    if call.writes:
        assert type(got) is TransportError
        assert (got.maybe_applied, got.attempts, requests) == (True, 1, 1)
    else:
        assert isinstance(got, RawResponse)
        assert (got.status_code, got.attempts, requests) == (200, 2, 2)


@pytest.mark.sampled(60)
@pytest.mark.parametrize("status", [200, 201, 302, 400, 403, 404, 409, 422, 429, 500, 502, 503, 504, 599])
@pytest.mark.parametrize("code", [1, 2, 3, 5, 6, 7, 8, 99, -1])
async def test_a_code_outranks_the_status(status: int, code: int) -> None:
    """A response with an error entity was considered by the campus: one attempt, and no doubt."""
    for call in (CALLS[0], CALLS[3]):
        got, seen = await outcome(call, json_response(error_entity(code, "Because"), status), 0)
        assert isinstance(got, APIError)
        assert (got.error_code, got.status_code, got.attempts, seen) == (code, status, 1, 1)
        assert not got.maybe_applied


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("call", CALLS, ids=str)
async def test_a_redirect_is_not_followed(status: int, call: Call) -> None:
    """It isn't followed even to the same server; the error says what to check."""
    response = json_response({}, status, {"Location": "/elsewhere"})
    got, seen = await outcome(call, response, 0)
    assert type(got) is APIError
    assert seen == 1
    assert "check base_url" in str(got)
