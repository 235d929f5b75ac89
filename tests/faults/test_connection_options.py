"""How connections are opened and kept: their addresses, their number, their options, and how long they stay idle."""

import asyncio
import socket
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import attrs
import pytest

from nexport_campus.aiohttp import AiohttpTransport
from tests.support.clients import campus_of, campus_with
from tests.support.fault_cases import CALLS, good_response
from tests.support.scripted_server import Request, Response, ScriptedServer

CALL = CALLS[0]
GOOD = good_response(CALL)
EVERY_TRANSPORT = pytest.mark.usefixtures("every_transport")


KEPT: dict[str, tuple[Callable[[], Any], float]] = {
    "default": (lambda: None, 5.0),
    "aiohttp": (AiohttpTransport, 15.0),
    "aiohttp, 3 seconds": (lambda: AiohttpTransport(keepalive_seconds=3), 3.0),
    "aiohttp, 50 seconds": (lambda: AiohttpTransport(keepalive_seconds=50), 50.0),
}


@pytest.mark.parametrize(("make", "seconds"), KEPT.values(), ids=KEPT)
async def test_an_idle_connection_is_kept_for_a_time(
    make: Callable[[], Any], seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It serves another call before its time is over, and none afterwards, when a router may have dropped it."""
    passed = 0.0

    def monotonic() -> float:
        return time.monotonic() + passed

    monkeypatch.setattr("httpcore._async.http11.time", SimpleNamespace(monotonic=monotonic))
    monkeypatch.setattr("aiohttp.connector.monotonic", monotonic)
    async with campus_with(GOOD, GOOD, GOOD, transport=make()) as (campus, server):
        await CALL(campus)
        passed += seconds - 1
        await CALL(campus)
        passed += seconds + 1
        await CALL(campus)
    assert [request.connection for request in server.requests] == [1, 1, 2]


@EVERY_TRANSPORT
async def test_as_many_connections_as_max_concurrency_allows() -> None:
    """No limit of an HTTP library is below it: 120 calls are at the campus at the same time."""
    gate = asyncio.Event()

    async def respond(request: Request) -> Response:
        return attrs.evolve(GOOD, gate=gate)

    async with ScriptedServer(respond) as server, campus_of(server, max_concurrency=120) as campus:
        calls = [asyncio.create_task(CALL(campus)) for _ in range(120)]
        try:
            async with asyncio.timeout(5):
                await server.wait_for_requests(120)
        finally:
            gate.set()
        await asyncio.gather(*calls)


@EVERY_TRANSPORT
async def test_an_address_that_does_not_respond(monkeypatch: pytest.MonkeyPatch) -> None:
    """If a host's first address drops all packets, the call soon tries the next one as well."""
    loop, silent = asyncio.get_running_loop(), "192.0.2.1"
    connect, tried = loop.sock_connect, list[str]()

    async def getaddrinfo(host: str, port: int, **hints: object) -> Any:
        kind = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
        return [(*kind, (address, port)) for address in (silent, "127.0.0.1")]

    async def sock_connect(sock: socket.socket, address: Any) -> None:
        tried.append(address[0])
        if address[0] == silent:
            await asyncio.Event().wait()
        await connect(sock, address)

    monkeypatch.setattr(loop, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(loop, "sock_connect", sock_connect)
    async with ScriptedServer([GOOD]) as server:
        url = server.url.replace("127.0.0.1", "localhost")
        async with campus_of(server, base_url=url, timeout=5.0) as campus:
            assert (await CALL(campus)).attempts == 1
    assert tried == [silent, "127.0.0.1"]


@EVERY_TRANSPORT
async def test_every_connection_looks_up_its_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """A campus that has moved to another address is found."""
    looked_up: list[str] = []

    async def getaddrinfo(host: str, port: int, **hints: object) -> Any:
        looked_up.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    async with ScriptedServer([attrs.evolve(GOOD, ending="close"), GOOD]) as server:
        url = server.url.replace("127.0.0.1", "localhost")
        async with campus_of(server, base_url=url) as campus:
            await CALL(campus)
            await server.wait_until_closed()
            await CALL(campus)
    assert looked_up == ["localhost", "localhost"]


@EVERY_TRANSPORT
async def test_small_packets_are_sent_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nagle's algorithm, which would hold back a body until its head is acknowledged, is turned off."""
    loop = asyncio.get_running_loop()
    connect, sockets = loop.sock_connect, list[socket.socket]()

    async def sock_connect(sock: socket.socket, address: Any) -> None:
        sockets.append(sock)
        await connect(sock, address)

    monkeypatch.setattr(loop, "sock_connect", sock_connect)
    async with campus_with(GOOD) as (campus, _):
        await CALL(campus)
        (sock,) = sockets
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
