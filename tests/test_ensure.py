"""Enrolling without enrolling twice, and sections by any number of ids, against the sandbox."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from nexport_campus import (
    ArgumentError,
    NexportCampus,
    NexportError,
    NotFoundError,
    PasswordAuth,
    TransportError,
)
from nexport_campus.sandbox import Samples, Sandbox

CREATE = "LearningApi_CreateEnrollment"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A small campus that a test may change."""
    async with Sandbox(seed=11, enrollments=4000) as sandbox:
        yield sandbox


@pytest.fixture
async def campus(sandbox: Sandbox) -> AsyncIterator[NexportCampus]:
    """A client of that campus."""
    async with NexportCampus(
        PasswordAuth(sandbox.username, sandbox.password), base_url=sandbox.url
    ) as campus:
        yield campus


@pytest.fixture
async def samples(sandbox: Sandbox) -> Samples:
    """Ids worth trying."""
    return await sandbox.samples()


async def created(sandbox: Sandbox) -> list[str]:
    """The ids of all enrollments that the campus has created."""
    return [change.id for change in (await sandbox.books()).changes if change.what == "enrollment created"]


async def test_creates_once(sandbox: Sandbox, campus: NexportCampus, samples: Samples) -> None:
    """The first call creates, the second one finds, by id and by whatever organization."""
    asked = {"org_id": samples.org_id, "user_id": samples.user_id, "syllabus_id": samples.section_id}
    first = await campus.ensure_enrollment(**asked)
    second = await campus.ensure_enrollment(**asked)
    assert (first.created, second.created) == (True, False)
    assert first.enrollment_id == second.enrollment_id
    assert await created(sandbox) == [str(first.enrollment_id)]


async def test_by_unique_name(campus: NexportCampus, samples: Samples) -> None:
    """A syllabus is named by its unique name as well as by its id."""
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


async def test_at_the_same_moment(sandbox: Sandbox, campus: NexportCampus, samples: Samples) -> None:
    """Of eight calls at the same moment one creates, and all give the same enrollment."""
    calls = (
        campus.ensure_enrollment(
            org_id=samples.org_id, user_id=samples.user_id, syllabus_id=samples.section_id
        )
        for _ in range(8)
    )
    results = await asyncio.gather(*calls)
    assert sum(result.created for result in results) == 1
    assert len({result.enrollment_id for result in results}) == 1
    assert len(await created(sandbox)) == 1


async def test_after_an_unknown_outcome(sandbox: Sandbox, campus: NexportCampus, samples: Samples) -> None:
    """A lost answer raises with maybe_applied, is not sent again, and the next call finds what it had done."""
    await sandbox.faults.add(operation=CREATE, reset=True, when="after", times=1)
    with pytest.raises(TransportError) as caught:
        await campus.ensure_enrollment(
            org_id=samples.org_id, user_id=samples.user_id, syllabus_id=samples.section_id
        )
    assert caught.value.maybe_applied
    assert caught.value.attempts == 1
    found = await campus.ensure_enrollment(
        org_id=samples.org_id, user_id=samples.user_id, syllabus_id=samples.section_id
    )
    assert not found.created
    assert await created(sandbox) == [str(found.enrollment_id)]


async def test_after_a_failure_before_the_change(
    sandbox: Sandbox, campus: NexportCampus, samples: Samples
) -> None:
    """Where the lost request had changed nothing, the next call creates."""
    await sandbox.faults.add(operation=CREATE, reset=True, when="before", times=1)
    with pytest.raises(NexportError):
        await campus.ensure_enrollment(
            org_id=samples.org_id, user_id=samples.user_id, syllabus_id=samples.section_id
        )
    made = await campus.ensure_enrollment(
        org_id=samples.org_id, user_id=samples.user_id, syllabus_id=samples.section_id
    )
    assert made.created
    assert len(await created(sandbox)) == 1


async def test_without_permission_to_look(sandbox: Sandbox, campus: NexportCampus, samples: Samples) -> None:
    """An account that may enroll and not search still enrolls; the campus's own check keeps it from doing so twice."""
    body = '{"api_error_entity": {"error_code": 5, "error_message": "Not authorized"}}'
    await sandbox.faults.add(operation="LearningApi_SearchEnrollments", status=403, body=body, times=1)
    made = await campus.ensure_enrollment(
        org_id=samples.org_id, user_id=samples.user_id, syllabus_id=samples.section_id
    )
    assert made.created


async def test_wrong_groups_are_refused(sandbox: Sandbox, campus: NexportCampus, samples: Samples) -> None:
    """A group that isn't a uuid is refused before anything is sent, the search included."""
    with pytest.raises(ArgumentError) as caught:
        await campus.ensure_enrollment(
            org_id=samples.org_id,
            user_id=samples.user_id,
            syllabus_id=samples.section_id,
            membership_group_ids=["staff"],
        )
    assert caught.value.argument == "membership_group_ids"
    assert (await sandbox.books()).entries == ()


