"""Sections by any number of ids, against the sandbox."""

from uuid import UUID, uuid4

import pytest

from nexport_campus import ArgumentError, NexportCampus, NexportError
from nexport_campus.sandbox import Samples, Sandbox


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
