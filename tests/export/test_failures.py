"""Records that can't be fetched: the others are exported, and failed ones are requested again."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from nexport_campus import (
    APIError,
    AuthenticationError,
    NexportCampus,
    NotFoundError,
    ServerError,
    StaticToken,
    TransportError,
)
from nexport_campus._export.request import LAST, ExportRequest
from nexport_campus.sandbox import Samples, Sandbox
from tests.export.running import make_request, read_rows, run
from tests.support.clients import method_of

pytestmark = pytest.mark.nexport_sandbox(enrollments=500)
OPERATION = "LearningApi_GetAssignmentStatuses"
SEARCH = "LearningApi_SearchEnrollments"
TABLE = "assignment_statuses"
OPERATIONS = {
    "assignment-statuses": OPERATION,
    "sessions": "LearningApi_GetStudentSessions",
    "scorm-data": "ScormApi_GetCmiData",
}
BROKEN = '[{"assignment_status_id": "no uuid"}]'


def statuses(samples: Samples, **given: Any) -> ExportRequest:
    """Return a request for the statuses of some enrollments, one at a time."""
    filters = {"utc_enrolled_after": datetime(2026, 4, 1, tzinfo=UTC)}
    settings: dict[str, Any] = {"concurrency": 1, "filters": filters} | given
    return make_request("assignment-statuses", samples.org_id, **settings)


async def count_requests(sandbox: Sandbox, operation: str = OPERATION) -> int:
    """Return how often an operation was requested."""
    return (await sandbox.books()).counts.get(operation, 0)


async def test_an_enrollment_in_several_months_is_requested_once(
    campus: NexportCampus, nexport_sandbox: Sandbox, samples: Samples, tmp_path: Path
) -> None:
    """An enrollment that was made in one month and active in later ones is found in each, and fetched in the first."""
    since = datetime(2026, 1, 1, tzinfo=UTC)
    await run(campus, statuses(samples, since=since, filters={}), tmp_path / "whole.jsonl")
    before = await count_requests(nexport_sandbox)
    await run(campus, statuses(samples, since=since, filters={}, by="month"), tmp_path / "months.jsonl")
    assert await count_requests(nexport_sandbox) == 2 * before
    assert read_rows(tmp_path / "months.jsonl") == read_rows(tmp_path / "whole.jsonl")


async def test_a_failure_is_repeated(
    campus: NexportCampus, nexport_sandbox: Sandbox, samples: Samples, tmp_path: Path
) -> None:
    """A single unreadable response costs no row."""
    await run(campus, statuses(samples), tmp_path / "whole.jsonl")
    await nexport_sandbox.faults.add(operation=OPERATION, nth=2, body=BROKEN)
    summary = await run(campus, statuses(samples), tmp_path / "s.jsonl")
    assert summary.failed == 0
    assert read_rows(tmp_path / "s.jsonl") == read_rows(tmp_path / "whole.jsonl")


@pytest.mark.parametrize("name", ["s.jsonl", "s.db"])
async def test_the_next_run_fetches_failures(
    campus: NexportCampus, nexport_sandbox: Sandbox, samples: Samples, tmp_path: Path, name: str
) -> None:
    """Records that failed twice are named; the next run fetches them though nothing changed there."""
    whole = await run(campus, statuses(samples), tmp_path / "whole.jsonl")
    count = await count_requests(nexport_sandbox)
    for nth in (1, count + 1):
        await nexport_sandbox.faults.add(operation=OPERATION, nth=nth, body=BROKEN)
    lacking = await run(campus, statuses(samples), tmp_path / name)
    assert lacking.failed == len(lacking.errors) == 1
    assert "assignment_status_id" in lacking.errors[0]
    assert 0 < lacking.rows < whole.rows
    again = await run(campus, statuses(samples, since=LAST), tmp_path / name)
    assert (again.failed, again.rows) == (0, whole.rows)
    last = await run(campus, statuses(samples, since=LAST), tmp_path / name)
    assert (last.new, last.updated) == (0, 0)


@pytest.mark.parametrize("name", ["s.jsonl", "s.db"])
async def test_a_failure_that_lasts(
    campus: NexportCampus, nexport_sandbox: Sandbox, samples: Samples, tmp_path: Path, name: str
) -> None:
    """Records that several runs can't fetch are requested by each of them, and by no other once they were fetched."""
    filters = {"utc_enrolled_after": datetime(2026, 6, 15, tzinfo=UTC)}
    request, target = statuses(samples, since=LAST, filters=filters), tmp_path / name
    whole = await run(campus, request, tmp_path / "whole.jsonl")
    await nexport_sandbox.faults.add(operation=OPERATION, status=404, html=True)
    failed = [(await run(campus, request, target)).failed for _ in range(3)]
    assert failed == [failed[0]] * 3
    assert failed[0] > 1
    await nexport_sandbox.faults.clear()
    again = await run(campus, request, target)
    assert (again.failed, again.rows) == (0, whole.rows)
    before = await count_requests(nexport_sandbox)
    await run(campus, request, target)
    assert await count_requests(nexport_sandbox) == before


