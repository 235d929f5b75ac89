"""Benchmark of one page through a whole client, network aside: from the call to the models."""

import asyncio
import atexit
import importlib
from collections.abc import Awaitable, Callable
from functools import partial
from uuid import UUID

import httpx

from benchmarks.measure import Figures, measure_milliseconds
from nexport_campus import NexportCampus, StaticToken

__all__ = ["measure_whole_page"]

USER = "12345678-1234-5678-9abc-123456789abc"
TOKEN = "5eed0000-0000-4000-8000-00000000c0de"
URL = "http://127.0.0.1"


def measure_whole_page(page: bytes, runs: int) -> Figures:
    """Return milliseconds per page; peers that are not installed are skipped."""
    return measure_milliseconds(
        {
            "nexport-campus": partial(_ours, page),
            "stock client": partial(_stock, page),
            "orjson, the floor": partial(_orjson, page),
        },
        runs,
    )


def _ours(page: bytes) -> Callable[[], object]:
    campus = NexportCampus(StaticToken(TOKEN), base_url=URL, transport=_transport(page))
    return _on_a_loop(lambda: campus.learning.get_section_enrollments(user_id=USER))


def _stock(page: bytes) -> Callable[[], object]:
    client_class = importlib.import_module("stock").Client
    module = importlib.import_module("stock.api.learning_api.learning_api_get_section_enrollments")
    client = client_class(base_url=URL, httpx_args={"transport": _transport(page)})
    return _on_a_loop(lambda: module.asyncio(client=client, user_id=UUID(USER), access_token=TOKEN))


def _orjson(page: bytes) -> Callable[[], object]:
    orjson = importlib.import_module("orjson")

    async def call() -> object:
        return orjson.loads(page)

    return _on_a_loop(call)


def _transport(page: bytes) -> httpx.MockTransport:
    return httpx.MockTransport(lambda _: httpx.Response(200, stream=httpx.ByteStream(page)))


def _on_a_loop(call: Callable[[], Awaitable[object]]) -> Callable[[], object]:
    loop = asyncio.new_event_loop()
    atexit.register(loop.close)
    # Not `Runner.run`: it takes the repr of the whole page, in an error message that signal.getsignal then drops.
    return lambda: loop.run_until_complete(call())
