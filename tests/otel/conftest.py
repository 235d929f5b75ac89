"""A tracer provider for each test, the spans that it records, and a traced view of the sandbox's client."""

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from nexport_campus import NexportCampus
from nexport_campus.otel import with_tracer_provider
from nexport_campus.sandbox import Samples, Sandbox


@pytest.fixture
def spans() -> InMemorySpanExporter:
    """Return the exporter that holds the finished spans."""
    return InMemorySpanExporter()


@pytest.fixture
def provider(spans: InMemorySpanExporter) -> TracerProvider:
    """Return a tracer provider that exports to `spans`."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    return provider


@pytest.fixture
def traced(campus: NexportCampus, provider: TracerProvider) -> NexportCampus:
    """Return a view of the sandbox's client that is traced with this provider."""
    return with_tracer_provider(campus, provider)


@pytest.fixture
async def samples(nexport_sandbox: Sandbox) -> Samples:
    """Return the sandbox's sample ids."""
    return await nexport_sandbox.samples()
