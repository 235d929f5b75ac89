"""Token and password are on the wire and nowhere else, whatever watches and whatever fails."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from opentelemetry.instrumentation.httpx import AsyncOpenTelemetryTransport, HTTPXClientInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from nexport_campus import NexportCampus, NexportError, PasswordAuth, RetryPolicy
from nexport_campus.aiohttp import AiohttpTransport
from tests.support.leak_recorder import LeakRecorder
from tests.support.scripted_server import (
    TOKEN,
    Handler,
    Request,
    Response,
    ScriptedServer,
    error_entity,
    html_response,
    json_response,
)

PASSWORD = "correct-horse-battery-staple"
STUDENT = "Ada Lovelace, born 10 December 1815"
SECTION = "12345678-1234-5678-9abc-123456789abc"
LOGIN = json_response({"access_token": TOKEN, "token_type": "bearer", "expires_in": 3600} | error_entity())
ECHO = {"X-Echo": f"token={TOKEN}; password={PASSWORD}"}
GOOD = json_response(
    {"description": "Safety first"} | error_entity(warnings=[f"the token {TOKEN} is old"]), headers=ECHO
)
FAILURES = {
    "an error entity": json_response(
        error_entity(3, f"no section for {TOKEN} and {PASSWORD}"), status=409, headers=ECHO
    ),
    "refused": json_response(error_entity(4, f"{TOKEN.upper()} has expired"), status=403, headers=ECHO),
    "HTML": html_response(status=502, html=f"<html>{STUDENT} {TOKEN}</html>"),
    "unreadable": Response(body=f'{{"description": "{STUDENT}", {TOKEN}'.encode()),
    "wrong type": json_response({"description": [STUDENT, TOKEN], "token": TOKEN} | error_entity()),
    "cut": Response(body=b"{}", claimed_length=100, ending="close"),
    "reset": Response(raw=b"", ending="reset"),
}
Transport = Callable[[], httpx.AsyncBaseTransport | None]


async def forward(request: httpx.Request) -> httpx.Response:
    """Forward a request to the scripted campus, as a user's transport, handler or application may."""
    async with httpx.AsyncHTTPTransport() as inner:
        response = await inner.handle_async_request(request)
        try:
            body = b"".join([part async for part in response.aiter_raw()])
        finally:
            await response.aclose()
    return httpx.Response(response.status_code, headers=response.headers, content=body)


class OwnTransport(httpx.AsyncBaseTransport):
    """A user's transport that reads the URL's string."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        url, headers = str(request.url), request.headers
        return await forward(httpx.Request(request.method, url, headers=headers, content=request.content))


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Forward a request to the scripted campus as an ASGI application."""
    host, port = scope["server"]
    target = scope["raw_path"].decode() + "?" + scope["query_string"].decode()
    message = await receive()
    request = httpx.Request(
        scope["method"], f"http://{host}:{port}{target}", headers=scope["headers"], content=message["body"]
    )
    response = await forward(request)
    await send(
        {"type": "http.response.start", "status": response.status_code, "headers": response.headers.raw}
    )
    await send({"type": "http.response.body", "body": response.content})


TRANSPORTS: dict[str, Transport] = {
    "default": lambda: None,
    "httpx": httpx.AsyncHTTPTransport,
    "aiohttp": AiohttpTransport,
    "MockTransport": lambda: httpx.MockTransport(forward),
    "ASGITransport": lambda: httpx.ASGITransport(application),
    "a user's own": OwnTransport,
}


@pytest.fixture
def spans() -> InMemorySpanExporter:
    """Return OpenTelemetry's exporter, which records spans."""
    return InMemorySpanExporter()


@pytest.fixture
def provider(spans: InMemorySpanExporter) -> TracerProvider:
    """Return a tracer provider that records there."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    return provider


@pytest.fixture
async def instrumented(provider: TracerProvider) -> AsyncIterator[None]:
    """Run the test with OpenTelemetry's httpx instrumentation for every client."""
    instrumentor = HTTPXClientInstrumentor()
    instrumentor.instrument(tracer_provider=provider)
    yield
    instrumentor.uninstrument()


def respond_with(failure: Response) -> Handler:
    """Return a campus that accepts the login, and sends one response to everything else."""

    async def respond(request: Request) -> Response:
        return LOGIN if request.operation_id == "AdminApi_Authenticate" else failure

    return respond


async def watched_call(
    failure: Response, transport: httpx.AsyncBaseTransport | None, seen: LeakRecorder
) -> None:
    """Log in and get one response, with everything watched that could show a secret."""
    async with ScriptedServer(respond_with(failure)) as server:
        retry = RetryPolicy(max_attempts=2, initial_delay=0)
        with seen.watching():
            auth = PasswordAuth("user", PASSWORD)
            async with NexportCampus(auth, base_url=server.url, transport=transport, retry=retry) as campus:
                try:
                    raw = await campus.raw.learning.get_section_description(section_id=SECTION)
                    seen.strings += [repr(raw), repr(dict(raw.headers)), repr(raw.warnings)]
                except NexportError as error:
                    seen.error(error)
                seen.objects()
        on_the_wire = server.requests_to("LearningApi_GetSectionDescription")
        assert all(("access_token", TOKEN) in request.query for request in on_the_wire)
        assert on_the_wire