async def test_an_element_that_reports_an_error(
    campus: NexportCampus, nexport_sandbox: Sandbox, samples: Samples, tmp_path: Path
) -> None:
    """An element with an error is reported instead of written; the rest of its list is exported."""
    whole = await run(campus, statuses(samples), tmp_path / "whole.jsonl")
    count = await count_requests(nexport_sandbox)
    enrollment = read_rows(tmp_path / "whole.jsonl")[0]["enrollment_id"]
    response = await campus.raw.learning.get_assignment_statuses(enrollment_id=enrollment)
    items = json.loads(response.content)
    items[0]["api_error_entity"] = {"error_code": 1, "error_message": "it is out of order"}
    for nth in (1, count + 1):
        await nexport_sandbox.faults.add(operation=OPERATION, nth=nth, body=json.dumps(items))
    lacking = await run(campus, statuses(samples), tmp_path / "s.jsonl")
    assert lacking.rows == whole.rows - 1
    assert lacking.errors == [f"an assignment status of enrollment {enrollment}: it is out of order"]


async def test_records_that_the_campus_cannot_give(
    campus: NexportCampus, nexport_sandbox: Sandbox, samples: Samples, tmp_path: Path
) -> None:
    """Any number of consecutive failures count as single failures while other requests succeed."""
    await nexport_sandbox.faults.add(operation=OPERATION, status=500, html=True)
    summary = await run(campus, statuses(samples), tmp_path / "s.jsonl")
    assert summary.failed > 10
    assert summary.rows == 0
    await nexport_sandbox.faults.clear()
    again = await run(campus, statuses(samples, since=LAST), tmp_path / "s.jsonl")
    assert (again.failed, again.rows > 10) == (0, True)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("kind", ["assignment-statuses", "sessions", "scorm-data"])
@pytest.mark.parametrize("name", ["r.jsonl", "r.db"])
@pytest.mark.parametrize("status", [403, 404, 410])
async def test_a_gateway_removes_no_rows(
    campus: NexportCampus,
    nexport_sandbox: Sandbox,
    samples: Samples,
    tmp_path: Path,
    kind: str,
    name: str,
    status: int,
) -> None:
    """While a gateway responds with its own pages, a full export keeps the rows that it can't read again."""
    filters = {"utc_enrolled_after": datetime(2026, 4, 1, tzinfo=UTC)}
    request, target = make_request(kind, samples.org_id, filters=filters), tmp_path / name
    whole = await run(campus, request, target)
    rows = read_rows(target, request.dataset.table)
    await nexport_sandbox.faults.add(operation=OPERATIONS[kind], status=status, html=True, rate=0.5)
    lacking = await run(campus, request, target)
    assert lacking.failed > 0
    assert (lacking.rows, lacking.removed) == (whole.rows, 0)
    assert read_rows(target, request.dataset.table) == rows
    assert all(f"HTTP {status}" in error for error in lacking.errors)


