"""Worker processes, each with a separate client, that a test controls and can kill.

They are forked from one process that has imported everything, so that many of them start at once.
"""

import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import attrs

__all__ = ["Fleet", "Worker"]

_ROOT = Path(__file__).parents[2]


@attrs.define(eq=False)
class Worker:
    """One worker process. `pid`: its process ID."""

    pid: int
    _reader: asyncio.StreamReader
    _writer: asyncio.StreamWriter

    async def do(self, command: str, **arguments: Any) -> Any:
        """Carry out a command of `tests.support.fleet_worker` and return its result."""
        self._writer.write(json.dumps({"command": command, **arguments}).encode() + b"\n")
        line = await self._reader.readline()
        if not line:
            raise EOFError(f"worker {self.pid} has ended")
        result = json.loads(line)
        if "failed" in result:
            raise AssertionError(f"worker {self.pid}: {result['failed']}")
        return result["result"]

    def kill(self) -> None:
        """Kill the process with SIGKILL."""
        os.kill(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """Close the connection, upon which the process ends."""
        self._writer.close()


class Fleet:
    """A number of workers. Entering it starts them, and opens a client with these settings in each.

    `settings` are those of the command `open` of `tests.support.fleet_worker`.
    """

    def __init__(self, size: int, **settings: Any) -> None:
        self._size = size
        self._settings = settings
        self.workers: list[Worker] = []

    async def __aenter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="fleet-"))
        self._connected = asyncio.Event()
        self._server = await asyncio.start_unix_server(self._accept, self._folder / "socket", limit=2**24)
        command = [sys.executable, "-m", "tests.support.fleet_worker"]
        self._host = await asyncio.create_subprocess_exec(
            *command, str(self._folder / "socket"), str(self._size), stdin=asyncio.subprocess.PIPE, cwd=_ROOT
        )
        try:
            async with asyncio.timeout(60):
                await self._connected.wait()
            await self.all("open", **self._settings)
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self.workers:
            worker.close()
        assert self._host.stdin is not None
        self._host.stdin.close()
        await self._host.wait()
        self._server.close()
        shutil.rmtree(self._folder)

    async def all(
        self, command: str, *, workers: Iterable[Worker] | None = None, **arguments: Any
    ) -> list[Any]:
        """Carry out a command in all workers at once, or in some, and return their results."""
        chosen = self.workers if workers is None else workers
        return await asyncio.gather(*(worker.do(command, **arguments) for worker in chosen))

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.workers.append(Worker(int(await reader.readline()), reader, writer))
        if len(self.workers) == self._size:
            self._connected.set()
