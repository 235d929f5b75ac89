"""The aiohttp transport behaves like the default one: its responses, its failures, and its open connections."""

import asyncio
import gc
import ssl
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any

import aiohttp
import attrs
import httpx
import pytest
import trustme

from nexport_campus import (
    NexportCampus,
    NexportError,
    PasswordAuth,
    RequestTimeoutError,
    RetryPolicy,
    StaticToken,
    TransportError,
)
from nexport_campus._http.body import read_body
from nexport_campus._http.outgoing_request import OutgoingRequest, SendTracker
from nexport_campus.aiohttp import AiohttpTransport
from nexport_campus.aiohttp.connector import Connector
from nexport_campus.aiohttp.sessionless_sender import SessionlessSender
from nexport_campus.aiohttp.wire_response import WireResponse
from tests.support.leak_recorder import LeakRecorder
from tests.support.scripted_server import (
    TOKEN,
    Request,
    Response,
    ScriptedServer,
    error_entity,
    gzip_response,
    json_response,
    with_login,
)
from tests.support.transports import ObservedTransport

SECTION = "12345678-1234-5678-9abc-123456789abc"
STATUS = "12345678-1234-5678-9abc-123456789abd"
GOOD = {"description": "Safety first"} | error_entity()


class Way:
    """How the clients of this module send: with or without aiohttp's session."""

    make: Callable[..., AiohttpTransport] = AiohttpTransport


@pytest.fixture(
    autouse=True, params=[AiohttpTransport, ObservedTransport], ids=["without a session", "with a session"]
)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run each test once with each way."""
    monkeypatch.setattr(Way, "make", staticmethod(request.param))


def campus_of(url: str, **settings: Any) -> NexportCampus:
    """Return a client on aiohttp, without retries."""
    chosen: dict[str, Any] = {
        "transport": Way.make(),
        "retry": RetryPolicy(max_attempts=1),
    } | settings
    return NexportCampus(StaticToken(TOKEN), base_url=url, **chosen)


async def read(campus: NexportCampus) -> str:
    """Make a reading call."""
    return (await campus.learning.get_section_description(section_id=SECTION)).description


async def write(campus: NexportCampus) -> object:
    """Make a writing call."""
    return await campus.scorm.edit_scorm_data(assignment_status_id=STATUS, sco_id="I_SCO0", title="Größe")


@pytest.mark.parametrize(
    "response",
    [
        json_response(GOOD),
        gzip_response(GOOD),
        json_response(GOOD, framing="chunked"),
        json_response(GOOD, framing="none"),
    ],
    ids=["plain", "gzip", "chunked", "until the end"],
)
async def test_responses_in_every_framing_are_read(response: Response) -> None:
    """Responses in every framing are read, and the token is on the wire once."""
    async with ScriptedServer([response]) as server, campus_of(server.url) as campus:
        assert await read(campus) == "Safety first"
    assert server.requests[0].query == [("section_id", SECTION), ("access_token", TOKEN)]
    assert server.requests[0].headers["user-agent"].startswith("nexport-campus/")
    assert "cookie" not in server.requests[0].headers


async def test_bodies_are_sent() -> None:
    """A body arrives as JSON, with its length, and with the token only in the query."""
    async with ScriptedServer([json_response(error_entity())]) as server, campus_of(server.url) as campus:
        await write(campus)
    (request,) = server.requests
    assert request.json == {"assignment_status_id": STATUS, "sco_id": "I_SCO0", "title": "Größe"}
    assert request.headers["content-type"] == "application/json"
    assert request.query == [("access_token", TOKEN)]
    assert TOKEN.encode() not in request.body


async def test_connections_are_used_again() -> None:
    """Consecutive calls share one connection; concurrent calls use no more connections than run at a time."""

    async def respond(request: Request) -> Response:
        return json_response(GOOD)

    async with ScriptedServer(respond) as server, campus_of(server.url, max_concurrency=4) as campus:
        for _ in range(5):
            await read(campus)
        assert server.connections == 1
        await asyncio.gather(*(read(campus) for _ in range(40)))
        assert server.connections <= 4


async def drop(campus: NexportCampus) -> object:
    """Make a writing call whose HTTP method is GET."""
    return await campus.learning.drop_enrollment(enrollment_id=SECTION)


@pytest.mark.parametrize("call", [read, write, drop], ids=["read", "write", "write by GET"])
@pytest.mark.parametrize(
    ("response", "error"),
    [
        (Response(raw=b"", ending="reset"), TransportError),
        (Response(raw=b"", ending="close"), TransportError),
        (json_response(GOOD, cut_after=-5), TransportError),
        (Response(raw=b"SMTP ready\r\n\r\n", ending="close"), TransportError),
    ],
    ids=["reset", "closed", "cut", "no HTTP"],
)
async def test_broken_responses(
    response: Response, error: type[NexportError], call: Callable[[NexportCampus], Any]
) -> None:
    """A broken response is a TransportError without aiohttp objects; a write says that it may have been applied."""
    async with ScriptedServer([response]) as server, campus_of(server.url) as campus:
        with pytest.raises(error) as caught:
            await call(campus)
    assert len(server.requests) == 1
    assert caught.value.maybe_applied is (call is not read)
    assert isinstance(caught.value.__cause__, httpx.TransportError)
    assert caught.value.__cause__.__cause__ is None
    assert caught.value.__cause__.__context__ is None


@pytest.mark.parametrize("call", [read, write], ids=["read", "write"])
async def test_a_refused_connection(call: Callable[[NexportCampus], Any]) -> None:
    """A refused connection never carried a write."""
    async with ScriptedServer([]) as server:
        url = server.url
    async with campus_of(url) as campus:
        with pytest.raises(TransportError) as caught:
            await call(campus)
    assert caught.value.maybe_applied is False
    assert "connect" in str(caught.value)


@pytest.mark.parametrize("call", [read, write], ids=["read", "write"])
async def test_a_silent_server_times_out(call: Callable[[NexportCampus], Any]) -> None:
    """A response that doesn't come in time is a RequestTimeoutError; a write may have been applied."""
    gate = asyncio.Event()
    async with (
        ScriptedServer([json_response(GOOD, gate=gate)]) as server,
        campus_of(server.url, timeout=0.05) as campus,
    ):
        with pytest.raises(RequestTimeoutError) as caught:
            await call(campus)
        gate.set()
    assert caught.value.maybe_applied is (call is write)


