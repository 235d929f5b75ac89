"""The token of a client: fetched when first needed, shared by all who wait, renewed before it expires."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import NoReturn

import attrs

from nexport_client.types import Secret

from ._auth import AccessToken
from ._errors import NexportError, fresh_copy

__all__ = ["TokenKeeper"]

_EARLY_SECONDS = 60.0
_EARLY_SHARE = 0.1


@attrs.frozen
class _Held:
    token: Secret
    renew_at: float


class TokenKeeper:
    """Keeps one token. `fetch` gets a new one, or is None where there is only one; `clock` is monotonic seconds.

    One fetch is in flight, in a task of its own: whoever waits for it may be cancelled without disturbing the others.
    """

    def __init__(
        self,
        fetch: Callable[[], Awaitable[AccessToken]],
        *,
        renewable: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.renewable = renewable
        self._fetch = fetch
        self._clock = clock
        self._held: _Held | None = None
        self._flight: asyncio.Task[Secret] | None = None

    async def get(self) -> Secret:
        """The current token. Raises what fetching one raises, as an object of the caller's own."""
        held = self._held
        if held is not None and self._clock() < held.renew_at:
            return held.token
        flight = self._flight
        if flight is None or flight.done():
            flight = self._flight = asyncio.create_task(self._renew())
            flight.add_done_callback(_retrieve)
        try:
            return await asyncio.shield(flight)
        except NexportError as error:
            raise fresh_copy(error) from error.__cause__
        except asyncio.CancelledError:
            if flight.cancelled():
                _raise_closed()
            raise

    def reject(self, token: Secret) -> None:
        """The campus refused this token: forget it, unless a newer one has come meanwhile."""
        if self._held is not None and self._held.token.reveal() == token.reveal():
            self._held = None

    async def aclose(self) -> None:
        """End a fetch that is under way."""
        flight, self._flight, self._held = self._flight, None, None
        if flight is not None and not flight.done() and flight.get_loop() is asyncio.get_running_loop():
            flight.cancel()
            await asyncio.wait([flight])

    def forget_loop(self) -> None:
        """Another event loop has taken over: what was in flight on the old one is lost."""
        self._flight = None

    async def _renew(self) -> Secret:
        fetched = await self._fetch()
        self._held = _Held(fetched.value, _renew_at(fetched, self._clock()))
        return fetched.value


def _renew_at(token: AccessToken, now: float) -> float:
    """When to renew: a minute early, or a tenth of a short life. The wall clock counts at this moment only."""
    if token.expires_at is None:
        return float("inf")
    lifetime = (token.expires_at - datetime.now(UTC)).total_seconds()
    return now + lifetime - min(_EARLY_SECONDS, lifetime * _EARLY_SHARE)


def _retrieve(flight: "asyncio.Task[Secret]") -> None:
    """Those who waited may all be gone: nobody is to be told that an exception was never retrieved."""
    if not flight.cancelled():
        flight.exception()


def _raise_closed() -> NoReturn:
    raise NexportError("the client was closed while it logged in") from None
