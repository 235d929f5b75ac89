"""Users' transports: their network errors are translated, and other exceptions are raised unchanged."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from typing import Any

import httpcore
import httpx
import pytest

from nexport_campus import (
    NexportCampus,
    NexportError,
    RequestTimeoutError,
    ResponseDecodeError,
    RetryPolicy,
    StaticToken,
    TransportError,
)
from tests.support.clients import NO_RETRY, campus_of
from tests.support.fault_cases import CALLS, Call, good_response
from tests.support.scripted_server import TOKEN, Request, Response, ScriptedServer

EVERY_CALL = pytest.mark.parametrize("call", CALLS, ids=str)


def client(transport: httpx.AsyncBaseTransport, **settings: Any) -> NexportCampus:
    """Return a client on a transport, without retries."""
    return NexportCampus(StaticToken(TOKEN), transport=transport, **{"retry": NO_RETRY} | settings)


@EVERY_CALL
@pytest.mark.parametrize(
    ("raised", "expected", "unknown"),
    [
        (httpx.ConnectError("no"), TransportError, False),
        (httpx.ConnectTimeout("no"), RequestTimeoutError, False),
        (httpx.PoolTimeout("no"), RequestTimeoutError, False),
        (httpx.ProxyError("no"), TransportError, False),
        (httpx.ReadTimeout("no"), RequestTimeoutError, True),
        (httpx.WriteTimeout("no"), RequestTimeoutError, True),
        (httpx.ReadError("no"), TransportError, True),
        (httpx.WriteError("no"), TransportError, True),
        (httpx.CloseError("no"), TransportError, True),
        (httpx.RemoteProtocolError("no"), TransportError, True),
        (httpx.LocalProtocolError("no"), TransportError, True),
        (httpx.UnsupportedProtocol("no"), TransportError, True),
        (httpx.DecodingError("no"), ResponseDecodeError, True),
        (httpx.TooManyRedirects("no"), TransportError, True),
        (httpx.InvalidURL("no"), TransportError, True),
        (httpx.StreamClosed(), TransportError, True),
        (ConnectionResetError("no"), TransportError, True),
        (ssl.SSLError("no"), TransportError, True),
        (TimeoutError("no"), RequestTimeoutError, True),
        (OSError("no"), TransportError, True),
        (UnicodeError("no"), TransportError, True),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
async def test_errors_of_a_transport(
    call: Call, raised: Exception, expected: type[NexportError], unknown: bool
) -> None:
    """The transport's exception is the cause; without trace events the request may have been sent."""

    def fail(request: httpx.Request) -> httpx.Response:
        raise raised

    async with client(httpx.MockTransport(fail)) as campus:
        with pytest.raises(NexportError) as caught:
            await call(campus)
    assert type(caught.value) is expected
    assert caught.value.maybe_applied is (unknown and call.writes)
    assert caught.value.__cause__ is raised


async def test_every_exception_of_httpx_is_translated() -> None:
    """The list above has every httpx exception that can be constructed."""

    def all_below(cls: type[Exception]) -> set[type[Exception]]:
        return {cls}.union(*map(all_below, cls.__subclasses__()))

    for kind in all_below(httpx.HTTPError) - {httpx.HTTPStatusError}:
        raised = kind("no")

        def fail(request: httpx.Request, raised: Exception = raised) -> httpx.Response:
            raise raised

        async with client(httpx.MockTransport(fail)) as campus:
            with pytest.raises(NexportError):
                await CALLS[0](campus)


async def test_a_programming_error_is_raised_unchanged() -> None:
    """An exception that isn't a network error is raised unchanged; the next call works."""
    mistakes: list[Exception] = [KeyError("mistake"), TypeError("mistake")]

    def fail(request: httpx.Request) -> httpx.Response:
        if mistakes:
            raise mistakes.pop()
        return httpx.Response(200, content=good_response(CALLS[0]).body)

    async with client(httpx.MockTransport(fail), max_concurrency=1) as campus:
        with pytest.raises(TypeError, match="mistake"):
            await CALLS[0](campus)
        with pytest.raises(KeyError, match="mistake"):
            await CALLS[0](campus)
        assert (await CALLS[0](campus)).status_code == 200


@EVERY_CALL
async def test_a_body_that_breaks(call: Call) -> None:
    """An exception while the body is read is translated too."""

    class Broken(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b"{"
            raise httpx.ReadError("broken")

    async with client(httpx.MockTransport(lambda request: httpx.Response(200, stream=Broken()))) as campus:
        with pytest.raises(TransportError, match="broken") as caught:
            await call(campus)
    assert caught.value.maybe_applied is call.writes


@pytest.mark.parametrize("size", [10, 11])
async def test_a_body_in_memory(size: int) -> None:
    """`max_response_bytes` also limits responses made from bytes."""
    body = b'"' + b"x" * (size - 2) + b'"'
    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=body))
    async with client(transport, max_response_bytes=10) as campus:
        with pytest.raises(ResponseDecodeError) as caught:
            await CALLS[0](campus)
    assert ("max_response_bytes" in str(caught.value)) is (size > 10)


