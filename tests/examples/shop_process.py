"""The training shop as a separate process, and its client."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

__all__ = ["API_KEY", "EXAMPLES", "client_of", "shop_process"]

EXAMPLES = Path(__file__).parents[2] / "examples"
API_KEY = "key-of-the-shop"


@contextmanager
def shop_process(
    environment: dict[str, str], workers: int = 1
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Serve the training shop with uvicorn, and yield its process and its URL."""
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
        yield shop, url
    finally:
        shop.terminate()
        shop.communicate(timeout=30)


def client_of(url: str) -> httpx.AsyncClient:
    """Return a client of the shop, as its web server has one."""
    return httpx.AsyncClient(base_url=url, headers={"X-Api-Key": API_KEY}, timeout=60)