@pytest.mark.sampled(16)
@pytest.mark.parametrize("transport", TRANSPORTS.values(), ids=TRANSPORTS)
@pytest.mark.parametrize("failure", [GOOD, *FAILURES.values()], ids=["a good response", *FAILURES])
async def test_nothing_shows_a_secret(failure: Response, transport: Transport) -> None:
    """No log, error, traceback, pickle, repr or header that the SDK exposes has token, password or student data."""
    seen = LeakRecorder()
    await watched_call(failure, transport(), seen)
    assert seen.strings
    assert seen.show(TOKEN, TOKEN.replace("-", ""), PASSWORD) == []
    assert seen.show("Lovelace", attributes=False) == []


@pytest.mark.usefixtures("instrumented")
@pytest.mark.parametrize("failure", [GOOD, *FAILURES.values()], ids=["a good response", *FAILURES])
async def test_global_instrumentation(failure: Response, spans: InMemorySpanExporter) -> None:
    """OpenTelemetry's instrumentation of all of httpx records spans without secrets."""
    seen = LeakRecorder()
    await watched_call(failure, None, seen)
    recorded = [span.to_json() for span in spans.get_finished_spans()]
    assert any("GetSectionDescription" in text for text in recorded)
    seen.strings += recorded
    assert seen.show(TOKEN, PASSWORD) == []


@pytest.mark.parametrize("failure", [GOOD, *FAILURES.values()], ids=["a good response", *FAILURES])
async def test_instrumented_transport(
    failure: Response, spans: InMemorySpanExporter, provider: TracerProvider
) -> None:
    """OpenTelemetry's transport around the user's own records spans without secrets."""
    seen = LeakRecorder()
    transport = AsyncOpenTelemetryTransport(httpx.AsyncHTTPTransport(), tracer_provider=provider)
    await watched_call(failure, transport, seen)
    recorded = [span.to_json() for span in spans.get_finished_spans()]
    assert any("GetSectionDescription" in text for text in recorded)
    seen.strings += recorded
    assert seen.show(TOKEN, PASSWORD) == []


@pytest.mark.parametrize("status", [300, 301, 302, 303, 305, 307, 308])
@pytest.mark.parametrize("at_login", [False, True])
async def test_redirects_to_another_origin_are_not_followed(status: int, at_login: bool) -> None:
    """A redirect to another origin is an error, and that origin is never called."""

    async def never(request: Request) -> Response:
        raise AssertionError("the other origin was called")

    async with ScriptedServer(never) as other:
        redirect = json_response({}, status=status, headers={"Location": f"{other.url}/steal"})

        async def respond(request: Request) -> Response:
            is_login = request.operation_id == "AdminApi_Authenticate"
            return LOGIN if is_login and not at_login else redirect

        auth = PasswordAuth("user", PASSWORD)
        async with ScriptedServer(respond) as server, NexportCampus(auth, base_url=server.url) as campus:
            with pytest.raises(NexportError) as caught:
                await campus.learning.get_section_description(section_id=SECTION)
        assert "redirect" in str(caught.value)
        assert other.requests == []


async def test_an_echo_leaves_a_response_readable() -> None:
    """A token echoed by a successful response, even in an id field, becomes zeros; the rest is unchanged."""
    echoed = {
        "attempt_id": TOKEN,
        "attempt_index": 0,
        "allow_relaunch": True,
        "num_questions": 3,
        "is_complete": True,
    }
    response = json_response([echoed | {"comments": f"see /view?access_token={TOKEN}"} | error_entity()])
    script = ScriptedServer(respond_with(response))
    async with script as server, NexportCampus(PasswordAuth("user", PASSWORD), base_url=server.url) as campus:
        with pytest.warns(DeprecationWarning, match="obsolete"):
            pager = campus.learning.get_test_attempts(enrollment_id=SECTION, assignment_id=SECTION)
        (attempt,) = (await pager).items
    assert attempt.attempt_id.int == 0
    assert attempt.num_questions == 3
    assert TOKEN not in repr(attempt)


async def test_the_log_is_structured(caplog: pytest.LogCaptureFixture) -> None:
    """The SDK's log names operation, duration, attempts and status."""
    caplog.set_level(1, logger="nexport_campus")
    async with ScriptedServer(respond_with(FAILURES["HTML"])) as server:
        retry = RetryPolicy(max_attempts=3, initial_delay=0)
        async with NexportCampus(PasswordAuth("user", PASSWORD), base_url=server.url, retry=retry) as campus:
            with pytest.raises(NexportError):
                await campus.learning.get_section_description(section_id=SECTION)
    ended = [item for item in caplog.records if hasattr(item, "attempts")]
    record = next(item for item in ended if getattr(item, "operation", "").startswith("LearningApi"))
    fields = {name: getattr(record, name) for name in ("operation", "status", "attempts", "seconds")}
    assert json.dumps(fields)
    assert fields["operation"] == "LearningApi_GetSectionDescription"
    assert (fields["status"], fields["attempts"]) == (502, 3)
    assert fields["seconds"] > 0
