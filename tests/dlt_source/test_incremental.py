"""Runs one after another: changes, crashes, unknown fields, and windows of a backfill."""

import asyncio
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from dlt.pipeline.exceptions import PipelineStepFailed

from nexport_campus import PasswordAuth, RateLimiter, StaticToken
from nexport_campus.dlt import campus_source
from nexport_campus.dlt.enrollment_batches import EnrollmentBatches
from tests.dlt_source.warehouse import Warehouse
from tests.support.clients import campus_with
from tests.support.moving_campus import ORG, START, MovingCampus
from tests.support.scripted_server import Request, Response, ScriptedServer, json_response, with_login

ROOT = Path(__file__).parents[2]
DAY = timedelta(days=1)


def old(count: int, **options: Any) -> MovingCampus:
    """Return a campus with enrollments made, and active, days ago."""
    server = MovingCampus(**options)
    for number in range(count):
        server.add(START - 90 * DAY + timedelta(hours=number), active=START - 2 * DAY)
    return server


async def load(
    warehouse: Warehouse,
    url: str,
    resource: str = "enrollments",
    name: str = "campus",
    refresh: Any = None,
    **arguments: Any,
) -> Any:
    """Run a pipeline."""
    arguments.setdefault("credentials", StaticToken("token"))
    arguments.setdefault("org_ids", [str(ORG)])

    def run() -> Any:
        source = campus_source(base_url=url, **arguments).with_resources(resource)
        return warehouse.pipeline(name).run(source, refresh=refresh)

    return await asyncio.to_thread(run)


def enrollments(warehouse: Warehouse) -> list[str]:
    """Return the ids in the table, sorted."""
    return [row[0] for row in warehouse.query("SELECT enrollment_id FROM campus.enrollments ORDER BY 1")]


def expected(server: MovingCampus) -> list[str]:
    """Return the ids at the campus, sorted."""
    return sorted(map(str, server.records))


async def test_changes_are_merged(duckdb_warehouse: Warehouse) -> None:
    """A second run costs three searches, and loads what is new and the last state of what moved."""
    server = old(120, clamp=50)
    async with ScriptedServer(server.respond) as http:
        await load(duckdb_warehouse, http.url)
        assert enrollments(duckdb_warehouse) == expected(server)
        moved = next(iter(server.records.values()))
        moved.active = moved.completed = server.now
        server.add(server.now)
        server.searches.clear()
        await load(duckdb_warehouse, http.url)
    assert len(server.searches) <= 4
    assert enrollments(duckdb_warehouse) == expected(server)
    query = f"SELECT phase, completion_date FROM campus.enrollments WHERE enrollment_id = '{moved.id}'"
    assert duckdb_warehouse.query(query) == [(2, moved.completed)]


async def test_the_copy_that_was_read_last_wins(duckdb_warehouse: Warehouse) -> None:
    """A record that is delivered twice in one run has the state of the second delivery."""
    server = old(30, clamp=10)
    first = server.add(START - 91 * DAY, active=START - 3 * DAY)

    def complete(campus: MovingCampus) -> None:
        if campus.searches and "utc_completed_after" in campus.searches[-1]:
            return
        first.completed = first.active = campus.now if len(campus.searches) > 1 else None

    async with ScriptedServer(server.respond) as http:
        await load(duckdb_warehouse, http.url, since=START - 100 * DAY)
        server.between = complete
        server.searches.clear()
        first.active = server.now
        await load(duckdb_warehouse, http.url)
    query = f"SELECT phase FROM campus.enrollments WHERE enrollment_id = '{first.id}'"
    assert duckdb_warehouse.query(query) == [(2,)]


