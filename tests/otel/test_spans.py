"""Attributes and status of spans: the operation, its address, its outcome and the number of attempts."""

from typing import Any

import attrs
import httpx
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import SpanKind, StatusCode

from nexport_campus import ArgumentError, NexportCampus, NexportError, RetryPolicy, StaticToken, __version__
from nexport_campus.otel import with_tracer_provider
from nexport_campus.sandbox import Samples, Sandbox
from nexport_client.api.learning_api.learning_api_get_section import OPERATION
from nexport_client.kinds import UUID_
from nexport_client.operation import Parameter
from tests.support.clients import campus_with
from tests.support.scripted_server import Response, error_entity, html_response, json_response
from tests.support.spec import example_response

SECTION = "12345678-1234-5678-9abc-123456789abc"
GOOD = json_response({"description": "Safety first"} | error_entity())
TWICE = RetryPolicy(max_attempts=2, initial_delay=0)
pytestmark = pytest.mark.nexport_sandbox(enrollments=500)


def only_span(spans: InMemorySpanExporter, operation_id: str) -> ReadableSpan:
    """Return the only span of an operation."""
    (span,) = [
        span
        for span in spans.get_finished_spans()
        if attributes_of(span)["nexport.operation_id"] == operation_id
    ]
    return span


def attributes_of(span: ReadableSpan) -> dict[str, Any]:
    """Return a span's attributes."""
    return dict(span.attributes or {})


async def call(campus: NexportCampus) -> object:
    """Return the result of a call, or its error."""
    try:
        return await campus.learning.get_section_description(section_id=SECTION)
    except NexportError as error:
        return error


async def test_a_call_is_a_span(
    traced: NexportCampus, spans: InMemorySpanExporter, samples: Samples, nexport_sandbox: Sandbox
) -> None:
    """It is a CLIENT span named by method and URL template, with exactly the documented attributes."""
    await traced.learning.get_section(syllabus_id=samples.section_id)
    span = only_span(spans, "LearningApi_GetSection")
    url = httpx.URL(nexport_sandbox.url)
    assert (span.name, span.kind) == ("GET /api/v1/LearningApi/GetSection", SpanKind.CLIENT)
    assert attributes_of(span) == {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "server.address": url.host,
        "server.port": url.port,
        "url.full": f"{nexport_sandbox.url}/api/v1/LearningApi/GetSection",
        "url.template": "/api/v1/LearningApi/GetSection",
        "nexport.operation_id": "LearningApi_GetSection",
        "nexport.attempts": 1,
    }
    assert (span.status.status_code, span.status.description) == (StatusCode.UNSET, None)
    assert (span.events, span.links) == ((), ())


async def test_the_instrumentation_scope(
    traced: NexportCampus, spans: InMemorySpanExporter, samples: Samples
) -> None:
    """Spans name the package, its version, and the version of the semantic conventions."""
    await traced.learning.get_section(syllabus_id=samples.section_id)
    scope = spans.get_finished_spans()[0].instrumentation_scope
    assert scope is not None
    assert (scope.name, scope.version) == ("nexport_campus", __version__)
    assert scope.schema_url == "https://opentelemetry.io/schemas/1.27.0"


async def test_a_login_is_a_span(
    traced: NexportCampus, spans: InMemorySpanExporter, samples: Samples
) -> None:
    """A login is a single span, below the call that needed the token."""
    for _ in range(2):
        await traced.learning.get_section(syllabus_id=samples.section_id)
    login = only_span(spans, "AdminApi_Authenticate")
    calls = [span for span in spans.get_finished_spans() if span is not login]
    assert login.parent is not None
    assert [span.context.span_id == login.parent.span_id for span in calls] == [True, False]
    assert [span.parent for span in calls] == [None, None]
    assert login.name == "POST /api/v1/AdminApi/Authenticate"


@pytest.mark.nexport_faults(operation="LearningApi_GetSection", status=503, times=2)
async def test_retries_share_a_span(
    traced: NexportCampus, spans: InMemorySpanExporter, samples: Samples
) -> None:
    """Retries are attempts within one span, which ends like the last of them."""
    await traced.learning.get_section(syllabus_id=samples.section_id)
    span = only_span(spans, "LearningApi_GetSection")
    counts = [attributes_of(span)[key] for key in ("nexport.attempts", "http.request.resend_count")]
    assert counts == [3, 2]
    assert attributes_of(span)["http.response.status_code"] == 200
    assert span.status.status_code is StatusCode.UNSET


