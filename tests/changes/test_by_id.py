"""`get_enrollments_by_id`: any number of ids, and which of them are missing."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexport_campus import APIError, ArgumentError, NexportError, PaginationError, ServerError
from tests.support.clients import campus_with
from tests.support.moving_campus import ORG, OTHER_ORG, START, USER, MovingCampus
from tests.support.scripted_server import error_entity, html_response, json_response


def campus_of(count: int, **options: Any) -> MovingCampus:
    """Return a campus with enrollments."""
    server = MovingCampus(**options)
    for number in range(count):
        server.add(START + timedelta(seconds=number))
    return server


UNKNOWN = [UUID(int=10**9 + number) for number in range(700)]


async def test_any_number_of_ids() -> None:
    """Both lists are in the order of the ids, each id counts once, and a request has at most 500."""
    server = campus_of(1300)
    wanted = [*reversed(server.records), *UNKNOWN]
    async with campus_with(server.respond) as (campus, _):
        found = await campus.get_enrollments_by_id([*wanted, *map(str, wanted)], org_ids=[ORG])
    assert [item.enrollment_id for item in found.enrollments] == wanted[:1300]
    assert found.missing == UNKNOWN
    assert [len(search["enrollment_ids"]) for search in server.searches] == [500] * 4


@given(
    st.sampled_from([1, 7, 30, 1000]), st.booleans(), st.integers(0, 40), st.randoms(use_true_random=False)
)
async def test_what_exists_is_never_missing(clamp: int, totals: bool, count: int, random: Any) -> None:
    """Whatever page size the campus applies, and whatever is removed between two requests."""
    server = campus_of(count, clamp=clamp, totals=totals)
    asked = [*server.records, *UNKNOWN[:5]]

    def remove(server: MovingCampus) -> None:
        if server.records and random.random() < 0.5:
            del server.records[random.choice(list(server.records))]

    server.between = remove
    async with campus_with(server.respond) as (campus, _):
        found = await campus.get_enrollments_by_id(asked, user_ids=[USER])
    assert not set(found.missing) & set(server.records)
    assert set(UNKNOWN[:5]) <= set(found.missing)
    assert {*found.missing, *(item.enrollment_id for item in found.enrollments)} == set(asked)


async def test_only_the_given_organizations_and_users_are_searched() -> None:
    """An enrollment elsewhere is missing; with many organizations, each is searched, for what is still missing."""
    server = campus_of(3)
    elsewhere = server.add(START, org=OTHER_ORG)
    async with campus_with(server.respond) as (campus, _):
        one = await campus.get_enrollments_by_id(server.records, org_ids=[ORG])
        assert one.missing == [elsewhere.id]
        server.searches.clear()
        many = [*(UUID(int=10**7 + number) for number in range(500)), OTHER_ORG]
        other = await campus.get_enrollments_by_id(list(server.records), org_ids=[ORG, *many])
        assert other.missing == []
        assert [len(search["enrollment_ids"]) for search in server.searches] == [4, 1]
        both = await campus.get_enrollments_by_id(server.records, org_ids=[ORG], user_ids=[OTHER_ORG])
        assert len(both.missing) == 4


async def test_no_ids() -> None:
    """Nothing is sent."""
    async with campus_with() as (campus, server):
        found = await campus.get_enrollments_by_id([], org_ids=[ORG])
        assert (found.enrollments, found.missing, server.requests) == ([], [], [])


@pytest.mark.parametrize(
    ("ids", "filters", "argument"),
    [
        ([UNKNOWN[0]], {}, "org_ids"),
        ([UNKNOWN[0]], {"org_ids": []}, "org_ids"),
        ([UNKNOWN[0]], {"org_ids": [ORG], "user_ids": []}, "user_ids"),
        (["no id"], {"org_ids": [ORG]}, "ids"),
        ("no list", {"org_ids": [ORG]}, "ids"),
        ([], {}, "org_ids"),
    ],
    ids=["no filter", "empty organizations", "empty users", "no id", "no list", "nothing at all"],
)
async def test_arguments_that_are_refused(ids: Any, filters: dict[str, Any], argument: str) -> None:
    """The campus needs organizations or users, and an empty filter would return everybody's records."""
    async with campus_with() as (campus, server):
        with pytest.raises(ArgumentError, match="nothing was sent") as refused:
            await campus.get_enrollments_by_id(ids, **filters)
        assert refused.value.argument == argument
        assert not server.requests


PAGE = {"page": 1, "page_size": 1000}


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (json_response(error_entity(3, "not found"), 409), APIError),
        (json_response(error_entity(1, "out of order"), 500), ServerError),
        (html_response(404), APIError),
        (html_response(200), NexportError),
        (json_response(PAGE | {"total_count": 3, "enrollments": []} | error_entity()), PaginationError),
        (json_response(PAGE | {"total_count": 1} | error_entity()), PaginationError),
        (json_response(PAGE | error_entity()), PaginationError),
        (json_response(PAGE | {"total_count": 0, "enrollments": []} | error_entity(5, "no")), APIError),
    ],
    ids=[
        "not found",
        "error",
        "gateway 404",
        "gateway 200",
        "emptied",
        "no list",
        "nothing",
        "error in a 200",
    ],
)
async def test_only_complete_responses_make_an_id_missing(response: Any, error: type[NexportError]) -> None:
    """Anything else is an error."""
    async with campus_with(response) as (campus, _):
        with pytest.raises(error):
            await campus.get_enrollments_by_id(UNKNOWN[:1], org_ids=[ORG])


async def test_a_campus_that_ignores_the_ids() -> None:
    """A page of other enrollments, of which there are more, proves nothing."""
    server = campus_of(30, clamp=10)
    respond = server.respond

    async def ignore(request: Any) -> Any:
        body = request.json
        del body["enrollment_ids"]
        return await respond(attrs.evolve(request, body=json.dumps(body).encode()))

    async with campus_with(ignore) as (campus, _):
        with pytest.raises(PaginationError, match="ignored enrollment_ids") as caught:
            await campus.get_enrollments_by_id(UNKNOWN[:1], org_ids=[ORG])
    assert (caught.value.operation_id, caught.value.page) == ("LearningApi_SearchEnrollments", 1)
