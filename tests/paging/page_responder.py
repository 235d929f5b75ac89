"""A listing over real HTTP, as any of the operations that page answers it."""

import asyncio
import copy
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, nullcontext
from typing import Any, Literal

import attrs
import pytest

from nexport_campus import Drift, NexportCampus, NexportError
from nexport_client.client import AsyncPager, RawResponse
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
    """An operation that pages."""
    return next(operation for operation in PAGED if operation.id == operation_id)


@attrs.define
class PageResponder:
    """Answers an operation's requests with the pages of a listing, each record with its number as `serial`.

    `where`: where totals and sizes are told. `instead`: what other pages are answered with. `items`: what is different about
    single records, by number. `held`: while it is set, answers wait. `asked`: the page and size of each request.
    """

    listing: PagedList
    where: Where = "headers"
    instead: Mapping[int, Response] = attrs.field(factory=dict)
    items: Mapping[int, Mapping[str, Any]] = attrs.field(factory=dict)
    held: Callable[[int], asyncio.Event | None] = attrs.field(default=lambda _: None)
    drifts: list[Drift] = attrs.field(factory=list)
    asked: list[tuple[int, int]] = attrs.field(factory=list)
    _gates: list[asyncio.Event] = attrs.field(factory=list)

    async def answer(self, request: Request) -> Response:
        """One page."""
        place = request.json["paging"] if "StudentSessions" in request.path else dict(request.query)
        page, size = int(place["page"]), int(place["per_page"])
        self.asked.append((page, size))
        gate = self.held(page)
        self._gates += [gate] if gate else []
        if page in self.instead:
            return attrs.evolve(self.instead[page], gate=gate)
        body, headers = self._page(request.operation_id, page, size)
        return json_response(body, headers=headers, gate=gate)

    def let_go(self) -> None:
        """Answer all that is held."""
        for gate in self._gates:
            gate.set()

    def _page(self, operation_id: str, page: int, size: int) -> tuple[Any, dict[str, str]]:
        total, reported = self.listing.total(page), self.listing.report(size)
        body = copy.deepcopy(example_response(operation_id))
        headers: dict[str, str] = {}
        told = {"total_count": total, "page_size": reported, "page": page}
        if self.where == "headers":
            named = {"X-Total-Count": total, "X-Per-Page": reported, "X-Page": page}
            headers = {name: str(value) for name, value in named.items() if value is not None}
            told = dict.fromkeys(told)
        if isinstance(body, list):
            return self._records(body[0], page, size), headers
        key = next(key for key in ("enrollments", "catalogs", "sessions") if key in body)
        body[key] = self._records(body[key][0], page, size)
        return body | {key: value for key, value in told.items() if key in body}, headers

    def _records(self, like: dict[str, Any], page: int, size: int) -> list[dict[str, Any]]:
        return [
            {**like, "serial": number, **self.items.get(number, {})}
            for number in self.listing.page(page, size)
        ]


def pager_for(campus: NexportCampus, operation: SpecOperation, **paging: int) -> AsyncPager[Any]:
    """The pager of an operation, with all that it requires."""
    pager: AsyncPager[Any] = _called(campus, operation, paging)
    return pager


async def raw_page(campus: NexportCampus, operation: SpecOperation, **paging: int) -> RawResponse[Any]:
    """One page of it, as `campus.raw` gives it."""
    response: RawResponse[Any] = await _called(campus.raw, operation, paging)
    return response


def _called(areas: Any, operation: SpecOperation, paging: dict[str, int]) -> Any:
    method = getattr(getattr(areas, operation.area), operation.name)
    required = {item.name: item.given for item in operation.arguments if item.required}
    with pytest.deprecated_call() if operation.deprecated else nullcontext():
        return method(**required, **paging)


def serials(records: list[Any]) -> list[int]:
    """The numbers of records."""
    return [record.additional_properties["serial"] for record in records]


async def wait_until(condition: Callable[[], bool]) -> None:
    """Let everything else run until it is so; what is never so fails."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 -- a server, a client and a loop tell of it in no common way
            await asyncio.sleep(0)


async def collect_until_error(given: AsyncIterator[Any]) -> tuple[list[Any], NexportError]:
    """What comes before the error that ends it, and that error."""
    got: list[Any] = []
    try:
        async for each in given:
            got.append(each)  # noqa: PERF401 -- a comprehension would lose what came before the error
    except NexportError as error:
        return got, error
    raise AssertionError("it ended without an error")


@asynccontextmanager
async def serve_pages(source: PageResponder, **settings: Any) -> AsyncIterator[NexportCampus]:
    """A client of a served listing; once it is closed, the server must see all connections closed, and no task is left."""
    before = asyncio.all_tasks()
    async with ScriptedServer(source.answer) as server:
        async with campus_of(server, on_drift=_keep(source), **settings) as campus:
            yield campus
        source.let_go()
        await wait_until(lambda: not server._serving and asyncio.all_tasks() == before)


def _keep(source: PageResponder) -> Callable[[Drift], None]:
    """Keep the drift that is about paging: the records' serials are drift too."""

    def keep(drift: Drift) -> None:
        if drift.kind in {"total_changed", "page_ignored"}:
            source.drifts.append(drift)

    return keep


def item_error(code: int) -> dict[str, Any]:
    """What a record has that reports an error."""
    return error_entity(code, "not this one")
