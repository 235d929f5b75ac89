"""The backfill on a Dask cluster, run as a program while a worker is killed."""

import asyncio
import copyreg
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from nexport_campus import NexportCampus
from nexport_campus.sandbox import Samples, Sandbox
from nexport_campus.times import months
from tests.examples.shop_process import EXAMPLES
from tests.support.valkey import Valkey

if TYPE_CHECKING:
    from distributed import LocalCluster

pytestmark = pytest.mark.nexport_sandbox(enrollments=1000)


@pytest.fixture
def cluster_environment(
    environment: dict[str, str], postgres_url: str, valkey: Valkey, tmp_path: Path
) -> dict[str, str]:
    """Return what the program and its workers read their settings from."""
    return environment | {
        # dlt insists on a password; this server accepts any.
        "DATABASE_URL": postgres_url.replace("postgres@", "postgres:unused@", 1),
        "REDIS_URL": valkey.url,
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "RUNTIME__LOG_LEVEL": "CRITICAL",
        "DLT_PROJECT_DIR": str(tmp_path),
        "DLT_DATA_DIR": str(tmp_path / "data"),
    }


@pytest.fixture
def unchanged_pickling() -> Iterator[None]:
    """Undo what importing distributed does to the pickling of exceptions, for the tests after this one."""
    before = dict(copyreg.dispatch_table)
    yield
    copyreg.dispatch_table.clear()
    copyreg.dispatch_table.update(before)


@pytest.fixture
def cluster(
    unchanged_pickling: None, cluster_environment: dict[str, str], tmp_path: Path
) -> "Iterator[LocalCluster]":
    """Start two workers with one thread each."""
    from distributed import LocalCluster

    with (
        pytest.MonkeyPatch.context() as patch,
        LocalCluster(
            n_workers=0,
            threads_per_worker=1,
            dashboard_address="127.0.0.1:0",
            local_directory=str(tmp_path),
            env=cluster_environment,
        ) as cluster,
    ):
        patch.chdir(tmp_path)
        cluster.scale(2)
        yield cluster


def read(url: str, query: str) -> list[tuple[object, ...]]:
    """Return the rows of a query, or none while its tables don't exist."""
    with psycopg.connect(url) as connection, suppress(psycopg.errors.UndefinedTable):
        return connection.execute(query.encode()).fetchall()
    return []


def wait_for_loads(url: str, count: int, running: asyncio.Task[Any]) -> None:
    """Wait until a number of windows are loaded, or the program has ended."""
    while not running.done() and len(read(url, "SELECT 1 FROM campus._dlt_loads")) < count:
        time.sleep(0.1)


@pytest.mark.full
@pytest.mark.parametrize("first", ["2026-10-01", "2025-10-01"], ids=["months", "a year"])
async def test_the_tables_are_complete_and_without_duplicates(
    cluster: "LocalCluster",
    cluster_environment: dict[str, str],
    samples: Samples,
    campus: NexportCampus,
    nexport_sandbox: Sandbox,
    first: str,
) -> None:
    """A worker is killed half-way; all share one login."""
    orgs, url = samples.org_ids[:2], cluster_environment["DATABASE_URL"]
    windows = len(orgs) * (
        1 + len(months(datetime.fromisoformat(first).astimezone(UTC), datetime.now(UTC), zone="UTC"))
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(EXAMPLES / "backfill_dask.py"),
        *(cluster.scheduler_address, first, *orgs),
        env=cluster_environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    running = asyncio.create_task(process.communicate())
    try:
        await asyncio.to_thread(wait_for_loads, url, windows // 2, running)
        assert not running.done(), (await running)[0].decode()
        os.kill(next(iter(cluster.workers.values())).process.pid, signal.SIGKILL)
        output, _ = await running
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, output.decode()
    found = await campus.learning.search_enrollments(org_ids=orgs).collect()
    loaded = [str(row[0]) for row in read(url, "SELECT enrollment_id::text FROM campus.enrollments")]
    assert sorted(loaded) == sorted(str(item.enrollment_id) for item in found)
    statuses = read(
        url, "SELECT count(*), count(DISTINCT assignment_status_id) FROM campus.assignment_statuses"
    )
    assert statuses[0][0] == statuses[0][1]
    logins = (await nexport_sandbox.books()).counts["AdminApi_Authenticate"]
    assert logins <= 2 + 1  # this test's own, the fleet's, and one if the killed worker was logging in
