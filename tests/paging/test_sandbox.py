"""Lists of the sandbox, which clamps page sizes silently and sends totals with some operations only."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from nexport_campus import NexportCampus, PasswordAuth
from nexport_campus.sandbox import Samples, Sandbox
from nexport_client.protocols import AsyncPager
from tests.paging.page_responder import collect_until_error

List = Callable[[NexportCampus, Samples, Any], AsyncPager[Any]]
LISTS: dict[str, List] = {
    "enrollments": lambda campus, ids, paging: campus.learning.search_enrollments(
        org_ids=[ids.org_id], **paging
    ),
    "syllabi": lambda campus, ids, paging: campus.learning.get_catalog_syllabi(
        catalog_id=ids.catalog_id, **paging
    ),
    "assignments": lambda campus, ids, paging: campus.learning.get_assignments(
        section_id=ids.popular_section_id, **paging
    ),
    "statuses": lambda campus, ids, paging: campus.learning.get_assignment_statuses(
        enrollment_id=ids.scorm_enrollment_id, **paging
    ),
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def sandbox() -> AsyncIterator[Sandbox]:
    """Yield a sandbox with 2,500 enrollments."""
    async with Sandbox(seed=7, enrollments=2500) as running:
        yield running


@pytest.fixture
async def campus(sandbox: Sandbox) -> AsyncIterator[NexportCampus]:
    """Yield a client that leaves no task."""
    auth = PasswordAuth(sandbox.username, sandbox.password)
    async with NexportCampus(auth, base_url=sandbox.url) as client:
        yield client
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.sampled(1)
@pytest.mark.parametrize("what", LISTS)
async def test_page_size_and_concurrency_change_nothing(
    sandbox: Sandbox, campus: NexportCampus, what: str
) -> None:
    """Any page size, sequential or concurrent, yields the same records, each once, as many as the total."""
    samples = await sandbox.samples()
    whole = await LISTS[what](campus, samples, {}).collect()
    assert len({str(record) for record in whole}) == len(whole) > 1
    for per_page in (7, 30, 5000):
        pager = LISTS[what](campus, samples, {"per_page": per_page})
        assert await pager.collect() == whole
        assert await pager.concurrent(4).collect() == whole
        assert await pager.total() in {None, len(whole)}


@pytest.mark.parametrize("ahead", [1, 4])
async def test_iteration_resumes_after_a_failed_page(
    sandbox: Sandbox, campus: NexportCampus, ahead: int
) -> None:
    """A gateway error on one page ends the iteration there, and `page` resumes from it."""
    samples = await sandbox.samples()
    pager = campus.learning.search_enrollments(org_ids=[samples.org_id], per_page=20)
    whole = await pager.collect()
    await sandbox.faults.add(operation="LearningApi_SearchEnrollments", nth=3, status=403)
    before, error = await collect_until_error(aiter(pager.concurrent(ahead)))
    await sandbox.faults.clear()
    assert len(before) == 20 * ((error.page or 0) - 1)
    resumed = campus.learning.search_enrollments(org_ids=[samples.org_id], per_page=20, page=error.page or 0)
    assert before + await resumed.collect() == whole
