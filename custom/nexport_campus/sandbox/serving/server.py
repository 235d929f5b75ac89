"""The server process: seeds the campus, announces its address, and serves until it is stopped."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sqlite3
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from nexport_campus.sandbox.campus_clock import CampusClock
from nexport_campus.sandbox.campus_state import CampusState
from nexport_campus.sandbox.sandbox_settings import SandboxSettings
from nexport_campus.sandbox.seeding.seed import CLOCK_START, open_store

from .app import make_app
from .faults import Faults
from .http_responses import Connections

# Up to this size, a copy of the campus for `reset` is kept in memory.
_REMEMBERED: Final = 50_000

__all__ = ["serve_in_foreground", "serve_parent"]


def serve_parent() -> None:
    """Serve the process that started this one.

    The settings are the first line of stdin, and the address is printed to stdout. The server stops at
    the end of stdin, which the death of the parent causes too.
    """
    settings = SandboxSettings.from_json(sys.stdin.readline())
    try:
        sock, campus = _listen(settings), _open(settings)
    except (OSError, ValueError, sqlite3.Error) as error:
        print(json.dumps({"error": str(error)}), flush=True)
        return
    server = _make_server(campus, Faults(settings.seed))
    print(json.dumps({"url": _make_url(sock)}), flush=True)
    threading.Thread(target=_stop_at_end_of_input, args=(server,), daemon=True).start()
    _serve(server, sock, campus)


def serve_in_foreground(
    settings: SandboxSettings, announce: Callable[[str], None], faults: Sequence[dict[str, Any]] = ()
) -> None:
    """Serve until interrupted. `announce` is called with the address once the campus accepts requests.

    `faults` are scripted failures, each with the arguments of `FaultScript.add`.

    Raises OSError for an unavailable address, ValueError for a database of another campus or an invalid failure,
    sqlite3.Error for a file that is not a database.
    """
    script = Faults(settings.seed)
    for fault in faults:
        script.add(fault)
    with _listen(settings) as sock, contextlib.closing(_open(settings)) as campus:
        server = _make_server(campus, script)
        announce(_make_url(sock))
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(server.serve([sock]))


def _open(settings: SandboxSettings) -> CampusState:
    campus = CampusState(settings, open_store(settings), CampusClock(CLOCK_START))
    if settings.database is None and settings.enrollments <= _REMEMBERED:
        campus.remember()
    return campus


def _serve(server: uvicorn.Server, sock: socket.socket, campus: CampusState) -> None:
    with contextlib.closing(campus), sock:
        asyncio.run(server.serve([sock]))


def _listen(settings: SandboxSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    return socket.create_server((settings.host, settings.port), family=family, backlog=1024)


def _make_url(sock: socket.socket) -> str:
    """Return an address at which this machine reaches the server: loopback, if it listens on every address."""
    host, port = sock.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 -- compared, not listened on
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _make_server(campus: CampusState, faults: Faults) -> uvicorn.Server:
    connections: Connections = {}

    class Protocol(H11Protocol):
        """A protocol that registers its connection, so that a scripted failure can reset it."""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
            connections[transport.get_extra_info("peername")[:2]] = transport
            # asyncio does not set it for a socket that it did not create, which would cost 40 ms per request.
            transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            super().connection_made(transport)

        def connection_lost(self, exc: Exception | None) -> None:
            connections.pop(self.transport.get_extra_info("peername")[:2], None)
            super().connection_lost(exc)

    # Both logs are off: URLs carry tokens, and uvicorn would report truncated responses as errors.
    config = uvicorn.Config(
        make_app(campus, faults, connections),
        http=Protocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        log_level="critical",
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


def _stop_at_end_of_input(server: uvicorn.Server) -> None:
    sys.stdin.read()
    server.should_exit = True