@pytest.mark.nexport_faults(operation="LearningApi_GetSection", expire_token=True, nth=2)
async def test_a_refused_token(traced: NexportCampus, spans: InMemorySpanExporter, samples: Samples) -> None:
    """The replay is another attempt, and the second login is a span below the call."""
    for _ in range(2):
        await traced.learning.get_section(syllabus_id=samples.section_id)
    first, replayed = (span for span in spans.get_finished_spans() if "GetSection" in span.name)
    logins = [span for span in spans.get_finished_spans() if "Authenticate" in span.name]
    assert [attributes_of(span)["nexport.attempts"] for span in (first, replayed)] == [1, 2]
    parents = [span.parent.span_id for span in logins if span.parent is not None]
    assert parents == [first.context.span_id, replayed.context.span_id]


ENDINGS: dict[str, tuple[list[Response], dict[str, Any]]] = {
    "an error entity": (
        [json_response(error_entity(3, "No such section"), 409)],
        {"http.response.status_code": 409, "error.type": "NotFoundError", "nexport.error_code": 3},
    ),
    "an error entity in a 200": (
        [json_response(error_entity(1, "Unknown"))],
        {"http.response.status_code": 200, "error.type": "ServerError", "nexport.error_code": 1},
    ),
    "a status": (
        [html_response(502)] * 2,
        {"http.response.status_code": 502, "error.type": "ServerError", "nexport.attempts": 2},
    ),
    "unreadable": (
        [Response(body=b"<p>")],
        {"http.response.status_code": 200, "error.type": "ResponseDecodeError"},
    ),
    "reset": (
        [Response(raw=b"", ending="reset")] * 2,
        {"error.type": "TransportError", "nexport.attempts": 2},
    ),
    "a status, then reset": (
        [html_response(502), Response(raw=b"", ending="reset")],
        {"error.type": "TransportError", "nexport.attempts": 2},
    ),
    "reset, then success": (
        [Response(raw=b"", ending="reset"), GOOD],
        {"http.response.status_code": 200, "nexport.attempts": 2},
    ),
}


@pytest.mark.parametrize(("responses", "ending"), ENDINGS.values(), ids=ENDINGS)
async def test_how_a_call_ends(
    responses: list[Response], ending: dict[str, Any], provider: TracerProvider, spans: InMemorySpanExporter
) -> None:
    """An error sets the status and error.type; the status code is of the last attempt; no description or event is set."""
    async with campus_with(*responses, retry=TWICE) as (campus, _):
        await call(with_tracer_provider(campus, provider))
    span = only_span(spans, "LearningApi_GetSectionDescription")
    endings = {"http.response.status_code", "error.type", "nexport.error_code", "nexport.attempts"}
    shown = {key: value for key, value in attributes_of(span).items() if key in endings}
    assert shown == {"nexport.attempts": 1} | ending
    expected = StatusCode.ERROR if "error.type" in ending else StatusCode.UNSET
    assert (span.status.status_code, span.status.description) == (expected, None)
    assert span.events == ()


async def test_a_write_with_an_unknown_outcome(provider: TracerProvider, spans: InMemorySpanExporter) -> None:
    """A write that may have been applied is marked, so that it can be found and checked."""
    lost = Response(raw=b"", ending="reset")
    async with campus_with(lost) as (campus, _):
        with pytest.raises(NexportError):
            await with_tracer_provider(campus, provider).learning.drop_enrollment(enrollment_id=SECTION)
    assert attributes_of(only_span(spans, "LearningApi_DropEnrollment"))["nexport.maybe_applied"] is True


async def test_a_list_element_with_an_error(provider: TracerProvider, spans: InMemorySpanExporter) -> None:
    """A list that raises for an element is an error, although the response was a 200."""
    field = example_response("LearningApi_GetCustomEnrollmentFieldValues")[0]
    response = json_response([field, field | error_entity(3, "No such field")])
    async with campus_with(response) as (campus, _):
        with pytest.raises(NexportError) as caught:
            await with_tracer_provider(campus, provider).learning.get_custom_enrollment_field_values(
                enrollment_id=SECTION
            )
    assert caught.value.index == 1
    attributes = attributes_of(only_span(spans, "LearningApi_GetCustomEnrollmentFieldValues"))
    assert attributes["http.response.status_code"] == 200
    assert (attributes["error.type"], attributes["nexport.error_code"]) == ("NotFoundError", 3)


