"""Clients of scripted campuses."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

from nexport_campus import NexportCampus, RetryPolicy, StaticToken
from nexport_campus.aiohttp import AiohttpTransport
from tests.support.scripted_server import TOKEN, Handler, Response, ScriptedServer

__all__ = ["NO_RETRY", "TOKEN", "Carrier", "campus_of", "campus_with"]

NO_RETRY = RetryPolicy(max_attempts=1)


class Carrier:
    """The transport that `campus_of` gives its clients, for tests that hold for each that we ship."""

    name: Literal["default", "aiohttp"] = "default"

    @classmethod
    def settings(cls, settings: dict[str, Any]) -> dict[str, Any]:
        """The settings of a client on it; what is about connections goes to the transport itself."""
        if cls.name == "default" or "transport" in settings:
            return settings
        own = {name: settings[name] for name in ("proxy", "verify") if name in settings}
        rest = {name: value for name, value in settings.items() if name not in own}
        return rest | {"transport": AiohttpTransport(**own)}


@asynccontextmanager
async def campus_with(
    *answers: Response | Handler, auth: Any = None, **settings: Any
) -> AsyncIterator[tuple[NexportCampus, ScriptedServer]]:
    """A client without retries, and the server that gives it these answers in turn, or the answers of one handler."""
    script: Any = answers[0] if len(answers) == 1 and callable(answers[0]) else answers
    async with ScriptedServer(script) as server, campus_of(server, auth=auth, **settings) as campus:
        yield campus, server


def campus_of(server: ScriptedServer, *, auth: Any = None, **settings: Any) -> NexportCampus:
    """A client of a server, without retries, and with a token."""
    chosen: dict[str, Any] = {"base_url": server.url, "retry": NO_RETRY} | Carrier.settings(settings)
    return NexportCampus(StaticToken(TOKEN) if auth is None else auth, **chosen)
