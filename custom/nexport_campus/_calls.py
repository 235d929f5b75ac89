"""How one call runs: a turn, a token, an attempt, an answer; again where that is safe."""

import asyncio
import logging
import time
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import attrs

from nexport_client.client import Operation
from nexport_client.types import Secret

from ._answers import Outcome, read_answer
from ._arguments import Encoded
from ._attempt import AttemptFailed, build_request, send
from ._auth import AccessToken, Auth, PasswordAuth, StaticToken
from ._decode import Decoder
from ._drift import DriftReporter
from ._errors import AuthenticationError, NexportError, fresh_copy
from ._logs import scrub_logs
from ._retry import Budget, delay_before, may_retry
from ._secrets import Scrubber
from ._session import Session, Sessions
from ._settings import Settings
from ._tokens import TokenKeeper

__all__ = ["Core", "Runner"]

T = TypeVar("T")
_logger = logging.getLogger("nexport_campus")


class Core:
    """What a client and its views share: connections, token, retry budget, known secrets."""

    def __init__(self, auth: Auth, settings: Settings) -> None:
        self.sessions = Sessions(settings)
        self.budget = Budget()
        self.scrubber = Scrubber()
        scrub_logs(self.scrubber)
        self.settings = settings
        self._auth = auth
        self.tokens = TokenKeeper(self._fetch, renewable=not isinstance(auth, StaticToken))
        if isinstance(auth, PasswordAuth):
            self.scrubber.add([auth.password])

    def session(self) -> Session:
        """The session of the running loop. Raises NexportError."""
        session, is_new = self.sessions.current()
        if is_new:
            self.tokens.forget_loop()
        return session

    async def aclose(self) -> None:
        """Close everything; may be called twice."""
        await self.tokens.aclose()
        await self.sessions.aclose()

    async def _fetch(self) -> AccessToken:
        auth = self._auth
        if isinstance(auth, StaticToken):
            token = AccessToken(auth.token)
        elif isinstance(auth, PasswordAuth):
            token = await self._log_in(auth)
        else:
            token = await auth()
        if isinstance(token, AccessToken):
            self.scrubber.add([token.value])
        return token

    async def _log_in(self, auth: PasswordAuth) -> AccessToken:
        from nexport_client.api.admin_api.admin_api_authenticate import OPERATION

        fields = {"username": auth.username, "password": auth.password, "grant_type": "password"}
        runner = Runner(self, self.settings, Decoder(DriftReporter(None)))
        outcome = await runner.run(
            OPERATION, Encoded("", fields, secret_body=True, token=None), limited=False
        )
        parsed = outcome.parsed
        seconds = parsed.expires_in
        expires_at = (
            None if seconds is None else datetime.now(UTC) + timedelta(seconds=min(max(seconds, 0), 10**9))
        )
        return AccessToken(str(parsed.access_token), expires_at)


@attrs.define
class _Progress:
    """How far one call has come."""

    deadline: float | None
    attempts: int = 0
    retries: int = 0
    replayed: bool = False


