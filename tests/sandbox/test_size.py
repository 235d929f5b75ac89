"""A sandbox with a million enrollments."""

import time

import httpx
import pytest

from nexport_campus.sandbox import Sandbox
from tests.sandbox.http_api import HttpApi


@pytest.mark.full
async def test_a_million_enrollments_are_served() -> None:
    """It starts in under a minute, and its last page is as fast as its second."""
    began = time.perf_counter()
    async with (
        Sandbox(seed=7, enrollments=1_000_000) as sandbox,
        httpx.AsyncClient(base_url=sandbox.url, timeout=60) as client,
    ):
        assert time.perf_counter() - began < 60
        samples = await sandbox.samples()
        api = await HttpApi(client).log_in(sandbox.accounts["administrator"])
        body = {"org_ids": list(samples.org_ids)}
        first = await api.get("LearningApi_SearchEnrollments", body, per_page=1000)
        assert first["total_count"] == 1_000_000
        durations = []
        for page in (2, 500, 1000):
            began = time.perf_counter()
            found = await api.get("LearningApi_SearchEnrollments", body, page=page, per_page=1000)
            durations.append(time.perf_counter() - began)
            assert len(found["enrollments"]) == 1000
        assert max(durations) < 1
