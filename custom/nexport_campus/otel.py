"""Traces with OpenTelemetry; it needs the `otel` extra.

Nothing has to be switched on: in an application that has loaded OpenTelemetry, every call is a span of its global tracer
provider. This module is for a provider of one's own, or for none:

    view = with_tracer_provider(campus, provider)
    quiet = with_tracer_provider(campus, NoOpTracerProvider())

`docs/tracing.md` says what is in a span, and what never is.
"""

from typing import TYPE_CHECKING, TypeVar

from ._client import NexportCampus
from ._errors import ConfigurationError

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

__all__ = ["with_tracer_provider"]

Campus = TypeVar("Campus", bound=NexportCampus)


def with_tracer_provider(campus: Campus, tracer_provider: "TracerProvider") -> Campus:
    """A view of a client whose calls are spans of this provider; a login that one of them causes is, too.

    Args:
        campus: The client, or a view of one. The view has its connections, limits and token; closing it closes nothing.
        tracer_provider: Whose tracer makes the spans, whatever the global provider is; with OpenTelemetry's
            `NoOpTracerProvider` there are none.

    Raises:
        ConfigurationError: It is no tracer provider, or the `otel` extra isn't installed.

    Source: OpenTelemetry's semantic conventions for HTTP client spans, and its advice to libraries.
    """
    try:
        from opentelemetry import trace
    except ImportError as error:
        raise ConfigurationError(
            'traces need opentelemetry-api, which isn\'t installed: pip install "nexport-campus[otel]"'
        ) from error
    from ._calling.spans import tracer_of

    if not isinstance(tracer_provider, trace.TracerProvider):
        raise ConfigurationError(
            f"tracer_provider must be an OpenTelemetry TracerProvider, got {type(tracer_provider).__name__}"
        )
    return campus._view(tracer=tracer_of(tracer_provider))
