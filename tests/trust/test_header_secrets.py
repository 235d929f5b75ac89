"""The values of a user's own headers are on the wire and nowhere else, whatever watches and whatever goes wrong."""

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp
import httpcore
import httpx
import pytest
from opentelemetry.instrumentation.httpx import AsyncOpenTelemetryTransport, HTTPXClientInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from nexport_campus import NexportCampus, NexportError, PasswordAuth, RetryPolicy, StaticToken
from nexport_campus._auth.secret_headers import SecretHeaders
from nexport_campus.aiohttp import AiohttpTransport
from tests.support.clients import TOKEN
from tests.support.leak_recorder import LeakRecorder
from tests.support.scripted_server import (
    Request,
    Response,
    ScriptedServer,
    error_entity,
    html_response,
    json_response,
    with_login,
)
from tests.support.spec import SOME_ID
from tests.support.transports import TRANSPORTS

KEY = "gateway-key-4c6f-0815"
ECHO = {"X-Echo": f"key={KEY}"}
GOOD = json_response({"description": "x"} | error_entity(warnings=[f"{KEY} is old"]), headers=ECHO)
RESPONSES = {
    "success": GOOD,
    "error entity": json_response(error_entity(3, f"no section for {KEY}"), 409, ECHO),
    "HTML": html_response(502, html=f"<html>{KEY}</html>"),
    "ASP.NET error": json_response({"Message": f"the key {KEY} is unknown"}, 403),
    "unreadable": Response(body=f'{{"description": "{KEY}", '.encode()),
    "cut": Response(body=b"{}", claimed_length=100, ending="close"),
    "reset": Response(raw=b"", ending="reset"),
}


def respond_with(response: Response) -> Callable[[Request], Any]:
    """Return a handler that sends the same response to every request."""

    async def respond(request: Request) -> Response:
        return response

    return with_login(respond)


async def record_call(response: Response, transport: Any, seen: LeakRecorder) -> None:
    """Log in, call, and record everything that could show a header."""
    attempts: list[object] = []
    async with ScriptedServer(respond_with(response)) as server:
        settings: dict[str, Any] = {
            "base_url": server.url,
            "transport": transport,
            "retry": RetryPolicy(max_attempts=2, initial_delay=0),
            "headers": {"X-Api-Key": KEY},
            "on_attempt": attempts.append,
        }
        with seen.watching():
            async with NexportCampus(PasswordAuth("user", "a-password"), **settings) as campus:
                try:
                    raw = await campus.raw.learning.get_section_description(section_id=SOME_ID)
                    seen.strings += [repr(raw), repr(dict(raw.headers)), repr(raw.warnings)]
                except NexportError as error:
                    seen.error(error)
                    seen.strings.append(repr(error.__dict__))
                seen.strings += [repr(attempts), repr(campus._settings)]
                seen.objects()
        assert {request.headers["x-api-key"] for request in server.requests} == {KEY}


@pytest.mark.parametrize("make", TRANSPORTS.values(), ids=TRANSPORTS)
@pytest.mark.parametrize("response", RESPONSES.values(), ids=RESPONSES)
async def test_nothing_shows_a_header(response: Response, make: Callable[[], Any]) -> None:
    """No log, error, attribute, traceback, pickle or repr has the value."""
    seen = LeakRecorder()
    await record_call(response, make(), seen)
    assert seen.strings
    assert seen.show(KEY) == []


@pytest.mark.parametrize("make", list(TRANSPORTS.values())[:3], ids=list(TRANSPORTS)[:3])
async def test_an_interrupted_call_shows_no_header(make: Callable[[], Any]) -> None:
    """Neither a timeout nor a cancellation has a frame that shows it."""
    gate, seen = asyncio.Event(), LeakRecorder()
    async with ScriptedServer([Response(gate=gate), Response(gate=gate)]) as server:
        campus = NexportCampus(
            StaticToken(TOKEN),
            base_url=server.url,
            transport=make(),
            headers={"X-Api-Key": KEY},
            retry=RetryPolicy(max_attempts=1),
        )
        async with campus:
            with pytest.raises(NexportError) as late:
                await campus.with_options(timeout=0.1).learning.get_section_description(section_id=SOME_ID)
            seen.error(late.value)
            task = asyncio.create_task(campus.learning.get_section_description(section_id=SOME_ID))
            await server.wait_for_requests(2)
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as cancelled:
                await task
            seen.error(cancelled.value)
        gate.set()
    assert seen.show(KEY) == []


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """Return a recorder of spans, with the capture of all request headers turned on."""
    monkeypatch.setenv("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST", ".*")
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", "http")
    return InMemorySpanExporter()


