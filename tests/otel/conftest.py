"""A tracer provider of the test's own, what it records, and a view of the sandbox's client that is traced with it."""

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from nexport_campus import NexportCampus
from nexport_campus.otel import with_tracer_provider
from nexport_campus.sandbox import Samples, Sandbox


@pytest.fixture
def spans() -> InMemorySpanExporter:
    """The spans that have ended."""
    return InMemorySpanExporter()


@pytest.fixture
def provider(spans: InMemorySpanExporter) -> TracerProvider:
    """A tracer provider that records there."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    return provider


@pytest.fixture
def traced(campus: NexportCampus, provider: TracerProvider) -> NexportCampus:
    """A view of the sandbox's client whose calls are spans of that provider."""
    return with_tracer_provider(campus, provider)


@pytest.fixture
async def samples(nexport_sandbox: Sandbox) -> Samples:
    """Ids worth trying."""
    return await nexport_sandbox.samples()
