"""`RedisTokenStore` on a real Valkey: values, the lock, connections of loops and processes."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio

from nexport_campus import ConfigurationError, NexportCampus, PasswordAuth, TokenStore
from nexport_campus.redis import RedisRateLimiter, RedisTokenStore
from tests.support.counting_campus import PASSWORD, USERNAME, CountingCampus
from tests.support.event_loops import assert_nothing_left_open
from tests.support.scripted_server import ScriptedServer
from tests.support.spec import SOME_ID
from tests.support.valkey import Valkey


@pytest.fixture
async def store(valkey: Valkey) -> AsyncIterator[RedisTokenStore]:
    """An empty store."""
    async with RedisTokenStore.from_url(valkey.url) as store:
        yield store


async def test_values_are_stored_replaced_and_deleted(store: RedisTokenStore) -> None:
    """Values are stored, replaced, and deleted if they are still the same."""
    assert isinstance(store, TokenStore)
    assert await store.get("key") is None
    await store.set("key", b"one", ttl=None)
    await store.set("key", b"\x00two\xff", ttl=60)
    await store.delete("key", if_value=b"one")
    assert await store.get("key") == b"\x00two\xff"
    await store.delete("key", if_value=b"\x00two\xff")
    assert await store.get("key") is None


async def test_values_expire(store: RedisTokenStore, valkey: Valkey) -> None:
    """After its time, a value is gone; a time of less than a millisecond is a millisecond."""
    await store.set("key", b"value", ttl=1234.5)
    await store.set("short", b"value", ttl=0.00001)
    with valkey.client() as client:
        assert 1_200_000 < client.pttl("nexport-campus:token:key") <= 1_234_500
    await asyncio.sleep(0.01)
    assert await store.get("short") is None


async def test_the_lock_is_held_by_one(store: RedisTokenStore, valkey: Valkey) -> None:
    """Others wait, here and in other processes; afterwards nothing is left."""
    inside: list[int] = []

    async with RedisTokenStore.from_url(valkey.url) as other:

        async def hold(number: int) -> None:
            async with (store, other)[number % 2].lock("key", ttl=10):
                inside.append(number)
                assert len(inside) == 1
                await asyncio.sleep(0.005)
                inside.pop()

        await asyncio.gather(*(hold(number) for number in range(10)))
    with valkey.client() as client:
        assert client.keys("*") == []


async def test_the_lock_is_renewed_while_it_is_held(store: RedisTokenStore, valkey: Valkey) -> None:
    """It outlives its lease as long as its holder lives."""
    with valkey.client() as client:
        async with store.lock("key", ttl=0.9):
            holder = client.get("nexport-campus:lock:key")
            await asyncio.sleep(2)
            assert client.get("nexport-campus:lock:key") == holder is not None


async def test_a_lease_that_was_lost(store: RedisTokenStore, valkey: Valkey) -> None:
    """Releasing the lock doesn't affect that of another holder."""
    with valkey.client() as client:
        async with store.lock("key", ttl=10):
            client.set("nexport-campus:lock:key", "another")
        assert client.get("nexport-campus:lock:key") == b"another"


async def test_a_cancelled_waiter_leaves_no_lock(store: RedisTokenStore, valkey: Valkey) -> None:
    """Cancelled at any point, it holds nothing."""

    async def hold() -> None:
        async with store.lock("key", ttl=10):
            await asyncio.Event().wait()

    await store.get("key")
    for steps in range(12):
        task = asyncio.create_task(hold())
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with valkey.client() as client:
            assert client.keys("*") == []


async def test_a_client_that_was_passed_in_stays_open(valkey: Valkey) -> None:
    """It may decode responses; the prefix is what all keys begin with."""
    client = redis.asyncio.from_url(valkey.url, decode_responses=True)
    campus = CountingCampus()
    async with ScriptedServer(campus) as server:
        for _ in range(2):
            async with (
                RedisTokenStore(client, prefix="school:") as store,
                NexportCampus(
                    PasswordAuth(USERNAME, PASSWORD), base_url=server.url, token_store=store
                ) as client_of,
            ):
                await client_of.learning.get_section_description(section_id=SOME_ID)
    assert campus.logins == 1
    assert [str(key).rpartition(":")[0] for key in await client.keys("*")] == ["school:token"]
    assert await client.ping()
    await client.aclose()


async def test_closing_a_campus_closes_neither(valkey: Valkey) -> None:
    """Store and limiter serve the next client."""
    campus = CountingCampus()
    auth = PasswordAuth(USERNAME, PASSWORD)
    async with (
        ScriptedServer(campus) as server,
        RedisTokenStore.from_url(valkey.url) as store,
        RedisRateLimiter.from_url(valkey.url, per_second=100) as limiter,
    ):
        for _ in range(2):
            async with NexportCampus(
                auth, base_url=server.url, token_store=store, rate_limit=limiter
            ) as client:
                await client.learning.get_section_description(section_id=SOME_ID)
        assert await store.get("nothing") is None
        await limiter.acquire()
    assert campus.logins == 1


