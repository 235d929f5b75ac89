"""The decision whether to trace calls: only if the application has loaded OpenTelemetry, at no cost otherwise."""

import sys
from contextlib import AbstractContextManager, nullcontext

from nexport_campus._settings import Settings

from .call_state import CallState

__all__ = ["span_of"]

_NO_SPAN = nullcontext()


def span_of(settings: Settings, state: CallState, page: int | None) -> AbstractContextManager[None]:
    """Return the context manager for one call's span; `page` is the requested page of a list.

    Only the application loads OpenTelemetry; this package never imports it by itself.
    """
    if sys.modules.get("opentelemetry.trace") is None:
        return _NO_SPAN
    from .spans import CallSpan

    return CallSpan(settings, state, page)