async def test_each_organization_has_its_own(
    sandbox: Sandbox, campus: NexportCampus, samples: Samples
) -> None:
    """A user who is enrolled in one organization is enrolled in another too, and each call finds its own again."""
    elsewhere = next(org for org in samples.org_ids if org != samples.org_id)
    asked = {"user_id": samples.user_id, "syllabus_id": samples.section_id}
    here = await campus.ensure_enrollment(org_id=samples.org_id, **asked)
    there = await campus.ensure_enrollment(org_id=elsewhere, **asked)
    assert here.created
    assert there.created
    again = [await campus.ensure_enrollment(org_id=org, **asked) for org in (samples.org_id, elsewhere)]
    assert [found.enrollment_id for found in again] == [here.enrollment_id, there.enrollment_id]
    assert len(await created(sandbox)) == 2


async def test_what_does_not_exist(sandbox: Sandbox, campus: NexportCampus, samples: Samples) -> None:
    """An unknown user, organization or syllabus is the campus's own error."""
    for wrong in ("org_id", "user_id", "syllabus_id"):
        asked = {"org_id": samples.org_id, "user_id": samples.user_id, "syllabus_id": samples.section_id}
        with pytest.raises(NotFoundError):
            await campus.ensure_enrollment(**{**asked, wrong: str(uuid4())})
    assert await created(sandbox) == []


@pytest.mark.parametrize("syllabus", [{}, {"syllabus_id": str(uuid4()), "syllabus_unique_name": "A"}])
async def test_exactly_one_syllabus(
    sandbox: Sandbox, campus: NexportCampus, samples: Samples, syllabus: dict[str, str]
) -> None:
    """None or both of id and unique name are refused before anything is sent."""
    with pytest.raises(ArgumentError) as caught:
        await campus.ensure_enrollment(org_id=samples.org_id, user_id=samples.user_id, **syllabus)
    assert caught.value.argument == "syllabus_id"
    assert (await sandbox.books()).entries == ()


async def all_sections(campus: NexportCampus, samples: Samples) -> list[UUID]:
    """The ids of the sections of the sample catalog."""
    syllabi = campus.learning.get_catalog_syllabi(catalog_id=samples.catalog_id)
    return [item.syllabus_id async for item in syllabi if item.syllabus_type.name == "SECTION"]


async def test_sections_in_the_order_asked(campus: NexportCampus, samples: Samples) -> None:
    """Sections come in the order of their ids, once each, whatever form the ids have."""
    ids = (await all_sections(campus, samples))[:20]
    asked: list[UUID | str] = [str(ids[3]).upper(), *reversed(ids), f"{{{ids[0]}}}"]
    found = await campus.get_sections_by_id(asked)
    assert [section.syllabus_id for section in found.sections] == [
        ids[3],
        *(item for item in reversed(ids) if item != ids[3]),
    ]
    assert found.missing == []


async def test_missing_sections_are_told(sandbox: Sandbox, campus: NexportCampus, samples: Samples) -> None:
    """Ids that no section has are told, wherever they stand among 2,500, and the others are found."""
    ids = (await all_sections(campus, samples))[:600]
    missing = [uuid4() for _ in range(3)]
    filler = [ids[number % len(ids)] for number in range(2500)]
    asked = [missing[0], *filler[:1200], missing[1], *filler[1200:], missing[2]]
    found = await campus.get_sections_by_id(asked)
    assert {section.syllabus_id for section in found.sections} == set(ids)
    assert found.missing == missing


async def test_2500_ids(sandbox: Sandbox, campus: NexportCampus) -> None:
    """2,500 ids that don't exist come back as missing, in order, and no call has more than 1,000."""
    asked = [UUID(int=number + 1) for number in range(2500)]
    view = campus.with_options(timeout=60)
    found = await view.get_sections_by_id(asked)
    assert found.sections == []
    assert found.missing == asked


async def test_no_ids(sandbox: Sandbox, campus: NexportCampus) -> None:
    """Without ids nothing is asked."""
    found = await campus.get_sections_by_id([])
    assert (found.sections, found.missing) == ([], [])
    assert (await sandbox.books()).entries == ()


async def test_a_wrong_id_is_refused(sandbox: Sandbox, campus: NexportCampus) -> None:
    """What isn't a uuid is refused before anything is sent."""
    with pytest.raises(ArgumentError) as caught:
        await campus.get_sections_by_id([uuid4(), "section 2"])
    assert caught.value.argument == "ids"
    assert "[1]" in str(caught.value)
    assert (await sandbox.books()).entries == ()


async def test_another_failure_is_raised(sandbox: Sandbox, campus: NexportCampus) -> None:
    """A failure that says nothing of the ids ends the whole call."""
    await sandbox.faults.add(operation="LearningApi_GetSections", status=403)
    with pytest.raises(NexportError):
        await campus.get_sections_by_id([uuid4() for _ in range(3)])
