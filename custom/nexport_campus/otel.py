"""Traces with OpenTelemetry. Requires the `otel` extra.

Tracing needs no setup: in an application that has loaded OpenTelemetry, every call is a span of its global tracer
provider. This module is for using a different provider, or none:

    view = with_tracer_provider(campus, provider)
    quiet = with_tracer_provider(campus, NoOpTracerProvider())

`docs/tracing.md` lists what a span contains, and what it never contains.
"""

from typing import TYPE_CHECKING, TypeVar

from ._client import NexportCampus
from ._errors import ConfigurationError
from ._version import describe_missing_extra

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

__all__ = ["with_tracer_provider"]

CampusT = TypeVar("CampusT", bound=NexportCampus)


def with_tracer_provider(campus: CampusT, tracer_provider: "TracerProvider") -> CampusT:
    """Return a view of a client whose calls, and the logins that they trigger, are spans of this provider.

    Args:
        campus: The client, or a view of one. The view shares its connections, limits and token; closing it has no
            effect.
        tracer_provider: The provider to use instead of the global one; OpenTelemetry's `NoOpTracerProvider` turns
            tracing off.

    Raises:
        ConfigurationError: It isn't a tracer provider, or the `otel` extra isn't installed.

    Source: OpenTelemetry's semantic conventions for HTTP client spans, and its advice to libraries.
    """
    try:
        from opentelemetry import trace
    except ImportError as error:
        raise ConfigurationError(describe_missing_extra(__name__, "otel")) from error
    from ._calling.spans import get_tracer

    if not isinstance(tracer_provider, trace.TracerProvider):
        raise ConfigurationError(
            f"tracer_provider must be an OpenTelemetry TracerProvider, got {type(tracer_provider).__name__}"
        )
    return campus._view(tracer=get_tracer(tracer_provider))
