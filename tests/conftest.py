"""Settings of all tests.

Tests are one package with absolute imports only: `from tests.support.scripted_server import ScriptedServer`. So no folder
can shadow a library of the same name.

`--quick` runs one case of each test function, and leaves out the folders whose tests start processes, build documents or
generate code, and the slowest files.
"""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support.postgres import postgres_server, postgres_url
from tests.support.valkey import valkey, valkey_server

__all__ = ["postgres_server", "postgres_url", "valkey", "valkey_server"]

# A busy machine can make any example slow.
settings.register_profile("no-deadline", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("no-deadline")
settings.register_profile("quick", settings.get_profile("no-deadline"), max_examples=5)

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


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option `--quick`."""
    parser.addoption(
        "--quick", action="store_true", help="one case of each test function, without slow folders"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Draw fewer examples with `--quick`. Hypothesis reads the profile when tests are imported."""
    if config.getoption("quick"):
        settings.load_profile("quick")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out slow folders and files with `--quick`."""
    tests = Path(__file__).parent
    if not config.getoption("quick") or not collection_path.is_relative_to(tests):
        return None
    return True if collection_path.relative_to(tests).as_posix() in _LEFT_OUT_OF_QUICK else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep one case of each test function with `--quick`."""
    if config.getoption("quick"):
        first = {item.nodeid.partition("[")[0]: item for item in reversed(items)}
        config.hook.pytest_deselected(items=[item for item in items if item not in first.values()])
        items[:] = list(reversed(first.values()))
