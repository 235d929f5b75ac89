"""The long-lived service, run as a program against the sandbox until it receives a signal."""

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
from typing import Any, Literal
from uuid import uuid4

import pytest

from nexport_campus import NexportCampus, RetryPolicy
from nexport_campus.sandbox import Samples, Sandbox

pytestmark = pytest.mark.nexport_sandbox(enrollments=500)
EXAMPLES = Path(__file__).parents[2] / "examples"
SEARCH, CREATE = "LearningApi_SearchEnrollments", "LearningApi_CreateEnrollment"


class Shop:
    """The service, and the shop's access to its table."""

    def __init__(self, database: Path, process: subprocess.Popen[str]) -> None:
        self._database = database
        self.process = process

    def execute(self, statement: str, *values: object) -> list[Any]:
        """Return the rows of a statement."""
        with closing(sqlite3.connect(self._database, timeout=30)) as connection, connection:
            return connection.execute(statement, values).fetchall()

    def order(self, org_id: str, user_id: str, syllabus_id: str) -> None:
        """Insert a paid order."""
        self.execute(
            "INSERT INTO orders (org_id, user_id, syllabus_id) VALUES (?, ?, ?)", org_id, user_id, syllabus_id
        )

    def orders(self) -> list[Any]:
        """Return the status of every order."""
        return self.execute("SELECT enrollment_id, refused, tries FROM orders ORDER BY number")

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Send the service a signal, wait for its end, and return its exit code and its log."""
        self.process.send_signal(number)
        _, output = self.process.communicate(timeout=20)
        return self.process.returncode, output


async def wait_until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until the condition is true."""
    async with asyncio.timeout(15):
        while not await condition():  # noqa: ASYNC110 -- another process causes it, which sets no event
            await asyncio.sleep(0.02)


@pytest.fixture
def shop(environment: dict[str, str], tmp_path: Path) -> Iterator[Shop]:
    """Return the running service, which has created its table."""
    database = tmp_path / "shop.sqlite3"
    command = [sys.executable, "-W", "error", str(EXAMPLES / "service.py"), str(database)]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        shop = Shop(database, process)
        try:
            asyncio.run(wait_until(lambda: table_exists(shop)))
            yield shop
        finally:
            process.kill()


async def table_exists(shop: Shop) -> bool:
    """Return whether the table exists."""
    return bool(shop.execute("SELECT name FROM sqlite_master WHERE name = 'orders'"))


async def all_settled(shop: Shop) -> bool:
    """Return whether every order has been processed."""
    return all(enrollment or refused for enrollment, refused, _ in shop.orders())


async def test_orders_are_processed(shop: Shop, samples: Samples, nexport_sandbox: Sandbox) -> None:
    """Each order is processed once, a repeated one too; an invalid one is refused and delays no other; SIGTERM ends cleanly."""
    shop.order(samples.org_id, str(uuid4()), samples.section_id)
    for _ in range(2):
        shop.order(samples.org_id, samples.user_id, samples.section_id)
        await wait_until(lambda: all_settled(shop))
    (unknown_user, refusal, _), (first, *_), (again, *_) = shop.orders()
    assert unknown_user is None
    assert "No user found" in refusal
    assert first is not None
    assert first == again
    books = await nexport_sandbox.books()
    assert [change.what for change in books.changes].count("enrollment created") == 1
    assert books.counts["AdminApi_Authenticate"] == 1
    code, output = shop.stop()
    assert code == 0
    attempt, refused = output.splitlines()  # the SDK's line of the failed attempt, and the service's
    assert "attempt 1 failed" in attempt
    assert "refused:" in refused


async def test_failed_orders_are_retried(shop: Shop, samples: Samples, nexport_sandbox: Sandbox) -> None:
    """An order is deferred while the campus fails, and processed later."""
    body = '{"api_error_entity": {"error_code": 1, "error_message": "out of order"}}'
    await nexport_sandbox.faults.add(operation=SEARCH, nth=1, status=500, body=body)
    shop.order(samples.org_id, samples.user_id, samples.section_id)
    await wait_until(lambda: all_settled(shop))
    ((enrollment_id, refused, tries),) = shop.orders()
    assert enrollment_id is not None
    assert (refused, tries) == (None, 1)
    code, output = shop.stop(signal.SIGINT)
    assert code == 0
    assert "postponed:" in output