@EVERY_CALL
async def test_no_free_connection(call: Call) -> None:
    """If the pool is exhausted, nothing was sent, so that even a write is retried."""
    gate = asyncio.Event()

    async def respond(request: Request) -> Response:
        await gate.wait()
        return good_response(call)

    pool = httpx.AsyncHTTPTransport(limits=httpx.Limits(max_connections=1))
    timeout = httpx.Timeout(30.0, pool=0.02)
    retry = RetryPolicy(max_attempts=2, initial_delay=0.0)
    async with ScriptedServer(respond) as server:
        async with campus_of(server, transport=pool, timeout=timeout, retry=retry) as campus:

            async def make() -> Any:
                return await call(campus)

            first = asyncio.create_task(make())
            await server.wait_for_requests(1)
            with pytest.raises(RequestTimeoutError, match="connecting") as caught:
                await call(campus)
            gate.set()
            await first
        assert (caught.value.attempts, caught.value.maybe_applied) == (2, False)
        assert len(server.requests) == 1


@pytest.mark.parametrize(("scheme", "sent"), [("https", False), ("http", True)])
async def test_a_proxy_that_hangs(scheme: str, sent: bool) -> None:
    """An httpx transport reports its progress: a request that waited for a tunnel wasn't sent."""

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    proxy = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with proxy:
        port = proxy.sockets[0].getsockname()[1]
        transport = httpx.AsyncHTTPTransport(proxy=f"http://127.0.0.1:{port}")
        settings: dict[str, Any] = {"base_url": f"{scheme}://127.0.0.1:9", "timeout": 0.1}
        async with client(transport, **settings) as campus:
            with pytest.raises(RequestTimeoutError) as caught:
                await CALLS[3](campus)
    assert caught.value.maybe_applied is sent


PROGRESS = {
    "connecting": (["connection.connect_tcp.started"], False),
    "HTTP/1.1": (["connection.connect_tcp.started", "http11.send_request_headers.started"], True),
    "HTTP/2, a new connection": (["http2.send_connection_init.started"], False),
    "HTTP/2": (["http2.send_connection_init.started", "http2.send_request_headers.started"], True),
}


@EVERY_CALL
@pytest.mark.parametrize(("events", "sent"), PROGRESS.values(), ids=PROGRESS)
async def test_a_connection_that_breaks_after_these_events(call: Call, events: list[str], sent: bool) -> None:
    """A write is retried only if no transport event, of either version of HTTP, says that sending it began."""
    count = 0

    class Breaking(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            nonlocal count
            count += 1
            for event in events:
                info = {"request": httpcore.Request(request.method, str(request.url))}
                await request.extensions["trace"](event, info)
            raise httpx.ReadError("broken")

    async with client(Breaking(), retry=RetryPolicy(max_attempts=2, initial_delay=0.0)) as campus:
        with pytest.raises(TransportError) as caught:
            await call(campus)
    in_doubt = sent and call.writes
    assert (count, caught.value.maybe_applied) == (1 if in_doubt else 2, in_doubt)


async def test_a_transport_is_closed_once() -> None:
    """It is closed with the client, not with each loop."""
    closed = []

    class Counting(httpx.MockTransport):
        async def aclose(self) -> None:
            closed.append(1)

    campus = client(Counting(lambda request: httpx.Response(200, content=good_response(CALLS[0]).body)))
    await CALLS[0](campus)
    await campus.aclose()
    await campus.aclose()
    assert closed == [1]


BROKEN = {
    "status line": b"HTTP/1.1 2oo %b\r\n\r\n",
    "header": b"HTTP/1.1 200 OK\r\n%b\r\n\r\n",
    "chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%b\r\n\r\n",
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: %b\r\n\r\n",
    "nothing of HTTP": b'{"last_name": "%b"}\r\n\r\n',
}


@pytest.mark.parametrize("message", BROKEN.values(), ids=BROKEN)
async def test_a_broken_response_is_not_quoted(message: bytes) -> None:
    """Neither student data nor an echoed token is in the error or its cause."""
    student = b"Ylva Nordqvist"
    raw = message.replace(b"%b", student + b" " + TOKEN.encode())
    response = Response(raw=raw, ending="close")
    async with ScriptedServer([response]) as server, campus_of(server) as campus:
        with pytest.raises(TransportError) as caught:
            await CALLS[0](campus)
    found: BaseException | None = caught.value
    while found is not None:
        shown = f"{found} {found!r} {found.args!r}"
        assert "Nordqvist" not in shown
        assert TOKEN not in shown
        found = found.__cause__ or found.__context__