async def run_killed(step: str, url: str, warehouse: Warehouse) -> int:
    """Run the pipeline in a process that is killed at a step, and return its exit code."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.dlt_source.killed_pipeline",
        step,
        url,
        str(ORG),
        str(warehouse.folder),
        warehouse.address,
        cwd=warehouse.folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    return await process.wait()


@pytest.mark.parametrize(
    "step",
    [
        "extract",
        pytest.param("normalize", marks=pytest.mark.full),
        pytest.param("load", marks=pytest.mark.full),
    ],
)
async def test_a_killed_run_is_completed(step: str, postgres_warehouse: Warehouse) -> None:
    """After a kill while extracting, the next run loads everything; after one later, it completes the killed one."""
    server = old(60, clamp=20)
    async with ScriptedServer(server.respond) as http:
        assert await run_killed(step, http.url, postgres_warehouse) < 0
        server.add(server.now)
        assert await run_killed("none", http.url, postgres_warehouse) == 0
        if step != "extract":
            assert await run_killed("none", http.url, postgres_warehouse) == 0
    assert enrollments(postgres_warehouse) == expected(server)


class UnknownFields:
    """A campus whose records get a field that no specification has."""

    def __init__(self, server: MovingCampus) -> None:
        self.server = server
        self.fields: dict[str, Any] = {}

    async def respond(self, request: Request) -> Response:
        response = await self.server.respond(request)
        body = Request("GET", "", {}, response.body, 0).json
        body["enrollments"] = [item | self.fields for item in body["enrollments"]]
        return json_response(body, headers=dict(response.headers))


async def test_an_unknown_field_is_kept_as_json(postgres_warehouse: Warehouse) -> None:
    """The table keeps its columns, and the field is in `additional_properties`."""
    campus = UnknownFields(old(3))
    async with ScriptedServer(campus.respond) as http:
        await load(postgres_warehouse, http.url)
        columns = postgres_warehouse.columns("enrollments")
        campus.fields = {"badge": {"color": "gold"}, "seat": "A\x007"}
        campus.server.add(campus.server.now)
        await load(postgres_warehouse, http.url)
    assert postgres_warehouse.columns("enrollments") == columns
    found = postgres_warehouse.query("SELECT additional_properties FROM campus.enrollments")
    assert [row[0] for row in found if row[0]] == [{"badge": {"color": "gold"}, "seat": "A\ufffd7"}]
    assert postgres_warehouse.tables() == {"enrollments"}


async def test_an_unknown_field_becomes_a_column(duckdb_warehouse: Warehouse) -> None:
    """With `unknown_fields="columns"`, the field has a column, and what is nested stays within it."""
    campus = UnknownFields(old(3))
    async with ScriptedServer(campus.respond) as http:
        await load(duckdb_warehouse, http.url, unknown_fields="columns")
        campus.fields = {"badge": "gold", "seats": [{"row": 1}]}
        campus.server.add(campus.server.now)
        await load(duckdb_warehouse, http.url, unknown_fields="columns")
    found = duckdb_warehouse.query("SELECT badge, seats FROM campus.enrollments WHERE badge IS NOT NULL")
    assert found == [("gold", '[{"row":1}]')]
    assert duckdb_warehouse.tables() == {"enrollments"}


@pytest.mark.sampled(1)
@pytest.mark.parametrize("inclusive", [True, False])
async def test_windows_are_half_open(inclusive: bool, duckdb_warehouse: Warehouse) -> None:
    """The windows of a backfill share no enrollment, leave none out, and keep no position."""
    edge = datetime(2026, 2, 1, tzinfo=UTC)
    server = MovingCampus(inclusive=inclusive, clamp=10)
    for hours in range(-30, 30):
        server.add(edge + timedelta(hours=hours))
    undated = server.add(None, active=edge)
    windows = {"january": (datetime(2026, 1, 1, tzinfo=UTC), edge), "february": (edge, edge + 28 * DAY)}
    counts = []
    async with ScriptedServer(server.respond) as http:
        for name, (since, until) in windows.items():
            await load(duckdb_warehouse, http.url, name=name, since=since, until=until)
            counts.append(len(enrollments(duckdb_warehouse)))
        again = duckdb_warehouse.pipeline("january")
        assert again.state["sources"]["nexport_campus"]["resources"]["enrollments"] == {"cursors": {}}
        assert counts == [30, 60]
        await load(duckdb_warehouse, http.url, name="sweep")
    assert str(undated.id) in enrollments(duckdb_warehouse)
    assert enrollments(duckdb_warehouse) == expected(server)


@pytest.mark.full
async def test_a_full_run_removes_rows(duckdb_warehouse: Warehouse) -> None:
    """With `refresh`, the table has only what exists, and the next run is incremental again."""
    server = old(30, clamp=10)
    async with ScriptedServer(server.respond) as http:
        await load(duckdb_warehouse, http.url)
        del server.records[next(iter(server.records))]
        await load(duckdb_warehouse, http.url)
        assert len(enrollments(duckdb_warehouse)) == 30
        await load(duckdb_warehouse, http.url, refresh="drop_resources")
        assert enrollments(duckdb_warehouse) == expected(server)
        server.searches.clear()
        await load(duckdb_warehouse, http.url)
    assert len(server.searches) == 3


async def test_an_unreadable_cursor_causes_a_full_run(caplog: pytest.LogCaptureFixture) -> None:
    """A cursor that this version can't read is logged and replaced, and everything is loaded again."""
    server = old(10)
    async with campus_with(server.respond) as (campus, http):
        cursors = {f"{http.url} {ORG}": "unreadable"}
        batches = EnrollmentBatches(http.url, [str(ORG)], None, None, cursors)
        found = [item.enrollment_id async for items in batches.iterate(campus) for item in items]
    assert set(found) == set(server.records)
    assert "loading everything again" in caplog.text
    assert cursors[f"{http.url} {ORG}"] != "unreadable"


