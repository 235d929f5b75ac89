"""`ensure_enrollment` enrolls exactly once, against the sandbox."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pandas as pd
import pytest

from nexport_campus import (
    ArgumentError,
    EnrollmentAlreadyExistsError,
    NexportCampus,
    NotFoundError,
    TransportError,
)
from nexport_campus.sandbox import Samples, Sandbox
from tests.ensure.enrollment_campus import IDS, EnrollmentCampus
from tests.support.clients import campus_with

CREATE = "LearningApi_CreateEnrollment"


async def created_enrollments(sandbox: Sandbox) -> list[str]:
    """Return the ids of all enrollments that the campus has created."""
    return [change.id for change in (await sandbox.books()).changes if change.what == "enrollment created"]


async def test_one_enrollment_is_created(sandbox: Sandbox, campus: NexportCampus, samples: Samples) -> None:
    """The first call creates, the second one finds, by id and with or without the organization."""
    asked = {"org_id": samples.org_id, "user_id": samples.user_id, "syllabus_id": samples.section_id}
    first = await campus.ensure_enrollment(**asked)
    second = await campus.ensure_enrollment(**asked)
    assert (first.created, second.created) == (True, False)
    assert first.enrollment_id == second.enrollment_id
    assert await created_enrollments(sandbox) == [str(first.enrollment_id)]


async def test_by_unique_name(campus: NexportCampus, samples: Samples) -> None:
    """A syllabus may be given by its unique name or its id."""
    section = await campus.learning.get_section(syllabus_id=samples.section_id)
    assert section.unique_name is not None
    by_name = await campus.ensure_enrollment(
        org_id=samples.org_id, user_id=samples.user_id, syllabus_unique_name=section.unique_name
    )
    by_id = await campus.ensure_enrollment(
        org_id=samples.org_id, user_id=samples.user_id, syllabus_id=samples.section_id
    )
    assert by_name.created
    assert not by_id.created
    assert by_name.enrollment_id == by_id.enrollment_id


async def test_concurrent_calls(sandbox: Sandbox, campus: NexportCampus, samples: Samples) -> None:
    """Of eight concurrent calls one creates, and all return the same enrollment."""
    calls = (
        campus.ensure_enrollment(
            org_id=samples.org_id, user_id=samples.user_id, syllabus_id=samples.section_id
        )
        for _ in range(8)
    )
    results = await asyncio.gather(*calls)
    assert sum(result.created for result in results) == 1
    assert len({result.enrollment_id for result in results}) == 1
    assert len(await created_enrollments(sandbox)) == 1


async def test_a_lost_response_is_settled(sandbox: Sandbox, campus: NexportCampus, samples: Samples) -> None:
    """If the response is lost after the campus has enrolled, a search finds it: nothing is raised or sent twice."""
    await sandbox.faults.add(operation=CREATE, reset=True, when="after", times=1)
    made = await campus.ensure_enrollment(
        org_id=samples.org_id, user_id=samples.user_id, syllabus_id=samples.section_id
    )
    assert made.created
    assert made.existing is not None
    assert made.existing.enrollment_id == made.enrollment_id
    assert await created_enrollments(sandbox) == [str(made.enrollment_id)]
    assert len([each for each in (await sandbox.books()).entries if each.operation == CREATE]) == 1


async def test_a_request_that_never_arrived(
    sandbox: Sandbox, campus: NexportCampus, samples: Samples
) -> None:
    """If the lost request changed nothing, its error is raised, and the next call creates."""
    await sandbox.faults.add(operation=CREATE, reset=True, when="before", times=1)
    with pytest.raises(TransportError) as caught:
        await campus.ensure_enrollment(
            org_id=samples.org_id, user_id=samples.user_id, syllabus_id=samples.section_id
        )
    assert caught.value.maybe_applied
    assert caught.value.attempts == 1
    made = await campus.ensure_enrollment(
        org_id=samples.org_id, user_id=samples.user_id, syllabus_id=samples.section_id
    )
    assert made.created
    assert len(await created_enrollments(sandbox)) == 1


async def test_without_permission_to_search(
    sandbox: Sandbox, campus: NexportCampus, samples: Samples
) -> None:
    """An account that may enroll but not search still enrolls; the campus's own check prevents duplicates."""
    body = '{"api_error_entity": {"error_code": 5, "error_message": "Not authorized"}}'
    await sandbox.faults.add(operation="LearningApi_SearchEnrollments", status=403, body=body)
    arguments = {"org_id": samples.org_id, "user_id": samples.user_id, "syllabus_id": samples.section_id}
    made = await campus.ensure_enrollment(**arguments)
    assert made.created
    with pytest.raises(EnrollmentAlreadyExistsError):
        await campus.ensure_enrollment(**arguments)
    assert await created_enrollments(sandbox) == [str(made.enrollment_id)]


