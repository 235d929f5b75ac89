"""The token cache: when a token is renewed, and which refusals count; on a clock that the test moves."""

from datetime import UTC, datetime, timedelta

import pytest

from nexport_campus import AccessToken
from nexport_campus._auth.refusals import CallKey
from nexport_campus._auth.token_cache import TokenCache
from nexport_campus._auth.token_source import OwnTokens

CALL = CallKey("LearningApi_GetSection", 0)


class AdjustableClock:
    """Monotonic seconds that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def cache_of(*lifetimes: float | None) -> tuple[TokenCache, AdjustableClock, list[str]]:
    """Return a cache whose tokens have these lifetimes, its clock, and the list of fetched tokens."""
    clock, fetched = AdjustableClock(), list[str]()

    async def fetch() -> AccessToken:
        seconds = lifetimes[len(fetched)]
        fetched.append(f"token {len(fetched)}")
        expires_at = None if seconds is None else datetime.now(UTC) + timedelta(seconds=seconds)
        return AccessToken(fetched[-1], expires_at)

    source = OwnTokens(fetch, logs_in=False, clock=clock)
    return TokenCache(source, renewable=True, clock=clock), clock, fetched


@pytest.mark.parametrize(
    ("lifetime", "still_valid", "too_late"),
    [(3600, 3539, 3541), (100, 89, 91), (2, 1.7, 1.9), (None, 10**9, None)],
)
async def test_renewal_before_expiry(
    lifetime: float | None, still_valid: float, too_late: float | None
) -> None:
    """A token is renewed a minute before it expires, or when a tenth of a shorter lifetime is left."""
    cache, clock, fetched = cache_of(lifetime, None)
    await cache.get()
    clock.now += still_valid
    assert (await cache.get()).reveal() == "token 0"
    if too_late is not None:
        clock.now += too_late - still_valid
        assert (await cache.get()).reveal() == "token 1"
        assert len(fetched) == 2


@pytest.mark.parametrize("lifetime", [0, -1, -(10**6)])
async def test_a_token_that_has_expired_on_arrival(lifetime: float) -> None:
    """It serves the calls that waited for it, and the next call fetches another."""
    cache, _, fetched = cache_of(lifetime, lifetime)
    assert [(await cache.get()).reveal(), (await cache.get()).reveal()] == fetched == ["token 0", "token 1"]


async def test_a_refused_token_that_is_no_longer_current() -> None:
    """A late refusal of an earlier token doesn't drop the current one, with which the call is sent again."""
    cache, _, fetched = cache_of(None, None)
    first = await cache.get()
    assert cache.replace(CALL, first)
    second = await cache.get()
    assert cache.replace(CALL, first)
    assert (await cache.get(), len(fetched)) == (second, 2)


async def test_a_login_that_returns_the_same_token_again() -> None:
    """A late refusal doesn't drop a token that was issued again since, even if it is the same string."""
    fetched: list[AccessToken] = []

    async def fetch() -> AccessToken:
        fetched.append(AccessToken("token"))
        return fetched[-1]

    source = OwnTokens(fetch, logs_in=True, clock=AdjustableClock())
    cache = TokenCache(source, renewable=True, logs_in=True)
    first = await cache.get()
    for _ in range(50):
        assert cache.replace(CALL, first)
        await cache.get()
    assert len(fetched) == 2
