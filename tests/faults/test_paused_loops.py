"""Event loops that are paused between two runs, as those of pytest plugins are, with a client closed meanwhile."""

import asyncio
import gc
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack

import attrs
import httpx
import pytest

from nexport_campus import NexportCampus, NexportError, PasswordAuth
from nexport_campus.aiohttp import AiohttpTransport
from tests.support.clients import campus_of
from tests.support.event_loops import (
    ServerThread,
    assert_nothing_left_open,
    run_server_thread,
    run_without_cleanup,
)
from tests.support.fault_cases import CALLS
from tests.support.scripted_server import Request, Response
from tests.support.transports import ObservedTransport

CALL = CALLS[0]
Make = Callable[[], httpx.AsyncBaseTransport | None]
TRANSPORTS: dict[str, Make] = {
    "default": lambda: None,
    "httpx": httpx.AsyncHTTPTransport,
    "aiohttp": AiohttpTransport,
    "aiohttp, observed": ObservedTransport,
}
EVERY_TRANSPORT = pytest.mark.parametrize("make", TRANSPORTS.values(), ids=TRANSPORTS)


async def status(campus: NexportCampus) -> int:
    """Return the status of a call."""
    return (await CALL(campus)).status_code


def close_elsewhere(campus: NexportCampus) -> None:
    """Close a client on another thread's event loop."""
    thread = threading.Thread(target=lambda: asyncio.run(campus.aclose()))
    thread.start()
    thread.join()


class UserConnection:
    """A connection that the user opened on the paused event loop."""

    def __init__(self, other: ServerThread) -> None:
        self.url = other.server.url
        self.client = httpx.AsyncClient()

    async def use(self) -> int:
        """Use it, and open a new one too, so that the numbers of closed sockets are reused."""
        host, port = httpx.URL(self.url).host, httpx.URL(self.url).port
        writers = [(await asyncio.open_connection(host, port))[1] for _ in range(3)]
        for writer in writers:
            writer.close()
            await writer.wait_closed()
        response = await self.client.get(f"{self.url}/api/v1/LearningApi/UserConnection")
        return response.status_code


@EVERY_TRANSPORT
def test_the_users_own_connections_stay(make: Make) -> None:
    """A client that is closed while its loop is paused closes only its own sockets; the loop stays usable."""
    with run_server_thread() as other, assert_nothing_left_open(), asyncio.Runner() as runner:
        own = UserConnection(other)
        campus = campus_of(other.server, transport=make())
        for _ in range(3):
            assert runner.run(status(campus)) == 200
            assert runner.run(own.use()) == 200
            close_elsewhere(campus)
            assert runner.run(own.use()) == 200
            campus = campus_of(other.server, transport=make())
        runner.run(own.client.aclose())
        runner.run(campus.aclose())
        other.run(other.server.wait_until_closed())


def test_idle_connections_are_closed_at_once() -> None:
    """They don't wait until the loop runs again."""
    with run_server_thread() as other, assert_nothing_left_open(), asyncio.Runner() as runner:
        campus = campus_of(other.server)
        runner.run(status(campus))
        close_elsewhere(campus)
        other.run(other.server.wait_until_closed())


@pytest.mark.sampled(2)
@EVERY_TRANSPORT
@pytest.mark.parametrize("again", ["it runs again", "it ends"])
def test_all_are_closed_when_the_loop_runs_again(make: Make, again: str) -> None:
    """Whatever needs the loop to close is closed when the loop runs again or ends."""
    with run_server_thread() as other, assert_nothing_left_open():
        with asyncio.Runner() as runner:
            campus = campus_of(other.server, transport=make())
            runner.run(status(campus))
            close_elsewhere(campus)
            if again == "it runs again":
                runner.run(asyncio.to_thread(other.run, other.server.wait_until_closed()))
        other.run(other.server.wait_until_closed())
        del campus


@pytest.mark.sampled(2)
@EVERY_TRANSPORT
@pytest.mark.parametrize("again", ["it runs again", "it ends"])
@pytest.mark.parametrize(
    "auth", [None, PasswordAuth("user", "secret")], ids=["a call waits", "its login waits"]
)
def test_a_call_in_progress(make: Make, again: str, auth: PasswordAuth | None) -> None:
    """A call that waits on a paused loop ends when the loop runs again, with an error that the client was closed."""
    gate, arrived = asyncio.Event(), threading.Event()

    async def respond(request: Request) -> Response:
        arrived.set()
        return Response(gate=gate)

    async def outcome(task: "asyncio.Task[int]") -> NexportError:
        await asyncio.wait([task], timeout=10)
        with pytest.raises(NexportError, match="closed") as caught:
            task.result()
        return caught.value

    with run_server_thread() as other, assert_nothing_left_open():
        other.server._respond = respond
        with ExitStack() as cleanup, asyncio.Runner() as runner:
            # Also if the test fails, so that the server ends.
            cleanup.callback(other.loop.call_soon_threadsafe, gate.set)
            campus = campus_of(other.server, transport=make(), auth=auth)
            task = runner.run(start(campus, arrived))
            close_elsewhere(campus)
            assert not task.done()
            if again == "it runs again":
                assert runner.run(outcome(task)).attempts == (1 if auth is None else 0)
        assert task.done()
        other.run(other.server.wait_until_closed())
        del campus, task


