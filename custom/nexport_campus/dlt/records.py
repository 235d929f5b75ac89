"""The records of each resource, read through a client."""

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from typing import Final, TypeVar
from uuid import UUID

from nexport_campus import NexportCampus, NotFoundError
from nexport_campus._export.checkpoint import Parent
from nexport_campus._export.children import fetch_child_records
from nexport_campus._export.datasets import Record
from nexport_campus._export.worker_thread import for_each_concurrently
from nexport_client.models import ApiEnrollmentItem, CatalogAccessOption

from .enrollment_batches import EnrollmentBatches
from .tables import TABLES, ResourceTable

__all__ = ["RECORDS", "RecordReader"]

_logger = logging.getLogger("nexport_campus")
_CONCURRENCY: Final = 8
T = TypeVar("T")

RecordReader = Callable[[NexportCampus, EnrollmentBatches], AsyncGenerator[list[Record], None]]


async def _read_enrollments(
    campus: NexportCampus, enrollments: EnrollmentBatches
) -> AsyncGenerator[list[Record], None]:
    async for items in enrollments.iterate(campus):
        yield [Record(item) for item in items]


def _make_child_reader(table: ResourceTable) -> RecordReader:
    """Return the reader of records that belong to one enrollment each."""

    async def read(
        campus: NexportCampus, enrollments: EnrollmentBatches
    ) -> AsyncGenerator[list[Record], None]:
        async for items in enrollments.iterate(campus):
            yield await _fetch_children(campus, table, [_to_parent(item) for item in items])

    return read


async def _read_sessions(
    campus: NexportCampus, enrollments: EnrollmentBatches
) -> AsyncGenerator[list[Record], None]:
    """Yield all sessions of the users whose enrollments changed; the campus lists them by organization and user."""
    for organization in enrollments.split_by_organization():
        (org_id,) = organization.org_ids
        async for items in organization.iterate(campus):
            users = dict.fromkeys(str(item.user_id) for item in items)
            parents = [Parent(user, {"org_id": org_id, "user_id": user}) for user in users]
            yield await _fetch_children(campus, TABLES["sessions"], parents)


async def _read_sections(
    campus: NexportCampus, enrollments: EnrollmentBatches
) -> AsyncGenerator[list[Record], None]:
    async for ids in _iterate_new_syllabi(campus, enrollments):
        found = await campus.get_sections_by_id(ids)
        yield [Record(section) for section in found.sections]


async def _read_training_plans(
    campus: NexportCampus, enrollments: EnrollmentBatches
) -> AsyncGenerator[list[Record], None]:
    """Yield the syllabi that are training plans; an enrollment doesn't say whether its syllabus is one."""
    async for ids in _iterate_new_syllabi(campus, enrollments):
        plans: list[Record] = []

        async def fetch(syllabus_id: UUID, plans: list[Record] = plans) -> None:
            try:
                plans.append(Record(await campus.learning.get_training_plan(training_plan_id=syllabus_id)))
            except NotFoundError:
                _logger.warning("syllabus %s is neither a section nor a training plan", syllabus_id)

        missing = (await campus.get_sections_by_id(ids)).missing
        await _for_each(missing, fetch)
        yield plans


async def _read_catalogs(
    campus: NexportCampus, enrollments: EnrollmentBatches
) -> AsyncGenerator[list[Record], None]:
    for org_id in enrollments.org_ids:
        pager = campus.learning.get_catalogs(group_id=org_id, catalog_access_option=CatalogAccessOption.BOTH)
        async for page in pager.pages():
            yield [Record(item, {"group_id": org_id}) for item in page.items]


RECORDS: Final[Mapping[str, RecordReader]] = {
    "enrollments": _read_enrollments,
    "assignment_statuses": _make_child_reader(TABLES["assignment_statuses"]),
    "sessions": _read_sessions,
    "scorm_data": _make_child_reader(TABLES["scorm_data"]),
    "sections": _read_sections,
    "training_plans": _read_training_plans,
    "catalogs": _read_catalogs,
}
"""The readers by the name of their resource."""


def _to_parent(item: ApiEnrollmentItem) -> Parent:
    enrollment_id = str(item.enrollment_id)
    return Parent(enrollment_id, {"enrollment_id": enrollment_id})


async def _fetch_children(campus: NexportCampus, table: ResourceTable, parents: list[Parent]) -> list[Record]:
    """Return the records of enrollments or users. Removed enrollments, and elements that report an error, are logged."""
    records: list[Record] = []

    async def fetch(parent: Parent) -> None:
        try:
            found = await fetch_child_records(campus, table, parent)
        except NotFoundError:  # removed since, or in a training plan, which has no assignments
            return
        for error in found.errors:
            _logger.warning("skipped: %s", error)
        records.extend(found.records)

    await _for_each(parents, fetch)
    return records


async def _iterate_new_syllabi(
    campus: NexportCampus, enrollments: EnrollmentBatches
) -> AsyncGenerator[list[UUID], None]:
    """Yield the ids of syllabi that no earlier batch of the run had."""
    seen: set[UUID] = set()
    async for items in enrollments.iterate(campus):
        new = {item.syllabus_id for item in items if item.syllabus_id is not None} - seen
        if new:
            seen |= new
            yield sorted(new)


async def _for_each(items: list[T], function: Callable[[T], Awaitable[None]]) -> None:
    async def each() -> AsyncIterator[T]:
        for item in items:
            yield item

    await for_each_concurrently(_CONCURRENCY, each(), function)
