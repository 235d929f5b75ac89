"""The token of a client: fetched when first needed, shared by all calls, renewed before it expires."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import NoReturn

import attrs

from nexport_campus._errors import NexportError, fresh_copy
from nexport_client.types import Secret

from .refusals import CallKey, Denials
from .token_source import FetchedToken, LoginRefused, TokenSource

__all__ = ["TokenCache"]


class TokenCache:
    """A cache for one token. `clock` returns monotonic seconds.

    `renewable`: whether the source can return a different token than before. `logs_in`: whether the source logs in; a
    successful login proves that the token is valid.

    A single fetch runs in its own task, so each of the callers that wait for it can be cancelled independently.
    """

    def __init__(
        self,
        source: TokenSource,
        *,
        renewable: bool,
        logs_in: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._renewable = renewable
        self._logs_in = logs_in
        self._source = source
        self._clock = clock
        self._held: FetchedToken | None = None
        self._issued: Secret | None = None
        self._rejected: Secret | None = None
        self._flight: asyncio.Task[Secret] | None = None
        self._refused: LoginRefused | None = None
        self._denials = Denials(clock)

    async def get(self) -> Secret:
        """Return the current token, fetching one if necessary.

        Raises the exception of the fetch, copied for each caller. After a rejected login it raises an
        AuthenticationError, without another login, until the hold-back is over.
        """
        held, now = self._held, self._clock()
        if held is not None and now < held.renew_at:
            if now >= held.check_at:
                # Once: if this fetch fails, the next one is due at `renew_at`.
                self._held = attrs.evolve(held, check_at=float("inf"))
                self._start_fetch()
            return held.token
        flight = self._flight
        if flight is None or flight.done():
            self._raise_refusal()
            flight = self._start_fetch()
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

    def current(self) -> Secret | None:
        """Return the current token, or None if `get` would fetch one."""
        held = self._held
        return held.token if held is not None and self._clock() < held.renew_at else None

    def accept(self, call: CallKey) -> None:
        """Record that the campus accepted the token for a call."""
        if self._renewable:
            self._denials.accept(call)

    def replace(self, call: CallKey, token: Secret, former: Sequence[Secret] = ()) -> bool:
        """Return whether to resend a call that was rejected with `token`, using another token.

        The token is dropped, unless it has been replaced meanwhile, or the account lacks the permission for the call.
        `former`: the tokens of the same call's earlier rejections. A call isn't sent a third time, unless its second
        token came from another process and may have been as old as the first.
        """
        if not self._renewable:
            return False
        of_another_process = self._source.shared and token is not self._issued
        if former and not of_another_process:
            # A function may have returned the same token again, which proves nothing.
            if self._logs_in or former[-1].reveal() != token.reveal():
                self._denials.add(call, token)
            return False
        if self._held is not None and self._held.token is token:
            if self._denials.explain(call):
                return False
            self._held, self._rejected = None, token
            self._source.reject(token, distrust=len(former) > 1)
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

    def _start_fetch(self) -> "asyncio.Task[Secret]":
        if self._flight is None or self._flight.done():
            self._flight = asyncio.create_task(self._renew())
            self._flight.add_done_callback(_retrieve)
        return self._flight

    def _raise_refusal(self) -> None:
        refused, now = self._refused, self._clock()
        if refused is not None and now < refused.check_at:
            raise refused.refusal.error(now)

    async def _renew(self) -> Secret:
        try:
            fetched = await self._source.fetch()
            while fetched.token is self._rejected and not fetched.issued:
                # The campus rejected it during this fetch, which had found it in the store.
                fetched = await self._source.fetch()
        except LoginRefused as refused:
            self._refused = refused.with_traceback(None)
            error = refused.refusal.error(self._clock())
        else:
            self._refused, self._held = None, fetched
            if fetched.issued:
                self._issued = fetched.token
            return fetched.token
        raise error


def _retrieve(flight: "asyncio.Task[Secret]") -> None:
    """Mark an exception as retrieved, since all waiting callers may have been cancelled."""
    if not flight.cancelled():
        flight.exception()


def _raise_closed() -> NoReturn:
    raise NexportError("the client was closed while it logged in") from None