async def test_total_timeout(provider: TracerProvider, spans: InMemorySpanExporter) -> None:
    """Exceeding `total_timeout` ends the span."""
    retry = RetryPolicy(total_timeout=0.05, initial_delay=60, max_delay=60)
    busy = json_response({}, 429, headers={"Retry-After": "0.04"})
    async with campus_with(*[busy] * 4, retry=retry) as (campus, _):
        error = await call(with_tracer_provider(campus, provider))
    span = only_span(spans, "LearningApi_GetSectionDescription")
    assert attributes_of(span)["error.type"] == type(error).__name__
    assert span.status.status_code is StatusCode.ERROR


async def test_raw_responses(traced: NexportCampus, spans: InMemorySpanExporter, samples: Samples) -> None:
    """Calls of `campus.raw` have the same spans; that of a page has its number."""
    await traced.raw.learning.get_section(syllabus_id=samples.section_id)
    await traced.raw.learning.search_enrollments(user_ids=[samples.user_id], page=2)
    assert "nexport.page" not in attributes_of(only_span(spans, "LearningApi_GetSection"))
    assert attributes_of(only_span(spans, "LearningApi_SearchEnrollments"))["nexport.page"] == 2


async def test_a_call_that_sends_nothing_has_no_span(
    provider: TracerProvider, spans: InMemorySpanExporter
) -> None:
    """A refused argument and a closed client create no span."""
    async with campus_with() as (campus, server):
        view = with_tracer_provider(campus, provider)
        with pytest.raises(ArgumentError):
            await view.learning.get_section(syllabus_id="section one")
        await campus.aclose()
        assert isinstance(await call(view), NexportError)
        assert server.requests == []
    assert spans.get_finished_spans() == ()


@pytest.mark.parametrize(
    ("base_url", "address", "port", "prefix"),
    [
        ("https://campus.example", "campus.example", 443, ""),
        ("https://campus.example:8443/lms", "campus.example", 8443, "/lms"),
        ("http://[::1]", "::1", 80, ""),
    ],
)
async def test_addresses_follow_the_conventions(
    base_url: str,
    address: str,
    port: int,
    prefix: str,
    provider: TracerProvider,
    spans: InMemorySpanExporter,
) -> None:
    """The server address has no brackets, the port is always set, and the template includes the base URL's path."""
    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=GOOD.body))
    async with NexportCampus(StaticToken("any"), base_url=f"{base_url}/", transport=transport) as campus:
        await call(with_tracer_provider(campus, provider))
    (span,) = spans.get_finished_spans()
    path = "/api/v1/LearningApi/GetSectionDescription"
    assert (attributes_of(span)["server.address"], attributes_of(span)["server.port"]) == (address, port)
    assert attributes_of(span)["url.full"] == base_url + path
    assert (span.name, attributes_of(span)["url.template"]) == (f"GET {prefix}{path}", f"{prefix}{path}")


async def test_ids_in_the_path_are_hidden(provider: TracerProvider, spans: InMemorySpanExporter) -> None:
    """Names and URLs have the path's template instead of an id in it."""
    user = Parameter("user_id", "user_id", UUID_, required=True)
    operation = attrs.evolve(OPERATION, path="/api/v1/UserApi/{user_id}/Get", query=(), parts=(user,))
    async with campus_with(json_response(error_entity(3), 409)) as (campus, server):
        view: Any = with_tracer_provider(campus, provider)
        with pytest.raises(NexportError):
            await view.learning._caller.call(operation, {"user_id": SECTION})
        assert SECTION in server.requests[0].path
    (span,) = spans.get_finished_spans()
    assert attributes_of(span)["url.full"] == f"{server.url}/api/v1/UserApi/{{user_id}}/Get"
    assert SECTION not in span.to_json()


class DroppingSampler(Sampler):
    """Records the attributes that a sampler receives, and drops every span."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []

    def should_sample(self, parent_context: Any, trace_id: int, name: str, *rest: Any, **more: Any) -> Any:
        attributes = more.get("attributes") or next(item for item in rest if isinstance(item, dict))
        self.seen.append({"name": name, **attributes})
        return SamplingResult(Decision.DROP)

    def get_description(self) -> str:
        return "DroppingSampler"


async def test_samplers_get_the_known_attributes(campus: NexportCampus, samples: Samples) -> None:
    """Samplers receive the name and everything known in advance; dropping a span doesn't affect the call."""
    sampler = DroppingSampler()
    view = with_tracer_provider(campus, TracerProvider(sampler=sampler))
    assert await view.learning.search_enrollments(user_ids=[samples.user_id]).collect(1)
    seen = next(item for item in sampler.seen if item["name"].endswith("SearchEnrollments"))
    assert {
        "http.request.method",
        "server.address",
        "url.template",
        "nexport.operation_id",
        "nexport.page",
    } <= {*seen}
