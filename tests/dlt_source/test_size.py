"""A large campus in PostgreSQL: every enrollment arrives, and an unchanged campus costs next to nothing."""

import asyncio
from typing import Any

import pytest

from nexport_campus import NexportCampus, PasswordAuth
from nexport_campus.dlt import campus_source
from nexport_campus.sandbox import Sandbox
from tests.dlt_source.warehouse import Warehouse

pytestmark = [pytest.mark.full, pytest.mark.nexport_sandbox(enrollments=200_000)]


async def test_a_large_campus(
    nexport_sandbox: Sandbox, campus: NexportCampus, postgres_warehouse: Warehouse
) -> None:
    """More than 100,000 enrollments are loaded once; the second run sends three searches and loads nothing."""
    samples = await nexport_sandbox.samples()

    def run() -> Any:
        source = campus_source(
            credentials=PasswordAuth(nexport_sandbox.username, nexport_sandbox.password),
            base_url=nexport_sandbox.url,
            org_ids=[samples.org_id],
        )
        pipeline = postgres_warehouse.pipeline()
        pipeline.run(source.with_resources("enrollments"))
        return pipeline.last_trace.last_normalize_info.row_counts

    await asyncio.to_thread(run)
    total = await campus.learning.search_enrollments(org_ids=[samples.org_id]).total()
    assert total is not None
    assert total > 100_000
    count = "SELECT count(*), count(DISTINCT enrollment_id) FROM campus.enrollments"
    assert postgres_warehouse.query(count) == [(total, total)]
    before = (await nexport_sandbox.books()).counts["LearningApi_SearchEnrollments"]
    rows = await asyncio.to_thread(run)
    after = (await nexport_sandbox.books()).counts["LearningApi_SearchEnrollments"]
    assert after - before == 3
    assert "enrollments" not in rows