async def test_certificates_are_verified() -> None:
    """A server with an untrusted certificate is refused, and accepted with a context that trusts it."""
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    async with ScriptedServer([json_response(GOOD)], tls=tls) as server:
        async with campus_of(server.url) as campus:
            with pytest.raises(TransportError) as caught:
                await write(campus)
            assert caught.value.maybe_applied is False
        async with campus_of(server.url, transport=Way.make(verify=trusting)) as campus:
            assert await read(campus) == "Safety first"


async def test_a_cancelled_call_leaves_nothing() -> None:
    """A call that is cancelled while it waits leaves no task behind, and the next call works."""
    gate, arrived = asyncio.Event(), asyncio.Event()
    before = asyncio.all_tasks()

    async def respond(request: Request) -> Response:
        first = not arrived.is_set()
        arrived.set()
        return json_response(GOOD, gate=gate if first else None)

    async with ScriptedServer(respond) as server:
        async with campus_of(server.url) as campus:
            call = asyncio.create_task(read(campus))
            await arrived.wait()
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
            assert await read(campus) == "Safety first"
        gate.set()
    assert {task for task in asyncio.all_tasks() if not task.done()} <= before


def test_one_loop_after_another() -> None:
    """One transport serves a second event loop after the first one has ended."""

    async def once() -> str:
        async with ScriptedServer([json_response(GOOD)]) as server, campus_of(server.url) as campus:
            return await read(campus)

    assert [asyncio.run(once()) for _ in range(2)] == ["Safety first"] * 2


def traced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record what every aiohttp signal passes to a tool that adds its trace config to every session."""
    recorded: list[str] = []
    config = aiohttp.TraceConfig()

    async def record_signal(session: object, context: object, params: Any) -> None:
        recorded.append(everything_in(params))

    for name in vars(aiohttp.TraceConfig):
        if name.startswith("on_"):
            getattr(config, name).append(record_signal)
    make = aiohttp.ClientSession.__init__

    def instrumented(self: Any, *arguments: Any, trace_configs: Any = (), **settings: Any) -> None:
        make(self, *arguments, trace_configs=[*trace_configs, config], **settings)

    monkeypatch.setattr(aiohttp.ClientSession, "__init__", instrumented)
    return recorded


def everything_in(params: Any) -> str:
    """Return what a trace receives, and what it can reach through the response."""
    response = getattr(params, "response", None)
    reached = [] if response is None else [response.url, response.real_url, response.request_info]
    return repr([params, reached])


@pytest.mark.parametrize("call", [read, write], ids=["read", "write"])
async def test_aiohttp_traces_see_no_token(
    call: Callable[[NexportCampus], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Instrumentation that adds its trace config to every session only sees URLs without the query."""
    recorded = traced(monkeypatch)
    responses = [json_response(GOOD), attrs.evolve(json_response(GOOD), cut_after=0)]
    async with ScriptedServer(responses) as server, campus_of(server.url) as campus:
        await call(campus)
        with pytest.raises(TransportError):
            await call(campus)
        assert server.requests[1].query[-1] == ("access_token", TOKEN)
    assert len(recorded) >= 6
    assert not [text for text in recorded if TOKEN in text or SECTION in text]


