"""Run one call: wait for a turn, get a token, make an attempt, read its response, and retry if that is safe."""

import asyncio
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, Protocol, TypeVar

import attrs

from nexport_campus._attempts import report_attempt
from nexport_campus._auth.redaction import Scrubber
from nexport_campus._auth.refusals import CallKey
from nexport_campus._auth.token_cache import TokenCache
from nexport_campus._clock import Clock
from nexport_campus._decoding.gc_pause import gc_paused
from nexport_campus._decoding.response import Outcome, ResponseReader
from nexport_campus._errors import AuthenticationError, NexportError
from nexport_campus._http.attempt import AttemptFailed, build_request, send
from nexport_campus._http.encoded_request import EncodedRequest
from nexport_campus._http.loop_state import LoopState
from nexport_campus._http.outgoing_request import SendTracker
from nexport_campus._rate_limit import RateLimiter
from nexport_campus._retry import Budget, wait_before_retry
from nexport_campus._settings import Settings
from nexport_client.operation import Operation
from nexport_client.types import Secret

from .call import Call
from .tracing import trace_call

__all__ = ["CallRunner", "SharedState"]

T = TypeVar("T")
_LARGE = 32 * 1024
"""Bytes from which decoding a response blocks the loop noticeably."""
_PAUSING = frozenset({429, 503})


class SharedState(Protocol):
    """What calls share: the `ClientState` of their client."""

    clock: Clock
    limiter: RateLimiter | None
    budget: Budget
    scrubber: Scrubber
    tokens: TokenCache

    def get_loop_state(self) -> LoopState:
        """Return the state of the running event loop. Raises NexportError."""

    async def get_token(self, settings: Settings) -> Secret:
        """Return the current token, for a call with these settings. Raises NexportError."""


