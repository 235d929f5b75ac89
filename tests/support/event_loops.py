"""Event loops other than the test's: a server that outlives them, and checks for what they leave open."""

import asyncio
import gc
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.fault_cases import CALLS, good_response
from tests.support.scripted_server import Request, Response, ScriptedServer, with_login

__all__ = ["ServerThread", "assert_nothing_left_open", "run_server_thread", "run_without_cleanup"]


class ServerThread:
    """A scripted server on its own thread and event loop, so that it outlives the event loops of the test."""

    def __init__(self, server: ScriptedServer, loop: asyncio.AbstractEventLoop) -> None:
        self.server = server
        self.loop = loop

    def run(self, coroutine: Any) -> Any:
        """Run a coroutine on the server's loop and return its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)


@contextmanager
def run_server_thread(login: Response | None = None) -> Iterator[ServerThread]:
    """Yield a server that sends a valid response to every call, and `login` for logins if it is given."""

    async def respond(request: Request) -> Any:
        return good_response(CALLS[0]) if login is None else login

    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        server_thread = ServerThread(ScriptedServer(with_login(respond) if login is None else respond), loop)
        try:
            server_thread.run(server_thread.server.__aenter__())
            yield server_thread
        finally:
            server_thread.run(server_thread.server.__aexit__(None, None, None))
            loop.call_soon_threadsafe(loop.stop)
            thread.join()


@contextmanager
def assert_nothing_left_open() -> Iterator[None]:
    """Fail if a socket or a transport is left to the garbage collector."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        # Since 3.12, for a test that forks while another thread runs.
        warnings.filterwarnings("ignore", ".*fork", DeprecationWarning)
        yield
        gc.collect()
    assert [str(warning.message) for warning in caught] == []


def run_without_cleanup(coroutine: Any) -> Any:
    """Run on an event loop that is closed without the cleanup of `asyncio.run`."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.close()
