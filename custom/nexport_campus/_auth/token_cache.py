"""The token of a client: fetched when first needed, shared by all calls, renewed before it expires."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import NoReturn

import attrs

from nexport_campus._errors import AuthenticationError, NexportError, fresh_copy
from nexport_client.types import Secret

from .credentials import AccessToken
from .refusals import CallKey, Denials, Refusal

__all__ = ["TokenCache"]

_EARLY_SECONDS = 60.0
_EARLY_SHARE = 0.1


@attrs.frozen
class _Held:
    token: Secret
    renew_at: float


class TokenCache:
    """A cache for one token. `fetch` returns a new one; `clock` returns monotonic seconds.

    `renewable`: whether `fetch` can return a different token than before. `logs_in`: whether `fetch` logs in; logins
    are held back after a rejection, and a successful one proves that the token is valid.

    A single fetch runs in its own task, so each of the callers that wait for it can be cancelled independently.
    """

    def __init__(
        self,
        fetch: Callable[[], Awaitable[AccessToken]],
        *,
        renewable: bool,
        logs_in: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._renewable = renewable
        self._logs_in = logs_in
        self._fetch = fetch
        self._clock = clock
        self._held: _Held | None = None
        self._flight: asyncio.Task[Secret] | None = None
        self._refusal: Refusal | None = None
        self._denials = Denials(clock)

    async def get(self) -> Secret:
        """Return the current token, fetching one if necessary.

        Raises the exception of the fetch, copied for each caller. After a rejected login it raises an
        AuthenticationError, without another login, until the hold-back is over.
        """
        held = self._held
        if held is not None and self._clock() < held.renew_at:
            return held.token
        flight = self._flight
        if flight is None or flight.done():
            self._check_refusal()
            flight = self._flight = asyncio.create_task(self._renew())
            flight.add_done_callback(_retrieve)
        try:
            return await asyncio.shield(flight)
        except NexportError as error:
            shared = error
        except asyncio.CancelledError:
            if flight.cancelled():
                _raise_closed()
            raise
        # Outside the handler: as its context, the shared error would keep the frames of the login.
        raise fresh_copy(shared)

    def accept(self, call: CallKey) -> None:
        """Record that the campus accepted the token for a call."""
        if self._renewable:
            self._denials.accept(call)

    def replace(self, call: CallKey, token: Secret, former: Secret | None) -> bool:
        """Return whether to resend a call that was rejected with `token`, using another token.

        The token is dropped, unless it has been replaced meanwhile, or the account lacks the permission for the call.
        `former`: the token of the same call's first rejection; a call isn't sent a third time.
        """
        if not self._renewable:
            return False
        if former is not None:
            # A function may have returned the same token again, which proves nothing.
            if self._logs_in or former.reveal() != token.reveal():
                self._denials.add(call, token)
            return False
        if self._held is not None and self._held.token is token:
            if self._denials.explain(call):
                return False
            self._held = None
        return True

    async def aclose(self) -> None:
        """Cancel a fetch in flight."""
        flight, self._flight, self._held = self._flight, None, None
        if flight is not None and not flight.done() and flight.get_loop() is asyncio.get_running_loop():
            flight.cancel()
            await asyncio.wait([flight])

    def forget_loop(self) -> None:
        """Discard the fetch in flight on the previous event loop."""
        self._flight = None

    def _check_refusal(self) -> None:
        now = self._clock()
        if self._refusal is not None and self._refusal.hold.remaining(now) > 0:
            raise self._refusal.error(now)

    async def _renew(self) -> Secret:
        try:
            fetched = await self._fetch()
        except AuthenticationError as error:
            if not self._logs_in:
                raise
            self._refusal = Refusal.of(error, self._refusal, self._clock())
        else:
            self._refusal = None
            self._held = _Held(fetched.value, _renew_at(fetched, self._clock()))
            return fetched.value
        raise self._refusal.error(self._clock())


def _renew_at(token: AccessToken, now: float) -> float:
    """Return when to renew: a minute early, or a tenth of a short lifetime. The wall clock is read only here."""
    if token.expires_at is None:
        return float("inf")
    lifetime = (token.expires_at - datetime.now(UTC)).total_seconds()
    return now + lifetime - min(_EARLY_SECONDS, lifetime * _EARLY_SHARE)


def _retrieve(flight: "asyncio.Task[Secret]") -> None:
    """Mark an exception as retrieved, since all waiting callers may have been cancelled."""
    if not flight.cancelled():
        flight.exception()


def _raise_closed() -> NoReturn:
    raise NexportError("the client was closed while it logged in") from None
