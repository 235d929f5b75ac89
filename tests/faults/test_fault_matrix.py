"""Every fault on the wire, for reads and writes, at the first and later attempts, observed at both ends."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import attrs
import httpx
import pytest

from nexport_campus import NexportError, RetryPolicy
from nexport_campus.aiohttp import AiohttpTransport
from tests.support.clients import NO_RETRY
from tests.support.fault_cases import CALLS, FAULTS, Call, Fault, good_response
from tests.support.manual_clock import ManualClock, campus_on
from tests.support.scripted_server import Response, ScriptedServer, json_response
from tests.support.transports import ObservedTransport

BUSY = json_response({}, 429, ending="close")
"""What both reads and writes are tried again after; the next attempt needs a new connection."""


TRANSPORTS: dict[str, Callable[[], Any]] = {
    "our own": lambda: None,
    "aiohttp": AiohttpTransport,
    "aiohttp, observed": ObservedTransport,
    "httpx": httpx.AsyncHTTPTransport,
}

CARRIED = [
    (transport, fault)
    for transport in TRANSPORTS
    for fault in FAULTS
    # httpx' own transport doesn't look for bytes left behind, and keeps the connection.
    if fault.name != "a body shorter than the JSON in it" or transport != "httpx"
]


class Scene:
    """A server at which one attempt meets a fault; earlier attempts are refused, later ones succeed."""

    def __init__(self, fault: Fault, call: Call, faulty: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fault = fault
        self.faulty = faulty
        self.monkeypatch = monkeypatch
        self.clock = ManualClock()
        self.clock.between = lambda wait: self.before(wait + 1)
        answered = fault.where == "response"
        bad: list[Response] = [fault.response(call)] if answered else []
        self.server = ScriptedServer(
            [*[BUSY] * (faulty - 1), *bad, good_response(call), good_response(call)],
            reset_connections={faulty} if fault.where == "reset" else 0,
        )

    async def before(self, attempt: int) -> None:
        """Prepare the environment for this attempt."""
        if self.fault.where == "refused":
            if attempt == self.faulty:
                await self.server.refuse_connections()
            elif not self.server.is_listening:
                await self.server.accept_connections()
        if self.fault.where == "dns":
            found = _unknown_host if attempt == self.faulty else _this_machine
            self.monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", found)

    @property
    def settings(self) -> dict[str, Any]:
        """Return the client's settings for it."""
        settings: dict[str, Any] = {
            "retry": RetryPolicy(),
            "timeout": self.fault.seconds,
            "max_concurrency": 1,
            "max_response_bytes": 100_000,
        }
        if self.fault.where == "dns":
            settings["base_url"] = self.server.url.replace("127.0.0.1", "localhost")
        return settings


async def _unknown_host(*address: object, **hints: object) -> Any:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


async def _this_machine(host: str, port: int, **hints: object) -> Any:
    return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", port))]


@pytest.mark.sampled(40)
@pytest.mark.parametrize("faulty", [1, 2], ids=["first attempt", "later attempt"])
@pytest.mark.parametrize("call", CALLS, ids=str)
@pytest.mark.parametrize(("transport", "fault"), CARRIED, ids=str)
async def test_each_fault_has_its_documented_result(
    transport: str, fault: Fault, call: Call, faulty: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Check what the caller gets, what the server saw, and that the next call works."""
    scene = Scene(fault, call, faulty, monkeypatch)
    server = scene.server
    async with server:
        settings = scene.settings | {"transport": TRANSPORTS[transport]()}
        async with campus_on(scene.clock, server, **settings) as campus:
            await scene.before(1)
            error, attempts = None, 0
            try:
                attempts = (await call(campus)).attempts
            except NexportError as raised:
                error = raised
            retried = fault.retried == "always" or (fault.retried == "reads" and not call.writes)
            if retried:
                assert error is None
                assert attempts == faulty + 1
            else:
                assert error is not None
                check(error, fault, call, faulty)
            seen = faulty - 1 + (fault.where == "response") + retried
            assert len(server.requests) == seen
            await scene.before(faulty + 1)
            good = campus.with_options(timeout=30.0)
            assert (await call(good)).attempts == 1
            assert len(server.requests) == seen + 1
        await server.wait_until_closed()


def check(error: NexportError, fault: Fault, call: Call, attempts: int) -> None:
    """Check that an error names the fault, the call and the attempts, and whether a write may have been applied."""
    in_doubt = call.writes and fault.unknown
    assert type(error) is fault.error
    assert (error.operation_id, error.attempts) == (call.operation_id, attempts)
    assert error.maybe_applied is in_doubt
    text = str(error)
    assert text.startswith(f"{call.operation_id} page 1: " if error.page else f"{call.operation_id}: ")
    assert "\n" not in text
    assert len(text) < 500
    assert text.endswith("(the campus may have carried it out)") is in_doubt


@pytest.mark.sampled(40)
@pytest.mark.parametrize("call", [call for call in CALLS if not call.writes], ids=str)
@pytest.mark.parametrize("fault", FAULTS, ids=str)
async def test_a_read_without_retries(fault: Fault, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reading call without retries raises the fault's error."""
    scene = Scene(fault, call, 1, monkeypatch)
    async with (
        scene.server as server,
        campus_on(scene.clock, server, **scene.settings | {"retry": NO_RETRY}) as campus,
    ):
        await scene.before(1)
        with pytest.raises(NexportError) as caught:
            await call(campus)
    check(caught.value, fault, call, 1)


@pytest.mark.parametrize("call", CALLS, ids=str)
async def test_a_reset_after_the_response(call: Call) -> None:
    """A complete response counts; the next call uses a new connection and is made once."""
    responses = [attrs.evolve(good_response(call), ending="reset"), good_response(call)]
    async with (
        ScriptedServer(responses) as server,
        campus_on(ManualClock(), server, retry=RetryPolicy()) as campus,
    ):
        assert (await call(campus)).attempts == 1
        await server.wait_until_closed()
        assert (await call(campus)).attempts == 1
        assert [request.connection for request in server.requests] == [1, 2]


@pytest.mark.parametrize("call", CALLS, ids=str)
@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.retried == "always"], ids=str)
async def test_a_server_that_stays_down(fault: Fault, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """After four attempts the call fails; nothing was sent, so nothing was applied."""
    scene = Scene(fault, call, 1, monkeypatch)
    async with scene.server as server:
        await scene.before(1)
        scene.clock.between = None
        async with campus_on(scene.clock, server, **scene.settings) as campus:
            with pytest.raises(NexportError) as caught:
                await call(campus)
    check(caught.value, fault, call, 4)
    assert (len(server.requests), server.connections) == (0, 0)