async def test_another_organization_causes_a_full_run(duckdb_warehouse: Warehouse) -> None:
    """A position belongs to its organizations: with another one, all its enrollments are loaded."""
    server = old(10)
    other = server.add(START - 50 * DAY, org=server.records[next(iter(server.records))].user)
    async with ScriptedServer(server.respond) as http:
        await load(duckdb_warehouse, http.url)
        assert str(other.id) not in enrollments(duckdb_warehouse)
        await load(duckdb_warehouse, http.url, org_ids=[str(ORG), str(other.org)])
    assert enrollments(duckdb_warehouse) == expected(server)


async def test_a_failed_run_closes_the_client(duckdb_warehouse: Warehouse) -> None:
    """An error of the campus fails the pipeline, leaves no connection, and the next run loads everything."""
    server = old(30, clamp=10)
    fails = True

    async def respond(request: Request) -> Response:
        if (fails and dict(request.query)["page"] != "1") or (fails and len(server.searches) > 1):
            return Response(status=404)
        return await server.respond(request)

    async with ScriptedServer(respond) as http:
        with pytest.raises(PipelineStepFailed, match="SearchEnrollments"):
            await load(duckdb_warehouse, http.url)
        fails = False
        await load(duckdb_warehouse, http.url)
    assert enrollments(duckdb_warehouse) == expected(server)


@contextmanager
def all_logs(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Capture every logger, dlt's own included, which doesn't propagate."""
    logger = logging.getLogger("dlt")
    logger.addHandler(caplog.handler)
    with caplog.at_level(logging.DEBUG):
        yield
    logger.removeHandler(caplog.handler)


@pytest.mark.parametrize("fails", [False, True])
async def test_secrets_stay_out_of_dlt(
    fails: bool,
    duckdb_warehouse: Warehouse,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither token nor password is in the state, the packages, the traces, the logs or the error."""
    token, password = "5eedc0de-aaaa-4000-8000-00000000beef", "pass-phrase-4711"
    server = old(5)

    async def respond(request: Request) -> Response:
        return Response(status=403) if fails else await server.respond(request)

    error = None
    monkeypatch.setenv("SOURCES__NEXPORT_CAMPUS__CREDENTIALS__USERNAME", "reporting")
    monkeypatch.setenv("SOURCES__NEXPORT_CAMPUS__CREDENTIALS__PASSWORD", password)
    with all_logs(caplog):
        async with ScriptedServer(with_login(respond, token=token)) as http:
            arguments: dict[str, Any] = {"base_url": http.url, "org_ids": [str(ORG)]}

            def run() -> None:
                source = campus_source(**arguments).with_resources("enrollments")
                duckdb_warehouse.pipeline().run(source)

            try:
                await asyncio.to_thread(run)
            except PipelineStepFailed as failed:
                error = failed
    assert (error is not None) == fails
    written = [file.read_bytes() for file in duckdb_warehouse.folder.rglob("*") if file.is_file()]
    texts = [*written, caplog.text.encode(), repr(error).encode(), str(error and error.__cause__).encode()]
    assert len(written) > 3
    for secret in (token, password):
        assert not any(secret.encode() in text for text in texts)


def test_a_rate_limiter_is_an_argument() -> None:
    """The limiter and the account reach the client; the source's other arguments are dlt's configuration."""

    class Limiter:
        async def acquire(self) -> None: ...

        async def pause(self, seconds: float) -> None: ...

    limiter: RateLimiter = Limiter()
    source = campus_source(
        credentials=PasswordAuth("user", "secret"),
        base_url="https://campus.example",
        org_ids=[str(ORG)],
        rate_limit=limiter,
    )
    assert set(source.resources) >= {"enrollments", "catalogs"}
