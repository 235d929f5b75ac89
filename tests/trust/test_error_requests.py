"""Errors and all they refer to hold nothing of the request: no body, no query, and no frame with them as locals."""

import asyncio
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from nexport_campus import (
    NexportCampus,
    NexportError,
    PasswordAuth,
    RequestTimeoutError,
    RetryPolicy,
    StaticToken,
    TransportError,
)
from nexport_campus.aiohttp import AiohttpTransport
from tests.support.clients import NO_RETRY, campus_of, method_of, needs
from tests.support.scripted_server import TOKEN, Response, ScriptedServer

PASSWORD = "correct-horse-battery-staple"
STUDENT = "12345678-1234-5678-9abc-123456789abc"
Make = Callable[[], httpx.AsyncBaseTransport | None]
ClientCall = Callable[[NexportCampus], Any]


async def fail(request: httpx.Request) -> httpx.Response:
    """Lose the connection, as a user's handler may, and name the request in the exceptions."""
    try:
        raise httpx.WriteError("lost", request=request)
    except httpx.WriteError as error:
        raise httpx.ReadError(f"lost {request.url}", request=request) from error


async def refuse(request: httpx.Request) -> httpx.Response:
    """Raise for a status, as a user's handler may."""
    response = httpx.Response(502, request=request, content=f"{request.content!r} {TOKEN}".encode())
    return response.raise_for_status()


async def fail_in_a_group(request: httpx.Request) -> httpx.Response:
    """Lose several connections at once, as a user's handler may."""
    try:
        raise ExceptionGroup("lost", [httpx.ConnectError("lost", request=request)])
    except ExceptionGroup as group:
        raise httpx.ConnectError("lost") from group


TRANSPORTS: dict[str, Make] = {
    "default": lambda: None,
    "httpx": httpx.AsyncHTTPTransport,
    "aiohttp": AiohttpTransport,
    "a handler that fails": lambda: httpx.MockTransport(fail),
    "a handler that refuses": lambda: httpx.MockTransport(refuse),
    "a handler that fails in a group": lambda: httpx.MockTransport(fail_in_a_group),
}
FAILURES = {
    "reset": Response(raw=b"", ending="reset"),
    "closed": Response(raw=b"", ending="close"),
    "cut": Response(body=b"{}", claimed_length=100, ending="close"),
    "no HTTP": Response(raw=b"220 mail.example\r\n\r\n", ending="close"),
}
CALLS: dict[str, ClientCall] = {
    "a login of the client's": lambda campus: campus.learning.get_certificate_url(enrollment_id=STUDENT),
    "a login as a call": lambda campus: method_of(campus, "AdminApi_Authenticate")(
        username="ada", password=PASSWORD, grant_type="password"
    ),
    "a search for a student": lambda campus: campus.learning.search_enrollments(user_ids=[STUDENT]).collect(),
}


def everything_behind(error: BaseException | None, seen: set[int] | None = None) -> Iterator[BaseException]:
    """Yield an error, its causes, its contexts, and the members of exception groups among them."""
    seen = set() if seen is None else seen
    if error is None or id(error) in seen:
        return
    seen.add(id(error))
    yield error
    for behind in (error.__cause__, error.__context__, *getattr(error, "exceptions", ())):
        yield from everything_behind(behind, seen)


def shown_by(error: BaseException) -> Iterator[str]:
    """Return all that an error holds, deeper than any tool looks."""
    for found in everything_behind(error):
        yield f"{found} {found!r} {found.args!r} {vars(found)!r}"
        for value in [*vars(found).values(), getattr(found, "request", None)]:
            if isinstance(value, httpx.Request):
                yield f"{vars(value)!r} {value.url} {value.url.query!r} {value.headers!r} {value.content!r}"
                yield repr(vars(value.stream))
            if isinstance(value, httpx.Response):
                yield f"{vars(value)!r} {value.headers!r} {value.content!r} {vars(value.request)!r}"


def frames_of(error: BaseException) -> Iterator[str]:
    """Return the local variables of all frames behind an error except these tests', which hold the secrets."""
    for found in everything_behind(error):
        for frame, _ in traceback.walk_tb(found.__traceback__):
            if "/tests/" not in frame.f_code.co_filename:
                yield f"{frame.f_code.co_filename} {frame.f_locals!r}"


def leaks(error: BaseException) -> list[str]:
    """Return the secrets that an error shows; student data is among the arguments in the facade's frames."""
    shown = [text for text in shown_by(error) if any(secret in text for secret in (PASSWORD, TOKEN, STUDENT))]
    shown += [text for text in frames_of(error) if any(secret in text for secret in (PASSWORD, TOKEN))]
    return [text[:300] for text in shown]


