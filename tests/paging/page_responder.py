"""Serves a list over HTTP, in the form of any of the paged operations."""

import asyncio
import copy
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, nullcontext
from typing import Any, Literal

import attrs
import pytest

from nexport_campus import Drift, NexportCampus, NexportError
from nexport_client.protocols import AsyncPager
from nexport_client.results import RawResponse
from tests.paging.paged_list import PagedList
from tests.support.clients import campus_of
from tests.support.scripted_server import Request, Response, ScriptedServer, error_entity, json_response
from tests.support.spec import OPERATIONS, SpecOperation, example_response

__all__ = [
    "BODY_TOTALS",
    "PAGED",
    "PageResponder",
    "collect_until_error",
    "item_error",
    "paged_operation",
    "pager_for",
    "raw_page",
    "serials",
    "serve_pages",
    "wait_until",
]

PAGED = [operation for operation in OPERATIONS if operation.pages]
BODY_TOTALS = {"LearningApi_SearchEnrollments", "LearningApi_GetStudentSessions"}
Where = Literal["body", "headers"]


def paged_operation(operation_id: str) -> SpecOperation:
    """Return a paged operation by its id."""
    return next(operation for operation in PAGED if operation.id == operation_id)


@attrs.define
class PageResponder:
    """Responds to an operation's requests with the pages of a list; each record has its number as `serial`.

    `where`: where totals and sizes are sent. `overrides`: responses to send instead, by page. `items`: fields
    that differ in single records, by record number. `held`: returns an event that the response to a page
    waits for, or None. `requested`: page and size of each request.
    """

    listing: PagedList
    where: Where = "headers"
    overrides: Mapping[int, Response] = attrs.field(factory=dict)
    items: Mapping[int, Mapping[str, Any]] = attrs.field(factory=dict)
    held: Callable[[int], asyncio.Event | None] = attrs.field(default=lambda _: None)
    drifts: list[Drift] = attrs.field(factory=list)
    requested: list[tuple[int, int]] = attrs.field(factory=list)
    _gates: list[asyncio.Event] = attrs.field(factory=list)

    async def respond(self, request: Request) -> Response:
        """Return one page."""
        operation = next(each for each in PAGED if each.id == request.operation_id)
        place = operation.page_numbers(dict(request.query), request.json if operation.has_body else {})
        page, size = int(place["page"]), int(place["per_page"])
        self.requested.append((page, size))
        gate = self.held(page)
        self._gates += [gate] if gate else []
        if page in self.overrides:
            return attrs.evolve(self.overrides[page], gate=gate)
        body, headers = self._page(request.operation_id, page, size)
        return json_response(body, headers=headers, gate=gate)

    def release_all(self) -> None:
        """Release all responses that are held."""
        for gate in self._gates:
            gate.set()

    def _page(self, operation_id: str, page: int, size: int) -> tuple[Any, dict[str, str]]:
        total, reported = self.listing.total(page), self.listing.report(size)
        body = copy.deepcopy(example_response(operation_id))
        headers: dict[str, str] = {}
        paging_fields = {"total_count": total, "page_size": reported, "page": page}
        if self.where == "headers":
            named = {"X-Total-Count": total, "X-Per-Page": reported, "X-Page": page}
            headers = {name: str(value) for name, value in named.items() if value is not None}
            paging_fields = dict.fromkeys(paging_fields)
        if isinstance(body, list):
            return self._records(body[0], page, size), headers
        key = next(key for key in ("enrollments", "catalogs", "sessions", "groups") if key in body)
        body[key] = self._records(body[key][0], page, size)
        return body | {key: value for key, value in paging_fields.items() if key in body}, headers

    def _records(self, template: dict[str, Any], page: int, size: int) -> list[dict[str, Any]]:
        return [
            {**template, "serial": number, **self.items.get(number, {})}
            for number in self.listing.page(page, size)
        ]


def pager_for(campus: NexportCampus, operation: SpecOperation, **paging: int) -> AsyncPager[Any]:
    """Return the pager of an operation, called with its required arguments."""
    pager: AsyncPager[Any] = _call(campus, operation, paging)
    return pager


async def raw_page(campus: NexportCampus, operation: SpecOperation, **paging: int) -> RawResponse[Any]:
    """Return one page, as `campus.raw` returns it."""
    response: RawResponse[Any] = await _call(campus.raw, operation, paging)
    return response


def _call(areas: Any, operation: SpecOperation, paging: dict[str, int]) -> Any:
    method = getattr(getattr(areas, operation.area), operation.name)
    required = {item.name: item.given for item in operation.arguments if item.required}
    with pytest.deprecated_call() if operation.deprecated else nullcontext():
        return method(**required, **paging)


def serials(records: list[Any]) -> list[int]:
    """Return the numbers of the records."""
    return [record.additional_properties["serial"] for record in records]


async def wait_until(condition: Callable[[], bool]) -> None:
    """Run other tasks until the condition is true. Raise TimeoutError after 10 seconds."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 -- server, client and loop have no common event for it
            await asyncio.sleep(0)


async def collect_until_error(iterator: AsyncIterator[Any]) -> tuple[list[Any], NexportError]:
    """Return the items before the error that ends the iteration, and the error."""
    items: list[Any] = []
    try:
        async for each in iterator:
            items.append(each)  # noqa: PERF401 -- a comprehension would lose the items before the error
    except NexportError as error:
        return items, error
    raise AssertionError("it ended without an error")


@asynccontextmanager
async def serve_pages(source: PageResponder, **settings: Any) -> AsyncIterator[NexportCampus]:
    """Yield a client of the served list.

    When it is closed, all of the server's connections must be closed and no task may be left.
    """
    before = asyncio.all_tasks()
    async with ScriptedServer(source.respond) as server:
        async with campus_of(server, on_drift=_keep(source), **settings) as campus:
            yield campus
        source.release_all()
        await wait_until(lambda: not server._serving and asyncio.all_tasks() == before)


def _keep(source: PageResponder) -> Callable[[Drift], None]:
    """Return a drift callback that keeps only drift about paging; the records' unknown `serial` is drift too."""

    def keep(drift: Drift) -> None:
        if drift.kind in {"total_changed", "page_ignored"}:
            source.drifts.append(drift)

    return keep


def item_error(code: int) -> dict[str, Any]:
    """Return the fields of a record that reports an error."""
    return error_entity(code, "not this one")
