"""The rows of a source that is read without a pipeline: whose they are, their keys, and their text."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from nexport_campus import StaticToken
from nexport_campus.dlt import campus_source
from tests.support.moving_campus import ORG, OTHER_ORG, START, USER, MovingCampus
from tests.support.scripted_server import Request, Response, ScriptedServer, error_entity, json_response
from tests.support.spec import example_response

OTHER_USER = UUID(int=4)
ELEMENT = "cmi.core.lesson_location"


class TwoOrganizations:
    """A campus with an enrollment in each of two organizations, which share a catalog.

    `changes`: fields that differ from the examples of the specification, by operation. `requested`: whose sessions were requested.
    """

    def __init__(self, **changes: dict[str, Any]) -> None:
        self._server = MovingCampus()
        self._server.add(START, org=ORG, user=USER)
        self._server.add(START, org=OTHER_ORG, user=OTHER_USER)
        self._changes = changes
        self.requested: list[tuple[str, str]] = []

    async def respond(self, request: Request) -> Response:
        """Handle a request; every list has one page with one record."""
        if request.operation_id == "LearningApi_SearchEnrollments":
            return await self._server.respond(request)
        sent = dict(request.query) | (request.json or {})
        body = example_response(request.operation_id)
        name = next((name for name in ("sessions", "catalogs") if name in body), None)
        first = body[0] if isinstance(body, list) else body[name] and body[name][0] if name else body
        record = first | error_entity() | self._changes.get(request.operation_id.partition("_")[2], {})
        if name == "sessions":
            self.requested.append((sent["org_id"], sent["user_id"]))
            record |= {"organization_id": sent["org_id"], "user_id": sent["user_id"], "id": None}
        if request.operation_id == "LearningApi_GetAssignmentStatuses":
            record |= {"enrollment_id": sent["enrollment_id"]}
        if isinstance(body, list):
            return json_response([record] if str(sent.get("page", "1")) == "1" else [])
        page = {name: [record], "page": 1, "page_size": 1, "total_count": 1} if name else record
        return json_response(body | page | error_entity())


async def read(campus: TwoOrganizations, resource: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the rows of a resource, and the columns of its key."""
    async with ScriptedServer(campus.respond) as http:

        def load() -> tuple[list[dict[str, Any]], list[str]]:
            source = campus_source(
                credentials=StaticToken("token"), base_url=http.url, org_ids=[str(ORG), str(OTHER_ORG)]
            ).with_resources(resource)
            columns = source.resources[resource].compute_table_schema()["columns"]
            return list(source), [name for name, column in columns.items() if column.get("primary_key")]

        return await asyncio.to_thread(load)


async def test_sessions_of_several_organizations() -> None:
    """Each user's sessions are loaded from the organization in which the user is enrolled."""
    campus = TwoOrganizations()
    rows, _ = await read(campus, "sessions")
    expected = [(str(ORG), str(USER)), (str(OTHER_ORG), str(OTHER_USER))]
    assert sorted(campus.requested) == expected
    assert sorted((str(row["organization_id"]), str(row["user_id"])) for row in rows) == expected


@pytest.mark.parametrize("resource", ["enrollments", "sessions", "scorm_data", "catalogs"])
async def test_the_key_distinguishes_what_organizations_share(resource: str) -> None:
    """A record that each of two organizations has, such as a shared catalog, is a row of each."""
    rows, key = await read(TwoOrganizations(), resource)
    assert key
    assert len({tuple(str(row[name]) for name in key) for row in rows}) == len(rows) == 2


@pytest.mark.parametrize(
    ("resource", "operation", "changes", "column"),
    [
        ("scorm_data", "GetCmiData", {"title": "A\x007"}, "title"),
        (
            "scorm_data",
            "GetCmiData",
            {"cmi_fields": [{"cmi_element_name": ELEMENT, "cmi_element_value": "A\x007"}]},
            ELEMENT,
        ),
        ("catalogs", "GetCatalogs", {"name": "A\x007"}, "name"),
    ],
    ids=["title", "element", "catalog"],
)
async def test_a_nul_in_a_known_field_is_replaced(
    resource: str, operation: str, changes: dict[str, Any], column: str
) -> None:
    """PostgreSQL can't store a NUL, so the row has U+FFFD instead, also in what learners entered."""
    rows, _ = await read(TwoOrganizations(**{operation: changes}), resource)
    assert [row[column] for row in rows] == ["A\ufffd7"] * 2