async def test_aiohttp_traces_see_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is it in the bytes that are sent."""
    recorded = traced(monkeypatch)

    async def respond(request: Request) -> Response:
        return json_response(GOOD)

    async with ScriptedServer(with_login(respond)) as server:
        auth = PasswordAuth("user", "correct-horse-battery-staple")
        async with NexportCampus(auth, base_url=server.url, transport=Way.make()) as campus:
            await read(campus)
        assert server.requests[0].json["password"] == "correct-horse-battery-staple"
    assert recorded
    assert not [text for text in recorded if "correct-horse" in text or TOKEN in text]


async def test_a_wrapped_aiohttp_connector_sees_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some tools name their connection span after the request's URL."""
    recorded: list[str] = []
    connect = aiohttp.TCPConnector.connect

    async def wrapped(self: Any, req: Any, *arguments: Any, **settings: Any) -> Any:
        recorded.append(f"{req.url} {req.original_url} {req.request_info}")
        return await connect(self, req, *arguments, **settings)

    monkeypatch.setattr(aiohttp.TCPConnector, "connect", wrapped)
    async with ScriptedServer([json_response(GOOD)]) as server, campus_of(server.url) as campus:
        await read(campus)
    assert ["GetSectionDescription" in text for text in recorded] == [True]
    assert not [text for text in recorded if TOKEN in text or SECTION in text]


async def test_a_wrapped_aiohttp_session_can_add_a_header(monkeypatch: pytest.MonkeyPatch) -> None:
    """The headers are a mapping that it can write to, as for aiohttp's other callers."""
    request = aiohttp.ClientSession._request

    async def traced(self: Any, *arguments: Any, **settings: Any) -> Any:
        headers = settings.get("headers") or {}
        headers["traceparent"] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        return await request(self, *arguments, **settings | {"headers": headers})

    monkeypatch.setattr(aiohttp.ClientSession, "_request", traced)
    async with ScriptedServer([json_response(GOOD)]) as server, campus_of(server.url) as campus:
        assert await read(campus) == "Safety first"
    assert server.requests[0].headers["traceparent"].startswith("00-0af7")
    assert server.requests[0].headers["user-agent"].startswith("nexport-campus/")


