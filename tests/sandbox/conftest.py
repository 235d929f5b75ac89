"""A sandbox that all of its tests share, reset before each, and callers with different permissions."""

import ssl
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from nexport_campus.sandbox import Samples, Sandbox
from tests.sandbox.http_api import HttpApi

# Shared: each httpx client would otherwise create a context, which takes longer than most tests.
TLS = ssl.create_default_context()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server() -> AsyncIterator[Sandbox]:
    """Yield a sandbox that runs for the whole session."""
    async with Sandbox(seed=7) as sandbox:
        yield sandbox


@pytest.fixture
async def sandbox(server: Sandbox) -> Sandbox:
    """Return the sandbox, reset to its initial state."""
    await server.reset()
    return server


@pytest.fixture
async def samples(sandbox: Sandbox) -> Samples:
    """Return the sandbox's sample ids."""
    return await sandbox.samples()


@pytest.fixture
async def anyone(sandbox: Sandbox) -> AsyncIterator[HttpApi]:
    """Yield a caller without a token."""
    async with httpx.AsyncClient(base_url=sandbox.url, verify=TLS) as client:
        yield HttpApi(client)


@pytest.fixture
async def api(sandbox: Sandbox, anyone: HttpApi) -> HttpApi:
    """Return a caller with all permissions, the administrator."""
    return await anyone.log_in(sandbox.accounts["administrator"])


@pytest.fixture
async def viewer(sandbox: Sandbox, anyone: HttpApi) -> HttpApi:
    """Return a caller who may view enrollments, through a grant in Northwind East."""
    return await anyone.log_in(sandbox.accounts["viewer"])


@pytest.fixture
async def registrar(sandbox: Sandbox, anyone: HttpApi) -> HttpApi:
    """Return a caller who may only view and update enrollments, in the busy organization."""
    return await anyone.log_in(sandbox.accounts["registrar"])


@pytest.fixture
async def instructor(sandbox: Sandbox, anyone: HttpApi) -> HttpApi:
    """Return a caller without permissions, an instructor."""
    return await anyone.log_in(sandbox.accounts["instructor"])
