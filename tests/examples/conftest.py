"""Fixtures: a sandbox for the examples, and ways to run them."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import pytest

from nexport_campus.sandbox import Samples, Sandbox

EXAMPLES = Path(__file__).parents[2] / "examples"
API_KEY = "key-of-the-shop"
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
    """Serve the training shop with uvicorn, with one worker or as many as the test's parameter says."""
    workers = getattr(request, "param", 1)
    options = ["--port", "0", "--workers", str(workers), "--no-access-log"]
    shop = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "uvicorn", "training_shop:app", *options],
        cwd=EXAMPLES,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert shop.stderr is not None
    url, started, output = "", 0, []
    try:
        while not url or started < workers:
            output.append(shop.stderr.readline())
            assert output[-1], "".join(output)
            started += "Application startup complete" in output[-1]
            if "running on " in output[-1]:
                url = output[-1].split("running on ")[1].split()[0]
        yield url
    finally:
        shop.terminate()
        shop.communicate(timeout=30)


@pytest.fixture
async def shop(shop_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of the shop, as its web server has one."""
    async with httpx.AsyncClient(base_url=shop_url, headers={"X-Api-Key": API_KEY}, timeout=60) as client:
        yield client


@pytest.fixture
def run(environment: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs an example with arguments."""

    def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-W", "error", str(EXAMPLES / name), *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    return run
