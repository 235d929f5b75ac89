"""The token store in the application's own database, on a real PostgreSQL."""

import ast
import asyncio
import importlib.util
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from nexport_campus import NexportCampus, PasswordAuth, TokenStore
from tests.support.counting_campus import PASSWORD, USERNAME, CountingCampus
from tests.support.scripted_server import ScriptedServer
from tests.support.spec import SOME_ID

PROGRAM = Path(__file__).parents[2] / "examples" / "token_store_sqlalchemy.py"
MakeStore = Callable[[], Any]


def program() -> ModuleType:
    """Return the example as a module."""
    spec = importlib.util.spec_from_file_location("token_store_sqlalchemy", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
async def make_store(postgres_url: str) -> AsyncIterator[MakeStore]:
    """Return a function that makes stores, each with separate connections, as another process has."""
    module, url = program(), postgres_url.replace("postgresql:", "postgresql+psycopg:")
    async with AsyncExitStack() as stack:

        def make() -> Any:
            engine = create_async_engine(url)
            stack.push_async_callback(engine.dispose)
            return module.DatabaseTokenStore(engine)

        async with make()._engine.begin() as connection:
            await connection.run_sync(module.metadata.create_all)
        yield make


def test_the_class_has_few_lines() -> None:
    """It is short enough to be written for another database."""
    (definition,) = [node for node in ast.parse(PROGRAM.read_text()).body if isinstance(node, ast.ClassDef)]
    lines = [line.strip() for line in ast.unparse(definition).splitlines()]
    assert len([line for line in lines if line and not line.startswith('"""')]) <= 25


async def test_values_are_stored_replaced_and_deleted(make_store: MakeStore) -> None:
    """Values are stored, replaced, deleted if they are still the same, and forgotten in time."""
    store: TokenStore = make_store()
    assert isinstance(store, TokenStore)
    assert await store.get("key") is None
    await store.set("key", b"one", ttl=None)
    assert await make_store().get("key") == b"one"
    await store.set("key", b"two", ttl=60)
    await store.delete("key", if_value=b"one")
    assert await store.get("key") == b"two"
    await store.delete("key", if_value=b"two")
    assert await store.get("key") is None
    await store.set("key", b"three", ttl=0.001)
    await asyncio.sleep(0.01)
    assert await store.get("key") is None


async def test_a_replaced_value_has_a_new_expiry(make_store: MakeStore) -> None:
    """A value that is replaced after its expiry is found again, and the new one ends in its time."""
    store: TokenStore = make_store()
    for ttl in (60, None):
        await store.set("key", b"old", ttl=0.001)
        await asyncio.sleep(0.01)
        await store.set("key", b"new", ttl=ttl)
        assert await store.get("key") == b"new"
        await store.set("key", b"short", ttl=0.001)
        await asyncio.sleep(0.01)
        assert await store.get("key") is None


async def test_the_lock_is_held_by_one(make_store: MakeStore) -> None:
    """Others wait, here and in other processes."""
    stores, inside = [make_store(), make_store()], list[int]()

    async def hold(number: int) -> None:
        async with stores[number % 2].lock("key", ttl=10):
            inside.append(number)
            assert len(inside) == 1
            await asyncio.sleep(0.005)
            inside.pop()

    await asyncio.gather(*(hold(number) for number in range(8)))


async def test_clients_share_a_login(make_store: MakeStore) -> None:
    """8 clients with separate connections make one login at the start, and one after a revocation."""
    campus = CountingCampus(login_seconds=0.1)
    stores = [make_store() for _ in range(8)]
    for store in stores:
        # On a busy machine, connecting takes longer than the second that a client waits for its store.
        async with store.lock("connect", ttl=10):
            await store.get("connect")
    async with ScriptedServer(campus) as server, AsyncExitStack() as stack:
        auth = PasswordAuth(USERNAME, PASSWORD)
        clients = [
            await stack.enter_async_context(NexportCampus(auth, base_url=server.url, token_store=store))
            for store in stores
        ]

        async def call_all() -> None:
            calls = [client.learning.get_section_description(section_id=SOME_ID) for client in clients]
            await asyncio.gather(
                *calls, *(client.request("GET", "/api/v1/AdminApi/ValidateAccessToken") for client in clients)
            )

        await call_all()
        assert campus.logins == 1
        campus.revoke()
        await call_all()
        assert campus.logins == 2
