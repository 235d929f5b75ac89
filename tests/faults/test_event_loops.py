"""One client on several event loops: consecutive loops work, concurrent ones are refused; also after a fork."""

import asyncio
import gc
import multiprocessing
import os
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from nexport_campus import AuthenticationError, NexportCampus, NexportError, PasswordAuth
from tests.support.clients import campus_of
from tests.support.event_loops import (
    ServerThread,
    assert_nothing_left_open,
    run_server_thread,
    run_without_cleanup,
)
from tests.support.fault_cases import CALLS
from tests.support.scripted_server import (
    Request,
    error_entity,
    json_response,
)

pytestmark = pytest.mark.usefixtures("every_transport")
CALL = CALLS[0]
AUTH = PasswordAuth("user", "secret")


async def status(campus: NexportCampus) -> int:
    """Return the status of a call."""
    return (await CALL(campus)).status_code


@pytest.mark.sampled(2)
@pytest.mark.parametrize("run", [asyncio.run, run_without_cleanup])
def test_one_after_another(run: Callable[[Any], Any]) -> None:
    """Each loop gets its own connection, and all share the token; no socket outlives its loop."""
    with run_server_thread() as other, assert_nothing_left_open():
        campus = campus_of(other.server, auth=AUTH)
        for _ in range(3):
            assert run(status(campus)) == 200
            assert run(status(campus)) == 200
        run(campus.aclose())
        other.run(other.server.wait_until_closed())
        with pytest.raises(NexportError, match="closed"):
            run(status(campus))
        assert len(other.server.requests_to("AdminApi_Authenticate")) == 1
        assert other.server.connections == 6
        del campus


def test_connections_are_closed_with_their_loop() -> None:
    """They aren't kept until the next use: `asyncio.run` leaves nothing open."""
    with run_server_thread() as other, assert_nothing_left_open():
        campus = campus_of(other.server)
        asyncio.run(status(campus))
        other.run(other.server.wait_until_closed())
        del campus


def test_jobs_one_after_another(capfd: pytest.CaptureFixture[str]) -> None:
    """With one client for many jobs, each on its own loop, nothing stays open between them."""
    with run_server_thread() as other:
        campus = campus_of(other.server)

        async def job() -> None:
            assert await asyncio.gather(*(status(campus) for _ in range(8))) == [200] * 8

        gc.disable()
        try:
            for _ in range(3):
                asyncio.run(job())
                other.run(other.server.wait_until_closed())
        finally:
            gc.enable()
        asyncio.run(campus.aclose())
    assert capfd.readouterr().err == ""


def test_an_unclosed_client() -> None:
    """It leaves nothing open either, once its loop has ended."""
    with run_server_thread() as other, assert_nothing_left_open():
        assert asyncio.run(status(campus_of(other.server))) == 200
        other.run(other.server.wait_until_closed())


@pytest.mark.sampled(2)
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.parametrize("blunt", [False, True], ids=["on a running loop", "with its loop"])
def test_a_discarded_client(blunt: bool, capfd: pytest.CaptureFixture[str]) -> None:
    """If it is neither closed nor used again, its sockets are closed, and nothing is logged."""

    async def use(other: ServerThread) -> None:
        assert await status(campus_of(other.server)) == 200

    async def drop(other: ServerThread) -> None:
        await use(other)
        gc.collect()
        await asyncio.to_thread(other.run, other.server.wait_until_closed())

    with run_server_thread() as other:
        if blunt:
            run_without_cleanup(use(other))
            gc.collect()
            other.run(other.server.wait_until_closed())
        else:
            asyncio.run(drop(other))
    assert capfd.readouterr().err == ""


def test_a_loop_that_was_closed_abruptly() -> None:
    """Its connection is closed when the client is used on the next loop, not later."""
    with run_server_thread() as other, assert_nothing_left_open():
        campus = campus_of(other.server)

        async def one_is_left() -> None:
            assert await status(campus) == 200
            await asyncio.to_thread(other.run, other.server.wait_until_closed(but=1))

        run_without_cleanup(status(campus))
        run_without_cleanup(one_is_left())
        run_without_cleanup(campus.aclose())


def test_a_given_httpx_transport() -> None:
    """A user's httpx transport serves consecutive loops too, and leaves nothing open."""
    with run_server_thread() as other, assert_nothing_left_open():
        campus = campus_of(other.server, transport=httpx.AsyncHTTPTransport())
        for _ in range(3):
            assert asyncio.run(status(campus)) == 200
            other.run(other.server.wait_until_closed())
        asyncio.run(campus.aclose())


def test_alternating_loops() -> None:
    """Two alternating loops keep a connection each."""
    with run_server_thread() as other, assert_nothing_left_open():
        campus = campus_of(other.server, auth=AUTH)
        with asyncio.Runner() as first, asyncio.Runner() as second:
            for _ in range(3):
                assert first.run(status(campus)) == second.run(status(campus)) == 200
            first.run(campus.aclose())
        assert other.server.connections <= 3
        other.run(other.server.wait_until_closed())
        del campus


def test_concurrent_loops() -> None:
    """While one loop makes calls, another one is refused with the reason; the first continues."""
    with run_server_thread() as other, assert_nothing_left_open():
        campus = campus_of(other.server)

        async def both() -> int:
            assert await status(campus) == 200
            with pytest.raises(NexportError, match="another event loop"):
                await asyncio.to_thread(asyncio.run, status(campus))
            return await status(campus)

        assert asyncio.run(both()) == 200
        asyncio.run(campus.aclose())


