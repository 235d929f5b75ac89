"""Where a client's token comes from: a login, a fixed token or a function of the user's."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Protocol

import attrs

from nexport_campus._errors import AuthenticationError
from nexport_client.types import Secret

from .credentials import AccessToken
from .refusals import Refusal

__all__ = ["FetchedToken", "LoginRefused", "OwnTokens", "TokenSource", "get_renewal_margin"]

_EARLY_SECONDS = 60.0
_EARLY_SHARE = 0.1


@attrs.frozen
class FetchedToken:
    """A token, with times on the client's clock.

    `renew_at`: when to fetch another one. `check_at`: from when on to look for another one while this one is used.
    `expires_at`: its expiry. `issued`: whether the campus issued it to this client, rather than to another process.
    """

    token: Secret
    renew_at: float
    check_at: float = float("inf")
    expires_at: float = float("inf")
    issued: bool = True


class LoginRefused(Exception):
    """The campus refused the credentials. Until `check_at` on the client's clock, fetching is pointless."""

    def __init__(self, refusal: Refusal, check_at: float) -> None:
        super().__init__("the login was refused")
        self.refusal = refusal
        self.check_at = check_at


class TokenSource(Protocol):
    """A source of tokens. `shared`: whether other processes may have fetched its tokens."""

    shared: bool

    async def fetch(self) -> FetchedToken:
        """Return a token. Raises LoginRefused or NexportError."""

    def reject(self, token: Secret, *, distrust: bool) -> None:
        """Note that the campus rejected a token. `distrust`: whether the next one must be newly issued."""


class OwnTokens:
    """The tokens that `fetch` returns. `logs_in`: whether it logs in; then refused logins are remembered.

    `clock` returns monotonic seconds.
    """

    shared = False

    def __init__(
        self, fetch: Callable[[], Awaitable[AccessToken]], *, logs_in: bool, clock: Callable[[], float]
    ) -> None:
        self._fetch = fetch
        self._logs_in = logs_in
        self._clock = clock
        self.refusal: Refusal | None = None

    async def fetch(self) -> FetchedToken:
        """Return a new token."""
        try:
            fetched = await self._fetch()
        except AuthenticationError as error:
            if not self._logs_in:
                raise
            self.refusal = Refusal.of(error, self.refusal, self._clock())
        else:
            self.refusal = None
            life, now = _compute_remaining_life(fetched), self._clock()
            return FetchedToken(fetched.value, now + life - get_renewal_margin(life), expires_at=now + life)
        raise LoginRefused(self.refusal, self.refusal.hold.until)

    def reject(self, token: Secret, *, distrust: bool) -> None:
        """Do nothing: the next token is a new one anyway."""


def get_renewal_margin(life: float) -> float:
    """Return how long before its expiry a token is renewed: a minute, or a tenth of a shorter life."""
    return min(_EARLY_SECONDS, life * _EARLY_SHARE)


def _compute_remaining_life(token: AccessToken) -> float:
    """Return the seconds until a token expires. The wall clock is read only here."""
    if token.expires_at is None:
        return float("inf")
    return (token.expires_at - datetime.now(UTC)).total_seconds()
