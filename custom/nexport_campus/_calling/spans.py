"""The span of a call, following OpenTelemetry's semantic conventions for HTTP clients. Requires opentelemetry-api.

A call is one span, however many requests it takes; those are child spans of the HTTP instrumentation. A span has no
query, no body and no message, because these may identify students; the error's own message stays in the error.
"""

from functools import lru_cache
from types import TracebackType
from typing import TYPE_CHECKING, Any

import httpx
from opentelemetry import context, trace
from opentelemetry.trace import SpanKind, StatusCode

from nexport_campus._errors import APIError, NexportError
from nexport_campus._settings import Settings
from nexport_campus._version import __version__

from .call import Call

if TYPE_CHECKING:
    from opentelemetry.util.types import AttributeValue

__all__ = ["CallSpan", "get_tracer"]

_SCHEMA = "https://opentelemetry.io/schemas/1.27.0"
_TRACER = context.create_key("nexport_campus.tracer")
"""The context key for a tracer that was given to a view, for the login that a call may trigger."""


@lru_cache(maxsize=1)
def get_tracer(provider: trace.TracerProvider) -> trace.Tracer:
    """Return this package's tracer, cached because some providers create a new one each time."""
    return provider.get_tracer("nexport_campus", __version__, schema_url=_SCHEMA)


class CallSpan:
    """The span of one call, current while the call runs: a child of the caller's and the parent of its requests'."""

    def __init__(self, settings: Settings, call: Call[Any]) -> None:
        self._settings = settings
        self._call = call

    def __enter__(self) -> None:
        given = self._settings.tracer or context.get_value(_TRACER)
        tracer = given if isinstance(given, trace.Tracer) else get_tracer(trace.get_tracer_provider())
        operation = self._call.operation
        name, attributes = _start_attributes(
            str(self._settings.base_url), operation.id, operation.method, operation.path
        )
        if self._call.page is not None:
            attributes = {**attributes, "nexport.page": self._call.page}
        self._span = tracer.start_span(name, kind=SpanKind.CLIENT, attributes=attributes)
        current = trace.set_span_in_context(self._span)
        self._token = context.attach(context.set_value(_TRACER, given, current) if given else current)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace_: TracebackType | None
    ) -> None:
        # A coroutine closed by the garbage collector ends in a context where its span was never current.
        if kind is not GeneratorExit or trace.get_current_span() is self._span:
            context.detach(self._token)
        if self._span.is_recording():
            self._span.set_attributes(_end_attributes(self._call, error))
            if error is not None:
                self._span.set_status(StatusCode.ERROR)
        self._span.end()


@lru_cache(maxsize=1024)
def _start_attributes(
    base_url: str, operation_id: str, method: str, path: str
) -> "tuple[str, dict[str, AttributeValue]]":
    """Return the name of a call's span and the attributes known at its start, which samplers use."""
    base = httpx.URL(base_url)
    template = base.path.rstrip("/") + path
    return f"{method} {template}", {
        "http.request.method": method,
        "server.address": base.host,
        "server.port": base.port or (443 if base.scheme == "https" else 80),
        "url.full": base_url + path,  # unfilled placeholders: their values may be students' ids
        "url.template": template,
        "nexport.operation_id": operation_id,
    }


def _end_attributes(call: Call[Any], error: BaseException | None) -> "dict[str, AttributeValue]":
    """Return the attributes known when a call has succeeded, failed or been cancelled."""
    found: dict[str, AttributeValue] = {"nexport.attempts": call.attempts}
    if call.attempts > 1:
        found["http.request.resend_count"] = call.attempts - 1
    if call.status is not None:
        found["http.response.status_code"] = call.status
    if error is None:
        return found
    found["error.type"] = type(error).__qualname__
    if isinstance(error, APIError) and error.error_code is not None:
        found["nexport.error_code"] = error.error_code
    if isinstance(error, NexportError) and error.maybe_applied:
        found["nexport.maybe_applied"] = True
    return found
