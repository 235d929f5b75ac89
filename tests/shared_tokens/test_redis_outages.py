"""`RedisTokenStore` and `RedisRateLimiter` while Valkey fails: no command hangs, and a lock is held nevertheless."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest
import redis.asyncio

from nexport_campus.redis import RedisRateLimiter, RedisTokenStore
from tests.support.valkey import Valkey

Use = Callable[[RedisTokenStore, RedisRateLimiter], Awaitable[object]]


async def lock(store: RedisTokenStore, _: RedisRateLimiter) -> None:
    """Take a lock."""
    async with store.lock("key", ttl=10):
        pass


USES: dict[str, Use] = {
    "acquire": lambda _, limiter: limiter.acquire(),
    "pause": lambda _, limiter: limiter.pause(1),
    "get": lambda store, _: store.get("key"),
    "set": lambda store, _: store.set("key", b"value", ttl=60),
    "delete": lambda store, _: store.delete("key", if_value=b"value"),
    "lock": lock,
}


@pytest.fixture
async def client(valkey: Valkey) -> AsyncIterator[Any]:
    """A connected client of the user's, without a timeout."""
    async with redis.asyncio.from_url(valkey.url) as client:
        await client.ping()
        yield client


@pytest.fixture
def frozen(client: Any, valkey: Valkey, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let Valkey stop responding, and commands time out at once."""
    monkeypatch.setattr("nexport_campus.redis.clients._OPERATION_SECONDS", 0.05)
    valkey.freeze()
    yield
    valkey.thaw()


@pytest.mark.usefixtures("frozen")
@pytest.mark.parametrize("use", USES.values(), ids=USES)
async def test_a_client_without_a_timeout(use: Use, client: Any) -> None:
    """Each command times out when Valkey doesn't respond, also with a client of the user's that would wait forever."""
    async with asyncio.timeout(5):
        with pytest.raises(TimeoutError):
            await use(RedisTokenStore(client), RedisRateLimiter(client, per_second=20))


async def test_the_release_of_a_lock_without_a_timeout(
    client: Any, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It times out too, if Valkey stops responding while the lock is held."""
    monkeypatch.setattr("nexport_campus.redis.clients._OPERATION_SECONDS", 0.05)
    try:
        async with asyncio.timeout(5):
            with pytest.raises(TimeoutError):
                async with RedisTokenStore(client).lock("key", ttl=10):
                    valkey.freeze()
    finally:
        valkey.thaw()


@pytest.mark.usefixtures("frozen")
async def test_waiting_callers_fail_together(client: Any) -> None:
    """The commands that wait for a connection fail with those before them, instead of timing out one after another."""
    limiter = RedisRateLimiter(client, per_second=20)
    failed = await asyncio.gather(*(limiter.acquire() for _ in range(40)), return_exceptions=True)
    timed_out = [error for error in failed if isinstance(error, TimeoutError)]
    refused = [error for error in failed if isinstance(error, ConnectionError)]
    assert (len(timed_out), len(refused)) == (4, 36)


async def test_a_renewal_that_fails_is_followed_by_others(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the lock is held, one lost connection doesn't end its renewals."""
    renewed = asyncio.Event()
    evaluate, failures = client.evalsha, iter([redis.ConnectionError("lost")])

    async def fail_once(*arguments: Any) -> Any:
        for failure in failures:
            raise failure
        renewed.set()
        return await evaluate(*arguments)

    monkeypatch.setattr(client, "evalsha", fail_once)
    async with RedisTokenStore(client).lock("key", ttl=0.3), asyncio.timeout(5):
        await renewed.wait()
