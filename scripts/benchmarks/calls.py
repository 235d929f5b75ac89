"""Benchmark of small calls over loopback, sequential and concurrent."""

import importlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx

from benchmarks.measure import Figure, Figures, measure_rate
from nexport_campus import NexportCampus, StaticToken

__all__ = ["measure_calls"]

SECTION = "12345678-1234-5678-9abc-123456789abc"
TOKEN = "5eed0000-0000-4000-8000-00000000c0de"
PATH = "/api/v1/LearningApi/GetSection"
PARAMS = {"syllabus_id": SECTION, "access_token": TOKEN}
_PATIENCE = 60.0
"""Seconds that httpx may wait for a connection of its pool: on a busy machine, its default of 5 is too short."""
MeasuredCall = Callable[[], Awaitable[object]]


async def measure_calls(url: str, concurrency: int, seconds: float, runs: int) -> Figures:
    """Return calls per second of each contender, in runs of some seconds; peers that are not installed are skipped."""
    async with AsyncExitStack() as stack:
        contenders: dict[str, MeasuredCall] = {}
        for name, make in _CONTENDERS.items():
            try:
                contenders[name] = await stack.enter_async_context(make(url))
            except ImportError:
                continue
        for call in contenders.values():
            await call()
        rates: dict[str, list[float]] = {name: [] for name in contenders}
        for _ in range(runs):
            for name, call in contenders.items():
                rates[name].append(await measure_rate(call, concurrency, seconds))
    return {name: Figure(values) for name, values in rates.items()}


@asynccontextmanager
async def _ours(url: str) -> AsyncIterator[MeasuredCall]:
    async with NexportCampus(StaticToken(TOKEN), base_url=url) as campus:
        yield lambda: campus.learning.get_section(syllabus_id=SECTION)


@asynccontextmanager
async def _ours_aiohttp(url: str) -> AsyncIterator[MeasuredCall]:
    transport: Any = importlib.import_module("nexport_campus.aiohttp").AiohttpTransport()
    async with NexportCampus(StaticToken(TOKEN), base_url=url, transport=transport) as campus:
        yield lambda: campus.learning.get_section(syllabus_id=SECTION)


@asynccontextmanager
async def _httpx(url: str) -> AsyncIterator[MeasuredCall]:
    async def call() -> object:
        return (await client.get(url + PATH, params=PARAMS)).json()

    async with httpx.AsyncClient(timeout=_PATIENCE) as client:
        yield call


@asynccontextmanager
async def _aiohttp(url: str) -> AsyncIterator[MeasuredCall]:
    aiohttp = importlib.import_module("aiohttp")

    async def call() -> object:
        async with session.get(url + PATH, params=PARAMS) as response:
            return await response.json()

    async with aiohttp.ClientSession() as session:
        yield call


@asynccontextmanager
async def _stock(url: str) -> AsyncIterator[MeasuredCall]:
    client_class = importlib.import_module("stock").Client
    module = importlib.import_module("stock.api.learning_api.learning_api_get_section")
    async with client_class(base_url=url, timeout=httpx.Timeout(_PATIENCE)) as client:
        yield lambda: module.asyncio(client=client, syllabus_id=SECTION, access_token=TOKEN)


def _openapi_generator(package: str) -> Callable[[str], Any]:
    @asynccontextmanager
    async def contender(url: str) -> AsyncIterator[MeasuredCall]:
        module: Any = importlib.import_module(package)
        async with module.ApiClient(module.Configuration(host=url)) as client:
            api = module.LearningApiApi(client)
            yield lambda: api.learning_api_get_section(access_token=TOKEN, syllabus_id=SECTION)

    return contender


_CONTENDERS: dict[str, Callable[[str], Any]] = {
    "nexport-campus": _ours,
    "nexport-campus, aiohttp": _ours_aiohttp,
    "raw httpx": _httpx,
    "raw aiohttp": _aiohttp,
    "stock client": _stock,
    "openapi-generator, httpx": _openapi_generator("generator_httpx"),
    "openapi-generator, aiohttp": _openapi_generator("generator_aiohttp"),
}
