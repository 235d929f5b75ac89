"""Whether a call is traced: where the application itself has loaded OpenTelemetry, which costs nothing elsewhere."""

import sys
from contextlib import AbstractContextManager, nullcontext

from nexport_campus._settings import Settings

from .call_state import CallState

__all__ = ["span_of"]

_NO_SPAN = nullcontext()


def span_of(settings: Settings, progress: CallState, page: int | None) -> AbstractContextManager[None]:
    """The span of one call, to be entered while it runs; `page` is the page of a list that it asks for.

    It is up to the application to load OpenTelemetry: this package never does by itself.
    """
    if sys.modules.get("opentelemetry.trace") is None:
        return _NO_SPAN
    from .spans import CallSpan

    return CallSpan(settings, progress, page)
