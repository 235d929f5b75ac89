"""Cancelled calls: at every await of one, and many at once. Nothing leaks, and the next call works."""

import asyncio
from collections.abc import Generator
from functools import partial
from typing import Any

import pytest

from nexport_campus import AccessToken, NexportCampus, RequestTimeoutError, RetryPolicy
from tests.support.clients import Carrier, campus_of
from tests.support.fault_cases import CALLS, Call, good_response
from tests.support.manual_clock import ManualClock, campus_on
from tests.support.scripted_server import TOKEN, Request, Response, ScriptedServer, json_response

pytestmark = pytest.mark.usefixtures("every_transport")

FEWEST_AWAITS = {"default": 8, "aiohttp": 5, "aiohttp, observed": 5}
"""A call is cancelled at more awaits than these, or the test doesn't reach what it is for."""


class CancelledAt:
    """Awaits something and cancels it at its nth suspension; `.finished` is True if it ended before."""

    def __init__(self, coroutine: Any, step: int) -> None:
        self.coroutine = coroutine
        self.step = step
        self.finished = False

    def __await__(self) -> Generator[Any, Any, Any]:
        inner = self.coroutine.__await__()
        advance, steps = partial(inner.send, None), 0
        while True:
            try:
                waits = advance()
            except StopIteration as stop:
                self.finished = True
                return stop.value
            steps += 1
            if steps == self.step:
                task = asyncio.current_task()
                assert task is not None
                task.cancel()
            try:
                advance = partial(inner.send, (yield waits))
            except BaseException as error:  # noqa: BLE001 -- the coroutine's to deal with
                advance = partial(inner.throw, error)


def retried_responses(call: Call) -> Any:
    """Return a campus that refuses the first attempt of each call, in chunks, and responds to the second."""
    turned_away: set[str] = set()

    async def respond(request: Request) -> Response:
        key = dict(request.query)["access_token"]
        if key in turned_away:
            return good_response(call)
        turned_away.add(key)
        return json_response({"busy": True}, 429, framing="chunked")

    return respond


@pytest.mark.parametrize("call", CALLS, ids=str)
async def test_at_every_await(call: Call) -> None:
    """A call ends wherever it is cancelled; its slot is free, its connection closed, and the next call works."""
    tokens = iter(range(10**6))

    async def auth() -> AccessToken:
        await asyncio.sleep(0)
        return AccessToken(f"token-{next(tokens)}")

    step, finished = 0, False
    async with ScriptedServer(retried_responses(call)) as server:
        while not finished:
            step += 1
            campus = campus_on(
                ManualClock(), server, auth=auth, retry=RetryPolicy(), max_concurrency=1, rate_limit=5
            )
            cancelled = CancelledAt(call(campus), step)
            task = asyncio.ensure_future(_run(cancelled))
            await asyncio.wait([task])
            finished = cancelled.finished and not task.cancelled()
            assert finished or task.cancelled()
            assert (await asyncio.wait_for(call(campus), 5)).status_code == 200
            await campus.aclose()
            await server.wait_until_closed()
    assert step > FEWEST_AWAITS[Carrier.name]


async def _run(awaitable: Any) -> Any:
    return await awaitable


async def test_at_every_await_of_a_handshake(tls: tuple[Any, Any]) -> None:
    """The same holds while a TLS connection is being made: the socket below it is closed too."""
    server_side, client_side = tls
    step, finished = 0, False
    async with ScriptedServer(retried_responses(CALLS[0]), tls=server_side) as server:
        while not finished:
            step += 1
            campus = campus_on(
                ManualClock(),
                server,
                auth=_fixed(step),
                retry=RetryPolicy(),
                verify=client_side,
                max_concurrency=1,
            )
            cancelled = CancelledAt(CALLS[0](campus), step)
            task = asyncio.ensure_future(_run(cancelled))
            await asyncio.wait([task])
            finished = cancelled.finished and not task.cancelled()
            assert (await asyncio.wait_for(CALLS[0](campus), 5)).status_code == 200
            await campus.aclose()
            await server.wait_until_closed()
    assert step > FEWEST_AWAITS[Carrier.name]


def _fixed(number: int) -> Any:
    async def auth() -> AccessToken:
        return AccessToken(f"{TOKEN}-{number}")

    return auth


async def test_a_handshake_that_hangs() -> None:
    """If a server only accepts the connection, the attempt times out, nothing was sent, and the socket is closed."""
    hangs = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        hangs.set()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        url = f"https://127.0.0.1:{port}"
        settings: dict[str, Any] = {"base_url": url, "timeout": 0.05, "retry": RetryPolicy(max_attempts=1)}
        async with NexportCampus(_fixed(0), **settings) as campus:
            with pytest.raises(RequestTimeoutError, match="connecting to") as caught:
                await CALLS[3](campus)
            assert not caught.value.maybe_applied
            # While the client is still open, so that closing the client isn't what closes the socket.
            while not hangs.is_set():
                try:
                    async with asyncio.timeout(5):
                        await hangs.wait()
                except TimeoutError:
                    pytest.fail("the socket is still open")


@pytest.mark.parametrize("call", CALLS, ids=str)
async def test_calls_that_wait_for_a_slot(call: Call) -> None:
    """However many waiting calls are cancelled, in any order, the others get their slot."""
    gate = asyncio.Event()

    async def respond(request: Request) -> Response:
        await gate.wait()
        return good_response(call)

    async with ScriptedServer(respond) as server, campus_of(server, max_concurrency=2) as campus:
        calls = [asyncio.create_task(_run(call(campus))) for _ in range(60)]
        await server.wait_for_requests(2)
        for task in (*calls[:1], *calls[10:30:2], *calls[11:30:2], *calls[59:40:-1]):
            task.cancel()
        await asyncio.sleep(0)
        gate.set()
        results = await asyncio.gather(*calls, return_exceptions=True)
        cancelled = [isinstance(result, asyncio.CancelledError) for result in results]
        assert sum(cancelled) == 40
        assert not any(isinstance(result, Exception) for result in results)
        assert len(server.requests) in {20, 21}


async def test_a_cancelled_call_leaves_no_task() -> None:
    """Nothing continues in the background."""
    gate = asyncio.Event()
    async with ScriptedServer([json_response({}, gate=gate)]) as server, campus_of(server) as campus:
        call = asyncio.create_task(_run(CALLS[0](campus)))
        await server.wait_for_requests(1)
        before = asyncio.all_tasks() - {call}
        call.cancel()
        await asyncio.wait([call])
        await asyncio.sleep(0)
        assert asyncio.all_tasks() <= before
        gate.set()
