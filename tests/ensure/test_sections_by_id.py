"""Sections by any number of ids: their order, and which are missing."""

from uuid import UUID, uuid4

import pytest

from nexport_campus import APIError, ArgumentError, NexportCampus, NexportError, ResponseDecodeError
from nexport_campus.sandbox import Samples, Sandbox
from tests.support.clients import campus_with
from tests.support.scripted_server import Request, Response, error_entity, html_response, json_response
from tests.support.spec import example_response


async def all_sections(campus: NexportCampus, samples: Samples) -> list[UUID]:
    """Return the ids of the sample catalog's sections."""
    syllabi = campus.learning.get_catalog_syllabi(catalog_id=samples.catalog_id)
    return [item.syllabus_id async for item in syllabi if item.syllabus_type.name == "SECTION"]


async def test_sections_in_the_requested_order(campus: NexportCampus, samples: Samples) -> None:
    """Sections are returned in the order of their ids, once each, whatever form the ids have."""
    ids = (await all_sections(campus, samples))[:20]
    asked: list[UUID | str] = [str(ids[3]).upper(), *reversed(ids), f"{{{ids[0]}}}"]
    found = await campus.get_sections_by_id(asked)
    assert [section.syllabus_id for section in found.sections] == [
        ids[3],
        *(item for item in reversed(ids) if item != ids[3]),
    ]
    assert found.missing == []


async def test_missing_sections_are_reported(campus: NexportCampus, samples: Samples) -> None:
    """Unknown ids are reported in the order of the ids, and the other sections are found."""
    ids = await all_sections(campus, samples)
    missing = [uuid4() for _ in range(3)]
    found = await campus.get_sections_by_id([missing[0], *ids[:10], missing[1], *ids[10:], missing[2]])
    assert [section.syllabus_id for section in found.sections] == ids
    assert found.missing == missing


async def test_no_ids(sandbox: Sandbox, campus: NexportCampus) -> None:
    """Without ids, nothing is sent."""
    found = await campus.get_sections_by_id([])
    assert (found.sections, found.missing) == ([], [])
    assert (await sandbox.books()).entries == ()


async def test_a_wrong_id_is_refused(sandbox: Sandbox, campus: NexportCampus) -> None:
    """An id that isn't a UUID is refused before anything is sent."""
    with pytest.raises(ArgumentError) as caught:
        await campus.get_sections_by_id([uuid4(), "section 2"])
    assert caught.value.argument == "ids"
    assert "[1]" in str(caught.value)
    assert (await sandbox.books()).entries == ()


async def test_another_failure_is_raised(sandbox: Sandbox, campus: NexportCampus) -> None:
    """A failure that isn't about the ids ends the whole call."""
    await sandbox.faults.add(operation="LearningApi_GetSections", status=403)
    with pytest.raises(NexportError):
        await campus.get_sections_by_id([uuid4() for _ in range(3)])


SECTION = dict(example_response("LearningApi_GetSection"))


def sections(*ids: UUID) -> Response:
    """Return the response to GetSections with sections of these ids."""
    return json_response(
        {"sections": [SECTION | {"syllabus_id": str(each)} for each in ids]} | error_entity()
    )


@pytest.mark.parametrize("code", [2, 3])
async def test_only_the_campus_makes_an_id_missing(code: int) -> None:
    """The campus's own code 2 or 3 for a single id makes it missing."""
    there, gone = uuid4(), uuid4()
    refused = json_response(error_entity(code, "Not found"), status=422)

    async def respond(request: Request) -> Response:
        return refused if str(gone) in request.json["sections"] else sections(there)

    async with campus_with(respond) as (campus, _):
        found = await campus.get_sections_by_id([there, gone])
    assert [section.syllabus_id for section in found.sections] == [there]
    assert found.missing == [gone]


NO_WORD = {
    "a gateway's 404": html_response(404),
    "a firewall's 403": html_response(403),
    "422 of a framework": json_response({"Message": "The request is invalid."}, status=422),
    "code 5": json_response(error_entity(5, "Not authorized"), status=403),
    "code 6": json_response(error_entity(6, "No subscription"), status=409),
}


@pytest.mark.parametrize("refused", NO_WORD.values(), ids=NO_WORD)
async def test_nothing_else_makes_an_id_missing(refused: Response) -> None:
    """Any other failure is raised: it says nothing about a section."""
    async with campus_with(refused) as (campus, _):
        with pytest.raises(APIError):
            await campus.get_sections_by_id([uuid4()])


async def test_several_batches() -> None:
    """2,500 sections are requested 1,000 at a time and returned in the order of their ids, whatever the campus's order."""
    ids = [UUID(int=number) for number in range(2500, 0, -1)]

    async def respond(request: Request) -> Response:
        return sections(*sorted(map(UUID, request.json["sections"])))

    async with campus_with(respond) as (campus, server):
        found = await campus.get_sections_by_id(ids)
    assert [section.syllabus_id for section in found.sections] == ids
    assert found.missing == []
    batches = [list(map(UUID, request.json["sections"])) for request in server.requests]
    assert sorted(batches, reverse=True) == [ids[:1000], ids[1000:2000], ids[2000:]]


async def test_missing_sections_in_several_batches() -> None:
    """Missing ids are found in every batch by halving it, and no request has more than 1,000 ids."""
    ids = [UUID(int=number) for number in range(1, 2502)]
    missing = {ids[0], ids[999], ids[1000], ids[2500]}

    async def respond(request: Request) -> Response:
        requested = list(map(UUID, request.json["sections"]))
        assert len(requested) <= 1000
        return (
            json_response(error_entity(3, "Not found"), 409)
            if missing & set(requested)
            else sections(*requested)
        )

    async with campus_with(respond) as (campus, _):
        found = await campus.get_sections_by_id(ids)
    assert [section.syllabus_id for section in found.sections] == [
        each for each in ids if each not in missing
    ]
    assert found.missing == sorted(missing)


async def test_a_section_that_is_left_out() -> None:
    """A section neither returned nor missing is requested by itself; if it is left out again, an error is raised."""
    first, second = uuid4(), uuid4()
    async with campus_with(sections(first), sections(second)) as (campus, server):
        found = await campus.get_sections_by_id([first, second])
    assert [section.syllabus_id for section in found.sections] == [first, second]
    assert [request.json["sections"] for request in server.requests] == [
        [str(first), str(second)],
        [str(second)],
    ]
    async with campus_with(sections(first), sections()) as (campus, _):
        with pytest.raises(ResponseDecodeError, match="neither the section nor an error"):
            await campus.get_sections_by_id([first, second])
