"""Kept connections: stale ones, bytes beyond a response, and closing them."""

import asyncio
from typing import Any

import attrs
import pytest

from nexport_campus import APIError, RetryPolicy, TransportError
from tests.support.clients import campus_with
from tests.support.fault_cases import CALLS, Call, good_response
from tests.support.manual_clock import ManualClock, campus_on
from tests.support.scripted_server import Request, Response, ScriptedServer, error_entity, json_response

pytestmark = pytest.mark.usefixtures("every_transport")
EVERY_CALL = pytest.mark.parametrize("call", CALLS, ids=str)


@EVERY_CALL
@pytest.mark.parametrize("ending", ["close", "reset"])
async def test_a_connection_that_the_server_closed_while_idle(call: Call, ending: Any) -> None:
    """It is noticed before anything is sent: the call is made once, on a new connection."""
    responses = [attrs.evolve(good_response(call), ending=ending), good_response(call)]
    async with campus_with(*responses) as (campus, server):
        await call(campus)
        await server.wait_until_closed()
        assert (await call(campus)).attempts == 1
        assert [request.connection for request in server.requests] == [1, 2]


@EVERY_CALL
async def test_a_connection_that_the_server_closes_under_the_next_request(call: Call) -> None:
    """A read is repeated on a new connection; a write, which may have arrived, isn't repeated and says so."""
    responses = [good_response(call), attrs.evolve(good_response(call), cut_after=0), good_response(call)]
    async with (
        ScriptedServer(responses) as server,
        campus_on(ManualClock(), server, retry=RetryPolicy()) as campus,
    ):
        await call(campus)
        if call.writes:
            with pytest.raises(TransportError) as caught:
                await call(campus)
            assert caught.value.maybe_applied
            assert [request.connection for request in server.requests] == [1, 1]
        else:
            assert (await call(campus)).attempts == 2
            assert [request.connection for request in server.requests] == [1, 1, 2]


@EVERY_CALL
async def test_a_server_that_says_it_will_close(call: Call) -> None:
    """After `Connection: close`, the connection isn't reused."""
    good = good_response(call)
    closing = attrs.evolve(good, headers=(*good.headers, ("Connection", "close")), ending="close")
    async with campus_with(closing, good) as (campus, server):
        await call(campus)
        assert (await call(campus)).attempts == 1
        assert server.connections == 2


@EVERY_CALL
async def test_one_connection_is_enough(call: Call) -> None:
    """Consecutive calls share one connection, even after errors of the campus."""
    refusal = json_response(error_entity(2, "no"), 422)
    async with campus_with(good_response(call), refusal, good_response(call)) as (campus, server):
        await call(campus)
        with pytest.raises(APIError):
            await call(campus)
        await call(campus)
        assert server.connections == 1


async def test_a_response_to_head_has_no_body() -> None:
    """Whatever length it states: the call ends at once, and the connection is used again."""
    stated = Response(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n")
    async with campus_with(stated, good_response(CALLS[0])) as (campus, server):
        response = await campus.request("HEAD", "/api/v1/LearningApi/Anything", effect="read")
        assert (response.status_code, response.content) == (200, b"")
        await CALLS[0](campus)
        assert server.connections == 1


@EVERY_CALL
async def test_bytes_beyond_the_end_are_never_a_response(call: Call) -> None:
    """Bytes after a response, even a complete second response, are never taken for the next response."""
    good = good_response(call)
    forged = json_response(error_entity(5, "forged"), 403)
    stray = Response(raw=good.head() + good.payload() + forged.head() + forged.payload())
    async with campus_with(stray, good) as (campus, server):
        await call(campus)
        assert (await call(campus)).attempts == 1
        assert [request.connection for request in server.requests] == [1, 2]


@EVERY_CALL
@pytest.mark.parametrize("turns", [0, 5], ids=["unread", "read by the loop"])
async def test_an_unrequested_response(call: Call, turns: int) -> None:
    """Neither are bytes that a server sends while the connection is idle."""
    sent = asyncio.Event()
    good, forged = good_response(call), json_response(error_entity(5, "forged"), 403)

    class Chatty(ScriptedServer):
        async def _serve(
            self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int
        ) -> None:
            if connection == 1:
                asyncio.get_running_loop().call_soon(asyncio.ensure_future, self._chat(writer))
            await super()._serve(reader, writer, connection)

        async def _chat(self, writer: asyncio.StreamWriter) -> None:
            await reported.wait()
            writer.write(forged.head() + forged.payload())
            await writer.drain()
            sent.set()

    reported = asyncio.Event()
    async with Chatty([good, good]) as server, campus_on(ManualClock(), server) as campus:
        await call(campus)
        reported.set()
        await sent.wait()
        for _ in range(turns):
            await asyncio.sleep(0)
        assert (await call(campus)).attempts == 1
        assert [request.connection for request in server.requests] == [1, 2]


async def test_as_many_connections_as_calls_at_once() -> None:
    """At most `max_concurrency` connections are kept for later calls and closed with the client."""
    gate = asyncio.Event()
    call = CALLS[0]

    async def respond(request: Request) -> Response:
        return attrs.evolve(good_response(call), gate=gate)

    async with ScriptedServer(respond) as server:
        async with campus_on(ManualClock(), server, max_concurrency=5) as campus:
            calls = [asyncio.create_task(call(campus)) for _ in range(50)]
            await server.wait_for_requests(5)
            gate.set()
            await asyncio.gather(*calls)
            assert (len(server.requests), server.connections) == (50, 5)
        await server.wait_until_closed()


@pytest.mark.parametrize("size", [10_000_000])
async def test_a_response_before_the_request_was_sent_completely(size: int) -> None:
    """If a server refuses a large request early, its response counts, and the outcome is known."""

    class Impatient(ScriptedServer):
        async def _serve(
            self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int
        ) -> None:
            await reader.readuntil(b"\r\n\r\n")
            refusal = json_response(error_entity(2, "too large"), 413)
            writer.write(refusal.head() + refusal.payload())
            await writer.drain()
            await reader.read()

    async with Impatient([]) as server, campus_on(ManualClock(), server, retry=RetryPolicy()) as campus:
        with pytest.raises(APIError, match="too large") as caught:
            await campus.learning.create_enrollment(
                org_id=ORG, user_id=ORG, syllabus_unique_name="x" * size, membership_group_ids=[]
            )
        assert (caught.value.status_code, caught.value.maybe_applied) == (413, False)


ORG = "12345678-1234-5678-9abc-123456789abc"
