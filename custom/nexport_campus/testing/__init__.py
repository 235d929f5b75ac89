"""The pytest plugin: a campus of one's own for each test.

It is there wherever the package is installed; it needs the `sandbox` extra.

    async def test_enrolls(campus, nexport_sandbox):
        samples = await nexport_sandbox.samples()
        ...

Fixtures: `nexport_sandbox`, `campus`. Marks: `nexport_sandbox(**settings)`, `nexport_faults(**failure)`; each takes
keyword arguments alone, those of `Sandbox` and of `sandbox.faults.add`. `docs/testing.md` shows more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

if TYPE_CHECKING:
    from nexport_campus import NexportCampus
    from nexport_campus.sandbox import Sandbox

    from .sandbox_pool import SandboxPool

__all__ = ["campus", "nexport_sandbox"]

T = TypeVar("T")
_MARKS = (
    "nexport_sandbox(**settings): the test's sandbox campus has these settings, the arguments of Sandbox",
    "nexport_faults(**failure): a failure of the test's sandbox, the arguments of sandbox.faults.add",
)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marks, for `--strict-markers`."""
    for mark in _MARKS:
        config.addinivalue_line("markers", mark)


@pytest.fixture(scope="session")
def _nexport_sandboxes() -> Iterator[SandboxPool]:
    """The servers of this run of tests: one is enough for all tests with the same settings."""
    from .sandbox_pool import SandboxPool

    pool = SandboxPool()
    yield pool
    _run(pool.aclose())


@pytest.fixture
def nexport_sandbox(request: pytest.FixtureRequest, _nexport_sandboxes: SandboxPool) -> Sandbox:
    """A running `Sandbox`, as new for each test: nothing that an earlier one did is in it.

    `@pytest.mark.nexport_sandbox(seed=3, enrollments=1000)` has its settings, and each
    `@pytest.mark.nexport_faults(operation=..., status=503, nth=1)` one failure. Marks of a class or module count too;
    of two settings, and of two failures that strike the same call, the one nearer to the test does.

    Raises SandboxError where the server can't start, ValueError or TypeError for marks that can't work.
    """
    settings: dict[str, Any] = {}
    for mark in request.node.iter_markers("nexport_sandbox"):
        settings = _keywords(mark) | settings
    sandbox = _run(_nexport_sandboxes.fresh(settings))
    for mark in request.node.iter_markers("nexport_faults"):
        _run(sandbox.faults.add(**_keywords(mark)))
    return sandbox


@pytest.fixture
def campus(nexport_sandbox: Sandbox) -> Iterator[NexportCampus]:
    """A client of the test's sandbox, as its administrator; it tries again as often as ever, but hardly waits for it.

    It works with every plugin that runs asyncio tests, and in `asyncio.run` too: it is bound to no event loop.
    """
    from nexport_campus import NexportCampus, PasswordAuth, RetryPolicy

    client = NexportCampus(
        PasswordAuth(nexport_sandbox.username, nexport_sandbox.password),
        base_url=nexport_sandbox.url,
        retry=RetryPolicy(initial_delay=0.01, max_delay=0.05),
    )
    yield client
    _run(client.aclose())


def _keywords(mark: pytest.Mark) -> dict[str, Any]:
    if mark.args:
        raise TypeError(f"pytest.mark.{mark.name} takes keyword arguments alone")
    return dict(mark.kwargs)


def _run(step: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns; it runs in a thread, since the test's own may have, or want, another event loop."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, step).result()
