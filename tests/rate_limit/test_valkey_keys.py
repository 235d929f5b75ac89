"""What a shared limit stores in Valkey: the next turn and the pause, neither forgotten nor given too early."""

from typing import Any

import pytest

from nexport_campus.redis import RedisRateLimiter
from tests.support.valkey import Valkey

NEXT, PAUSE = "nexport-campus:{rate}:next", "nexport-campus:{rate}:pause"


@pytest.mark.parametrize("per_second", [0.001, 0.01])
async def test_the_next_turn_of_a_slow_limit(per_second: float, valkey: Valkey) -> None:
    """It comes an interval later and a reserve of a twentieth, and Valkey keeps it until then."""
    async with RedisRateLimiter.from_url(valkey.url, per_second=per_second) as limiter:
        await limiter.acquire()
    with valkey.client() as client:
        turn: Any = client.get(NEXT)
        seconds, microseconds = client.time()
        wait = int(turn) / 1e6 - (seconds + microseconds / 1e6)
        assert 1 / per_second < wait <= 1 / per_second / 0.95
        assert client.pttl(NEXT) / 1000 >= wait


@pytest.mark.parametrize(
    "pauses", [(60, 1), (1, 60), (60, 0.001)], ids=["shorter later", "longer later", "brief later"]
)
async def test_the_longest_pause_holds(pauses: tuple[float, float], valkey: Valkey) -> None:
    """A pause that another process demands extends the present one, and never shortens it."""
    for seconds in pauses:
        async with RedisRateLimiter.from_url(valkey.url, per_second=20) as limiter:
            await limiter.pause(seconds)
    with valkey.client() as client:
        assert 30 < client.pttl(PAUSE) / 1000 <= 60
