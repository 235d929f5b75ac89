"""Benchmark of one page through a whole client, network aside: from the call to the models."""

import asyncio
import importlib
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any
from uuid import UUID

import httpx

from benchmarks.measure import Figures, measure_milliseconds
from nexport_campus import NexportCampus, StaticToken

__all__ = ["measure_whole_page"]

USER = "12345678-1234-5678-9abc-123456789abc"
TOKEN = "5eed0000-0000-4000-8000-00000000c0de"
_Call = Callable[[], Coroutine[Any, Any, object]]


def measure_whole_page(page: bytes, runs: int) -> Figures:
    """Return milliseconds per page; peers that are not installed are skipped."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=httpx.ByteStream(page)))
    with asyncio.Runner() as runner:
        campus = NexportCampus(StaticToken(TOKEN), base_url="http://127.0.0.1", transport=transport)

        async def first_page() -> object:
            return await campus.learning.get_section_enrollments(user_id=USER)

        calls: dict[str, _Call] = {"nexport-campus": first_page}
        for name, make in {"stock client": _stock, "orjson, the floor": _orjson}.items():
            with suppress(ImportError):
                calls[name] = make(page, transport)
        try:
            return measure_milliseconds({name: _run_on(runner, call) for name, call in calls.items()}, runs)
        finally:
            runner.run(campus.aclose())


def _run_on(runner: asyncio.Runner, call: _Call) -> Callable[[], object]:
    # Not `runner.run`: it takes the repr of the whole page, in an error message that signal.getsignal then drops.
    return lambda: runner.get_loop().run_until_complete(call())


def _stock(page: bytes, transport: httpx.AsyncBaseTransport) -> _Call:
    client_class = importlib.import_module("stock").Client
    module = importlib.import_module("stock.api.learning_api.learning_api_get_section_enrollments")
    client = client_class(base_url="http://127.0.0.1", httpx_args={"transport": transport})

    async def call() -> object:
        return await module.asyncio(client=client, user_id=UUID(USER), access_token=TOKEN)

    return call


def _orjson(page: bytes, transport: httpx.AsyncBaseTransport) -> _Call:
    orjson = importlib.import_module("orjson")

    async def call() -> object:
        return orjson.loads(page)

    return call