@pytest.mark.parametrize("way", ["every client", "one transport"])
async def test_spans_show_no_header(spans: InMemorySpanExporter, way: str) -> None:
    """OpenTelemetry records request headers if configured to, but not these, and they still arrive."""
    provider, seen = TracerProvider(), LeakRecorder()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    if way == "one transport":
        transport = AsyncOpenTelemetryTransport(httpx.AsyncHTTPTransport(), tracer_provider=provider)
        await record_call(GOOD, transport, seen)
    else:
        HTTPXClientInstrumentor().instrument(tracer_provider=provider)
        try:
            await record_call(GOOD, None, seen)
        finally:
            HTTPXClientInstrumentor().uninstrument()
    recorded = [span.to_json() for span in spans.get_finished_spans()]
    assert any("GetSectionDescription" in text for text in recorded)
    seen.strings += recorded
    assert seen.show(KEY) == []


async def test_a_transport_that_reads_headers_sees_none() -> None:
    """Every way to read a request's headers leaves them out, except the bytes that are sent."""
    seen = LeakRecorder()

    class Reading(httpx.AsyncHTTPTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            headers = request.headers
            ways = [
                dict(headers),
                list(headers.items()),
                headers.multi_items(),
                list(headers.values()),
                [headers.get(name) for name in (*headers, "X-Api-Key")],
                [headers.get_list(name) for name in (*headers, "X-Api-Key")],
                [headers[name] for name in headers],
            ]
            assert all("nexport-campus/" in repr(found) for found in ways)
            seen.strings += [*map(repr, ways), repr(headers), str(headers), repr(request)]
            assert "X-Api-Key" not in headers
            assert len(headers) == len(list(headers))
            return await super().handle_async_request(request)

    await record_call(GOOD, Reading(), seen)
    assert seen.show(KEY) == []


async def test_agents_that_wrap_httpcore_see_no_header(monkeypatch: pytest.MonkeyPatch) -> None:
    """Httpcore itself doesn't get the headers: they are written below it."""
    handle, seen = httpcore.AsyncHTTP11Connection.handle_async_request, LeakRecorder()

    async def record(connection: Any, request: httpcore.Request) -> httpcore.Response:
        seen.strings.append(repr(request.headers))
        return await handle(connection, request)

    monkeypatch.setattr(httpcore.AsyncHTTP11Connection, "handle_async_request", record)
    await record_call(GOOD, None, seen)
    assert any("nexport-campus/" in text for text in seen.strings)
    assert seen.show(KEY) == []


async def test_traces_of_aiohttp_show_no_header(monkeypatch: pytest.MonkeyPatch) -> None:
    """No signal of aiohttp, and nothing that it gives access to, has them."""
    seen, config, make = LeakRecorder(), aiohttp.TraceConfig(), aiohttp.ClientSession.__init__

    async def record(session: Any, context: Any, params: Any) -> None:
        seen.strings.append(repr(params))
        response = getattr(params, "response", None)
        if response is not None:
            seen.strings.append(repr(response.request_info))

    for signal in ("on_request_start", "on_request_headers_sent", "on_request_end", "on_request_exception"):
        getattr(config, signal).append(record)

    def traced(self: Any, *arguments: Any, trace_configs: Any = (), **settings: Any) -> None:
        make(self, *arguments, trace_configs=[*trace_configs, config], **settings)

    monkeypatch.setattr(aiohttp.ClientSession, "__init__", traced)
    await record_call(json_response({"description": "x"} | error_entity()), AiohttpTransport(), seen)
    assert any("nexport-campus/" in text for text in seen.strings)
    assert seen.show(KEY) == []


async def test_a_views_header_is_redacted_while_the_view_lives() -> None:
    """The echo of a view's header is removed too, and of an earlier view's as long as it is in use."""
    echo = json_response(error_entity(3, " ".join(f"key-of-view-{number}" for number in range(40))), 409)
    async with (
        ScriptedServer(respond_with(echo)) as server,
        NexportCampus(StaticToken(TOKEN), base_url=server.url) as campus,
    ):
        views = [campus.with_options(headers={"X-Api-Key": f"key-of-view-{number}"}) for number in range(40)]
        with pytest.raises(NexportError) as caught:
            await views[0].learning.get_section_description(section_id=SOME_ID)
    assert "key-of-view" not in str(caught.value)


def test_the_settings_object_refuses_to_be_pickled() -> None:
    """A pickle would be an unprotected copy."""
    import pickle

    with pytest.raises(TypeError, match="refuses to be pickled"):
        pickle.dumps(SecretHeaders())
