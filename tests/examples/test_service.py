"""The long-lived service, run as a program against the sandbox until it is told to stop."""

import asyncio
import json
import os
import runpy
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from nexport_campus import NexportCampus, RetryPolicy
from nexport_campus.sandbox import Samples, Sandbox

pytestmark = pytest.mark.nexport_sandbox(enrollments=500)
EXAMPLES = Path(__file__).parents[2] / "examples"
SEARCH, CREATE = "LearningApi_SearchEnrollments", "LearningApi_CreateEnrollment"


class Shop:
    """The service, and the shop's side of its table."""

    def __init__(self, database: Path, process: subprocess.Popen[str]) -> None:
        self._database = database
        self.process = process

    def run(self, statement: str, *values: object) -> list[Any]:
        """What a statement gives."""
        with closing(sqlite3.connect(self._database, timeout=30)) as connection, connection:
            return connection.execute(statement, values).fetchall()

    def order(self, org_id: str, user_id: str, syllabus_id: str) -> None:
        """A paid order."""
        self.run(
            "INSERT INTO orders (org_id, user_id, syllabus_id) VALUES (?, ?, ?)", org_id, user_id, syllabus_id
        )

    def orders(self) -> list[Any]:
        """How the orders stand."""
        return self.run("SELECT enrollment_id, refused, tries FROM orders ORDER BY number")

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Tell the service to stop, and wait until it has; its exit code and its log."""
        self.process.send_signal(number)
        _, told = self.process.communicate(timeout=20)
        return self.process.returncode, told


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(15):
        while not await condition():  # noqa: ASYNC110 -- another process does it, which sets no event
            await asyncio.sleep(0.02)


@pytest.fixture
def shop(environment: dict[str, str], tmp_path: Path) -> Iterator[Shop]:
    """The running service, which has made its table."""
    database = tmp_path / "shop.sqlite3"
    command = [sys.executable, "-W", "error", str(EXAMPLES / "service.py"), str(database)]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        shop = Shop(database, process)
        try:
            asyncio.run(until(lambda: made(shop)))
            yield shop
        finally:
            process.kill()


async def made(shop: Shop) -> bool:
    """Whether the table is there."""
    return bool(shop.run("SELECT name FROM sqlite_master WHERE name = 'orders'"))


async def settled(shop: Shop) -> bool:
    """Whether every order has ended one way or another."""
    return all(enrollment or refused for enrollment, refused, _ in shop.orders())


async def test_orders_are_seen_to(shop: Shop, samples: Samples, nexport_sandbox: Sandbox) -> None:
    """Each once, a repeated one too; what can't be right is refused, and holds up nobody; then it stops cleanly."""
    shop.order(samples.org_id, str(uuid4()), samples.section_id)
    for _ in range(2):
        shop.order(samples.org_id, samples.user_id, samples.section_id)
        await until(lambda: settled(shop))
    (nobody, refusal, _), (first, *_), (again, *_) = shop.orders()
    assert nobody is None
    assert "No user found" in refusal
    assert first is not None
    assert first == again
    books = await nexport_sandbox.books()
    assert [change.what for change in books.changes].count("enrollment created") == 1
    assert books.counts["AdminApi_Authenticate"] == 1
    code, told = shop.stop()
    assert code == 0
    assert told.count("\n") == 1
    assert "refused:" in told


async def test_what_fails_is_tried_again(shop: Shop, samples: Samples, nexport_sandbox: Sandbox) -> None:
    """An order that the campus couldn't take is put off, and taken later."""
    body = '{"api_error_entity": {"error_code": 1, "error_message": "out of order"}}'
    await nexport_sandbox.faults.add(operation=SEARCH, nth=1, status=500, body=body)
    shop.order(samples.org_id, samples.user_id, samples.section_id)
    await until(lambda: settled(shop))
    ((enrollment_id, refused, tries),) = shop.orders()
    assert enrollment_id is not None
    assert (refused, tries) == (None, 1)
    code, told = shop.stop(signal.SIGINT)
    assert code == 0
    assert "postponed:" in told


