"""The mirror in PostgreSQL, run as a program against the sandbox, and killed at random."""

import random
import runpy
import signal
import subprocess
import sys
from collections.abc import Callable
from types import SimpleNamespace

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from nexport_campus import NexportCampus
from nexport_campus.sandbox import Samples, Sandbox
from tests.examples.shop_process import EXAMPLES
from tests.support.clients import campus_with
from tests.support.moving_campus import ORG, START, MovingCampus, Record

pytestmark = pytest.mark.nexport_sandbox(enrollments=3000)

KILLED_AT = """
import os, runpy, signal, sys
from sqlalchemy import event
from sqlalchemy.engine import Engine

left = int(sys.argv[1])

def step(*_):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)

for name in ("before_cursor_execute", "after_cursor_execute", "commit"):
    event.listen(Engine, name, step)
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
"""Runs a program until it has taken a number of steps in its database, and kills it there."""

Row = tuple[str, int, int, bool]


@pytest.fixture
def mirror(environment: dict[str, str], postgres_url: str) -> Callable[..., int]:
    """Return a function that runs the mirror and returns its exit code, killing it at a step if one is given."""
    variables = environment | {"DATABASE_URL": postgres_url.replace("postgresql:", "postgresql+psycopg:")}

    def run(*arguments: str, killed_at: int | None = None) -> int:
        program = [str(EXAMPLES / "mirror_completions.py"), *arguments]
        start = [] if killed_at is None else ["-c", KILLED_AT, str(killed_at)]
        done = subprocess.run(
            [sys.executable, "-W", "error", *start, *program],
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in (0, -signal.SIGKILL), done.stderr
        return done.returncode

    return run


def read(url: str, *, missing: bool = False) -> list[Row]:
    """Return the rows of the mirror that are missing from the campus, or that aren't."""
    query = (
        "SELECT enrollment_id::text, phase, result, completion_date IS NOT NULL FROM enrollments"
        " WHERE (missing_date IS NOT NULL) = %s ORDER BY 1"
    )
    with psycopg.connect(url) as connection:
        return connection.execute(query, (missing,)).fetchall()


async def on_campus(campus: NexportCampus, org: str) -> list[Row]:
    """Return the same of the campus's enrollments."""
    found = await campus.learning.search_enrollments(org_ids=[org]).collect()
    return sorted(
        (str(item.enrollment_id), int(item.phase), int(item.result), item.completion_date is not None)
        for item in found
    )


async def test_it_mirrors_what_exists_and_what_changes(
    mirror: Callable[..., int], postgres_url: str, samples: Samples, campus: NexportCampus
) -> None:
    """The first run stores everything, and the next ones what was created and removed."""
    mirror(samples.org_id)
    assert read(postgres_url) == await on_campus(campus, samples.org_id)
    made = await campus.ensure_enrollment(
        org_id=samples.org_id, user_id=samples.user_id, syllabus_id=samples.section_id
    )
    assert made.created
    await campus.learning.delete_enrollment(enrollment_id=samples.finished_enrollment_id)
    mirror(samples.org_id)
    assert len(read(postgres_url)) == len(await on_campus(campus, samples.org_id)) + 1
    mirror(samples.org_id, "--find-removed")
    assert read(postgres_url) == await on_campus(campus, samples.org_id)
    assert [row[0] for row in read(postgres_url, missing=True)] == [samples.finished_enrollment_id]


async def test_every_removal_is_dated_once(postgres_url: str) -> None:
    """All enrollments of a large mirror are looked up; removed ones keep their date when the search is repeated."""
    program = SimpleNamespace(**runpy.run_path(str(EXAMPLES / "mirror_completions.py")))
    server = MovingCampus()
    for number in (0, 4500):  # whose ids are 1000 and 5500
        record = Record(number, START, completed=START)
        server.records[record.id] = record
    engine = create_async_engine(postgres_url.replace("postgresql:", "postgresql+psycopg:"))
    async with engine.begin() as connection:
        await connection.run_sync(program.TABLES.create_all)
        await connection.execute(
            text(
                "INSERT INTO enrollments (enrollment_id, organization_id, phase, result)"
                " SELECT lpad(to_hex(number), 32, '0')::uuid, :org, 1, 0 FROM generate_series(1, 5600) AS number"
            ),
            {"org": ORG},
        )
    dates = []
    async with campus_with(server.respond) as (campus, _):
        for _ in range(2):
            await program.find_removed(campus, engine, ORG)
            async with engine.connect() as connection:
                found = await connection.execute(text("SELECT enrollment_id, missing_date FROM enrollments"))
                dates.append({enrollment_id: date for enrollment_id, date in found.all() if date})
    await engine.dispose()
    assert len(dates[0]) == 5600 - 2
    assert dates[1] == dates[0]
    assert [row[:3] for row in read(postgres_url)] == [(str(key), 2, 1) for key in server.records]


@pytest.mark.full
async def test_a_second_organization_is_mirrored_independently(
    mirror: Callable[..., int], postgres_url: str, samples: Samples, campus: NexportCampus
) -> None:
    """Each has a cursor, and a search for removals in one doesn't affect the other."""
    other = next(org for org in samples.org_ids if org != samples.org_id)
    mirror(samples.org_id)
    mirror(other, "--find-removed")
    expected = await on_campus(campus, samples.org_id) + await on_campus(campus, other)
    assert read(postgres_url) == sorted(expected)


@pytest.mark.full
@pytest.mark.parametrize("seed", range(1, 9))
async def test_killed_at_random_it_loses_and_duplicates_nothing(
    mirror: Callable[..., int],
    postgres_url: str,
    samples: Samples,
    campus: NexportCampus,
    nexport_sandbox: Sandbox,
    seed: int,
) -> None:
    """Whatever it was about to do, and though enrollments come and go between its attempts."""
    choice = random.Random(seed)
    removed = []
    for _ in range(4):
        mirror(samples.org_id, "--find-removed", killed_at=choice.randrange(1, 40))
        existing = await on_campus(campus, samples.org_id)
        removed.append(choice.choice(existing)[0])
        await campus.learning.delete_enrollment(enrollment_id=removed[-1])
    while mirror(samples.org_id, "--find-removed", killed_at=choice.randrange(20, 90)):
        pass
    assert read(postgres_url) == await on_campus(campus, samples.org_id)
    assert {row[0] for row in read(postgres_url, missing=True)} <= set(removed)
