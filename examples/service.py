"""A long-running service that enrolls the buyers of orders that a shop writes into a table.

    NEXPORT_USERNAME=... NEXPORT_PASSWORD=... python service.py shop.sqlite3

One client serves the whole lifetime of the process. On SIGTERM, the service starts no further order, finishes the current
ones, and closes the client. An order whose outcome is unknown, after a crash for example, stays in the table and is
processed again: `ensure_enrollment` finds an enrollment that already exists. An order is only refused if the campus refuses
it; after a gateway's error page, a lost connection or a refused login, it is postponed.
"""

import asyncio
import logging
import signal
import sqlite3
import sys
from contextlib import closing, suppress

from nexport_campus import (
    APIError,
    ArgumentError,
    AuthenticationError,
    ConfigurationError,
    NexportCampus,
    NexportError,
)

SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    number INTEGER PRIMARY KEY, org_id TEXT NOT NULL, user_id TEXT NOT NULL, syllabus_id TEXT NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0, enrollment_id TEXT, refused TEXT
);
"""
BATCH_SIZE = 10
POLL_SECONDS = 1.0

logger = logging.getLogger("service")


class Orders:
    """The shop's table of orders. The shop inserts an order in the transaction of its payment, so that none is lost."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        database.row_factory = sqlite3.Row
        database.execute("PRAGMA journal_mode = WAL")
        database.executescript(SCHEMA)

    def waiting(self) -> list[sqlite3.Row]:
        """Return the next orders to process. Those that failed most often come last, so that they don't block others."""
        return self._database.execute(
            "SELECT * FROM orders WHERE enrollment_id IS NULL AND refused IS NULL ORDER BY tries, number LIMIT ?",
            (BATCH_SIZE,),
        ).fetchall()

    def settle(self, number: int, *, enrollment_id: str | None = None, refused: str | None = None) -> None:
        """Record the outcome of an order."""
        with self._database:
            self._database.execute(
                "UPDATE orders SET enrollment_id = ?, refused = ? WHERE number = ?",
                (enrollment_id, refused, number),
            )

    def postpone(self, number: int) -> None:
        """Record a failed attempt; the order will be tried again."""
        with self._database:
            self._database.execute("UPDATE orders SET tries = tries + 1 WHERE number = ?", (number,))


async def enroll(campus: NexportCampus, orders: Orders, order: sqlite3.Row) -> bool:
    """Enroll the buyer of one order, and return False if it must be tried again."""
    number = order["number"]
    try:
        ensured = await campus.ensure_enrollment(
            org_id=order["org_id"], user_id=order["user_id"], syllabus_id=order["syllabus_id"]
        )
    except NexportError as error:
        if is_refusal(error):
            logger.warning("order %s refused: %s", number, error)
            orders.settle(number, refused=str(error))
            return True
        logger.warning("order %s postponed: %s", number, error)
        orders.postpone(number)
        return False
    orders.settle(number, enrollment_id=str(ensured.enrollment_id))
    return True


def is_refusal(error: NexportError) -> bool:
    """Return whether an error means that this order can't succeed without a change.

    Errors that say nothing about the order are not refusals: a refused login, an unreadable response, a closed client.
    """
    about_order = isinstance(error, ArgumentError | APIError) and not isinstance(error, AuthenticationError)
    return about_order and not error.transient


async def serve(campus: NexportCampus, orders: Orders, stop: asyncio.Event) -> None:
    """Process orders, a few at a time, until `stop` is set. Orders in progress are finished first."""
    while not stop.is_set():
        settled = await asyncio.gather(*(enroll(campus, orders, order) for order in orders.waiting()))
        if not any(settled):
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), POLL_SECONDS)


async def main(path: str) -> None:
    """Process the orders of a database until SIGTERM or Ctrl+C."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with closing(sqlite3.connect(path, timeout=30)) as database:
        async with NexportCampus.from_env() as campus:
            await serve(campus, Orders(database), stop)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        asyncio.run(main(sys.argv[1]))
    except ConfigurationError as error:
        sys.exit(str(error))
