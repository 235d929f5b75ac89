"""A program with traced calls: it only has to set up OpenTelemetry.

    NEXPORT_USERNAME=... NEXPORT_PASSWORD=... python traced.py ORGANIZATION_ID

Requires opentelemetry-sdk. Spans are written to standard error; a real program exports them to its collector.
"""

import asyncio
import sys

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter

from nexport_campus import NexportCampus

provider = TracerProvider(resource=Resource.create({"service.name": "nightly-report"}))
provider.add_span_processor(BatchSpanProcessor(ConsoleSpanExporter(out=sys.stderr)))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("nightly-report")


async def report(organization: str) -> int:
    """Return the number of completed enrollments of an organization."""
    async with NexportCampus.from_env() as campus:
        enrollments = campus.learning.search_enrollments(org_ids=[organization])
        with tracer.start_as_current_span("report"):  # parent of the pages' spans
            return sum([enrollment.completion_date is not None async for enrollment in enrollments])


if __name__ == "__main__":
    print(asyncio.run(report(sys.argv[1])))
