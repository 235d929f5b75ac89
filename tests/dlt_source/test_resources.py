"""What each resource loads, and into which tables."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from nexport_campus import NexportCampus, PasswordAuth
from nexport_campus.dlt import campus_source
from nexport_campus.sandbox import Sandbox
from tests.dlt_source.warehouse import Warehouse

ALL = (
    "enrollments",
    "assignment_statuses",
    "sessions",
    "scorm_data",
    "sections",
    "training_plans",
    "catalogs",
)
SMALL = pytest.mark.nexport_sandbox(enrollments=500)


async def load(warehouse: Warehouse, sandbox: Sandbox, *resources: str, **arguments: Any) -> Any:
    """Run the pipeline for the sandbox's main organization."""
    samples = await sandbox.samples()

    def run() -> Any:
        source = campus_source(
            credentials=PasswordAuth(sandbox.username, sandbox.password),
            base_url=sandbox.url,
            org_ids=[str(samples.org_id)],
            **arguments,
        )
        return warehouse.pipeline().run(source.with_resources(*(resources or ALL)))

    return await asyncio.to_thread(run)


@SMALL
async def test_every_resource_has_a_table(
    nexport_sandbox: Sandbox, campus: NexportCampus, duckdb_warehouse: Warehouse
) -> None:
    """All records of the changed enrollments are loaded, in one table each, with one login for all."""
    samples = await nexport_sandbox.samples()
    await campus.ensure_enrollment(
        org_id=samples.org_id, user_id=samples.user_id, syllabus_id=samples.training_plan_id
    )
    since = datetime(2026, 4, 1, tzinfo=UTC)
    await load(duckdb_warehouse, nexport_sandbox, since=since)
    assert duckdb_warehouse.tables() == set(ALL)
    feed = campus.enrollment_changes(org_ids=[samples.org_id], since=since)
    changed = {item.enrollment_id: item async for batch in feed for item in batch.items}
    syllabi = [item.syllabus_id for item in changed.values() if item.syllabus_id]
    sections = await campus.get_sections_by_id(syllabi)
    assert changed
    loaded = duckdb_warehouse.query("SELECT enrollment_id, phase, completion_date FROM campus.enrollments")
    assert {(each, phase) for each, phase, _ in loaded} == {
        (str(item.enrollment_id), int(item.phase)) for item in changed.values()
    }
    assert {date for *_, date in loaded} == {item.completion_date for item in changed.values()}
    for table, column, expected in (
        ("sections", "syllabus_id", {str(section.syllabus_id) for section in sections.sections}),
        ("training_plans", "syllabus_id", {str(each) for each in sections.missing}),
    ):
        found = duckdb_warehouse.query(f"SELECT {column}, title FROM campus.{table}")
        assert {key for key, _ in found} == expected
        assert all(title for _, title in found)
    assert duckdb_warehouse.query("SELECT count(*) FROM campus.scorm_data") != [(0,)]
    logins = (await nexport_sandbox.books()).counts["AdminApi_Authenticate"]
    assert logins == 2  # the pipeline's, and this test's


@SMALL
async def test_columns_are_typed(nexport_sandbox: Sandbox, postgres_warehouse: Warehouse) -> None:
    """Ids are strings, dates have a zone, enums are numbers; only keys can't be null."""
    await load(postgres_warehouse, nexport_sandbox, "enrollments", "sections")
    columns = postgres_warehouse.columns("enrollments")
    assert columns["enrollment_id"] == ("character varying", False)
    assert columns["completion_date"] == ("timestamp with time zone", True)
    assert columns["phase"] == ("bigint", True)
    assert columns["additional_properties"] == ("jsonb", True)
    assert postgres_warehouse.columns("sections")["credit_hours"] == ("double precision", True)
    assert postgres_warehouse.columns("sections")["hidden"] == ("boolean", True)
    assert postgres_warehouse.tables() == {"enrollments", "sections"}


@pytest.mark.sampled(1)
@SMALL
@pytest.mark.parametrize("again", ["unchanged", "completed"])
async def test_the_second_run_is_incremental(
    again: str, nexport_sandbox: Sandbox, campus: NexportCampus, postgres_warehouse: Warehouse
) -> None:
    """It costs three searches, and merges what changed into the rows that are there."""
    samples = await nexport_sandbox.samples()
    await load(postgres_warehouse, nexport_sandbox, "enrollments")
    ((count,),) = postgres_warehouse.query("SELECT count(*) FROM campus.enrollments")
    made = None
    if again == "completed":
        made = await campus.ensure_enrollment(
            org_id=samples.org_id, user_id=samples.user_id, syllabus_id=samples.section_id
        )
    before = (await nexport_sandbox.books()).counts["LearningApi_SearchEnrollments"]
    await load(postgres_warehouse, nexport_sandbox, "enrollments")
    searches = (await nexport_sandbox.books()).counts["LearningApi_SearchEnrollments"] - before
    assert searches == 3
    ids = [row[0] for row in postgres_warehouse.query("SELECT enrollment_id FROM campus.enrollments")]
    assert len(ids) == len(set(ids)) == count + (made is not None)
    assert made is None or str(made.enrollment_id) in ids
