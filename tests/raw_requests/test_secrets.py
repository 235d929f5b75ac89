"""The whole query of a raw request, and its token, are on the wire and nowhere else."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from nexport_campus import ArgumentError, NexportCampus, NexportError, PasswordAuth, RetryPolicy
from nexport_campus.aiohttp import AiohttpTransport
from nexport_campus.otel import with_tracer_provider
from tests.support.leak_recorder import LeakRecorder
from tests.support.scripted_server import (
    TOKEN,
    Request,
    Response,
    ScriptedServer,
    error_entity,
    html_response,
    json_response,
    with_login,
)
from tests.support.transports import ObservedTransport

PASSWORD = "correct-horse-battery-staple"
STUDENT = "Ada.Lovelace@example.org"
PATH = "/api/v1/AdminApi/GetUsersOfTests"
RESPONSES = {
    "success": json_response([{"id": 1}]),
    "error entity": json_response(error_entity(3, "no such user"), 409),
    "HTML": html_response(502),
    "unreadable": Response(body=b"{"),
    "reset": Response(raw=b"", ending="reset"),
}
TRANSPORTS: dict[str, Callable[[], Any]] = {
    "default": lambda: None,
    "httpx": httpx.AsyncHTTPTransport,
    "aiohttp": AiohttpTransport,
    "aiohttp, observed": ObservedTransport,
}


async def call(campus: NexportCampus, way: str) -> object:
    """Make a raw request about a student."""
    params, body = {"email": STUDENT}, {"password": PASSWORD, "name": STUDENT}
    if way == "request":
        return await campus.request("POST", PATH, params=params, json=body)
    return await campus.request_pages("POST", PATH, params=params, json=body).collect()


async def record(response: Response, transport: Any, seen: LeakRecorder, way: str, view: Any = None) -> None:
    """Log in, make the request, and record everything that could show what it sends."""

    async def respond(request: Request) -> Response:
        return response

    retry = RetryPolicy(max_attempts=2, initial_delay=0)
    async with ScriptedServer(with_login(respond)) as server:
        auth = PasswordAuth("user", PASSWORD)
        settings: dict[str, Any] = {"base_url": server.url, "transport": transport, "retry": retry}
        with seen.watching():
            async with NexportCampus(auth, **settings) as campus:
                try:
                    result = await call(campus if view is None else view(campus), way)
                    seen.strings.append(repr(result) if way == "request" else "")
                except NexportError as error:
                    seen.error(error)
                seen.objects()
        for request in server.requests_to("AdminApi_GetUsersOfTests"):
            assert ("email", STUDENT) in request.query
            assert ("access_token", TOKEN) in request.query


@pytest.mark.parametrize("way", ["request", "request_pages"])
@pytest.mark.parametrize("make", TRANSPORTS.values(), ids=TRANSPORTS)
@pytest.mark.parametrize("response", RESPONSES.values(), ids=RESPONSES)
async def test_nothing_shows_the_query(response: Response, make: Callable[[], Any], way: str) -> None:
    """No log, error, attribute, traceback, pickle or repr has the student, the token or a secret of the body."""
    seen = LeakRecorder()
    await record(response, make(), seen, way)
    assert seen.strings
    for secret in (STUDENT, STUDENT.replace("@", "%40"), TOKEN, PASSWORD):
        assert seen.show(secret) == []


async def test_spans_show_no_query() -> None:
    """Neither the SDK's own spans nor those of httpx' instrumentation."""
    spans, provider, seen = InMemorySpanExporter(), TracerProvider(), LeakRecorder()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    HTTPXClientInstrumentor().instrument(tracer_provider=provider)
    try:
        await record(
            RESPONSES["error entity"],
            None,
            seen,
            "request",
            lambda campus: with_tracer_provider(campus, provider),
        )
    finally:
        HTTPXClientInstrumentor().uninstrument()
    finished = spans.get_finished_spans()
    assert "POST /api/v1/AdminApi/GetUsersOfTests" in [span.name for span in finished]
    seen.strings += [span.to_json() for span in finished]
    for secret in (STUDENT, STUDENT.replace("@", "%40"), TOKEN, PASSWORD):
        assert seen.show(secret) == []


@pytest.mark.parametrize(
    "params",
    [
        {"email": STUDENT, "access_token": STUDENT},
        {"email": [STUDENT, None]},
        {"email": STUDENT, "x": b"1"},
        {"email": {"a": STUDENT}},
        {"email": STUDENT + "\ud800"},
        [("email", STUDENT)],
    ],
    ids=["token", "none", "bytes", "mapping", "surrogate", "pairs"],
)
async def test_a_refusal_shows_no_value(params: Any) -> None:
    """The error of an invalid argument has frames too."""
    seen = LeakRecorder()
    async with NexportCampus(PasswordAuth("user", PASSWORD)) as campus:
        with pytest.raises(ArgumentError) as caught:
            await campus.request("GET", PATH, params=params)
        seen.error(caught.value)
        with pytest.raises(ArgumentError) as listed:
            campus.request_pages("GET", PATH, params=params)
        seen.error(listed.value)
    assert seen.show(STUDENT) == []


async def test_an_interrupted_request_shows_no_query() -> None:
    """Neither a cancellation nor a timeout has a frame that shows it."""
    gate, seen = asyncio.Event(), LeakRecorder()

    async def respond(request: Request) -> Response:
        return Response(gate=gate)

    async with ScriptedServer(with_login(respond)) as server:
        auth, retry = PasswordAuth("user", PASSWORD), RetryPolicy(max_attempts=1)
        async with NexportCampus(auth, base_url=server.url, retry=retry) as campus:
            with pytest.raises(NexportError) as late:
                await call(campus.with_options(timeout=0.2), "request")
            seen.error(late.value)
            task = asyncio.create_task(call(campus, "request"))
            await server.wait_for_requests(3)
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as cancelled:
                await task
            seen.error(cancelled.value)
        gate.set()
    for secret in (STUDENT, STUDENT.replace("@", "%40"), TOKEN, PASSWORD):
        assert seen.show(secret) == []
