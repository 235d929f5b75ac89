"""`with_options`: each of its settings has an effect on the calls of the view, and none on those of the client."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from nexport_campus import (
    Attempt,
    Drift,
    NexportCampus,
    RequestTimeoutError,
    ResponseDecodeError,
    RetryPolicy,
    ServerError,
)
from tests.support.clients import campus_with
from tests.support.scripted_server import Response, ScriptedServer, error_entity, json_response
from tests.support.spec import SOME_ID

GOOD = json_response({"description": "Safety first"} | error_entity())
DOWN = json_response({}, 503)
UNKNOWN = json_response({"description": "Safety first", "newer": 1} | error_entity())


async def read(campus: NexportCampus) -> Any:
    """Make a call that reads."""
    return await campus.learning.get_section_description(section_id=SOME_ID)


async def check_timeout(campus: NexportCampus, server: ScriptedServer) -> None:
    """A response that takes longer than the view's timeout is given up."""
    with pytest.raises(RequestTimeoutError):
        await read(campus.with_options(timeout=0.05))


async def check_retry(campus: NexportCampus, server: ScriptedServer) -> None:
    """Only the view retries."""
    await read(campus.with_options(retry=RetryPolicy(initial_delay=0.001)))
    with pytest.raises(ServerError):
        await read(campus)


async def check_user_agent(campus: NexportCampus, server: ScriptedServer) -> None:
    """Only the view's request has its name."""
    await read(campus.with_options(user_agent="view/1"))
    await read(campus)
    assert [request.headers["user-agent"] == "view/1" for request in server.requests] == [True, False]


async def check_max_response_bytes(campus: NexportCampus, server: ScriptedServer) -> None:
    """A view refuses what is larger than its limit, and another may accept it again."""
    small = campus.with_options(max_response_bytes=20)
    for view, limit in ((small, 20), (small.with_options(timeout=5.0), 20)):
        with pytest.raises(ResponseDecodeError, match=f"max_response_bytes, {limit}"):
            await read(view)
    await read(small.with_options(max_response_bytes=10_000))
    await read(campus)


async def check_headers(campus: NexportCampus, server: ScriptedServer) -> None:
    """Only the view's request has its header."""
    await read(campus.with_options(headers={"X-Trace": "7"}))
    await read(campus)
    assert [request.headers.get("x-trace") for request in server.requests] == ["7", None]


async def check_on_attempt(campus: NexportCampus, server: ScriptedServer) -> None:
    """Only the view's attempt is reported to its function."""
    seen = list[Attempt]()
    await read(campus.with_options(on_attempt=seen.append))
    await read(campus)
    assert len(seen) == 1


async def check_on_drift(campus: NexportCampus, server: ScriptedServer) -> None:
    """Only the view's drift is reported to its function."""
    seen = list[Drift]()
    await read(campus.with_options(on_drift=seen.append))
    await read(campus)
    assert [drift.path for drift in seen] == ["newer"]


Check = Callable[[NexportCampus, ScriptedServer], Awaitable[None]]
CHECKS: dict[str, tuple[Check, list[Response]]] = {
    "timeout": (check_timeout, [json_response({}, drip_seconds=0.5)]),
    "retry": (check_retry, [DOWN, GOOD, DOWN]),
    "user_agent": (check_user_agent, [GOOD, GOOD]),
    "max_response_bytes": (check_max_response_bytes, [GOOD] * 4),
    "headers": (check_headers, [GOOD, GOOD]),
    "on_attempt": (check_on_attempt, [GOOD, GOOD]),
    "on_drift": (check_on_drift, [UNKNOWN, UNKNOWN]),
}


@pytest.mark.parametrize("name", CHECKS)
async def test_a_setting_of_a_view_has_an_effect(name: str) -> None:
    """It applies to the calls of the view and of its views, and the client keeps its own."""
    check, responses = CHECKS[name]
    async with campus_with(*responses) as (campus, server):
        await check(campus, server)


def test_every_setting_of_a_view_is_tested() -> None:
    """A setting that `with_options` gains is tested above too."""
    assert {*inspect.signature(NexportCampus.with_options).parameters} - {"self"} == set(CHECKS)
