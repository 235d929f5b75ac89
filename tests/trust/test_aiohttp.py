"""The transport on aiohttp behaves as the default one does: what it answers, how it fails, what it keeps open."""

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

import aiohttp
import attrs
import httpx
import pytest
import trustme

from nexport_campus import (
    NexportCampus,
    NexportError,
    RequestTimeoutError,
    RetryPolicy,
    StaticToken,
    TransportError,
)
from nexport_campus.aiohttp import AiohttpTransport
from support.scripted import TOKEN, Answer, Request, ScriptedServer, entity, gzip_answer, json_answer

SECTION = "12345678-1234-5678-9abc-123456789abc"
STATUS = "12345678-1234-5678-9abc-123456789abd"
GOOD = {"description": "Safety first"} | entity()


def campus_of(url: str, **settings: Any) -> NexportCampus:
    """A client on aiohttp, without retries."""
    chosen: dict[str, Any] = {
        "transport": AiohttpTransport(),
        "retry": RetryPolicy(max_attempts=1),
    } | settings
    return NexportCampus(StaticToken(TOKEN), base_url=url, **chosen)


async def ask(campus: NexportCampus) -> str:
    """One reading call."""
    return (await campus.learning.get_section_description(section_id=SECTION)).description


async def write(campus: NexportCampus) -> object:
    """One writing call."""
    return await campus.scorm.edit_scorm_data(assignment_status_id=STATUS, sco_id="I_SCO0", title="Größe")


@pytest.mark.parametrize(
    "answer",
    [
        json_answer(GOOD),
        gzip_answer(GOOD),
        json_answer(GOOD, framing="chunked"),
        json_answer(GOOD, framing="none"),
    ],
    ids=["plain", "gzip", "chunked", "until the end"],
)
async def test_answers(answer: Answer) -> None:
    """Answers in every framing are read, and the token is on the wire once."""
    async with ScriptedServer([answer]) as server, campus_of(server.url) as campus:
        assert await ask(campus) == "Safety first"
    assert server.requests[0].query == [("section_id", SECTION), ("access_token", TOKEN)]
    assert server.requests[0].headers["user-agent"].startswith("nexport-campus/")
    assert "cookie" not in server.requests[0].headers


async def test_bodies_are_sent() -> None:
    """A body arrives as JSON, with its length, and with the token in the query alone."""
    async with ScriptedServer([json_answer(entity())]) as server, campus_of(server.url) as campus:
        await write(campus)
    (request,) = server.requests
    assert request.json == {"assignment_status_id": STATUS, "sco_id": "I_SCO0", "title": "Größe"}
    assert request.headers["content-type"] == "application/json"
    assert request.query == [("access_token", TOKEN)]
    assert TOKEN.encode() not in request.body


async def test_connections_are_used_again() -> None:
    """Calls one after another take one connection; calls at once no more than run at a time."""

    async def answer(request: Request) -> Answer:
        return json_answer(GOOD)

    async with ScriptedServer(answer) as server, campus_of(server.url, max_concurrency=4) as campus:
        for _ in range(5):
            await ask(campus)
        assert server.connections == 1
        await asyncio.gather(*(ask(campus) for _ in range(40)))
        assert server.connections <= 4


async def drop(campus: NexportCampus) -> object:
    """A writing call whose HTTP method is GET."""
    return await campus.learning.drop_enrollment(enrollment_id=SECTION)


@pytest.mark.parametrize("call", [ask, write, drop], ids=["read", "write", "write by GET"])
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(raw=b"", ending="reset"), TransportError),
        (Answer(raw=b"", ending="close"), TransportError),
        (json_answer(GOOD, cut_after=-5), TransportError),
        (Answer(raw=b"SMTP ready\r\n\r\n", ending="close"), TransportError),
    ],
    ids=["reset", "closed", "cut", "no HTTP"],
)
async def test_broken_answers(
    answer: Answer, error: type[NexportError], call: Callable[[NexportCampus], Any]
) -> None:
    """A broken answer is a TransportError without anything of aiohttp's; a write says that it may have happened."""
    async with ScriptedServer([answer]) as server, campus_of(server.url) as campus:
        with pytest.raises(error) as caught:
            await call(campus)
    assert len(server.requests) == 1
    assert caught.value.maybe_applied is (call is not ask)
    assert isinstance(caught.value.__cause__, httpx.TransportError)
    assert caught.value.__cause__.__cause__ is None
    assert caught.value.__cause__.__context__ is None


