"""`httpx.Timeout` limits connecting, writing and reading separately, on every transport."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from nexport_campus import NexportCampus, RequestTimeoutError
from tests.support.clients import campus_of
from tests.support.fault_cases import CALLS, Call
from tests.support.proxy import Proxy
from tests.support.scripted_server import ScriptedServer, json_response
from tests.support.spec import SOME_ID

pytestmark = pytest.mark.usefixtures("every_transport")


@asynccontextmanager
async def silent_server() -> AsyncIterator[str]:
    """Yield host and port of a server that accepts connections, but neither reads nor writes."""
    over = asyncio.Event()

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.transport.abort()

    async with await asyncio.start_server(wait, "127.0.0.1", 0, limit=1024) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        over.set()


async def timeout_of(
    campus: NexportCampus, call: Callable[[NexportCampus], Awaitable[Any]]
) -> RequestTimeoutError:
    """Return the error of a call that takes too long."""
    async with campus:
        with pytest.raises(RequestTimeoutError) as caught:
            await call(campus)
    return caught.value


@pytest.mark.parametrize("call", CALLS, ids=str)
async def test_the_handshake_counts_as_connecting(call: Call) -> None:
    """The TLS handshake counts too; nothing was sent."""
    async with ScriptedServer([]) as scripted, silent_server() as address:
        timeout = httpx.Timeout(30.0, connect=0.05)
        error = await timeout_of(campus_of(scripted, base_url=f"https://{address}", timeout=timeout), call)
    assert "timed out connecting" in str(error)
    assert not error.maybe_applied


@pytest.mark.parametrize("call", CALLS, ids=str)
async def test_connecting_through_a_proxy(call: Call) -> None:
    """The tunnel through a proxy counts too; nothing was sent to the campus."""
    async with ScriptedServer([]) as scripted, silent_server() as proxy:
        settings = {"base_url": "https://campus.example", "proxy": f"http://{proxy}"}
        timeout = httpx.Timeout(30.0, connect=0.05, read=0.05)
        error = await timeout_of(campus_of(scripted, **settings, timeout=timeout), call)
    assert "timed out connecting" in str(error)
    assert not error.maybe_applied


@pytest.mark.parametrize("call", CALLS, ids=str)
async def test_reading_through_a_proxy(call: Call) -> None:
    """If a proxy forwards a request and the response doesn't come, a write may have been applied."""
    gate = asyncio.Event()
    async with ScriptedServer([json_response({}, gate=gate)]) as server, Proxy() as proxy:
        settings = {"base_url": server.url, "proxy": proxy.url, "timeout": httpx.Timeout(30.0, read=0.05)}
        error = await timeout_of(campus_of(server, **settings), call)
        gate.set()
    assert len(proxy.request_lines) == 1
    assert error.maybe_applied is call.writes


async def test_a_partly_written_body_may_have_been_applied() -> None:
    """If a server doesn't read a large body, it may have received part of it."""

    async def edit(campus: NexportCampus) -> object:
        return await campus.scorm.edit_scorm_data(
            assignment_status_id=SOME_ID, sco_id="I_SCO0", title="x" * 20_000_000
        )

    async with ScriptedServer([]) as scripted, silent_server() as address:
        timeout = httpx.Timeout(30.0, write=0.05)
        error = await timeout_of(campus_of(scripted, base_url=f"http://{address}", timeout=timeout), edit)
    assert error.maybe_applied


@pytest.mark.parametrize("call", CALLS, ids=str)
async def test_a_read_request_may_have_been_applied(call: Call) -> None:
    """If a server reads the request and doesn't respond, a write may have been applied."""
    gate = asyncio.Event()
    async with ScriptedServer([json_response({}, gate=gate)]) as server:
        error = await timeout_of(campus_of(server, timeout=httpx.Timeout(30.0, read=0.05)), call)
        gate.set()
    assert error.maybe_applied is call.writes


@pytest.mark.parametrize("call", CALLS, ids=str)
async def test_reading_the_body(call: Call) -> None:
    """The same holds if it stops in the middle of a response."""
    gate = asyncio.Event()
    async with ScriptedServer([json_response({"a": 1}, body_gate=gate)]) as server:
        error = await timeout_of(campus_of(server, timeout=httpx.Timeout(30.0, read=0.05)), call)
        gate.set()
    assert error.maybe_applied is call.writes