async def test_it_finishes_what_is_under_way(shop: Shop, samples: Samples, nexport_sandbox: Sandbox) -> None:
    """Told to stop in the middle of an order, it sees to that one, and begins no other."""
    await nexport_sandbox.faults.add(operation=CREATE, delay=1.0)

    async def looked() -> bool:
        return SEARCH in (await nexport_sandbox.books()).counts

    shop.order(samples.org_id, samples.user_id, samples.section_id)
    await until(looked)
    shop.process.send_signal(signal.SIGTERM)
    shop.order(samples.org_id, str(uuid4()), samples.section_id)
    assert await asyncio.to_thread(shop.stop) == (0, "")
    (first, *_), late = shop.orders()
    assert first is not None
    assert late == (None, None, 0)


def reports(code: int) -> dict[str, Any]:
    """A fault that reports an error in the campus's own words."""
    body = {"api_error_entity": {"error_code": code, "error_message": "no", "warning_messages": []}}
    return {"status": 409, "body": json.dumps(body)}


NOT_ABOUT_THE_ORDER: dict[str, dict[str, Any]] = {
    **{
        f"a gateway's {status}": {"status": status, "html": True} for status in (400, 401, 403, 404, 409, 422)
    },
    "an empty 404": {"status": 404},
    "IIS' own 404": {"status": 404, "body": '{"Message": "No HTTP resource was found"}'},
    "a page with 200": {"status": 200, "html": True},
    "no content": {"status": 204},
    "a lost connection": {"reset": True},
    "a refused token": reports(4),
    "code 1": reports(1),
}


@pytest.mark.parametrize("operation", [SEARCH, CREATE])
@pytest.mark.parametrize("fault", NOT_ABOUT_THE_ORDER.values(), ids=NOT_ABOUT_THE_ORDER)
async def test_only_the_campus_refuses_an_order(
    operation: str, fault: dict[str, Any], samples: Samples, nexport_sandbox: Sandbox, campus: NexportCampus
) -> None:
    """Whatever fails without the campus's own word about the order, a paid order stays, and is enrolled in the end."""
    service = SimpleNamespace(**runpy.run_path(str(EXAMPLES / "service.py")))
    with closing(sqlite3.connect(":memory:")) as database:
        orders = service.Orders(database)
        ids = (samples.org_id, samples.user_id, samples.section_id)
        database.execute("INSERT INTO orders (org_id, user_id, syllabus_id) VALUES (?, ?, ?)", ids)
        await nexport_sandbox.faults.add(operation=operation, **fault)
        failing = campus.with_options(retry=RetryPolicy(max_attempts=1))
        assert await service.enroll(failing, orders, orders.waiting()[0]) is False
        ((tries, refused),) = database.execute("SELECT tries, refused FROM orders")
        assert (tries, refused) == (1, None)
        await nexport_sandbox.faults.clear()
        assert await service.enroll(campus, orders, orders.waiting()[0]) is True
        assert orders.waiting() == []


@pytest.mark.parametrize("code", [2, 3, 5, 6])
async def test_the_campus_refuses_an_order(
    code: int, samples: Samples, nexport_sandbox: Sandbox, campus: NexportCampus
) -> None:
    """An order that the campus itself refuses is settled, with the reason."""
    service = SimpleNamespace(**runpy.run_path(str(EXAMPLES / "service.py")))
    with closing(sqlite3.connect(":memory:")) as database:
        orders = service.Orders(database)
        ids = (samples.org_id, samples.user_id, samples.section_id)
        database.execute("INSERT INTO orders (org_id, user_id, syllabus_id) VALUES (?, ?, ?)", ids)
        await nexport_sandbox.faults.add(operation=CREATE, **reports(code))
        assert await service.enroll(campus, orders, orders.waiting()[0]) is True
        ((refused,),) = database.execute("SELECT refused FROM orders")
        assert f"code {code}" in refused


def test_settings_that_cannot_work(tmp_path: Path) -> None:
    """Without an account it ends at once, with one line."""
    done = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / "service.py"), str(tmp_path / "shop.sqlite3")],
        env={name: value for name, value in os.environ.items() if not name.startswith("NEXPORT_")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "NEXPORT_USERNAME" in done.stderr
    assert done.stderr.count("\n") == 1