def test_closed_from_another_loop() -> None:
    """Another loop than the running one may close the client: its connections are closed, and calls are refused."""
    with run_server_thread() as other, assert_nothing_left_open():
        campus = campus_of(other.server)

        async def both() -> None:
            assert await status(campus) == 200
            await asyncio.to_thread(asyncio.run, campus.aclose())
            with pytest.raises(NexportError, match="closed"):
                await status(campus)
            await asyncio.to_thread(other.run, other.server.wait_until_closed())

        asyncio.run(both())


def _in_the_child(campus: NexportCampus, results: Any) -> None:
    try:
        results.put(asyncio.run(status(campus)))
    except BaseException as error:  # noqa: BLE001 -- reported to the parent
        results.put(repr(error))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system doesn't fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_between_calls() -> None:
    """The child makes its own connections; the parent's stay usable."""
    with run_server_thread() as other, asyncio.Runner() as runner:
        campus = campus_of(other.server, auth=AUTH)
        assert runner.run(status(campus)) == 200
        results = multiprocessing.get_context("fork").SimpleQueue()
        child = multiprocessing.get_context("fork").Process(target=_in_the_child, args=(campus, results))
        child.start()
        child.join(20)
        assert results.get() == 200
        assert runner.run(status(campus)) == 200
        assert [request.connection for request in other.server.requests] == [1, 1, 2, 1]
        runner.run(campus.aclose())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system doesn't fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_that_continues_the_loop() -> None:
    """A child that continues with its parent's loop makes its own connection too."""
    with run_server_thread() as other, asyncio.Runner() as runner:
        campus = campus_of(other.server)
        assert runner.run(status(campus)) == 200
        child = os.fork()
        if child == 0:
            # The child must never run the rest of the test.
            code = 1
            try:
                code = 0 if runner.run(status(campus)) == 200 else 2
            finally:
                os._exit(code)
        _, outcome = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(outcome) == 0
        assert [request.connection for request in other.server.requests] == [1, 2]
        runner.run(campus.aclose())


@pytest.mark.sampled(2)
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system doesn't fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("used", [False, True], ids=["unused", "used"])
def test_a_fork_that_discards_the_client(used: bool, capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing a child does with its copy of a client affects the parent's connections."""
    with run_server_thread() as other, asyncio.Runner() as runner:
        campus = campus_of(other.server)
        assert runner.run(status(campus)) == 200
        child = os.fork()
        if child == 0:
            # The child must never run the rest of the test.
            code = 1
            try:
                if used:
                    asyncio.run(status(campus))
                asyncio.run(campus.aclose())
                del campus
                gc.collect()
                code = 0
            finally:
                os._exit(code)
        _, outcome = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(outcome) == 0
        assert runner.run(status(campus)) == 200
        assert [request.connection for request in other.server.requests] == [1, *[2] * used, 1]
        runner.run(campus.aclose())
    assert capfd.readouterr().err == ""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system doesn't fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_under_a_running_loop() -> None:
    """A child that was forked while the loop ran isn't taken for a second loop in the same process."""
    with run_server_thread() as other:
        campus = campus_of(other.server)

        async def fork() -> int:
            assert await status(campus) == 200
            child = os.fork()
            if child == 0:
                # The child must never run the rest of the test.
                code = 1
                try:
                    asyncio.set_event_loop(None)
                    code = 0 if asyncio.run(status(campus)) == 200 else 2
                finally:
                    os._exit(code)
            _, outcome = await asyncio.to_thread(os.waitpid, child, 0)
            assert await status(campus) == 200
            return os.waitstatus_to_exitcode(outcome)

        assert asyncio.run(fork()) == 0
        assert [request.connection for request in other.server.requests] == [1, 2, 1]
        asyncio.run(campus.aclose())


def test_calls_in_progress_end_with_their_loop() -> None:
    """A loop that ends during a call cancels it; nothing stays open, and the next loop works."""
    gate = threading.Event()

    async def respond(request: Request) -> Any:
        gate.set()
        await asyncio.sleep(0)
        return json_response({}, framing="none", drip_seconds=None, body_gate=asyncio.Event())

    async def main(campus: NexportCampus) -> None:
        task = asyncio.create_task(status(campus))
        await asyncio.to_thread(gate.wait, 5)
        assert not task.done()

    with run_server_thread() as other, assert_nothing_left_open():
        good = other.server._respond
        other.server._respond = respond
        campus = campus_of(other.server)
        asyncio.run(main(campus))
        other.server._respond = good
        assert asyncio.run(status(campus)) == 200
        asyncio.run(campus.aclose())
        del campus


def test_a_refused_login_is_remembered_on_the_next_loop() -> None:
    """A client that outlives its loop, as in a task queue's worker, doesn't repeat the login in each job."""
    with run_server_thread(login=json_response(error_entity(4, "No"), 403)) as campus:
        client = campus_of(campus.server, auth=AUTH)
        for _ in range(3):
            with pytest.raises(AuthenticationError):
                asyncio.run(status(client))
        assert len(campus.server.requests) == 1
        asyncio.run(client.aclose())
