"""The decision whether to trace calls: only if the application has loaded OpenTelemetry, at no cost otherwise."""

import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from nexport_campus._settings import Settings

from .call import Call

__all__ = ["trace_call"]

_NO_SPAN = nullcontext()


def trace_call(settings: Settings, call: Call[Any]) -> AbstractContextManager[None]:
    """Return the context manager for one call's span.

    Only the application loads OpenTelemetry; this package never imports it by itself.
    """
    if sys.modules.get("opentelemetry.trace") is None:
        return _NO_SPAN
    from .spans import CallSpan

    return CallSpan(settings, call)
