"""When calls are traced: where the application has loaded OpenTelemetry, or where a view was given a provider."""

import json
import subprocess
import sys
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import NoOpTracerProvider

from nexport_campus import ConfigurationError, NexportCampus
from nexport_campus.otel import with_tracer_provider
from nexport_campus.sandbox import Samples, Sandbox

pytestmark = pytest.mark.nexport_sandbox(enrollments=500)
PROGRAM = """
import asyncio, json, sys
from nexport_campus import NexportCampus, PasswordAuth

def loaded():
    return sorted(name for name in sys.modules if name.partition(".")[0] == "opentelemetry")

async def main(url, username, password, section):
    async with NexportCampus(PasswordAuth(username, password), base_url=url) as campus:
        async def call():
            await campus.learning.get_section(syllabus_id=section)
{steps}

print(json.dumps(asyncio.run(main(*sys.argv[1:]))))
"""
UNTOUCHED = """
        await call()
        import nexport_campus.otel
        return loaded()
"""
BLOCKED = """
        sys.modules["opentelemetry.trace"] = sys.modules["opentelemetry"] = None
        await call()
        return [sys.modules["opentelemetry.trace"]]
"""
LATER = """
        await call()
        from opentelemetry import trace
        await call()
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
        spans, provider = InMemorySpanExporter(), TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(spans))
        trace.set_tracer_provider(provider)
        await call()
        return [span.attributes["nexport.operation_id"] for span in spans.get_finished_spans()]
"""


@pytest.fixture
def everywhere(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """What the global tracer provider records, for this test."""
    spans, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    return spans


def names(spans: InMemorySpanExporter) -> list[Any]:
    """The operations of the spans that have ended."""
    return [(span.attributes or {})["nexport.operation_id"] for span in spans.get_finished_spans()]


@pytest.mark.parametrize(
    ("steps", "result"),
    [(UNTOUCHED, []), (BLOCKED, [None]), (LATER, ["LearningApi_GetSection"])],
    ids=["never loaded", "blocked", "loaded later"],
)
def test_it_is_up_to_the_application(
    steps: str, result: list[Any], nexport_sandbox: Sandbox, samples: Samples
) -> None:
    """A program that doesn't load OpenTelemetry gets none of it; in one that does, the next call is a span."""
    program = PROGRAM.replace("{steps}", steps)
    account = (nexport_sandbox.url, nexport_sandbox.username, nexport_sandbox.password)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, *account, samples.section_id],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert json.loads(done.stdout) == result


async def test_the_global_provider(
    campus: NexportCampus, samples: Samples, everywhere: InMemorySpanExporter
) -> None:
    """A client's calls are its spans, without a word of the client's."""
    await campus.learning.get_section(syllabus_id=samples.section_id)
    assert names(everywhere) == ["AdminApi_Authenticate", "LearningApi_GetSection"]


async def test_a_provider_of_ones_own(
    campus: NexportCampus,
    traced: NexportCampus,
    samples: Samples,
    spans: InMemorySpanExporter,
    everywhere: InMemorySpanExporter,
) -> None:
    """A view's calls, and the login that one of them causes, are spans of its provider alone."""
    await traced.learning.get_section(syllabus_id=samples.section_id)
    assert names(spans) == ["AdminApi_Authenticate", "LearningApi_GetSection"]
    assert names(everywhere) == []
    await campus.learning.get_section(syllabus_id=samples.section_id)
    assert names(everywhere) == ["LearningApi_GetSection"]
    assert len(names(spans)) == 2


async def test_no_spans(campus: NexportCampus, samples: Samples, everywhere: InMemorySpanExporter) -> None:
    """With a provider that makes none there are none, of the login neither."""
    quiet = with_tracer_provider(campus, NoOpTracerProvider())
    assert (await quiet.learning.get_section(syllabus_id=samples.section_id)).title
    assert names(everywhere) == []


async def test_a_view_of_a_view(
    traced: NexportCampus, samples: Samples, spans: InMemorySpanExporter, campus: NexportCampus
) -> None:
    """Other settings keep the provider, and the whole of the client is there; closing it closes nothing."""
    view = traced.with_options(timeout=20)
    ensured = await view.ensure_enrollment(
        org_id=samples.org_id, user_id=samples.user_id, syllabus_id=samples.section_id
    )
    assert ensured.created
    assert names(spans)[-2:] == ["LearningApi_SearchEnrollments", "LearningApi_CreateEnrollment"]
    async with view:
        pass
    assert (await campus.learning.get_section(syllabus_id=samples.section_id)).title


def test_the_extra_is_missing(campus: NexportCampus, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line says which extra to install."""
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(ConfigurationError) as caught:
        with_tracer_provider(campus, NoOpTracerProvider())
    assert 'pip install "nexport-campus[otel]"' in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("wrong", [None, "provider", NoOpTracerProvider, trace.get_tracer("a tracer")])
def test_what_is_no_provider(wrong: Any, campus: NexportCampus) -> None:
    """It is refused, and told what was expected."""
    with pytest.raises(ConfigurationError, match="must be an OpenTelemetry TracerProvider"):
        with_tracer_provider(campus, wrong)
