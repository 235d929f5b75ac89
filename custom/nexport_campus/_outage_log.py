"""Warnings about a failing helper service, such as a token store: one for each outage."""

import logging
from collections.abc import Callable

__all__ = ["OutageLog"]

_logger = logging.getLogger("nexport_campus")
_QUIET_SECONDS = 600.0


class OutageLog:
    """A log of the failures of one service, which warns once until the service has worked for ten minutes.

    Args:
        service: What fails, for the message.
        consequence: What happens instead, for the message.
        clock: Returns monotonic seconds.
    """

    def __init__(self, service: str, consequence: str, clock: Callable[[], float]) -> None:
        self._service = service
        self._consequence = consequence
        self._clock = clock
        self._last_failure: float | None = None

    def failed(self, reason: BaseException | str) -> None:
        """Record a failure, and log it unless it belongs to an outage that was logged before."""
        now, last = self._clock(), self._last_failure
        self._last_failure = now
        if last is None or now - last >= _QUIET_SECONDS:
            text = reason if isinstance(reason, str) else _get_first_line(reason)
            _logger.warning("%s failed (%s): %s", self._service, text, self._consequence)


def _get_first_line(error: BaseException) -> str:
    """Return the class of an exception and the first line of its message: further lines may quote values."""
    line = next(iter(str(error).splitlines()), "")
    return f"{type(error).__name__}: {line[:200]}" if line else type(error).__name__
