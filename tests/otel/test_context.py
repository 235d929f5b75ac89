"""The context of spans: below the caller's span, above those of the HTTP requests, and separate between tasks."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import aclosing
from contextvars import copy_context
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode, Tracer

from nexport_campus import AccessToken, NexportCampus, NexportError
from nexport_campus.otel import with_tracer_provider
from nexport_campus.sandbox import Samples
from tests.support.clients import campus_with
from tests.support.scripted_server import Request, Response, error_entity, json_response

SECTION = "12345678-1234-5678-9abc-123456789abc"
SEARCH = "LearningApi_SearchEnrollments"
GOOD = json_response({"description": "Safety first"} | error_entity())
pytestmark = pytest.mark.nexport_sandbox(enrollments=500)


class OpenSpanCounter(SpanProcessor):
    """Counts the open spans, and the largest number of them."""

    def __init__(self) -> None:
        self.open = self.maximum = 0

    def on_start(self, span: Span, parent_context: Any = None) -> None:
        self.open += 1
        self.maximum = max(self.maximum, self.open)

    def on_end(self, span: ReadableSpan) -> None:
        self.open -= 1


@pytest.fixture
def tracer(provider: TracerProvider) -> Tracer:
    """Return a tracer for the caller's spans."""
    return provider.get_tracer("the caller")


@pytest.fixture
def count(provider: TracerProvider) -> OpenSpanCounter:
    """Return a counter that shows whether each span has ended."""
    count = OpenSpanCounter()
    provider.add_span_processor(count)
    return count


@pytest.fixture
def instrumented(provider: TracerProvider) -> Iterator[None]:
    """Enable OpenTelemetry's httpx instrumentation, which needs a newer API than the SDK does."""
    module = pytest.importorskip("opentelemetry.instrumentation.httpx", exc_type=ImportError)
    instrumentor = module.HTTPXClientInstrumentor()
    instrumentor.instrument(tracer_provider=provider)
    yield
    instrumentor.uninstrument()


def spans_of(spans: InMemorySpanExporter, operation_id: str) -> list[ReadableSpan]:
    """Return the spans of an operation, ordered by page."""
    matching = [
        span
        for span in spans.get_finished_spans()
        if (span.attributes or {}).get("nexport.operation_id") == operation_id
    ]
    return sorted(matching, key=lambda span: str((span.attributes or {}).get("nexport.page", "")))


def parents(spans: list[ReadableSpan]) -> set[int | None]:
    """Return the ids of the parent spans."""
    return {span.parent and span.parent.span_id for span in spans}


def pages(spans: list[ReadableSpan]) -> list[Any]:
    """Return the page numbers in the spans' attributes."""
    return [(span.attributes or {})["nexport.page"] for span in spans]


@pytest.mark.usefixtures("instrumented")
@pytest.mark.nexport_faults(operation="LearningApi_GetSection", status=503, nth=1)
async def test_requests_are_children_of_the_call(
    traced: NexportCampus, spans: InMemorySpanExporter, samples: Samples, tracer: Tracer
) -> None:
    """Each attempt is a span of the HTTP instrumentation, below the call's span, which is below the caller's."""
    with tracer.start_as_current_span("the job") as job:
        await traced.learning.get_section(syllabus_id=samples.section_id)
    (call,) = spans_of(spans, "LearningApi_GetSection")
    (login,) = spans_of(spans, "AdminApi_Authenticate")
    assert parents([call]) == {job.get_span_context().span_id}
    below = [span for span in spans.get_finished_spans() if span.name in {"GET", "POST"}]
    above = [span.parent.span_id for span in below if span.parent is not None]
    assert sorted(above) == sorted([login.context.span_id, call.context.span_id, call.context.span_id])
    assert {span.context.trace_id for span in spans.get_finished_spans()} == {call.context.trace_id}


@pytest.mark.parametrize("ahead", [1, 3])
async def test_each_page_has_a_span(
    ahead: int, traced: NexportCampus, spans: InMemorySpanExporter, samples: Samples, tracer: Tracer
) -> None:
    """Each has its page number and is a child of the caller's span, which is current between pages."""
    pager = traced.learning.search_enrollments(org_ids=samples.org_ids, per_page=100).concurrent(ahead)
    with tracer.start_as_current_span("the export") as export:
        async for _ in pager.pages():
            assert trace.get_current_span() is export
        assert trace.get_current_span() is export
    page_spans = spans_of(spans, SEARCH)
    assert pages(page_spans) == list(range(1, len(page_spans) + 1))
    assert len(page_spans) >= 3
    assert parents(page_spans) == {export.get_span_context().span_id}


async def test_a_failed_page(
    traced: NexportCampus, spans: InMemorySpanExporter, samples: Samples, nexport_sandbox: Any
) -> None:
    """Its span has the page number and an error status; the spans of earlier pages have none."""
    body = '{"api_error_entity": {"error_code": 5, "error_message": "not yours"}}'
    await nexport_sandbox.faults.add(operation=SEARCH, nth=2, status=403, body=body)
    with pytest.raises(NexportError) as caught:
        await traced.learning.search_enrollments(org_ids=samples.org_ids, per_page=100).collect()
    assert caught.value.page == 2
    succeeded, failed = spans_of(spans, SEARCH)
    assert pages([succeeded, failed]) == [1, 2]
    assert succeeded.status.status_code is StatusCode.UNSET
    assert failed.status.status_code is StatusCode.ERROR


