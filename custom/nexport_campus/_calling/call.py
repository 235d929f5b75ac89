"""One call: what it sends, its state, and how it ends, with its error and its log line."""

import logging
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import attrs

from nexport_campus._attempts import Attempt
from nexport_campus._auth.refusals import CallKey
from nexport_campus._decoding.response import Outcome
from nexport_campus._errors import NexportError, RequestTimeoutError, fresh_copy
from nexport_campus._http.attempt import AttemptFailed
from nexport_campus._http.encoded_request import EncodedRequest
from nexport_campus._http.loop_state import LoopState
from nexport_campus._http.outgoing_request import SendTracker
from nexport_campus._retry import RetryPolicy, exceeds_max_retry_after, may_retry
from nexport_client.operation import Operation
from nexport_client.types import Secret

__all__ = ["Call"]

T = TypeVar("T")
_logger = logging.getLogger("nexport_campus")


@attrs.define(eq=False, repr=False)
class Call(Generic[T]):
    """One call under way.

    `started`, `deadline`: when it began and when its total time is over (or None), on the client's clock. `limited`:
    whether `max_concurrency` applies. `page`: the requested page of a list. `check`: raises the
    errors of elements of a list. `loop_state`: that of the running event loop.

    `number`: higher than those of earlier calls. `waited`, `sent`: how long the latest attempt waited for a turn and its
    token, and when it was sent. `attempts`: the requests sent. `retries`: the attempts after a
    failure. `token`: the token of the latest attempt. `key`: identifies what the call sends with the client's token;
    None without one. `refused`: the tokens that the campus rejected, after which the call was sent again.
    `login_failed`: whether its error is that of a login. `tracker`: that of the attempt in flight, if any. `status`:
    the status of the latest attempt's response, or None without a response. `failed`: the latest failed attempt.
    """

    operation: Operation[T]
    encoded: EncodedRequest
    started: float
    deadline: float | None = None
    limited: bool = True
    page: int | None = None
    check: Callable[[Operation[T], Outcome[T]], Outcome[T]] | None = None
    loop_state: LoopState = attrs.field(init=False)
    number: int = attrs.field(default=0, init=False)
    waited: float = attrs.field(default=0.0, init=False)
    sent: float = attrs.field(default=0.0, init=False)
    attempts: int = attrs.field(default=0, init=False)
    retries: int = attrs.field(default=0, init=False)
    token: Secret | None = attrs.field(default=None, init=False)
    key: CallKey | None = attrs.field(default=None, init=False)
    refused: list[Secret] = attrs.field(factory=list, init=False)
    login_failed: bool = attrs.field(default=False, init=False)
    tracker: SendTracker | None = attrs.field(default=None, init=False)
    status: int | None = attrs.field(default=None, init=False)
    failed: AttemptFailed | None = attrs.field(default=None, init=False)

    @property
    def tries(self) -> int:
        """Return the number of attempts for the retry policy, which excludes those whose token was rejected."""
        return self.attempts - len(self.refused)

    def make_error(self, failed: AttemptFailed, policy: RetryPolicy) -> NexportError:
        """Return the error of a failed attempt, which is that of the call unless it is retried."""
        error = fresh_copy(failed.error)
        may_try_again = self.tries < policy.max_attempts and may_retry(
            self.operation.effect, failed.failure, failed.status
        )
        if may_try_again and exceeds_max_retry_after(policy, failed.retry_after):
            error._not_retried = (
                f"not retried: Retry-After ({failed.retry_after:.15g} s) is more than max_retry_after"
                f" ({policy.max_retry_after:.15g} s)"
            )
        error.operation_id = self.operation.id
        error.attempts = self.attempts
        error.maybe_applied = self.operation.effect == "write" and failed.unknown_outcome
        return error

    def make_interruption_error(self, total_timeout: float | None, *, closed: bool) -> NexportError:
        """Return the error of a call that the end of the client or its total timeout interrupted."""
        arrived = self.tracker is not None and not self.tracker.provably_not_sent
        place: dict[str, Any] = {
            "operation_id": self.operation.id,
            "attempts": self.attempts,
            "maybe_applied": self.operation.effect == "write" and arrived,
        }
        if closed:
            return NexportError("the client was closed while this call was under way", **place)
        return RequestTimeoutError(f"timed out: total_timeout, {total_timeout:g} s, has passed", **place)

    def make_report(self, now: float, error: NexportError | None, retry_in: float | None) -> Attempt:
        """Return the report on the latest attempt, which has ended."""
        return Attempt(
            operation_id=self.operation.id,
            method=self.operation.method,
            path=self.operation.path,
            number=self.attempts,
            status_code=self.status,
            error=error,
            seconds=now - self.sent,
            waited=self.waited,
            retry_in=retry_in,
        )

    def log(self, seconds: float, ended: Outcome[Any] | NexportError) -> None:
        """Log the call in one line with structured fields, without its arguments or its response."""
        status = (
            ended.response.status_code if isinstance(ended, Outcome) else getattr(ended, "status_code", None)
        )
        ending = "ok" if isinstance(ended, Outcome) else type(ended).__name__
        name = self.operation.id
        fields = {"operation": name, "status": status, "attempts": self.attempts, "seconds": seconds}
        _logger.debug("%s %s in %.3f s, %d attempt(s)", name, ending, seconds, self.attempts, extra=fields)
        for warning in ended.warnings if isinstance(ended, Outcome) else ():
            _logger.warning("%s: the campus warns: %s", name, warning, extra=fields)