async def test_a_signal_during_an_order(shop: Shop, samples: Samples, nexport_sandbox: Sandbox) -> None:
    """On a signal, the service finishes the current order and begins no other."""
    await nexport_sandbox.faults.add(operation=CREATE, delay=1.0)

    async def has_searched() -> bool:
        return SEARCH in (await nexport_sandbox.books()).counts

    shop.order(samples.org_id, samples.user_id, samples.section_id)
    await wait_until(has_searched)
    shop.process.send_signal(signal.SIGTERM)
    shop.order(samples.org_id, str(uuid4()), samples.section_id)
    assert await asyncio.to_thread(shop.stop) == (0, "")
    (first, *_), late = shop.orders()
    assert first is not None
    assert late == (None, None, 0)


def error_fault(code: int) -> dict[str, Any]:
    """Return a fault that responds with an error entity."""
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
    "a refused token": error_fault(4),
    "code 1": error_fault(1),
}


@pytest.mark.sampled(10)
@pytest.mark.parametrize("operation", [SEARCH, CREATE])
@pytest.mark.parametrize("fault", NOT_ABOUT_THE_ORDER.values(), ids=NOT_ABOUT_THE_ORDER)
async def test_other_failures_refuse_no_order(
    operation: str, fault: dict[str, Any], samples: Samples, nexport_sandbox: Sandbox, campus: NexportCampus
) -> None:
    """A failure without an error entity about the order keeps a paid order, which is enrolled in the end."""
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
    """An order that the campus refuses is settled, with the reason."""
    service = SimpleNamespace(**runpy.run_path(str(EXAMPLES / "service.py")))
    with closing(sqlite3.connect(":memory:")) as database:
        orders = service.Orders(database)
        ids = (samples.org_id, samples.user_id, samples.section_id)
        database.execute("INSERT INTO orders (org_id, user_id, syllabus_id) VALUES (?, ?, ?)", ids)
        await nexport_sandbox.faults.add(operation=CREATE, **error_fault(code))
        assert await service.enroll(campus, orders, orders.waiting()[0]) is True
        ((refused,),) = database.execute("SELECT refused FROM orders")
        assert f"code {code}" in refused


def test_postponed_orders_block_no_others() -> None:
    """However many orders keep being postponed, the next batch begins with those that were postponed least often."""
    service = SimpleNamespace(**runpy.run_path(str(EXAMPLES / "service.py")))
    count = service.BATCH_SIZE + 3
    with closing(sqlite3.connect(":memory:")) as database:
        orders = service.Orders(database)
        for _ in range(count):
            database.execute("INSERT INTO orders (org_id, user_id, syllabus_id) VALUES ('o', 'u', 's')")
        batches = []
        for _ in range(2):
            batches.append([order["number"] for order in orders.waiting()])
            for number in batches[-1]:
                orders.postpone(number)
    first = list(range(1, service.BATCH_SIZE + 1))
    assert batches == [first, [*range(first[-1] + 1, count + 1), *first[:-3]]]


class StopAtFirstPause(asyncio.Event):
    """Stops the service when it first waits for the event."""

    async def wait(self) -> Literal[True]:
        """Set the event."""
        self.set()
        return True


@pytest.mark.parametrize(
    ("outcomes", "rounds"),
    [([[]], 1), ([[False]], 1), ([[False] * 3], 1), ([[True], [False, True], [False]], 3)],
    ids=["no orders", "one postponed", "all postponed", "some settled"],
)
async def test_the_service_pauses_when_no_order_was_settled(outcomes: list[list[bool]], rounds: int) -> None:
    """It waits before the next batch if there are no orders, or all were postponed, and not otherwise."""
    service = SimpleNamespace(**runpy.run_path(str(EXAMPLES / "service.py")))
    seen: list[list[bool]] = []

    def waiting() -> list[bool]:
        assert len(seen) < len(outcomes), "it didn't pause"
        seen.append(outcomes[len(seen)])
        return seen[-1]

    async def enroll(campus: object, orders: object, order: bool) -> bool:
        return order

    service.serve.__globals__["enroll"] = enroll
    await service.serve(None, SimpleNamespace(waiting=waiting), StopAtFirstPause())
    assert len(seen) == rounds


def test_missing_settings(tmp_path: Path) -> None:
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
