"""The processes of `tests.support.fleet`: a host that forks workers, and the workers.

A worker reads commands from its connection to the test, as JSON lines, and responds to each with its result.
"""

import asyncio
import datetime as dt
import json
import logging
import os
import signal
import sys
import time
from typing import Any

from nexport_campus import NexportCampus, NexportError, PasswordAuth, RetryPolicy
from nexport_campus._auth import token_source
from nexport_campus.redis import RedisRateLimiter, RedisTokenStore

SOME_ID = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"


class LogRecords(logging.Handler):
    """Keeps what is logged: `lines` at any level, `warnings` of the SDK."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.warnings: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.name} {record.getMessage()} {record.args!r}")
        if record.levelno >= logging.WARNING and record.name == "nexport_campus":
            self.warnings.append(record.getMessage())


class WorkerCommands:
    """The commands of a worker, one method each."""

    def __init__(self) -> None:
        self.log = LogRecords()
        logging.getLogger().addHandler(self.log)
        logging.getLogger("nexport_campus").setLevel(logging.DEBUG)
        self.tasks: list[asyncio.Task[Any]] = []

    async def open(
        self,
        *,
        base_url: str,
        password: str,
        username: str = "api.reporting",
        redis_url: str | None = None,
        shares_token: bool = True,
        encryption_keys: list[str] | None = None,
        per_second: float | None = None,
        max_attempts: int = 1,
        max_concurrency: int = 16,
        clock_offset: float = 0.0,
        prefix: str = "nexport-campus:",
    ) -> None:
        """Open a client. `clock_offset`: seconds by which this process's wall clock is wrong."""
        if clock_offset:
            shift_clock(clock_offset)
        settings: dict[str, Any] = {}
        if redis_url is not None and shares_token:
            settings["token_store"] = self.store = RedisTokenStore.from_url(redis_url, prefix=prefix)
        if redis_url is not None and per_second is not None:
            self.limiter = RedisRateLimiter.from_url(redis_url, per_second=per_second, prefix=prefix)
            settings["rate_limit"] = self.limiter
        self.campus = NexportCampus(
            PasswordAuth(username, password),
            base_url=base_url,
            token_encryption_keys=encryption_keys or (),
            max_concurrency=max_concurrency,
            retry=RetryPolicy(max_attempts=max_attempts, initial_delay=0.01, max_delay=0.05),
            **settings,
        )

    async def call(self, *, count: int = 1, at: float | None = None) -> dict[str, Any]:
        """Make concurrent calls, at a time of the monotonic clock. Return how many succeeded, and the errors."""
        if at is not None:
            await asyncio.sleep(max(0.0, at - time.monotonic()))
        outcomes = await asyncio.gather(*(self._call() for _ in range(count)))
        return {
            "succeeded": outcomes.count(None),
            "errors": [error for error in outcomes if error is not None],
        }

    async def call_until(self, *, at: float, concurrent: int) -> int:
        """Make calls one after another in some tasks until a time of the monotonic clock. Return how many succeeded."""
        return sum(await asyncio.gather(*(self._call_again_and_again(at) for _ in range(concurrent))))

    async def log_lines(self) -> list[str]:
        """Return what was logged."""
        return self.log.lines

    async def warnings(self) -> list[str]:
        """Return the warnings that the SDK has logged."""
        return self.log.warnings

    async def close(self) -> None:
        """Close the client and what it shares."""
        await self.campus.aclose()
        for shared in ("store", "limiter"):
            if hasattr(self, shared):
                await getattr(self, shared).aclose()

    async def _call(self) -> dict[str, Any] | None:
        try:
            await self.campus.learning.get_section_description(section_id=SOME_ID)
        except NexportError as error:
            retry_after = getattr(error, "retry_after", None)
            return {"type": type(error).__name__, "text": str(error), "retry_after": retry_after}
        return None

    async def _call_again_and_again(self, until: float) -> int:
        succeeded = 0
        while time.monotonic() < until:
            succeeded += await self._call() is None
        return succeeded


def shift_clock(seconds: float) -> None:
    """Put this process's wall clock forward or back."""
    real_time, real_now = time.time, dt.datetime.now
    time.time = lambda: real_time() + seconds

    class ShiftedDatetime(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Any:
            return real_now(tz) + dt.timedelta(seconds=seconds)

    for module in (dt, token_source, sys.modules["nexport_campus._calling.client_state"]):
        vars(module)["datetime"] = ShiftedDatetime


async def work(address: str) -> None:
    """Carry out commands until the connection is closed."""
    reader, writer = await asyncio.open_unix_connection(address, limit=2**24)
    writer.write(f"{os.getpid()}\n".encode())
    commands = WorkerCommands()
    while line := await reader.readline():
        request = json.loads(line)
        try:
            result = {"result": await getattr(commands, request.pop("command"))(**request)}
        except Exception as error:  # noqa: BLE001 -- reported to the test
            result = {"failed": f"{type(error).__name__}: {error}"}
        writer.write(json.dumps(result).encode() + b"\n")
    writer.close()


def host(address: str, size: int) -> None:
    """Fork the workers, wait until standard input is closed, and end them."""
    workers = []
    for _ in range(size):
        pid = os.fork()
        if pid == 0:
            try:
                asyncio.run(work(address))
            finally:
                os._exit(0)
        workers.append(pid)
    sys.stdin.buffer.read()
    for pid in workers:
        os.kill(pid, signal.SIGKILL)  # a zombie is not an error
        os.waitpid(pid, 0)


if __name__ == "__main__":
    import nexport_campus._calling.client_state  # noqa: F401 -- before the fork

    host(sys.argv[1], int(sys.argv[2]))