class CallRunner:
    """Runner of calls with one set of settings."""

    def __init__(self, state: SharedState, settings: Settings, reader: ResponseReader) -> None:
        self.state = state
        self.settings = settings
        self.reader = reader

    async def run(
        self,
        operation: Operation[T],
        encoded: EncodedRequest,
        *,
        limited: bool = True,
        page: int | None = None,
        check: Callable[[Operation[T], Outcome[T]], Outcome[T]] | None = None,
    ) -> Outcome[T]:
        """Return the outcome of a call that passes `check`. Raises NexportError, with `page` if that page failed."""
        started = self.state.clock.monotonic()
        call = Call(operation, encoded, started, self._compute_deadline(started), limited, page, check)
        try:
            call.loop_state = self.state.get_loop_state()
            with trace_call(self.settings, call):
                outcome = await self._run_logged(call)
                if self.settings.group is not None:
                    self.settings.group.warnings.extend(outcome.warnings)
                return outcome
        except NexportError as error:
            # A failed login has its own operation and doesn't belong to a page.
            error.operation_id = error.operation_id or operation.id
            error.page = None if call.login_failed else page
            raise

    def _compute_deadline(self, started: float) -> float | None:
        group, total = self.settings.group, self.settings.retry.total_timeout
        if group is not None and group.deadline is not None:
            return group.deadline
        return None if total is None else started + total

    async def _run_logged(self, call: Call[T]) -> Outcome[T]:
        """Return the outcome of a call, and log how it ended."""
        clock = self.state.clock
        try:
            outcome = await self._run_within_limits(call)
        except NexportError as error:
            call.log(clock.monotonic() - call.started, error)
            raise
        call.log(clock.monotonic() - call.started, outcome)
        return outcome

    async def _run_within_limits(self, call: Call[T]) -> Outcome[T]:
        """Return the outcome, unless the total time expires or the client is closed first."""
        total = self.settings.retry.total_timeout
        left = None if call.deadline is None else call.deadline - call.started
        if left is not None and left <= 0:
            raise call.make_interruption_error(total, closed=False)
        loop_state = call.loop_state
        limit = asyncio.timeout(left)
        try:
            async with limit:
                call.number = loop_state.enter(limit)
                return await self._attempt_until_final(call)
        except TimeoutError as error:
            if not limit.expired():
                raise
            interruption = call.make_interruption_error(total, closed=loop_state.closed)
            if call.tracker is not None and not loop_state.closed:
                self._report(call, interruption)
            raise interruption from (call.failed.error if call.failed is not None else error)
        finally:
            loop_state.leave(limit)

    async def _attempt_until_final(self, call: Call[T]) -> Outcome[T]:
        """Return the outcome of the first attempt that succeeds. Raises the error of one that isn't retried."""
        self.state.scrubber.add(call.encoded.secrets())
        clock = self.state.clock
        while True:
            begun = clock.monotonic()
            # Before waiting for a turn, so that all calls that need a login share one and fail with it.
            call.token = await self._get_token(call)
            async with call.loop_state.slots if call.limited else nullcontext() as waited:
                if waited:
                    # The token may have expired while waiting.
                    call.token = await self._get_token(call)
                if self.state.limiter is not None:
                    await self._take_turn(call, self.state.limiter)
                call.sent = clock.monotonic()
                call.waited = call.sent - begun
                try:
                    outcome = await self._attempt(call)
                except AttemptFailed as attempt:
                    call.failed = failed = attempt
                else:
                    return self._accept(call, outcome)
            call.tracker = None
            # Outside the handler, so that the user's error has its own cause and no internal context.
            # Outside the turn, so that a waiting call doesn't occupy a slot.
            await self._recover(call, failed)

    async def _take_turn(self, call: Call[Any], limiter: RateLimiter) -> None:
        """Wait until the rate limit allows the next request."""
        await limiter.acquire()
        if call.operation.token == "none" or call.encoded.token is not None:
            return
        # The token may have expired while waiting.
        current = self.state.tokens.current()
        if current is None:
            call.token = await self._get_token(call)
            # While this call waited for the login, others did so too: their turns must not be used all at once.
            await limiter.acquire()
        else:
            call.token = current

    def _accept(self, call: Call[T], outcome: Outcome[T]) -> Outcome[T]:
        """Return the outcome of a call that succeeded. Raises the error of an element of a list."""
        self.state.budget.refund(call.retries)
        if call.key is not None:
            self.state.tokens.accept(call.key)
        if call.attempts > 1:
            outcome = attrs.evolve(outcome, attempts=call.attempts)
        try:
            checked = outcome if call.check is None else call.check(call.operation, outcome)
        except NexportError as error:
            self._report(call, error)
            raise
        self._report(call, None)
        return checked

    def _report(self, call: Call[Any], error: NexportError | None, retry_in: float | None = None) -> None:
        """Report the latest attempt to the log and to the user."""
        if error is None and self.settings.on_attempt is None:
            return
        report_attempt(
            call.make_report(self.state.clock.monotonic(), error, retry_in), self.settings.on_attempt
        )

    async def _get_token(self, call: Call[Any]) -> Secret | None:
        """Return the token that the call needs, or None if it needs none."""
        if call.operation.token == "none":
            return None
        if call.encoded.token is not None:
            return call.encoded.token
        try:
            return await self.state.get_token(self.settings)
        except NexportError:
            call.login_failed = True
            raise

    async def _attempt(self, call: Call[T]) -> Outcome[T]:
        """Return the outcome of sending a call once. Raises AttemptFailed."""
        call.attempts += 1
        call.status = None
        tracker = call.tracker = SendTracker()
        operation, encoded, scrubber = call.operation, call.encoded, self.state.scrubber
        request = build_request(self.settings, operation, encoded, call.token)
        if call.token is not None and encoded.token is None:
            call.key = CallKey(operation.id, encoded.fingerprint(request.content))
        response = await send(call.loop_state.connections, self.settings, request, tracker, scrubber)
        call.status = response.status_code
        if operation.token != "none":
            response = response.with_content(scrubber.zero_echoes(response.content, call.token))
        if len(response.content) < _LARGE:
            return self.reader.read(operation, response)
        async with call.loop_state.decode_queue.take(call.number):
            with gc_paused():
                return self.reader.read(operation, response)

    async def _recover(self, call: Call[Any], failed: AttemptFailed) -> None:
        """Return when the call may be sent again. Raises its error if it must not be retried."""
        if self.state.limiter is not None and failed.status in _PAUSING and failed.retry_after:
            # A longer pause would block calls for which `max_retry_after` demands an error at once.
            await self.state.limiter.pause(min(failed.retry_after, self.settings.retry.max_retry_after))
        error = call.make_error(failed, self.settings.retry)
        if self._may_replay(call, failed):
            self._report(call, error, 0.0)
            return
        wait = self._compute_wait(call, failed)
        self._report(call, error, wait)
        if wait is None:
            raise error
        call.retries += 1
        await self.state.clock.sleep(wait)

    def _compute_wait(self, call: Call[Any], failed: AttemptFailed) -> float | None:
        """Return the seconds to wait before the next attempt, or None to give up."""
        clock = self.state.clock
        wait = wait_before_retry(
            self.settings.retry,
            call.operation.effect,
            failed.failure,
            failed.status,
            attempt=call.tries,
            retry_after=failed.retry_after,
            seconds_left=None if call.deadline is None else call.deadline - clock.monotonic(),
            jitter=clock.random(),
        )
        return wait if wait is not None and self.state.budget.spend() else None

    def _may_replay(self, call: Call[Any], failed: AttemptFailed) -> bool:
        """Return whether to send a call again with another token, because the campus rejected this one."""
        if call.token is None or call.key is None or not isinstance(failed.error, AuthenticationError):
            return False
        again = self.state.tokens.replace(call.key, call.token, call.refused)
        if again:
            call.refused.append(call.token)
        return again
