"""One token, kept: when it is renewed, and which refusals count; on a clock that the test moves."""

from datetime import UTC, datetime, timedelta

import pytest

from nexport_campus import AccessToken
from nexport_campus._auth.refusals import CallKey
from nexport_campus._auth.token_cache import TokenCache

CALL = CallKey("LearningApi_GetSection", 0)


class Clock:
    """Monotonic seconds, moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def keeper_of(*lifetimes: float | None) -> tuple[TokenCache, Clock, list[str]]:
    """A keeper whose tokens live so long, its clock, and the tokens that were fetched."""
    clock, fetched = Clock(), list[str]()

    async def fetch() -> AccessToken:
        seconds = lifetimes[len(fetched)]
        fetched.append(f"token {len(fetched)}")
        expires_at = None if seconds is None else datetime.now(UTC) + timedelta(seconds=seconds)
        return AccessToken(fetched[-1], expires_at)

    return TokenCache(fetch, renewable=True, clock=clock), clock, fetched


@pytest.mark.parametrize(
    ("lifetime", "still_good", "too_late"),
    [(3600, 3539, 3541), (100, 89, 91), (2, 1.7, 1.9), (None, 10**9, None)],
)
async def test_renewal_before_expiry(
    lifetime: float | None, still_good: float, too_late: float | None
) -> None:
    """A token is renewed a minute before it expires, or when a tenth of a short life is left."""
    keeper, clock, fetched = keeper_of(lifetime, None)
    await keeper.get()
    clock.now += still_good
    assert (await keeper.get()).reveal() == "token 0"
    if too_late is not None:
        clock.now += too_late - still_good
        assert (await keeper.get()).reveal() == "token 1"
        assert len(fetched) == 2


@pytest.mark.parametrize("lifetime", [0, -1, -(10**6)])
async def test_a_token_that_has_expired_on_arrival(lifetime: float) -> None:
    """It is used for what waited for it, and the next call fetches another."""
    keeper, _, fetched = keeper_of(lifetime, lifetime)
    assert [(await keeper.get()).reveal(), (await keeper.get()).reveal()] == fetched == ["token 0", "token 1"]


async def test_a_refused_token_that_is_no_longer_current() -> None:
    """A late refusal of a former token doesn't drop the present one, and the call is sent again with that."""
    keeper, _, fetched = keeper_of(None, None)
    first = await keeper.get()
    assert keeper.replace(CALL, first, None)
    second = await keeper.get()
    assert keeper.replace(CALL, first, None)
    assert (await keeper.get(), len(fetched)) == (second, 2)


async def test_a_login_that_returns_the_same_token_again() -> None:
    """A late refusal doesn't drop a token that was issued again since, although it is the same string."""
    fetched: list[AccessToken] = []

    async def fetch() -> AccessToken:
        fetched.append(AccessToken("token"))
        return fetched[-1]

    keeper = TokenCache(fetch, renewable=True, logs_in=True)
    first = await keeper.get()
    for _ in range(50):
        assert keeper.replace(CALL, first, None)
        await keeper.get()
    assert len(fetched) == 2
