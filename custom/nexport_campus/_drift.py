"""Drift: differences between the vendor's spec and actual responses."""

import logging
import re
from collections.abc import Callable, Coroutine

import attrs

__all__ = ["Drift", "DriftReporter"]

_logger = logging.getLogger("nexport_campus")
_INDEX = re.compile(r"\[\d+\]")
_MAX_PLACES = 10_000


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
    """Reporter that reports each difference once per kind and place, whichever list elements it occurs in.

    Args:
        on_drift: The user's function, or None to log.
        redact: Removes secrets from a string: a campus may repeat one as a key.
    """

    def __init__(
        self, on_drift: Callable[[Drift], object] | None, redact: Callable[[str], str] = lambda text: text
    ) -> None:
        self._on_drift = on_drift or log_drift
        self._redact = redact
        self._reported: set[tuple[str, str, str]] = set()

    def report(self, kind: str, operation_id: str, path: str, detail: str) -> None:
        """Report drift unless it was reported before. Exceptions of the user's function are logged and suppressed."""
        place = (kind, operation_id, _INDEX.sub("[]", path))
        if place in self._reported or len(self._reported) >= _MAX_PLACES:
            return
        self._reported.add(place)
        drift = Drift(kind, operation_id, self._redact(path), self._redact(detail))
        try:
            result = self._on_drift(drift)
            if isinstance(result, Coroutine):
                result.close()
                _logger.error("on_drift returned a coroutine, which is not awaited: pass a plain function")
        except Exception:
            _logger.exception("on_drift raised for %s at %s", operation_id, drift.path)