class Runner:
    """Runs calls with one set of settings."""

    def __init__(self, core: Core, settings: Settings, decoder: Decoder) -> None:
        self.core = core
        self.settings = settings
        self.decoder = decoder

    async def run(self, operation: Operation[T], encoded: Encoded, *, limited: bool = True) -> Outcome[T]:
        """The outcome of a call. Raises NexportError."""
        session = self.core.session()
        started = time.monotonic()
        total = self.settings.retry.total_timeout
        progress = _Progress(deadline=None if total is None else started + total)
        try:
            # Before the turn, so that all who need a login wait for the same one, and fail with it.
            token = await self._token(operation, encoded)
            async with session.limiter if limited else nullcontext():
                outcome = await self._attempts(session, operation, encoded, token, progress)
        except NexportError as error:
            _log(operation, progress, started, error)
            raise
        _log(operation, progress, started, None, outcome)
        return outcome

    async def _attempts(
        self,
        session: Session,
        operation: Operation[T],
        encoded: Encoded,
        token: Secret | None,
        progress: _Progress,
    ) -> Outcome[T]:
        while True:
            try:
                outcome = await self._attempt(session, operation, encoded, token, progress)
            except AttemptFailed as attempt:
                failed = attempt
            else:
                self.core.budget.refund(progress.retries)
                return attrs.evolve(outcome, attempts=progress.attempts)
            # Outside the handler: what the user gets shows its own cause, and nothing of our bookkeeping.
            await self._recover(operation, encoded, failed, token, progress)
            token = await self._token(operation, encoded)

    async def _token(self, operation: Operation[Any], encoded: Encoded) -> Secret | None:
        self.core.scrubber.add(encoded.secrets())
        if operation.token == "none":
            return None
        if encoded.token is not None:
            return encoded.token
        return await self.core.tokens.get()

    async def _attempt(
        self,
        session: Session,
        operation: Operation[T],
        encoded: Encoded,
        token: Secret | None,
        progress: _Progress,
    ) -> Outcome[T]:
        await session.limiter.turn()
        progress.attempts += 1
        request = build_request(
            self.settings, operation.method, operation.path, encoded.query, encoded.content()
        )
        answer = await send(session.lanes, self.settings, request, token, self._seconds(progress))
        if operation.token != "none":
            answer = attrs.evolve(answer, content=self.core.scrubber.content(answer.content))
        return read_answer(operation, answer, self.decoder, self.core.scrubber)

    def _seconds(self, progress: _Progress) -> float | None:
        """Seconds that the next attempt may take."""
        timeout = self.settings.timeout
        seconds = timeout if isinstance(timeout, int | float) else None
        if progress.deadline is None:
            return seconds
        left = max(0.001, progress.deadline - time.monotonic())
        return left if seconds is None else min(seconds, left)

    async def _recover(
        self,
        operation: Operation[Any],
        encoded: Encoded,
        failed: AttemptFailed,
        token: Secret | None,
        progress: _Progress,
    ) -> None:
        """Return when the call may be sent again; raise its error when it may not."""
        if token is not None and encoded.token is None and isinstance(failed.error, AuthenticationError):
            self.core.tokens.reject(token)
            if self.core.tokens.renewable and not progress.replayed:
                progress.replayed = True
                return
        policy = self.settings.retry
        wait = None
        if progress.attempts - progress.replayed < policy.max_attempts and may_retry(
            operation.effect, failed.failure, failed.status
        ):
            wait = delay_before(progress.retries + 2, policy, failed.retry_after)
        late = (
            wait is not None
            and progress.deadline is not None
            and time.monotonic() + wait >= progress.deadline
        )
        if wait is None or late or not self.core.budget.spend():
            raise _final(operation, failed, progress)
        progress.retries += 1
        await asyncio.sleep(wait)


def _final(operation: Operation[Any], failed: AttemptFailed, progress: _Progress) -> NexportError:
    """The error of a call that is given up."""
    error = fresh_copy(failed.error)
    error.operation_id = operation.id
    error.attempts = progress.attempts
    error.maybe_applied = operation.effect == "write" and failed.unknown_outcome
    return error


def _log(
    operation: Operation[Any],
    progress: _Progress,
    started: float,
    error: NexportError | None,
    outcome: Outcome[Any] | None = None,
) -> None:
    """One line a call, with structured fields; nothing of its arguments or its answer."""
    status = getattr(error, "status_code", None) if outcome is None else outcome.answer.status_code
    seconds = time.monotonic() - started
    fields = {"operation": operation.id, "status": status, "attempts": progress.attempts, "seconds": seconds}
    ending = "ok" if error is None else type(error).__name__
    _logger.debug(
        "%s %s in %.3f s, %d attempt(s)", operation.id, ending, seconds, progress.attempts, extra=fields
    )
    for warning in outcome.warnings if outcome is not None else ():
        _logger.warning("%s: the campus warns: %s", operation.id, warning, extra=fields)
