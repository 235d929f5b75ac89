"""Exercises the SDK on CPython 3.14 without sockets, which its WebAssembly build lacks.

python_314.mjs runs it and awaits `main`.
"""

import asyncio
import copy
import inspect
import json
import pickle
import re
import sys
import typing
import warnings
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

import attrs
import httpx

import nexport_campus
from nexport_campus import (
    ArgumentError,
    NexportCampus,
    NexportError,
    NotFoundError,
    PasswordAuth,
    RetryPolicy,
    ServerError,
    StaticToken,
    models,
)
from nexport_campus.models import Phase

warnings.simplefilter("error")

ORG = UUID("adc14230-d6ce-40a7-abe7-329a18b6a750")
TOKEN = "0b6c0c6e-5f6d-4b0c-8f6f-2f1c1f0a9d11"
NO_ERROR = {"error_code": 0, "error_message": None}
Failure = TypeVar("Failure", bound=NexportError)
Reply = Callable[[httpx.Request], httpx.Response]


def client(reply: Reply, auth: PasswordAuth | StaticToken | None = None) -> NexportCampus:
    """Return a client whose requests a function replies to."""
    return NexportCampus(
        auth or StaticToken(TOKEN),
        base_url="https://campus.example",
        transport=httpx.MockTransport(reply),
        retry=RetryPolicy(initial_delay=0.001, max_delay=0.002),
    )


def enrollment(number: int) -> dict[str, Any]:
    """Return one enrollment of a search, as the campus sends it."""
    return {
        "enrollment_id": str(UUID(int=number)),
        "org_id": str(ORG),
        "user_id": str(UUID(int=7)),
        "syllabus_id": str(UUID(int=8)),
        "enrollment_date": "2026-05-26T01:56:12.1234567",
        "phase": 1,
        "result": 1,
        "unheard_of": {"kept": True},
    }


def search_result(records: list[dict[str, Any]], page: int, size: int, total: int) -> dict[str, Any]:
    """Return one page of a search."""
    numbers = {"page": page, "page_size": size, "total_count": total}
    return {"enrollments": records, **numbers, "api_error_entity": NO_ERROR}


async def failure(call: Awaitable[object], kind: type[Failure]) -> Failure:
    """Await a call that must fail, and return its error."""
    try:
        await call
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__} was raised")


def check_models() -> None:
    """Every model has hints and a signature, and its instances copy, pickle, compare and keep unknown fields."""
    assert sys.version_info[:2] == (3, 14)
    for name in models.__all__:
        model = getattr(models, name)
        assert typing.get_type_hints(model) or issubclass(model, int), name
        inspect.signature(model, eval_str=True)
    item = models.ApiEnrollmentItem.from_dict(enrollment(1))
    assert item.phase is Phase.IN_PROGRESS
    assert item.result == 1
    assert item.enrollment_date == datetime(2026, 5, 26, 1, 56, 12, 123456, tzinfo=UTC)
    assert item.additional_properties["unheard_of"] == {"kept": True}
    for made in (copy.deepcopy(item), pickle.loads(pickle.dumps(item)), attrs.evolve(item)):
        assert made == item
        assert made.additional_properties == item.additional_properties


async def check_paging() -> None:
    """A list whose server clamps pages to two records comes once, in order, ahead of the reader or not."""
    total, size = 7, 2

    def reply(request: httpx.Request) -> httpx.Response:
        page = int(request.url.params["page"])
        records = [enrollment(n) for n in range(1, total + 1)][(page - 1) * size : page * size]
        headers = {"X-Total-Count": str(total), "X-Page": str(page), "X-Per-Page": str(size)}
        return httpx.Response(
            200,
            json=search_result(records, page, size, total),
            headers=headers,
        )

    async with client(reply) as campus:
        pager = campus.learning.search_enrollments(org_ids=[ORG])
        numbers = [item.enrollment_id.int async for item in pager]
        assert numbers == list(range(1, total + 1)), numbers
        ahead = campus.learning.search_enrollments(org_ids=[ORG]).concurrent(3)
        assert len([item async for item in ahead]) == total


async def check_retries() -> None:
    """A read is sent again after a 503 and a write is not; a 200 that carries an error raises it."""
    sent: list[str] = []

    def reply(request: httpx.Request) -> httpx.Response:
        sent.append(request.url.path)
        if len(sent) == 1 or "Drop" in request.url.path:
            return httpx.Response(503)
        return httpx.Response(
            200, json={"api_error_entity": {"error_code": 3, "error_message": "no such id"}}
        )

    async with client(reply) as campus:
        missing = await failure(campus.learning.get_section(syllabus_id=ORG), NotFoundError)
        assert missing.attempts == 2, missing.attempts
        assert TOKEN not in f"{missing!r} {pickle.loads(pickle.dumps(missing))}"
        dropped = await failure(campus.learning.drop_enrollment(enrollment_id=ORG), ServerError)
        assert dropped.attempts == 1
        assert dropped.maybe_applied


async def check_logins() -> None:
    """Fifty calls at once share one login, and arguments are refused before anything is sent."""
    paths: list[str] = []

    def reply(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.path)
        if request.url.path.endswith("/Authenticate"):
            body = {"access_token": TOKEN, "token_type": "uuid", "expires_in": 3600}
            return httpx.Response(200, json={**body, "api_error_entity": NO_ERROR})
        return httpx.Response(200, json=search_result([], 1, 30, 0))

    async with client(reply, PasswordAuth("user", "secret")) as campus:
        calls = [campus.learning.search_enrollments(org_ids=[ORG]).collect() for _ in range(50)]
        assert await asyncio.gather(*calls) == [[]] * 50
        assert sum(path.endswith("/Authenticate") for path in paths) == 1
        count = len(paths)
        for wrong in ("xyz", 3, Decimal(1)):
            call = campus.learning.get_section(syllabus_id=wrong)  # type: ignore[arg-type] # that is the point
            await failure(call, ArgumentError)
        assert len(paths) == count


async def main() -> None:
    """Run all checks."""
    check_models()
    for check in (check_paging, check_retries, check_logins):
        await check()
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", nexport_campus.__version__)
    print(json.dumps({"passed": sys.version.split()[0]}))
