"""The pytest plugin: a fresh campus for each test.

pytest loads it wherever the package is installed. It needs the `sandbox` extra.

    async def test_enrolls(campus, nexport_sandbox):
        samples = await nexport_sandbox.samples()
        ...

`MemoryTokenStore` is a token store for tests, without a server. `webhook_request` makes a webhook as a campus sends it.

Fixtures: `nexport_sandbox`, `campus`. Marks: `nexport_sandbox(**settings)`, `nexport_faults(**failure)`. Both take only
keyword arguments, those of `Sandbox` and of `sandbox.faults.add`. See `docs/testing.md`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from nexport_campus._auth.memory_token_store import MemoryTokenStore

from .webhook_requests import webhook_request

if TYPE_CHECKING:
    from nexport_campus import NexportCampus
    from nexport_campus.sandbox import Sandbox

    from .sandbox_pool import SandboxPool

__all__ = ["MemoryTokenStore", "campus", "nexport_sandbox", "webhook_request"]

T = TypeVar("T")
_MARKS = (
    "nexport_sandbox(**settings): the test's sandbox campus has these settings, the arguments of Sandbox",
    "nexport_faults(**failure): a failure of the test's sandbox, the arguments of sandbox.faults.add",
)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marks, for `--strict-markers`."""
    for mark in _MARKS:
        config.addinivalue_line("markers", mark)


@pytest.fixture(scope="session")
def _nexport_sandboxes() -> Iterator[SandboxPool]:
    """Yield the pool of sandboxes of the test session: tests with the same settings share a server."""
    from .sandbox_pool import SandboxPool

    pool = SandboxPool()
    yield pool
    _run(pool.aclose())


@pytest.fixture
def nexport_sandbox(request: pytest.FixtureRequest, _nexport_sandboxes: SandboxPool) -> Sandbox:
    """Yield a running `Sandbox` in its initial state, without effects of earlier tests.

    `@pytest.mark.nexport_sandbox(seed=3, enrollments=1000)` passes settings, and each
    `@pytest.mark.nexport_faults(operation=..., status=503, nth=1)` adds one failure. Marks of a class or module apply
    too; if settings or failures for the same call conflict, those closest to the test win.

    Raises SandboxError if the server can't start, ValueError or TypeError for invalid marks.
    """
    settings: dict[str, Any] = {}
    for mark in request.node.iter_markers("nexport_sandbox"):
        settings = _get_keywords(mark) | settings
    sandbox = _run(_nexport_sandboxes.fresh(settings))
    for mark in request.node.iter_markers("nexport_faults"):
        _run(sandbox.faults.add(**_get_keywords(mark)))
    return sandbox


@pytest.fixture
def campus(nexport_sandbox: Sandbox) -> Iterator[NexportCampus]:
    """Yield a client of the test's sandbox, as its administrator, with the usual retries but almost no delays.

    It works with every plugin that runs asyncio tests, and with `asyncio.run`, because it isn't bound to an event loop.
    """
    from nexport_campus import NexportCampus, PasswordAuth, RetryPolicy

    client = NexportCampus(
        PasswordAuth(nexport_sandbox.username, nexport_sandbox.password),
        base_url=nexport_sandbox.url,
        retry=RetryPolicy(initial_delay=0.01, max_delay=0.05),
    )
    yield client
    _run(client.aclose())


def _get_keywords(mark: pytest.Mark) -> dict[str, Any]:
    if mark.args:
        raise TypeError(f"pytest.mark.{mark.name} takes only keyword arguments")
    return dict(mark.kwargs)


def _run(step: Coroutine[Any, Any, T]) -> T:
    """Return the result of a coroutine, run in a thread because the test may have, or want, another event loop."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, step).result()
