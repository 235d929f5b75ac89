"""The report on each attempt of a call: to the log, and to the user's `on_attempt`."""

import logging
from collections.abc import Callable, Coroutine

import attrs

from ._errors import APIError, NexportError

__all__ = ["Attempt", "report_attempt"]

_logger = logging.getLogger("nexport_campus")


@attrs.frozen
class Attempt:
    """One request of a call, and how it ended.

    `operation_id`, `method`, `path`: the operation; the path has no query. `number`: counted from 1 within the call.
    `status_code`: that of the response, or None without one. `error`: why it failed, or None. `seconds`: from sending
    the request to the decoded response. `waited`: seconds before that for a free slot, the rate limit and the token.
    `retry_in`: seconds until the next attempt, or None if there is none.
    """

    operation_id: str
    method: str
    path: str
    number: int
    status_code: int | None
    error: NexportError | None
    seconds: float
    waited: float
    retry_in: float | None


def report_attempt(attempt: Attempt, on_attempt: Callable[[Attempt], object] | None) -> None:
    """Log a failed attempt, and call the user's function. Its exceptions are logged and suppressed."""
    if attempt.error is not None:
        _log_failure(attempt, attempt.error)
    if on_attempt is None:
        return
    try:
        result = on_attempt(attempt)
        if isinstance(result, Coroutine):
            result.close()
            _logger.error("on_attempt returned a coroutine, which is not awaited: pass a plain function")
    except Exception:
        _logger.exception("on_attempt raised for %s", attempt.operation_id)


def _log_failure(attempt: Attempt, error: NexportError) -> None:
    plan = "no retry" if attempt.retry_in is None else f"retry in {attempt.retry_in:.3f} s"
    _logger.info(
        "%s attempt %d failed after %.3f s (waited %.3f s before): %s; %s",
        attempt.operation_id,
        attempt.number,
        attempt.seconds,
        attempt.waited,
        _describe_failure(error),
        plan,
        extra={
            "operation": attempt.operation_id,
            "attempt": attempt.number,
            "status": attempt.status_code,
            "seconds": attempt.seconds,
            "waited": attempt.waited,
            "retry_in": attempt.retry_in,
        },
    )


def _describe_failure(error: NexportError) -> str:
    """Return why an attempt failed, without the campus's words, which may name a student."""
    name = type(error).__name__
    if isinstance(error, APIError):
        code = f", code {error.error_code}" if error.error_code else ""
        return f"{name} (HTTP {error.status_code}{code})"
    return f"{name}: {' '.join(error.message.split())}"