def test_one_loop_after_another(valkey: Valkey) -> None:
    """Each has separate connections, which are closed with it."""
    store = RedisTokenStore.from_url(valkey.url)
    with assert_nothing_left_open():
        asyncio.run(store.set("key", b"value", ttl=60))
        for _ in range(3):
            assert asyncio.run(store.get("key")) == b"value"
        asyncio.run(store.aclose())


def test_a_frozen_valkey_leaves_nothing_open(valkey: Valkey) -> None:
    """Neither do commands that time out."""

    async def try_it() -> None:
        async with RedisTokenStore.from_url(valkey.url) as store:
            for _ in range(2):
                with pytest.raises((TimeoutError, redis.RedisError)):
                    await store.get("key")

    with assert_nothing_left_open():
        valkey.freeze()
        try:
            asyncio.run(try_it())
        finally:
            valkey.thaw()


FORKING = """
import asyncio, os, sys
from nexport_campus import NexportCampus, PasswordAuth
from nexport_campus.redis import RedisRateLimiter, RedisTokenStore

base_url, redis_url, username, password = sys.argv[1:]
campus = NexportCampus(
    PasswordAuth(username, password),
    base_url=base_url,
    token_store=RedisTokenStore.from_url(redis_url),
    rate_limit=RedisRateLimiter.from_url(redis_url, per_second=1000),
)

async def call():
    await campus.learning.get_section_description(section_id="6f9619ff-8b86-4d01-b42d-00cf4fc964ff")

if {parent_calls}:
    asyncio.run(call())
children = []
for _ in range(3):
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            for _ in range(2):
                asyncio.run(call())
            code = 0
        finally:
            os._exit(code)
    children.append(pid)
codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
asyncio.run(call())
print(codes)
"""


@pytest.mark.parametrize("parent_calls", [True, False], ids=["connected before", "not connected before"])
async def test_a_client_survives_forks(parent_calls: bool, valkey: Valkey) -> None:
    """A client made before a fork, as with gunicorn's preload, serves all children, loop after loop, with one login."""
    campus = CountingCampus()
    async with ScriptedServer(campus) as server:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "error", "-c", FORKING.replace("{parent_calls}", str(parent_calls))),
            *(server.url, valkey.url, USERNAME, PASSWORD),
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        output, _ = await process.communicate()
    assert output == b"[0, 0, 0]\n"
    assert campus.logins == 1


CONSTRUCTORS: dict[str, tuple[Any, str]] = {
    "scheme": (
        lambda: RedisTokenStore.from_url("http://:hidden@localhost"),
        "the URL or an option is invalid",
    ),
    "port": (
        lambda: RedisTokenStore.from_url("redis://:hidden@localhost:port"),
        "the URL or an option is invalid",
    ),
    "option": (
        lambda: RedisTokenStore.from_url("redis://:hidden@localhost", nothing=1),
        "an option is invalid",
    ),
    "prefix": (
        lambda: RedisTokenStore.from_url("redis://localhost", prefix=""),
        "prefix must be a non-empty",
    ),
    "no client": (lambda: RedisTokenStore("redis://:hidden@localhost"), r"a redis\.asyncio\.Redis"),
}


@pytest.mark.parametrize("name", CONSTRUCTORS)
def test_arguments_that_cannot_work(name: str) -> None:
    """They raise at once, and no message shows a URL, which may hold a password."""
    make, message = CONSTRUCTORS[name]
    with pytest.raises(ConfigurationError, match=message) as caught:
        make()
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["redis", "valkey", "rediss", "valkeys"])
def test_urls_of_redis_and_valkey_are_accepted(scheme: str) -> None:
    """The schemes of Redis and Valkey are accepted; a repr shows the prefix only."""
    store = RedisTokenStore.from_url(f"{scheme}://:hidden@localhost:6379/0", prefix="school:")
    assert repr(store) == "<RedisTokenStore school:>"


def test_threads_share_one_store(valkey: Valkey) -> None:
    """One store serves the clients of several threads, each with its own event loops."""
    store = RedisTokenStore.from_url(valkey.url)

    def use(name: str) -> None:
        for number in range(5):
            asyncio.run(store.set(name, b"%d" % number, ttl=60))
            assert asyncio.run(store.get(name)) == b"%d" % number

    with assert_nothing_left_open(), ThreadPoolExecutor(4) as threads:
        list(threads.map(use, "abcdefgh"))
