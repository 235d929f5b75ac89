"""One server for all tests of the sandbox, made new before each."""

import ssl
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from nexport_campus.sandbox import Samples, Sandbox
from tests.sandbox.http_api import HttpApi

# Made once: httpx would make one for each client, which takes longer than most tests.
TLS = ssl.create_default_context()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server() -> AsyncIterator[Sandbox]:
    """A sandbox that runs as long as the tests do."""
    async with Sandbox(seed=7) as sandbox:
        yield sandbox


@pytest.fixture
async def sandbox(server: Sandbox) -> Sandbox:
    """The sandbox as it was at its start."""
    await server.reset()
    return server


@pytest.fixture
async def samples(sandbox: Sandbox) -> Samples:
    """Ids worth trying."""
    return await sandbox.samples()


@pytest.fixture
async def anyone(sandbox: Sandbox) -> AsyncIterator[HttpApi]:
    """Calls without a token."""
    async with httpx.AsyncClient(base_url=sandbox.url, verify=TLS) as client:
        yield HttpApi(client)


@pytest.fixture
async def api(sandbox: Sandbox, anyone: HttpApi) -> HttpApi:
    """Calls as the administrator, who may do everything."""
    return await anyone.log_in(sandbox.accounts["administrator"])


@pytest.fixture
async def viewer(sandbox: Sandbox, anyone: HttpApi) -> HttpApi:
    """Calls as someone who may view enrollments, by a grant in Northwind East."""
    return await anyone.log_in(sandbox.accounts["viewer"])


@pytest.fixture
async def registrar(sandbox: Sandbox, anyone: HttpApi) -> HttpApi:
    """Calls as someone who may view and update enrollments in the busy organization, and nothing more."""
    return await anyone.log_in(sandbox.accounts["registrar"])


@pytest.fixture
async def instructor(sandbox: Sandbox, anyone: HttpApi) -> HttpApi:
    """Calls as an instructor without any permission."""
    return await anyone.log_in(sandbox.accounts["instructor"])
