"""Drift: differences between the vendor's spec and actual responses."""

import logging
import re
from collections.abc import Callable, Coroutine

import attrs

__all__ = ["Drift", "DriftReporter"]

_logger = logging.getLogger("nexport_campus")
_INDEX = re.compile(r"\[\d+\]")
_MOST = 10_000


@attrs.frozen
class Drift:
    """A difference between the spec and a response.

    `kind`: `missing_required`, `unknown_enum_value`, `unknown_field`, `lone_surrogate`, `total_changed` or
    `page_ignored`. `operation_id`: the vendor's operation. `path`: the place in the response, such as
    `[2].section.title`. `detail`: what was found; it names fields and numbers, and never quotes strings of the
    response.
    """

    kind: str
    operation_id: str
    path: str
    detail: str


def log_drift(drift: Drift) -> None:
    """Log drift, the default for `on_drift`: as a warning, or at debug level for unknown fields, which are normal."""
    level = logging.DEBUG if drift.kind == "unknown_field" else logging.WARNING
    _logger.log(
        level,
        "%s differs from the spec at %s: %s (%s)",
        drift.operation_id,
        drift.path,
        drift.detail,
        drift.kind,
    )


class DriftReporter:
    """Reporter that reports each difference once per kind and place, whichever list elements it occurs in."""

    def __init__(self, tell: Callable[[Drift], object] | None) -> None:
        self._tell = tell or log_drift
        self._told: set[tuple[str, str, str]] = set()

    def report(self, kind: str, operation_id: str, path: str, detail: str) -> None:
        """Report drift unless it was reported before. Exceptions of the user's function are logged and suppressed."""
        place = (kind, operation_id, _INDEX.sub("[]", path))
        if place in self._told or len(self._told) >= _MOST:
            return
        self._told.add(place)
        try:
            result = self._tell(Drift(kind, operation_id, path, detail))
            if isinstance(result, Coroutine):
                result.close()
                _logger.error("on_drift returned a coroutine, which is not awaited: give it a plain function")
        except Exception:
            _logger.exception("on_drift raised for %s at %s", operation_id, path)
