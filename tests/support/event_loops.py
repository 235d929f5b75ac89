"""Event loops beside the test's own: a campus that outlives them, and what they leave open."""

import asyncio
import gc
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.fault_cases import CALLS, good_response
from tests.support.scripted_server import Request, Response, ScriptedServer, with_login

__all__ = ["Elsewhere", "elsewhere", "nothing_left_open", "run_bluntly"]


class Elsewhere:
    """A scripted campus on a loop and a thread of its own, so that it outlives the loops of the test."""

    def __init__(self, server: ScriptedServer, loop: asyncio.AbstractEventLoop) -> None:
        self.server = server
        self.loop = loop

    def run(self, coroutine: Any) -> Any:
        """The coroutine's result, on that loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)


@contextmanager
def elsewhere(login: Response | None = None) -> Iterator[Elsewhere]:
    """A campus that answers every call well, and logins with `login` if it is given."""

    async def answer(request: Request) -> Any:
        return good_response(CALLS[0]) if login is None else login

    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        campus = Elsewhere(ScriptedServer(with_login(answer) if login is None else answer), loop)
        try:
            campus.run(campus.server.__aenter__())
            yield campus
        finally:
            campus.run(campus.server.__aexit__(None, None, None))
            loop.call_soon_threadsafe(loop.stop)
            thread.join()


@contextmanager
def nothing_left_open() -> Iterator[None]:
    """Fails for a socket or a transport that is left to the garbage collector."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
        gc.collect()
    assert [str(warning.message) for warning in caught] == []


def run_bluntly(coroutine: Any) -> Any:
    """Run on a loop that is closed without the ceremony of `asyncio.run`."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.close()