async def test_an_existing_enrollment(campus: NexportCampus, samples: Samples) -> None:
    """An existing enrollment is returned with its id, as the campus shows it."""
    asked = {"org_id": samples.org_id, "user_id": samples.user_id, "syllabus_id": samples.section_id}
    made = await campus.ensure_enrollment(**asked)
    assert (made.created, made.existing) == (True, None)
    found = await campus.ensure_enrollment(**asked)
    assert not found.created
    assert found.existing is not None
    assert found.existing.enrollment_id == made.enrollment_id
    assert str(found.existing.syllabus_id) == samples.section_id
    assert len({made, found}) == 2


SOME_GROUP = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
GROUPS: list[Callable[[list[str]], Iterable[UUID | str]]] = [
    iter,
    tuple,
    set,
    lambda groups: dict.fromkeys(groups).keys(),
    lambda groups: (UUID(group) for group in groups),
    lambda groups: map(str, groups),
    np.array,
    pd.Series,
]


@pytest.mark.parametrize("given", GROUPS)
async def test_groups_may_be_any_iterable(given: Callable[[list[str]], Iterable[UUID | str]]) -> None:
    """Groups are iterated once, and all of them are sent."""
    groups, enrolling = [str(uuid4()), str(uuid4())], EnrollmentCampus()
    async with campus_with(enrolling) as (campus, _):
        await campus.ensure_enrollment(**IDS, membership_group_ids=given(groups))
    assert sorted(enrolling.created[0]["membership_group_ids"]) == sorted(groups)


@pytest.mark.parametrize("given", ["staff", SOME_GROUP, None, {SOME_GROUP: True}, b"staff", 5, ["staff"]])
async def test_groups_must_be_a_list(given: Any) -> None:
    """A string or a mapping isn't a list of groups: nothing is sent, not even the search."""
    async with campus_with() as (campus, server):
        with pytest.raises(ArgumentError) as caught:
            await campus.ensure_enrollment(**IDS, membership_group_ids=given)
    assert caught.value.argument == "membership_group_ids"
    assert server.connections == 0


async def test_each_organization_has_its_own(
    sandbox: Sandbox, campus: NexportCampus, samples: Samples
) -> None:
    """A user enrolled in one organization is enrolled in another too, and each call finds its own enrollment."""
    elsewhere = next(org for org in samples.org_ids if org != samples.org_id)
    asked = {"user_id": samples.user_id, "syllabus_id": samples.section_id}
    here = await campus.ensure_enrollment(org_id=samples.org_id, **asked)
    there = await campus.ensure_enrollment(org_id=elsewhere, **asked)
    assert here.created
    assert there.created
    again = [await campus.ensure_enrollment(org_id=org, **asked) for org in (samples.org_id, elsewhere)]
    assert [found.enrollment_id for found in again] == [here.enrollment_id, there.enrollment_id]
    assert len(await created_enrollments(sandbox)) == 2


async def test_unknown_records(sandbox: Sandbox, campus: NexportCampus, samples: Samples) -> None:
    """An unknown user, organization or syllabus raises the campus's own error."""
    for wrong in ("org_id", "user_id", "syllabus_id"):
        asked = {"org_id": samples.org_id, "user_id": samples.user_id, "syllabus_id": samples.section_id}
        with pytest.raises(NotFoundError):
            await campus.ensure_enrollment(**{**asked, wrong: str(uuid4())})
    assert await created_enrollments(sandbox) == []


@pytest.mark.parametrize("syllabus", [{}, {"syllabus_id": str(uuid4()), "syllabus_unique_name": "A"}])
async def test_exactly_one_syllabus(
    sandbox: Sandbox, campus: NexportCampus, samples: Samples, syllabus: dict[str, str]
) -> None:
    """None or both of id and unique name are refused before anything is sent."""
    with pytest.raises(ArgumentError) as caught:
        await campus.ensure_enrollment(org_id=samples.org_id, user_id=samples.user_id, **syllabus)
    assert caught.value.argument == "syllabus_id"
    assert (await sandbox.books()).entries == ()
