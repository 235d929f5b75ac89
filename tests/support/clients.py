"""Clients connected to a scripted server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

import pytest

from nexport_campus import NexportCampus, RetryPolicy, StaticToken
from nexport_campus.aiohttp import AiohttpTransport
from nexport_client import OPERATIONS
from tests.support.scripted_server import TOKEN, Handler, Response, ScriptedServer
from tests.support.transports import ObservedTransport

__all__ = ["NO_RETRY", "TOKEN", "Carrier", "campus_of", "campus_with", "method_of", "needs"]

NO_RETRY = RetryPolicy(max_attempts=1)


class Carrier:
    """The transport that `campus_of` gives its clients, for tests that run with each transport of ours."""

    name: Literal["default", "aiohttp", "aiohttp, observed"] = "default"

    @classmethod
    def settings(cls, settings: dict[str, Any]) -> dict[str, Any]:
        """Return a client's settings with this transport, which takes the settings of connections."""
        if cls.name == "default" or "transport" in settings:
            return settings
        own = {name: settings[name] for name in ("proxy", "verify") if name in settings}
        rest = {name: value for name, value in settings.items() if name not in own}
        transport = AiohttpTransport if cls.name == "aiohttp" else ObservedTransport
        return rest | {"transport": transport(**own)}


@asynccontextmanager
async def campus_with(
    *responses: Response | Handler, auth: Any = None, **settings: Any
) -> AsyncIterator[tuple[NexportCampus, ScriptedServer]]:
    """Yield a client without retries and its server, which sends these responses in turn or calls the one handler."""
    script: Any = responses[0] if len(responses) == 1 and callable(responses[0]) else responses
    async with ScriptedServer(script) as server, campus_of(server, auth=auth, **settings) as campus:
        yield campus, server


def campus_of(server: ScriptedServer, *, auth: Any = None, **settings: Any) -> NexportCampus:
    """Return a client of `server` with a static token and without retries."""
    chosen: dict[str, Any] = {"base_url": server.url, "retry": NO_RETRY} | Carrier.settings(settings)
    return NexportCampus(StaticToken(TOKEN) if auth is None else auth, **chosen)


def method_of(campus: NexportCampus, operation_id: str) -> Any:
    """Return the method of a provisional operation; skip the test if the spec doesn't have the operation any more."""
    operation = OPERATIONS.get(operation_id)
    if operation is None:
        pytest.skip(f"the spec has no {operation_id}")
    return getattr(getattr(campus, operation.area), operation.name)


def needs(*operation_ids: str) -> pytest.MarkDecorator:
    """Return the mark of a test that needs provisional operations, which a page or a definition may remove."""
    missing = [name for name in operation_ids if name not in OPERATIONS]
    return pytest.mark.skipif(bool(missing), reason=f"the spec has no {', '.join(missing)}")