def campus_for(server: ScriptedServer, call: str, make: Make, **settings: Any) -> NexportCampus:
    """Return a client, which has to log in if the call is about that."""
    auth: Any = PasswordAuth("ada", PASSWORD) if call == "a login of the client's" else StaticToken(TOKEN)
    return campus_of(server, auth=auth, transport=make(), **settings)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
@pytest.mark.parametrize("make", TRANSPORTS.values(), ids=TRANSPORTS)
async def test_a_request_that_was_lost(make: Make, failure: Response, call: str) -> None:
    """However the connection was lost, the error holds neither password nor student data nor token."""
    async with (
        ScriptedServer([failure, failure]) as server,
        campus_for(server, call, make, retry=RetryPolicy(max_attempts=2, initial_delay=0)) as campus,
    ):
        with pytest.raises(NexportError) as caught:
            await CALLS[call](campus)
    assert leaks(caught.value) == []
    cause = caught.value.__cause__
    if isinstance(cause, httpx.RequestError):
        assert cause.request.content == b""
        assert cause.request.url.path.startswith("/api/v1/")


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("make", list(TRANSPORTS.values())[:3], ids=list(TRANSPORTS)[:3])
async def test_a_request_that_timed_out(make: Make, call: str) -> None:
    """The same holds for a request that got no response in time."""
    gate = asyncio.Event()
    waiting = Response(gate=gate)
    async with (
        ScriptedServer([waiting]) as server,
        campus_for(server, call, make, timeout=0.1, retry=NO_RETRY) as campus,
    ):
        with pytest.raises(NexportError) as caught:
            await CALLS[call](campus)
        gate.set()
    assert leaks(caught.value) == []


@pytest.mark.parametrize(
    "call",
    [pytest.param("a login as a call", marks=needs("AdminApi_Authenticate")), "a search for a student"],
)
@pytest.mark.parametrize("make", list(TRANSPORTS.values())[:3], ids=list(TRANSPORTS)[:3])
async def test_a_request_that_was_cancelled(make: Make, call: str) -> None:
    """The same holds for a request whose caller was cancelled."""
    gate = asyncio.Event()
    async with (
        ScriptedServer([Response(gate=gate)]) as server,
        campus_for(server, call, make, retry=NO_RETRY) as campus,
    ):

        async def run() -> None:
            await CALLS[call](campus)

        task = asyncio.create_task(run())
        await server.wait_for_requests(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        gate.set()
    assert leaks(caught.value) == []


@pytest.mark.parametrize("make", list(TRANSPORTS.values())[:2], ids=list(TRANSPORTS)[:2])
async def test_a_body_that_is_never_read(make: Make) -> None:
    """The same holds for a body that is being written when the timeout ends: lower frames hold it as bytes."""
    never = asyncio.Event()

    async def accept_only(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await never.wait()
        writer.close()

    server = await asyncio.start_server(accept_only, "127.0.0.1", 0, limit=1024)
    url = "http://127.0.0.1:{1}".format(*server.sockets[0].getsockname())
    async with (
        server,
        NexportCampus(
            StaticToken(TOKEN), base_url=url, transport=make(), timeout=0.5, retry=NO_RETRY
        ) as campus,
    ):
        with pytest.raises(RequestTimeoutError) as caught:
            await method_of(campus, "AdminApi_Authenticate")(
                username="x" * 20_000_000, password=PASSWORD, grant_type="password"
            )
        never.set()
    assert leaks(caught.value) == []


async def test_exceptions_of_the_user_are_unchanged() -> None:
    """An exception that the user was handling when making the call keeps its request and its frames."""
    own = httpx.Request("POST", "https://example.com/?a=b", content=PASSWORD)
    transport = httpx.MockTransport(fail)
    async with NexportCampus(StaticToken(TOKEN), transport=transport, retry=NO_RETRY) as campus:
        handled, frames = httpx.ReadError(f"about b'{TOKEN}'", request=own), 0

        async def call_in_a_handler() -> None:
            nonlocal frames
            try:
                raise handled
            except httpx.ReadError:
                frames = len(list(traceback.walk_tb(handled.__traceback__)))
                await campus.learning.get_certificate_url(enrollment_id=STUDENT)

        with pytest.raises(TransportError) as caught:
            await call_in_a_handler()
    assert handled in everything_behind(caught.value)
    assert handled.request is own
    assert handled.args == (f"about b'{TOKEN}'",)
    assert len(list(traceback.walk_tb(handled.__traceback__))) == frames
