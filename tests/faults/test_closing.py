"""Closing a client before, during and after its use."""

import asyncio
import logging

import pytest

from nexport_campus import AccessToken, NexportCampus, NexportError, PasswordAuth, RetryPolicy
from tests.support.clients import campus_of
from tests.support.fault_cases import CALLS, Call, good_response
from tests.support.manual_clock import ManualClock, campus_on
from tests.support.scripted_server import Request, Response, ScriptedServer, json_response

pytestmark = pytest.mark.usefixtures("every_transport")
EVERY_CALL = pytest.mark.parametrize("call", CALLS, ids=str)


async def caught(call: "asyncio.Task[object]") -> NexportError:
    """Return the error of a call in progress."""
    with pytest.raises(NexportError, match="closed") as info:
        await call
    assert type(info.value) is NexportError
    return info.value


def start(call: Call, campus: NexportCampus) -> "asyncio.Task[object]":
    """Start a call and return its task."""

    async def run() -> object:
        return await call(campus)

    return asyncio.create_task(run())


@EVERY_CALL
async def test_after_closing(call: Call) -> None:
    """A call on a closed client, or on a view of one, raises an error that says so, and nothing is sent."""
    async with ScriptedServer([]) as server:
        campus = campus_of(server)
        view = campus.with_options(timeout=1)
        await campus.aclose()
        await campus.aclose()
        for client in (campus, view):
            with pytest.raises(NexportError, match="this client is closed"):
                await call(client)
    assert server.connections == 0


@EVERY_CALL
async def test_while_a_call_waits_for_its_response(call: Call) -> None:
    """The call ends at once; a write may have been applied."""
    gate = asyncio.Event()

    async def respond(request: Request) -> Response:
        await gate.wait()
        return good_response(call)

    async with ScriptedServer(respond) as server:
        campus = campus_of(server, max_concurrency=2)
        calls = [start(call, campus) for _ in range(5)]
        await server.wait_for_requests(2)
        await campus.aclose()
        errors = [await caught(task) for task in calls]
        gate.set()
        await server.wait_until_closed()
    assert sorted(error.attempts for error in errors) == [0, 0, 0, 1, 1]
    assert [error.maybe_applied for error in errors] == [
        error.attempts == 1 and call.writes for error in errors
    ]
    assert {error.operation_id for error in errors} == {call.operation_id}
    assert len(server.requests) == 2


@EVERY_CALL
async def test_while_a_call_waits_for_its_retry(call: Call) -> None:
    """The wait and the call end; a request that was refused before wasn't applied."""
    clock = ManualClock()
    clock.gate = asyncio.Event()
    async with ScriptedServer([json_response({}, 429)]) as server:
        campus = campus_on(clock, server, retry=RetryPolicy())
        task = start(call, campus)
        await clock.waiting.wait()
        await campus.aclose()
        error = await caught(task)
    assert (error.attempts, error.maybe_applied) == (1, False)


@EVERY_CALL
async def test_while_it_logs_in(call: Call) -> None:
    """The login ends with an error in every call that waits for it; nothing was sent for them."""
    gate = asyncio.Event()
    async with ScriptedServer([json_response({}, gate=gate)]) as server:
        campus = campus_of(server, auth=PasswordAuth("user", "secret"))
        calls = [start(call, campus) for _ in range(5)]
        await server.wait_for_requests(1)
        await campus.aclose()
        for task in calls:
            error = await caught(task)
            assert not error.maybe_applied
        gate.set()
        await server.wait_until_closed()
    assert len(server.requests) == 1


async def test_while_a_user_function_logs_in() -> None:
    """The function is cancelled."""
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def auth() -> AccessToken:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        raise AssertionError

    async with ScriptedServer([]) as server:
        campus = campus_of(server, auth=auth)
        task = start(CALLS[0], campus)
        await started.wait()
        await campus.aclose()
        await caught(task)
    assert cancelled.is_set()


async def test_a_view_closes_nothing() -> None:
    """The client behind the view still works."""
    async with ScriptedServer([good_response(CALLS[0])]) as server, campus_of(server) as campus:
        await campus.with_options(timeout=1).aclose()
        assert (await CALLS[0](campus)).status_code == 200


async def test_while_it_is_being_closed() -> None:
    """Two concurrent calls of aclose() succeed."""
    gate = asyncio.Event()
    async with ScriptedServer([json_response({}, gate=gate)]) as server:
        campus = campus_of(server)
        task = start(CALLS[0], campus)
        await server.wait_for_requests(1)
        await asyncio.gather(campus.aclose(), campus.aclose())
        await caught(task)
        gate.set()
        await server.wait_until_closed()


async def test_a_caller_who_is_cancelled_as_well() -> None:
    """The cancellation is raised, whatever else ends the call."""
    gate = asyncio.Event()
    async with ScriptedServer([json_response({}, gate=gate)]) as server:
        campus = campus_of(server)
        task = start(CALLS[0], campus)
        await server.wait_for_requests(1)
        task.cancel()
        await campus.aclose()
        with pytest.raises(asyncio.CancelledError):
            await task
        gate.set()


async def test_the_log_names_the_operation(caplog: pytest.LogCaptureFixture) -> None:
    """A call that ends because its client was closed is logged like any other."""
    caplog.set_level(logging.DEBUG, "nexport_campus")
    gate = asyncio.Event()
    async with ScriptedServer([json_response({}, gate=gate)]) as server:
        campus = campus_of(server)
        task = start(CALLS[2], campus)
        await server.wait_for_requests(1)
        await campus.aclose()
        await caught(task)
        gate.set()
    assert "LearningApi_DropEnrollment NexportError" in caplog.text
