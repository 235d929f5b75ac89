"""Records that belong to an enrollment or a user: their keys, and the columns that refer to other tables."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from nexport_campus.export import export_records
from tests.export.running import read_rows
from tests.support.clients import campus_with
from tests.support.moving_campus import ORG, START, USER, MovingCampus
from tests.support.scripted_server import Handler, Request, Response, error_entity, json_response

STATUS = {
    "assignment_status_id": str(UUID(int=21)),
    "assignment_id": str(UUID(int=22)),
    "enrollment_id": str(UUID(int=1000)),
    "user_id": str(USER),
    "phase": 1,
    "result": 0,
    "academic_override": False,
}
SCO = {"title": "T", "sco_id": "I_SCO0", "cmi_fields": []}
SESSION = {
    "assignment_id": str(UUID(int=11)),
    "user_id": str(USER),
    "enrollment_id": str(UUID(int=1000)),
    "organization_id": str(ORG),
    "section_id": str(UUID(int=12)),
    "order": 1,
    "utc_start": "2026-01-31T08:00:00Z",
    "utc_end": "2026-01-31T09:00:00Z",
}


def campus_of_one(**responses: Any) -> Handler:
    """Return the handler of a campus with one enrollment and these results of other operations, on one page each."""
    server = MovingCampus()
    server.add(START)

    async def respond(request: Request) -> Response:
        operation = request.operation_id.partition("_")[2]
        if operation == "SearchEnrollments":
            return await server.respond(request)
        result = responses[operation]
        if isinstance(result, list):
            first = dict(request.query).get("page", "1") == "1"
            return json_response([each | error_entity() for each in result] if first else [])
        return json_response(result | error_entity())

    return respond


async def export(campus_of: Handler, dataset: Any, folder: Path) -> list[dict[str, Any]]:
    """Return the rows of an export."""
    target = folder / "rows.jsonl"
    async with campus_with(campus_of) as (campus, _):
        summary = await export_records(campus, dataset, target, org_ids=[ORG])
    assert not summary.errors
    return read_rows(target)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *((name, str(UUID(int=99))) for name in SESSION if name.endswith("_id")),
        ("order", 2),
        ("utc_start", "2026-01-31T08:00:01Z"),
        ("utc_start", "2026-01-31T10:00:00Z"),
        ("utc_start", "2026-02-01T08:00:00Z"),
        *((name, None) for name in SESSION if name not in ("user_id", "utc_end")),
    ],
)
async def test_sessions_without_an_id_that_differ(tmp_path: Path, column: str, value: Any) -> None:
    """Two sessions without an id are two rows if any field but their end differs."""
    sessions = [SESSION, SESSION | {column: value}]
    found = {"sessions": sessions, "page": 1, "page_size": 2, "total_count": 2}
    rows = await export(campus_of_one(GetStudentSessions=found), "sessions", tmp_path)
    assert len({row["session_key"] for row in rows}) == len(rows) == 2


async def test_scorm_data_refers_to_its_assignment_status(tmp_path: Path) -> None:
    """Each id of a row is that of the assignment status of the same name."""
    campus = campus_of_one(GetAssignmentStatuses=[STATUS], GetCmiData=[SCO])
    (row,) = await export(campus, "scorm_data", tmp_path)
    names = [name for name in STATUS if name.endswith("_id")]
    assert {name: row[name] for name in names} == {name: STATUS[name] for name in names}