@pytest.mark.parametrize("name", ["r.jsonl", "r.db"])
async def test_readable_rows_are_replaced(
    campus: NexportCampus, nexport_sandbox: Sandbox, samples: Samples, tmp_path: Path, name: str
) -> None:
    """Removed records go if their enrollment can be read; otherwise its rows stay until it can."""
    target = tmp_path / name
    whole = await run(campus, statuses(samples), target)
    first, second, *_ = dict.fromkeys(row["enrollment_id"] for row in read_rows(target, TABLE))
    gone = [row for row in read_rows(target, TABLE) if row["enrollment_id"] == first]
    await campus.learning.delete_enrollment(enrollment_id=first)
    await nexport_sandbox.faults.add(operation=OPERATION, status=404, html=True)
    lacking = await run(campus, statuses(samples), target)
    assert (lacking.removed, lacking.rows) == (len(gone), whole.rows - len(gone))
    await nexport_sandbox.faults.clear()
    await campus.learning.delete_enrollment(enrollment_id=second)
    again = await run(campus, statuses(samples), target)
    assert again.failed == 0
    assert {first, second}.isdisjoint(row["enrollment_id"] for row in read_rows(target, TABLE))


async def test_a_gateway_in_place_of_a_search(
    campus: NexportCampus, nexport_sandbox: Sandbox, samples: Samples, tmp_path: Path
) -> None:
    """A search that a gateway responds to ends the run with an error, and the file is unchanged."""
    target = tmp_path / "e.csv"
    request = make_request("enrollments", samples.org_id)
    await run(campus, request, target)
    before, searches = target.read_bytes(), await count_requests(nexport_sandbox, SEARCH)
    for nth in (1, 3):
        await nexport_sandbox.faults.clear()
        await nexport_sandbox.faults.add(operation=SEARCH, status=404, html=True, nth=nth)
        with pytest.raises(APIError) as caught:
            await run(campus, request, target)
        assert not isinstance(caught.value, NotFoundError)
        assert target.read_bytes() == before
    assert await count_requests(nexport_sandbox, SEARCH) > searches


async def test_an_outage_stops_the_export(
    campus: NexportCampus, nexport_sandbox: Sandbox, samples: Samples, tmp_path: Path
) -> None:
    """When all requests fail, the export stops without counting failures; the same command then gives all rows."""
    await run(campus, statuses(samples), tmp_path / "whole.jsonl")
    searches = await count_requests(nexport_sandbox, SEARCH)
    await nexport_sandbox.faults.add(operation=OPERATION, status=503)
    for attempt in range(1, 5):
        await nexport_sandbox.faults.add(operation=SEARCH, status=503, nth=searches + attempt)
    with pytest.raises(ServerError):
        await run(campus, statuses(samples), tmp_path / "s.jsonl")
    assert not (tmp_path / "s.jsonl").exists()
    await nexport_sandbox.faults.clear()
    summary = await run(campus, statuses(samples), tmp_path / "s.jsonl")
    assert summary.resumed
    assert read_rows(tmp_path / "s.jsonl") == read_rows(tmp_path / "whole.jsonl")


async def test_a_refused_token_stops_the_export(
    campus: NexportCampus, nexport_sandbox: Sandbox, samples: Samples, tmp_path: Path
) -> None:
    """A refused token stops the export at once; with a new one it resumes."""
    token = await method_of(campus, "AdminApi_Authenticate")(
        username=nexport_sandbox.username, password=nexport_sandbox.password, grant_type="password"
    )
    await nexport_sandbox.faults.add(operation=OPERATION, nth=3, expire_token=True)
    auth = StaticToken(str(token.access_token))
    async with NexportCampus(auth, base_url=nexport_sandbox.url) as expiring:
        with pytest.raises(AuthenticationError):
            await run(expiring, statuses(samples), tmp_path / "s.jsonl")
    before = await count_requests(nexport_sandbox)
    assert before == 3
    assert (await run(campus, statuses(samples), tmp_path / "s.jsonl")).resumed


async def test_a_network_that_breaks_at_any_request(
    campus: NexportCampus, nexport_sandbox: Sandbox, samples: Samples, tmp_path: Path
) -> None:
    """After any single broken request, the same command gives the rows of an undisturbed run."""
    await run(campus, statuses(samples), tmp_path / "whole.jsonl")
    whole = (tmp_path / "whole.jsonl").read_bytes()
    for number in range(1, 30, 4):
        target = tmp_path / f"{number}.jsonl"
        await nexport_sandbox.faults.clear()
        for attempt in range(4):
            await nexport_sandbox.faults.add(nth=number + attempt, reset=True)
        with pytest.raises(TransportError) as caught:
            await run(campus, statuses(samples), target)
        assert caught.value.__cause__
        assert not target.exists()
        await run(campus, statuses(samples), target)
        assert target.read_bytes() == whole
