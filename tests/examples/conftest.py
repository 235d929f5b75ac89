"""Fixtures: a sandbox for the examples, and ways to run them."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import pytest

from nexport_campus.sandbox import Samples, Sandbox
from tests.examples.shop_process import API_KEY, EXAMPLES, client_of, shop_process

WEBHOOK_SECRET = "secret-of-the-provider"


@pytest.fixture
async def samples(nexport_sandbox: Sandbox) -> Samples:
    """Return sample ids of the sandbox."""
    return await nexport_sandbox.samples()


@pytest.fixture
def environment(nexport_sandbox: Sandbox, samples: Samples, tmp_path: Path) -> dict[str, str]:
    """Return the environment that an example reads its settings from."""
    return os.environ | {
        "NEXPORT_BASE_URL": nexport_sandbox.url,
        "NEXPORT_USERNAME": nexport_sandbox.username,
        "NEXPORT_PASSWORD": nexport_sandbox.password,
        "SHOP_ORGANIZATION": samples.org_id,
        "SHOP_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "SHOP_API_KEY": API_KEY,
        "SHOP_DATABASE": str(tmp_path / "shop.sqlite3"),
    }


@pytest.fixture
def shop_url(request: pytest.FixtureRequest, environment: dict[str, str]) -> Iterator[str]:
    """Serve the training shop, with one worker or as many as the test's parameter says."""
    with shop_process(environment, getattr(request, "param", 1)) as (_, url):
        yield url


@pytest.fixture
async def shop(shop_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of the shop."""
    async with client_of(shop_url) as client:
        yield client


@pytest.fixture
def run(environment: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs an example with arguments."""

    def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-W", "error", str(EXAMPLES / name), *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    return run
