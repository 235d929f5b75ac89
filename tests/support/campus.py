"""Clients of scripted campuses."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from nexport_campus import NexportCampus, RetryPolicy, StaticToken
from support.scripted import TOKEN, Answer, Handler, ScriptedServer

__all__ = ["ONCE", "TOKEN", "campus_of", "campus_with"]

ONCE = RetryPolicy(max_attempts=1)


@asynccontextmanager
async def campus_with(
    *answers: Answer | Handler, auth: Any = None, **settings: Any
) -> AsyncIterator[tuple[NexportCampus, ScriptedServer]]:
    """A client without retries, and the server that gives it these answers in turn, or the answers of one handler."""
    script: Any = answers[0] if len(answers) == 1 and callable(answers[0]) else answers
    async with ScriptedServer(script) as server, campus_of(server, auth=auth, **settings) as campus:
        yield campus, server


def campus_of(server: ScriptedServer, *, auth: Any = None, **settings: Any) -> NexportCampus:
    """A client of a server, without retries, and with a token."""
    chosen: dict[str, Any] = {"base_url": server.url, "retry": ONCE} | settings
    return NexportCampus(StaticToken(TOKEN) if auth is None else auth, **chosen)