async def start(campus: NexportCampus, arrived: threading.Event) -> "asyncio.Task[int]":
    """Start a call, and return it once the campus has its request."""
    task = asyncio.create_task(status(campus))
    assert await asyncio.to_thread(arrived.wait, 5)
    return task


@pytest.mark.usefixtures("every_transport")
def test_a_login_in_progress() -> None:
    """A login that waits on a paused loop holds up no call on another one, and ends when its loop runs again."""
    gate, arrived = asyncio.Event(), threading.Event()

    async def use(campus: NexportCampus) -> int:
        async with asyncio.timeout(5):
            return await status(campus)

    async def finish(task: "asyncio.Task[int]") -> int:
        async with asyncio.timeout(5):
            return await task

    with run_server_thread() as other, assert_nothing_left_open(), asyncio.Runner() as runner:
        respond = other.server._respond

        async def wait(request: Request) -> Response:
            arrived.set()
            return attrs.evolve(await respond(request), gate=gate)

        other.server._respond = wait
        campus = campus_of(other.server, auth=PasswordAuth("user", "secret"))
        task = runner.run(start(campus, arrived))
        other.server._respond = respond
        try:
            for _ in range(2):
                assert asyncio.run(use(campus)) == 200
        finally:
            other.loop.call_soon_threadsafe(gate.set)
        assert runner.run(finish(task)) == 200
        assert len(other.server.requests_to("AdminApi_Authenticate")) == 2
        runner.run(campus.aclose())
        del campus, task


# httpcore looks up the running event loop when its coroutine is closed, and there is none.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("ending", ["paused", "closed abruptly"])
def test_a_login_in_progress_when_the_next_loop_begins(ending: str) -> None:
    """A call on the next loop logs in, instead of waiting for the login of the loop that no longer runs."""
    arrived = threading.Event()

    async def respond(request: Request) -> Response:
        if arrived.is_set():
            return await respond_as_before(request)
        arrived.set()
        return Response(gate=asyncio.Event())

    with run_server_thread() as other, assert_nothing_left_open(), asyncio.Runner() as runner:
        respond_as_before, other.server._respond = other.server._respond, respond
        campus = campus_of(other.server, auth=PasswordAuth("user", "secret"))
        if ending == "paused":
            task = runner.run(start(campus, arrived))
        else:
            task = run_without_cleanup(start(campus, arrived))
            task._log_destroy_pending = False
        assert asyncio.run(status(campus)) == 200
        assert len(other.server.requests_to("AdminApi_Authenticate")) == 2
        asyncio.run(campus.aclose())
        del campus, task


# httpcore looks up the running event loop when its coroutine is closed, and there is none.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_loop_that_is_closed_while_a_call_waits() -> None:
    """If a loop is closed abruptly during a call, nothing stays open once the client is closed."""
    arrived = threading.Event()

    async def respond(request: Request) -> Response:
        arrived.set()
        return Response(gate=asyncio.Event())

    with run_server_thread() as other, assert_nothing_left_open():
        other.server._respond = respond
        campus = campus_of(other.server)
        task = run_without_cleanup(start(campus, arrived))
        task._log_destroy_pending = False
        close_elsewhere(campus)
        del campus, task


def test_a_client_that_is_discarded_with_its_loop() -> None:
    """If it is neither closed nor used again, its sockets are closed when its loop is closed abruptly."""
    with run_server_thread() as other, assert_nothing_left_open():
        run_without_cleanup(status(campus_of(other.server)))
        gc.collect()
        other.run(other.server.wait_until_closed())


def test_a_client_that_is_discarded_on_a_running_loop() -> None:
    """Its sockets are closed when the garbage collector finds it, without a warning."""

    async def main(other: ServerThread) -> None:
        assert await status(campus_of(other.server)) == 200
        gc.collect()
        await asyncio.sleep(0)
        await asyncio.to_thread(other.run, other.server.wait_until_closed())

    with run_server_thread() as other, assert_nothing_left_open():
        asyncio.run(main(other))


def test_idle_sockets_are_registered_with_no_loop() -> None:
    """The loop has no reader or writer for them, so that any thread may close them."""

    async def main(campus: NexportCampus) -> list[socket.socket]:
        loop = asyncio.get_running_loop()
        assert await status(campus) == 200
        stack = campus._state.get_loop_state().connections
        sockets = list(stack._sockets)
        assert not [found for found in sockets if loop.remove_reader(found) or loop.remove_writer(found)]
        return sockets

    with run_server_thread() as other, assert_nothing_left_open(), asyncio.Runner() as runner:
        campus = campus_of(other.server)
        assert [found.fileno() >= 0 for found in runner.run(main(campus))] == [True]
        close_elsewhere(campus)


def test_clients_of_many_loops() -> None:
    """If clients on one loop are each closed elsewhere, as fixtures do, nothing accumulates."""
    with run_server_thread() as other, assert_nothing_left_open(), asyncio.Runner() as runner:
        for _ in range(20):
            campus = campus_of(other.server)
            assert runner.run(status(campus)) == 200
            close_elsewhere(campus)
        other.run(other.server.wait_until_closed())
        assert other.server.connections == 20
