"""Settings of all tests.

Tests are one package with absolute imports only: `from tests.support.scripted_server import ScriptedServer`. So no folder
can shadow a library of the same name.

A run of the tests draws a fixed set of hypothesis' examples, and a fixed sample of the cases of a function marked
`sampled`; `--full` draws more examples, at random, and runs all cases.

`--quick` runs one case of each test function, and leaves out the folders whose tests start processes, build documents or
generate code, and the slowest files.
"""

import gc
import os
import random
import signal
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from nexport_campus._auth import log_redaction
from tests.support.postgres import postgres_server, postgres_url
from tests.support.valkey import valkey, valkey_server

__all__ = ["postgres_server", "postgres_url", "valkey", "valkey_server"]

# Of a run that measures coverage, the workers are measured, not the processes that tests start.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.pop("COVERAGE_PROCESS_CONFIG", None)

# A shell's background jobs ignore SIGINT, and so would the programs that tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

_COMMON = settings(
    deadline=None,  # a busy machine can make any example slow
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
# A change is not to blame for a fault that happens to be found with it, so only the full run draws at random.
_FIXED = settings(_COMMON, derandomize=True, database=None)
settings.register_profile("default", _FIXED, max_examples=50)
settings.register_profile("quick", _FIXED, max_examples=5)
settings.register_profile("full", _COMMON, max_examples=400, print_blob=True)
settings.load_profile("default")

_LEFT_OUT_OF_QUICK = frozenset(
    {
        "changes/test_promise.py",
        "cli",
        "dlt_source",
        "documentation",
        "examples",
        "export",
        "faults",
        "fuzz",
        "packaging",
        "paging/test_sandbox.py",
        "pipeline",
        "plugin",
        "rate_limit",
        "sandbox",
        "shared_tokens",
        "test_benchmark.py",
        "test_documents.py",
        "test_load.py",
        "times/test_windows.py",
        "webhooks",
    }
)


@pytest.fixture(autouse=True)
def _forget_secrets() -> Generator[None]:
    """Forget the secrets of a test's clients after it.

    The log filter removes the secrets of all clients that aren't garbage yet, and a secret such as "second" is also a word of
    other tests' messages.
    """
    known = log_redaction._filter._scrubbers
    yield
    log_redaction._filter._scrubbers = known


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option `--quick`."""
    parser.addoption(
        "--quick", action="store_true", help="one case of each test function, without slow folders"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Choose the number of examples. Hypothesis reads it when tests are imported."""
    if config.getoption("quick"):
        settings.load_profile("quick")
    elif _is_full(config):
        settings.load_profile("full")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out slow folders and files with `--quick`."""
    tests = Path(__file__).parent
    if not config.getoption("quick") or not collection_path.is_relative_to(tests):
        return None
    return True if collection_path.relative_to(tests).as_posix() in _LEFT_OUT_OF_QUICK else None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep the collected tests out of garbage collection.

    Traversing 17,600 of them takes 0.3 s, at every `gc.collect()` in a test.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep one case of each test function with `--quick`, and a sample of the functions marked so unless all are due."""
    if _is_full(config):
        return
    cases = defaultdict(list)
    for item in items:
        cases[item.nodeid.partition("[")[0]].append(item)
    kept = {id(item) for group in cases.values() for item in _kept(group, quick=config.getoption("quick"))}
    config.hook.pytest_deselected(items=[item for item in items if id(item) not in kept])
    items[:] = [item for item in items if id(item) in kept]


def _kept(cases: list[pytest.Item], *, quick: bool) -> list[pytest.Item]:
    if quick:
        return cases[:1]
    mark = cases[0].get_closest_marker("sampled")
    return (
        cases if mark is None or len(cases) <= mark.args[0] else random.Random(0).sample(cases, mark.args[0])
    )


def _is_full(config: pytest.Config) -> bool:
    return bool(config.option.markexpr == "full or not full")
