"""Connections of `RedisTokenStore` and `RedisRateLimiter` on loops of other threads, and in a forked process."""

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from nexport_campus.redis import RedisRateLimiter, RedisTokenStore
from tests.support.event_loops import assert_nothing_left_open
from tests.support.valkey import Valkey

OWNERS: dict[str, tuple[Callable[[str], Any], Callable[[Any], Awaitable[object]]]] = {
    "store": (RedisTokenStore.from_url, lambda store: store.get("key")),
    "limiter": (
        lambda url: RedisRateLimiter.from_url(url, per_second=1000),
        lambda limiter: limiter.acquire(),
    ),
}
EVERY_OWNER = pytest.mark.parametrize(("make", "use"), OWNERS.values(), ids=OWNERS)


@EVERY_OWNER
def test_closing_closes_the_connections_of_all_threads(
    make: Callable[[str], Any], use: Callable[[Any], Awaitable[object]], valkey: Valkey
) -> None:
    """Those of loops that run in other threads are closed there."""

    async def use_and_close() -> None:
        await use(owner)
        assert len(client.client_list()) == before + 2
        await owner.aclose()
        async with asyncio.timeout(5):
            while len(client.client_list()) > before:  # noqa: ASYNC110 -- Valkey sends no event
                await asyncio.sleep(0.005)

    owner = make(valkey.url)
    with valkey.client() as client, assert_nothing_left_open(), asyncio.Runner() as runner:
        before = len(client.client_list())
        loop = runner.get_loop()
        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        try:
            asyncio.run_coroutine_threadsafe(_use(owner, use), loop).result(5)
            asyncio.run(use_and_close())
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()


async def _use(owner: Any, use: Callable[[Any], Awaitable[object]]) -> None:
    await use(owner)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system doesn't fork")
@EVERY_OWNER
def test_a_fork_that_continues_the_loop(
    make: Callable[[str], Any], use: Callable[[Any], Awaitable[object]], valkey: Valkey
) -> None:
    """A child that continues with its parent's loop makes its own connection; the parent's stays usable."""
    with valkey.client() as client, assert_nothing_left_open(), asyncio.Runner() as runner:
        owner = make(valkey.url)
        runner.run(_use(owner, use))
        before = client.info("stats")["total_connections_received"]
        child = os.fork()
        if child == 0:
            # The child must never run the rest of the test.
            code = 1
            try:
                runner.run(_use(owner, use))
                runner.run(owner.aclose())
                code = 0
            finally:
                os._exit(code)
        _, outcome = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(outcome) == 0
        runner.run(_use(owner, use))
        assert client.info("stats")["total_connections_received"] == before + 1
        runner.run(owner.aclose())