async def test_an_abandoned_list(
    traced: NexportCampus, samples: Samples, count: OpenSpanCounter, spans: InMemorySpanExporter
) -> None:
    """Pages in flight are cancelled, and their spans end."""
    pager = traced.learning.search_enrollments(org_ids=samples.org_ids, per_page=20).concurrent(4)
    async with aclosing(pager.pages()) as iterator:
        async for page in iterator:
            if page.number == 3:
                break
    assert count.maximum > 1
    assert count.open == 0
    assert not trace.get_current_span().get_span_context().is_valid


async def test_concurrent_tasks_have_separate_spans(
    traced: NexportCampus, spans: InMemorySpanExporter, samples: Samples, tracer: Tracer
) -> None:
    """Concurrent calls are children of their respective callers' spans, and all spans end."""

    async def job(number: int) -> tuple[int, int]:
        with tracer.start_as_current_span(f"job {number}") as span:
            await traced.learning.get_section(syllabus_id=samples.section_id)
            assert trace.get_current_span() is span
            return number, span.get_span_context().span_id

    jobs = dict(await asyncio.gather(*map(job, range(20))))
    assert len(spans_of(spans, "AdminApi_Authenticate")) == 1
    calls = spans_of(spans, "LearningApi_GetSection")
    assert len(calls) == 20
    assert parents(calls) == set(jobs.values())


async def test_a_cancelled_call(
    provider: TracerProvider, spans: InMemorySpanExporter, count: OpenSpanCounter
) -> None:
    """The span ends with CancelledError as its error type."""
    gate = asyncio.Event()
    async with campus_with(Response(gate=gate)) as (campus, server):
        view = with_tracer_provider(campus, provider)
        task = asyncio.create_task(view.learning.get_section(syllabus_id=SECTION))
        await server.wait_for_requests(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        gate.set()
    (span,) = spans.get_finished_spans()
    attributes = dict(span.attributes or {})
    assert span.status.status_code is StatusCode.ERROR
    assert (attributes["error.type"], attributes["nexport.attempts"]) == ("CancelledError", 1)
    assert "http.response.status_code" not in attributes
    assert count.open == 0


async def test_a_call_closed_in_another_context(
    provider: TracerProvider, count: OpenSpanCounter, caplog: pytest.LogCaptureFixture
) -> None:
    """A call that is closed outside its task, as on a closed loop, ends its span without a warning in the log."""
    caplog.set_level(logging.WARNING)
    never: asyncio.Future[AccessToken] = asyncio.get_running_loop().create_future()
    async with campus_with(auth=lambda: never) as (campus, _):
        call: Any = with_tracer_provider(campus, provider).learning.get_section(syllabus_id=SECTION)
        copy_context().run(call.send, None)
        assert count.open == 1
        call.close()
        assert count.open == 0
    assert caplog.records == []


async def test_a_call_closed_in_the_same_context(provider: TracerProvider, count: OpenSpanCounter) -> None:
    """A call that is closed in the context where it started restores that context."""
    never: asyncio.Future[AccessToken] = asyncio.get_running_loop().create_future()
    async with campus_with(auth=lambda: never) as (campus, _):
        call: Any = with_tracer_provider(campus, provider).learning.get_section(syllabus_id=SECTION)
        call.send(None)
        assert trace.get_current_span().get_span_context().is_valid
        call.close()
        assert not trace.get_current_span().get_span_context().is_valid
        assert count.open == 0


async def test_log_records_belong_to_the_span(
    provider: TracerProvider, spans: InMemorySpanExporter, caplog: pytest.LogCaptureFixture
) -> None:
    """The SDK logs its line about a call while the span is current."""
    seen = []

    class Correlated(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            seen.append((record.getMessage(), trace.get_current_span().get_span_context().span_id))
            return True

    caplog.set_level(logging.DEBUG, logger="nexport_campus")
    logger, correlated = logging.getLogger("nexport_campus"), Correlated()
    logger.addFilter(correlated)
    try:
        async with campus_with(GOOD) as (campus, _):
            await with_tracer_provider(campus, provider).learning.get_section_description(section_id=SECTION)
    finally:
        logger.removeFilter(correlated)
    (span,) = spans.get_finished_spans()
    assert [span_id for message, span_id in seen if "GetSectionDescription" in message] == [
        span.context.span_id
    ]


async def test_an_auth_function_runs_below_the_call(
    provider: TracerProvider, spans: InMemorySpanExporter, tracer: Tracer
) -> None:
    """Spans of an `auth` function are children of the call that needed the token."""

    async def auth() -> AccessToken:
        with tracer.start_as_current_span("the vault"):
            return AccessToken("from-the-vault")

    async def respond(request: Request) -> Response:
        return GOOD

    async with campus_with(respond, auth=auth) as (campus, _):
        await with_tracer_provider(campus, provider).learning.get_section_description(section_id=SECTION)
    vault, call = spans.get_finished_spans()
    assert parents([vault]) == {call.context.span_id}