@pytest.mark.parametrize("call", [ask, write], ids=["read", "write"])
async def test_a_refused_connection(call: Callable[[NexportCampus], Any]) -> None:
    """A connection that is refused never carried a write."""
    async with ScriptedServer([]) as server:
        url = server.url
    async with campus_of(url) as campus:
        with pytest.raises(TransportError) as caught:
            await call(campus)
    assert caught.value.maybe_applied is False
    assert "connect" in str(caught.value)


@pytest.mark.parametrize("call", [ask, write], ids=["read", "write"])
async def test_a_silent_server_times_out(call: Callable[[NexportCampus], Any]) -> None:
    """An answer that doesn't come in time is a RequestTimeoutError; a write may have happened."""
    gate = asyncio.Event()
    async with (
        ScriptedServer([json_answer(GOOD, gate=gate)]) as server,
        campus_of(server.url, timeout=0.05) as campus,
    ):
        with pytest.raises(RequestTimeoutError) as caught:
            await call(campus)
        gate.set()
    assert caught.value.maybe_applied is (call is write)


async def test_certificates_are_verified() -> None:
    """A server that nobody vouches for is refused, one that the given context trusts is not."""
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    async with ScriptedServer([json_answer(GOOD)], tls=tls) as server:
        async with campus_of(server.url) as campus:
            with pytest.raises(TransportError) as caught:
                await write(campus)
            assert caught.value.maybe_applied is False
        async with campus_of(server.url, transport=AiohttpTransport(verify=trusting)) as campus:
            assert await ask(campus) == "Safety first"


async def test_a_cancelled_call_leaves_nothing() -> None:
    """A call that is cancelled while it waits leaves no task behind, and the next call works."""
    gate, arrived = asyncio.Event(), asyncio.Event()
    before = asyncio.all_tasks()

    async def answer(request: Request) -> Answer:
        first = not arrived.is_set()
        arrived.set()
        return json_answer(GOOD, gate=gate if first else None)

    async with ScriptedServer(answer) as server:
        async with campus_of(server.url) as campus:
            call = asyncio.create_task(ask(campus))
            await arrived.wait()
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
            assert await ask(campus) == "Safety first"
        gate.set()
    assert {task for task in asyncio.all_tasks() if not task.done()} <= before


def test_one_loop_after_another() -> None:
    """One transport serves a second event loop when the first one is gone."""

    async def once() -> str:
        async with ScriptedServer([json_answer(GOOD)]) as server, campus_of(server.url) as campus:
            return await ask(campus)

    assert [asyncio.run(once()) for _ in range(2)] == ["Safety first"] * 2


@pytest.mark.parametrize("call", [ask, write], ids=["read", "write"])
async def test_what_traces_aiohttp_meets_no_token(
    call: Callable[[NexportCampus], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Instrumentation that adds its traces to every session is told addresses without the query, whatever happens."""
    told: list[str] = []
    config = aiohttp.TraceConfig()

    async def tell(session: object, context: object, params: Any) -> None:
        told.append(repr(params))

    for signal in (config.on_request_start, config.on_request_end, config.on_request_exception):
        signal.append(tell)
    make = aiohttp.ClientSession.__init__

    def instrumented(self: Any, *arguments: Any, trace_configs: Any = (), **settings: Any) -> None:
        make(self, *arguments, trace_configs=[*trace_configs, config], **settings)

    monkeypatch.setattr(aiohttp.ClientSession, "__init__", instrumented)
    answers = [json_answer(GOOD), attrs.evolve(json_answer(GOOD), cut_after=0)]
    async with ScriptedServer(answers) as server, campus_of(server.url) as campus:
        await call(campus)
        with pytest.raises(TransportError):
            await call(campus)
        assert server.requests[1].query[-1] == ("access_token", TOKEN)
    assert len(told) >= 3
    assert not [text for text in told if TOKEN in text or SECTION in text]