async def test_headers_are_sent_unchanged() -> None:
    """Repeated headers are sent too, in their order; aiohttp adds none."""
    received: list[bytes] = []

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    headers = [(b"Host", b"campus.example"), (b"X-A", b"1"), (b"x-b", "Größe".encode()), (b"X-A", b"2")]
    async with await asyncio.start_server(respond, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/path?query=1"
        transport = AiohttpTransport()
        response = await transport.handle_async_request(httpx.Request("GET", url, headers=headers))
        await response.aclose()
        await transport.aclose()
    first, *lines = received[0].rstrip().split(b"\r\n")
    assert first == b"GET /path?query=1 HTTP/1.1"
    assert sorted(lines) == sorted([b"Host: campus.example", b"X-A: 1", b"X-A: 2", "x-b: Größe".encode()])
    assert lines.index(b"X-A: 1") < lines.index(b"X-A: 2")


class _CountingTransport(AiohttpTransport):
    """A user's subclass that counts the requests it sends."""

    count = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.count += 1
        return await super().handle_async_request(request)


async def test_a_subclass_sees_every_request() -> None:
    """The client calls a `handle_async_request` that was overridden, and the token is on the wire once."""
    transport = _CountingTransport()
    async with (
        ScriptedServer([json_response(GOOD), json_response(error_entity())]) as server,
        campus_of(server.url, transport=transport) as campus,
    ):
        assert await read(campus) == "Safety first"
        await write(campus)
    assert transport.count == 2
    assert server.requests[0].query == [("section_id", SECTION), ("access_token", TOKEN)]
    assert server.requests[1].json["title"] == "Größe"


class _Wrapper(httpx.AsyncBaseTransport):
    """A user's transport that passes on every attribute of the one that it wraps."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self._inner = AiohttpTransport()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request.method)
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


async def test_a_wrapper_sees_every_request() -> None:
    """The client calls a wrapper's `handle_async_request`, although the wrapper has the attributes of its inner one."""
    wrapper = _Wrapper()
    async with (
        ScriptedServer([json_response(GOOD)]) as server,
        campus_of(server.url, transport=wrapper) as campus,
    ):
        assert await read(campus) == "Safety first"
    assert wrapper.seen == ["GET"]


async def test_a_replaced_handler_sees_every_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client calls a `handle_async_request` that instrumentation put into the class, or a test into an object."""
    original, seen = AiohttpTransport.handle_async_request, []

    async def record(transport: AiohttpTransport, request: httpx.Request) -> httpx.Response:
        seen.append(request.method)
        return await original(transport, request)

    responses = [json_response(GOOD), json_response(GOOD)]
    async with ScriptedServer(responses) as server, campus_of(server.url) as campus:
        with monkeypatch.context() as patch:
            patch.setattr(AiohttpTransport, "handle_async_request", record)
            await read(campus)
    transport = AiohttpTransport()
    monkeypatch.setattr(transport, "handle_async_request", partial(record, transport))
    async with ScriptedServer(responses) as server, campus_of(server.url, transport=transport) as campus:
        await read(campus)
    assert seen == ["GET", "GET"]


async def test_both_ways_send_the_same_request() -> None:
    """A request that the client sends directly equals one that takes the way through httpx' classes."""
    responses = [json_response(GOOD), json_response(error_entity())]
    async with ScriptedServer([*responses, *responses]) as server:
        for transport in (Way.make(), _CountingTransport()):
            async with campus_of(server.url, transport=transport, headers={"X-Key": "gateway-k3y"}) as campus:
                await read(campus)
                await write(campus)
    sent = [(each.method, each.target, list(each.headers.items()), each.body) for each in server.requests]
    assert sent[:2] == sent[2:]


async def test_responses_are_freed_at_once() -> None:
    """A response that was read needs no garbage collection."""
    async with ScriptedServer([json_response(GOOD)]) as server, campus_of(server.url) as campus:
        gc.collect()
        gc.disable()
        try:
            await read(campus)
            kept = [type(each) for each in gc.get_objects() if isinstance(each, WireResponse)]
        finally:
            gc.enable()
    assert kept == []


async def test_what_needs_no_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small requests, unless something observes aiohttp's session."""
    recorded: list[str] = []
    send = SessionlessSender.send

    async def record(sender: SessionlessSender, request: OutgoingRequest, *more: Any) -> WireResponse:
        recorded.append(request.method)
        return await send(sender, request, *more)

    monkeypatch.setattr(SessionlessSender, "send", record)
    responses = [json_response(GOOD), json_response(error_entity()), json_response(error_entity())]
    async with ScriptedServer(responses) as server, campus_of(server.url) as campus:
        await read(campus)
        await write(campus)
        await campus.scorm.edit_scorm_data(assignment_status_id=STATUS, sco_id="I_SCO0", title="x" * 20_000)
    assert recorded == (["GET", "POST"] if Way.make is AiohttpTransport else [])


@pytest.mark.parametrize("owner", [Connector, aiohttp.TCPConnector])
async def test_a_connection_that_is_lost_before_the_request(
    owner: type[aiohttp.TCPConnector], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The call fails, and nothing was sent."""
    connect = owner.connect

    async def lose(connector: Any, *arguments: Any, **options: Any) -> Any:
        connection: Any = await connect(connector, *arguments, **options)
        closed = connection.protocol.closed
        connection.transport.abort()
        await closed
        return connection

    monkeypatch.setattr(owner, "connect", lose)
    async with ScriptedServer([json_response(GOOD)]) as server, campus_of(server.url) as campus:
        with pytest.raises(TransportError) as caught:
            await write(campus)
    assert server.requests == []
    # aiohttp's session doesn't report whether it has begun to write.
    sessionless = Way.make is AiohttpTransport and owner is Connector
    assert caught.value.maybe_applied is not sessionless


async def test_a_response_that_comes_before_its_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new connection is used whatever it has received; or one that is always closed at once would be tried for ever."""
    connect, sent, connections = aiohttp.TCPConnector.connect, asyncio.Event(), 0

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        writer.write(json_response(GOOD).head() + json_response(GOOD).payload())
        await writer.drain()
        sent.set()
        await reader.read()
        writer.close()

    async def connect_late(connector: aiohttp.TCPConnector, *arguments: Any, **options: Any) -> Any:
        connection = await connect(connector, *arguments, **options)
        await sent.wait()
        return connection

    monkeypatch.setattr(aiohttp.TCPConnector, "connect", connect_late)
    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with campus_of(url) as campus:
            assert await read(campus) == "Safety first"
    assert connections == 1


async def test_no_header_contains_a_line_break() -> None:
    """The transport itself refuses one, whatever checked the header before: nothing is sent."""
    transport = Way.make()
    assert transport.direct_sender is not None
    async with ScriptedServer([json_response(GOOD)]) as server:
        request = OutgoingRequest("GET", httpx.URL(server.url), headers={"X-A": "a\r\nX-B: b"})
        with pytest.raises(httpx.LocalProtocolError):
            await transport.direct_sender(request, SendTracker())
        await transport.aclose()
    assert server.requests == []


async def test_a_kept_connection_does_not_grow() -> None:
    """After responses whose bodies came after their heads, a connection holds no more than after one."""

    async def respond(request: Request) -> Response:
        body_gate = asyncio.Event()
        asyncio.get_running_loop().call_later(0.001, body_gate.set)
        return json_response(GOOD, body_gate=body_gate)

    async with ScriptedServer(respond) as server, campus_of(server.url) as campus:
        for _ in range(10):
            await read(campus)
        assert server.connections == 1
        gc.collect()
        bodies = [each for each in gc.get_objects() if type(each) is aiohttp.StreamReader]
        assert len(bodies) <= 2


async def test_a_transport_is_closed_while_a_body_is_read() -> None:
    """Its reader gets an error and doesn't wait for ever."""
    body_gate = asyncio.Event()
    transport = Way.make()
    async with ScriptedServer([json_response(GOOD, body_gate=body_gate)]) as server:
        assert transport.direct_sender is not None
        request = OutgoingRequest("GET", httpx.URL(server.url))
        response: Any = await transport.direct_sender(request, SendTracker())
        reading = asyncio.create_task(read_body(response, 1000))
        await asyncio.sleep(0)
        await transport.aclose()
        with pytest.raises(httpx.TransportError):
            await asyncio.wait_for(reading, 10)
        await response.aclose()
        body_gate.set()


@pytest.mark.filterwarnings("error")
async def test_a_large_body() -> None:
    """It is sent whole, without a warning by aiohttp."""
    title = "x" * 3_000_000
    async with ScriptedServer([json_response(error_entity())]) as server, campus_of(server.url) as campus:
        await campus.scorm.edit_scorm_data(assignment_status_id=STATUS, sco_id="I_SCO0", title=title)
    assert server.requests[0].json["title"] == title


async def test_no_aiohttp_frame_is_kept() -> None:
    """Its frames hold body and URL: neither a timeout nor a cancelled call keeps them."""
    gate = asyncio.Event()
    responses = [json_response(GOOD, gate=gate), json_response(GOOD, gate=gate)]
    async with ScriptedServer(responses) as server, campus_of(server.url) as campus:
        with pytest.raises(RequestTimeoutError) as late:
            await read(campus.with_options(timeout=0.05))
        call = asyncio.create_task(read(campus))
        await server.wait_for_requests(2)
        call.cancel()
        with pytest.raises(asyncio.CancelledError) as cancelled:
            await call
        gate.set()
    for error in (late.value, cancelled.value):
        found: BaseException | None = error
        while found is not None:
            frames = [frame for frame, _ in traceback.walk_tb(found.__traceback__)]
            files = {frame.f_code.co_filename for frame in frames}
            assert not [file for file in files if "/site-packages/aiohttp/" in file], found
            found = found.__cause__ or found.__context__


async def test_a_cut_login_exposes_no_password() -> None:
    """Neither in an error, its causes or their attributes, nor in the locals of our frames."""
    seen = LeakRecorder()
    cut = attrs.evolve(json_response(GOOD), cut_after=0)
    async with ScriptedServer([cut]) as server:
        with seen.watching():
            auth = PasswordAuth("user", "correct-horse-battery-staple")
            async with NexportCampus(
                auth, base_url=server.url, transport=Way.make(), retry=RetryPolicy(max_attempts=1)
            ) as campus:
                with pytest.raises(TransportError) as caught:
                    await read(campus)
            seen.error(caught.value)
            seen.objects()
    assert seen.strings
    assert seen.show("correct-horse") == []
