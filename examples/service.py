"""A long-lived service: it enrolls the buyers of the orders that a shop writes into a table, until it is told to stop.

    NEXPORT_USERNAME=... NEXPORT_PASSWORD=... python service.py shop.sqlite3

One client serves the whole life of the process. On SIGTERM no further order is begun, those under way are finished, and
the client is closed. An order whose outcome is unknown, after a crash say, stays in the table and is taken up again:
`ensure_enrollment` finds what was done already. Only the campus's own word refuses an order: a gateway's error page, a lost
connection or a refused login puts it off.
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
AT_ONCE = 10
POLL_SECONDS = 1.0

logger = logging.getLogger("service")


class Orders:
    """The shop's table: it inserts an order in the same transaction as the payment, so that none is lost."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        database.row_factory = sqlite3.Row
        database.execute("PRAGMA journal_mode = WAL")
        database.executescript(SCHEMA)

    def waiting(self) -> list[sqlite3.Row]:
        """The next orders to see to; those that failed most often come last, and hold up nobody."""
        return self._database.execute(
            "SELECT * FROM orders WHERE enrollment_id IS NULL AND refused IS NULL ORDER BY tries, number LIMIT ?",
            (AT_ONCE,),
        ).fetchall()

    def settle(self, number: int, *, enrollment_id: str | None = None, refused: str | None = None) -> None:
        """Note how an order ended."""
        with self._database:
            self._database.execute(
                "UPDATE orders SET enrollment_id = ?, refused = ? WHERE number = ?",
                (enrollment_id, refused, number),
            )

    def put_off(self, number: int) -> None:
        """Note that an order couldn't be seen to, and will be tried again."""
        with self._database:
            self._database.execute("UPDATE orders SET tries = tries + 1 WHERE number = ?", (number,))


async def enroll(campus: NexportCampus, orders: Orders, order: sqlite3.Row) -> bool:
    """Enroll the buyer of one order; False where it has to be tried again."""
    number = order["number"]
    try:
        ensured = await campus.ensure_enrollment(
            org_id=order["org_id"], user_id=order["user_id"], syllabus_id=order["syllabus_id"]
        )
    except NexportError as error:
        if refuses(error):
            logger.warning("order %s is refused: %s", number, error)
            orders.settle(number, refused=str(error))
            return True
        logger.warning("order %s is put off: %s", number, error)
        orders.put_off(number)
        return False
    orders.settle(number, enrollment_id=str(ensured.enrollment_id))
    return True


def refuses(error: NexportError) -> bool:
    """Whether an error means that this order can't succeed without a change.

    Errors that say nothing about the order don't: a refused login, a response that can't be read, a closed client.
    """
    about_order = isinstance(error, ArgumentError | APIError) and not isinstance(error, AuthenticationError)
    return about_order and not error.transient


async def serve(campus: NexportCampus, orders: Orders, stop: asyncio.Event) -> None:
    """See to orders, a few at a time, until `stop` is set; those under way are finished first."""
    while not stop.is_set():
        settled = await asyncio.gather(*(enroll(campus, orders, order) for order in orders.waiting()))
        if not any(settled):
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), POLL_SECONDS)


async def main(path: str) -> None:
    """Serve the orders of a database until SIGTERM or Ctrl+C."""
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
