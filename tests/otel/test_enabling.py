"""Calls are traced if the application has imported OpenTelemetry, or if a view was given a tracer provider."""

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
def global_spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """Return the spans that the global tracer provider records during this test."""
    spans, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    return spans


def operation_ids(spans: InMemorySpanExporter) -> list[Any]:
    """Return the operations of the finished spans."""
    return [(span.attributes or {})["nexport.operation_id"] for span in spans.get_finished_spans()]


@pytest.mark.parametrize(
    ("steps", "result"),
    [(UNTOUCHED, []), (BLOCKED, [None]), (LATER, ["LearningApi_GetSection"])],
    ids=["never loaded", "blocked", "loaded later"],
)
def test_the_application_decides(
    steps: str, result: list[Any], nexport_sandbox: Sandbox, samples: Samples
) -> None:
    """A program that doesn't import OpenTelemetry never loads it; after an import, the next call is traced."""
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
    campus: NexportCampus, samples: Samples, global_spans: InMemorySpanExporter
) -> None:
    """A client's calls are traced with the global provider, without any setting."""
    await campus.learning.get_section(syllabus_id=samples.section_id)
    assert operation_ids(global_spans) == ["AdminApi_Authenticate", "LearningApi_GetSection"]


async def test_a_provider_for_one_view(
    campus: NexportCampus,
    traced: NexportCampus,
    samples: Samples,
    spans: InMemorySpanExporter,
    global_spans: InMemorySpanExporter,
) -> None:
    """A view's calls, and a login that one of them causes, are traced only with its provider."""
    await traced.learning.get_section(syllabus_id=samples.section_id)
    assert operation_ids(spans) == ["AdminApi_Authenticate", "LearningApi_GetSection"]
    assert operation_ids(global_spans) == []
    await campus.learning.get_section(syllabus_id=samples.section_id)
    assert operation_ids(global_spans) == ["LearningApi_GetSection"]
    assert len(operation_ids(spans)) == 2


async def test_a_provider_without_spans(
    campus: NexportCampus, samples: Samples, global_spans: InMemorySpanExporter
) -> None:
    """With a no-op provider nothing is traced, including the login."""
    quiet = with_tracer_provider(campus, NoOpTracerProvider())
    assert (await quiet.learning.get_section(syllabus_id=samples.section_id)).title
    assert operation_ids(global_spans) == []


async def test_a_view_of_a_view(
    traced: NexportCampus, samples: Samples, spans: InMemorySpanExporter, campus: NexportCampus
) -> None:
    """Other options keep the provider and all methods of the client; closing the view closes nothing."""
    view = traced.with_options(timeout=20)
    ensured = await view.ensure_enrollment(
        org_id=samples.org_id, user_id=samples.user_id, syllabus_id=samples.section_id
    )
    assert ensured.created
    assert operation_ids(spans)[-2:] == ["LearningApi_SearchEnrollments", "LearningApi_CreateEnrollment"]
    async with view:
        pass
    assert (await campus.learning.get_section(syllabus_id=samples.section_id)).title


def test_a_missing_extra(campus: NexportCampus, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the extra to install, in one line."""
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(ConfigurationError) as caught:
        with_tracer_provider(campus, NoOpTracerProvider())
    assert str(caught.value) == 'nexport_campus.otel needs: pip install "nexport-campus[otel]"'


@pytest.mark.parametrize("wrong", [None, "provider", NoOpTracerProvider, trace.get_tracer("a tracer")])
def test_an_invalid_provider_is_refused(wrong: Any, campus: NexportCampus) -> None:
    """Anything but a TracerProvider raises ConfigurationError."""
    with pytest.raises(ConfigurationError, match="must be an OpenTelemetry TracerProvider"):
        with_tracer_provider(campus, wrong)
