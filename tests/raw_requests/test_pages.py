"""`campus.request_pages`: any list of the campus, with the guarantees of the pagers of known operations."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexport_campus import (
    ArgumentError,
    AsyncPager,
    NexportCampus,
    NexportError,
    NotFoundError,
    PaginationError,
    ResponseDecodeError,
    RetryPolicy,
)
from tests.support.clients import campus_of, campus_with
from tests.support.manual_clock import ManualClock, campus_on
from tests.support.scripted_server import (
    Handler,
    Request,
    Response,
    ScriptedServer,
    error_entity,
    html_response,
    json_response,
)
from tests.support.spec import SOME_ID

# The test's own: no definition has it.
PATH = "/api/v1/AdminApi/GetUsersOfTests"


def records(count: int) -> list[dict[str, Any]]:
    """Return records with numbers."""
    return [{"number": number} for number in range(count)]


def numbers_of(request: Request, paging: str) -> tuple[int, int]:
    """Return the requested page and page size, wherever they were sent."""
    if paging == "query":
        sent: Any = dict(request.query)
    else:
        sent = request.json if paging == "body" else request.json[paging.partition(".")[2]]
    return int(sent["page"]), int(sent["per_page"])


async def collect_into(seen: list[Any], pager: AsyncPager[Any]) -> None:
    """Append the records of a pager to a list, which keeps those before an error."""
    async for record in pager:
        seen.append(record)  # noqa: PERF401 -- an error must not lose them


def serve(
    data: list[dict[str, Any]],
    *,
    most: int = 3,
    paging: str = "query",
    items: str | None = None,
    total: bool = True,
) -> Handler:
    """Return a handler that serves a list with pages of at most `most` records."""

    async def respond(request: Request) -> Response:
        page, per_page = numbers_of(request, paging)
        size = min(per_page, most)
        part = data[(page - 1) * size : page * size]
        if items is None:
            return json_response(part, headers={"X-Total-Count": str(len(data))} if total else {})
        count = {"total_count": len(data)} if total else {}
        return json_response({items: part} | count | error_entity())

    return respond


@pytest.mark.parametrize("total", [True, False], ids=["total", "no total"])
@pytest.mark.parametrize("items", [None, "users"])
@pytest.mark.parametrize("paging", ["query", "body", "body.paging", "body.Options"])
async def test_every_record_comes_once(paging: str, items: str | None, total: bool) -> None:
    """Wherever the page numbers go, and whether the response is the list or has it in a field."""
    data = records(8)
    async with campus_with(serve(data, paging=paging, items=items, total=total)) as (campus, server):
        pager = campus.request_pages("POST", PATH, items=items, paging=paging)
        assert isinstance(pager, AsyncPager)
        assert await pager.collect() == data
        assert [record async for record in pager] == data
        assert [page.items async for page in pager.pages()] == [data[:3], data[3:6], data[6:]]
        assert await pager.concurrent(3).collect() == data
        assert await pager.total() == (8 if total else None)
        first = await pager
    assert (first.items, first.number, first.total, first.has_next) == (
        data[:3],
        1,
        8 if total else None,
        True,
    )
    assert numbers_of(server.requests[0], paging) == (1, 1000)


@given(
    count=st.integers(0, 25),
    most=st.integers(1, 6),
    per_page=st.integers(1, 8),
    ahead=st.integers(1, 4),
    total=st.booleans(),
)
def test_any_list_is_read_whole(count: int, most: int, per_page: int, ahead: int, total: bool) -> None:
    """Whatever size the campus applies, every record comes once and in order."""
    data = records(count)

    async def run() -> None:
        async with campus_with(serve(data, most=most, total=total)) as (campus, _):
            pager = campus.request_pages("GET", PATH, per_page=per_page)
            assert await pager.concurrent(ahead).collect() == data

    asyncio.run(run())


async def test_params_and_body_are_sent_with_every_page() -> None:
    """The page numbers are added to what the user sends, also within an object of the body."""
    data = records(5)
    async with campus_with(serve(data, paging="body.paging")) as (campus, server):
        pager = campus.request_pages(
            "POST",
            PATH,
            params={"org_id": SOME_ID},
            json={"name": "x", "paging": {"sort": "name"}},
            paging="body.paging",
            per_page=3,
        )
        assert await pager.collect() == data
    for number, request in enumerate(server.requests, 1):
        assert request.query[0] == ("org_id", SOME_ID)
        assert request.json == {"name": "x", "paging": {"sort": "name", "page": number, "per_page": 3}}


async def test_a_page_to_start_with_and_a_limit() -> None:
    """`page` resumes, and a limit fetches no page beyond it."""
    data = records(9)
    async with campus_with(serve(data)) as (campus, server):
        assert await campus.request_pages("GET", PATH, page=3).collect() == data[6:]
        server.requests.clear()
        assert await campus.request_pages("GET", PATH).concurrent(4).collect(limit=2) == data[:2]
    assert len(server.requests) == 1


async def test_a_list_is_always_a_read() -> None:
    """A POST is retried, and its error never says that it may have been applied."""
    clock = ManualClock()
    replies = [html_response(503), json_response(records(1)), *[html_response(503)] * 3]
    async with (
        ScriptedServer(replies) as server,
        campus_on(clock, server, retry=RetryPolicy(max_attempts=3)) as campus,
    ):
        page = await campus.request_pages("POST", PATH)
        assert page.items == records(1)
        with pytest.raises(NexportError) as caught:
            await campus.request_pages("POST", PATH, page=2)
    assert (caught.value.attempts, caught.value.maybe_applied, caught.value.page) == (3, False, 2)


async def test_an_error_on_a_page_names_it() -> None:
    """All records before it have come, and `page=` resumes."""
    data = records(9)
    whole = serve(data)

    async def respond(request: Request) -> Response:
        if numbers_of(request, "query")[0] == 2:
            return json_response(error_entity(3, "gone"))
        return await whole(request)

    seen: list[Any] = []
    async with campus_with(respond) as (campus, _):
        with pytest.raises(NotFoundError) as caught:
            await collect_into(seen, campus.request_pages("GET", PATH))
    assert seen == data[:3]
    assert (caught.value.page, caught.value.operation_id) == (2, "AdminApi_GetUsersOfTests")


@pytest.mark.parametrize("items", [None, "users"])
async def test_an_element_that_reports_an_error(items: str | None) -> None:
    """It raises after the records before it, and `on_item_error` skips or yields it."""
    failing = {"number": 1} | error_entity(3, "not this one")
    data = [{"number": 0}, failing, {"number": 2} | error_entity()]
    seen: list[Any] = []
    async with campus_with(serve(data, items=items)) as (campus, _):
        pager = campus.request_pages("GET", PATH, items=items)
        with pytest.raises(NotFoundError, match="not this one") as caught:
            await collect_into(seen, pager)
        assert await pager.on_item_error("skip").collect() == [data[0], data[2]]
        assert await pager.on_item_error("yield").collect() == data
    assert seen == data[:1]
    assert (caught.value.page, caught.value.index) == (1, 1)


WRONG: dict[str, tuple[Any, str | None, str]] = {
    "an object in place of a list": ({"users": []}, None, ""),
    "nothing in place of a list": (None, None, ""),
    "a list in place of an object": ([], "users", "users"),
    "another field": ({"people": []}, "users", "users"),
    "a string in the field": ({"users": "all"}, "users", "users"),
    "an element that is not an object": ([{}, 7], None, "[1]"),
    "null as an element": ({"users": [{}, {}, None]}, "users", "users[2]"),
}


@pytest.mark.parametrize(("body", "items", "path"), WRONG.values(), ids=WRONG)
async def test_a_response_of_another_shape(body: Any, items: str | None, path: str) -> None:
    """It names the place and the page."""
    async with campus_with(json_response(body)) as (campus, _):
        with pytest.raises(ResponseDecodeError) as caught:
            await campus.request_pages("GET", PATH, items=items)
    error = caught.value
    assert (error.path, error.page, error.attempts, error.operation_id) == (
        path,
        1,
        1,
        "AdminApi_GetUsersOfTests",
    )
    assert error.snippet is not None


async def test_a_field_that_is_null_is_an_empty_list() -> None:
    """As in known operations."""
    async with campus_with(json_response({"users": None})) as (campus, _):
        assert await campus.request_pages("GET", PATH, items="users").collect() == []


async def test_numbers_of_records_are_exact() -> None:
    """Also those beyond 64 bits, whose pages are distinguished all the same."""
    body = Response(body=b'[{"a": 123456789012345678901234567890, "b": 0.1234567890123456789}]')
    async with campus_with(body, json_response([])) as (campus, _):
        found = await campus.request_pages("GET", PATH, per_page=1).collect()
    assert found == [{"a": 123456789012345678901234567890, "b": Decimal("0.1234567890123456789")}]


async def test_a_page_that_comes_again() -> None:
    """It is an error where a total says that more remain, and ends the run where none does."""
    same = [{"id": SOME_ID}]
    seen: list[Any] = []
    with_total = json_response(same, headers={"X-Total-Count": "5"})
    async with campus_with(*[with_total] * 2, on_drift=seen.append) as (campus, _):
        with pytest.raises(PaginationError):
            await campus.request_pages("GET", PATH).collect()
    async with campus_with(*[json_response(same)] * 2, on_drift=seen.append) as (campus, _):
        assert await campus.request_pages("GET", PATH).collect() == same
    assert [drift.kind for drift in seen] == ["page_ignored"]


async def test_an_abandoned_iteration_leaves_nothing() -> None:
    """No task outlives it."""
    before = asyncio.all_tasks()
    async with campus_with(serve(records(30))) as (campus, _):
        iterator = campus.request_pages("GET", PATH).concurrent(3).pages()
        await anext(iterator)
        await iterator.aclose()
        started = asyncio.all_tasks() - before
        assert [task for task in started if "ScriptedServer" not in repr(task)] == []


async def test_a_known_list_is_read_like_any_other() -> None:
    """The vendor's SearchEnrollments, with its numbers in the query and the records in a field."""
    path = "/api/v1/LearningApi/SearchEnrollments"
    data = records(4)
    async with campus_with(serve(data, items="enrollments")) as (campus, server):
        pager = campus.request_pages("POST", path, json={"org_ids": [SOME_ID]}, items="enrollments")
        assert await pager.collect() == data
    assert server.requests[0].json == {"org_ids": [SOME_ID]}


Pages = Callable[[NexportCampus], object]
REFUSED: dict[str, tuple[str, Pages]] = {
    "paging": ("paging", lambda campus: campus.request_pages("GET", PATH, paging="header")),
    "paging without a name": ("paging", lambda campus: campus.request_pages("GET", PATH, paging="body.")),
    "paging too deep": ("paging", lambda campus: campus.request_pages("GET", PATH, paging="body.a.b")),
    "page": ("page", lambda campus: campus.request_pages("GET", PATH, page=0)),
    "per_page": ("per_page", lambda campus: campus.request_pages("GET", PATH, per_page=0)),
    "items": ("items", lambda campus: campus.request_pages("GET", PATH, items="")),
    "page in params": ("params", lambda campus: campus.request_pages("GET", PATH, params={"Page": 2})),
    "per_page in params": (
        "params",
        lambda campus: campus.request_pages("GET", PATH, params={"per_page": 2}),
    ),
    "page in the body": (
        "json",
        lambda campus: campus.request_pages("POST", PATH, json={"page": 2}, paging="body"),
    ),
    "page in the object": (
        "json",
        lambda campus: campus.request_pages("POST", PATH, json={"p": {"page": 2}}, paging="body.p"),
    ),
    "a list as the body": (
        "json",
        lambda campus: campus.request_pages("POST", PATH, json=[], paging="body"),
    ),
    "no object there": (
        "json",
        lambda campus: campus.request_pages("POST", PATH, json={"p": 7}, paging="body.p"),
    ),
    "a token": ("params", lambda campus: campus.request_pages("GET", PATH, params={"access_token": "x"})),
    "method": ("method", lambda campus: campus.request_pages("LIST", PATH)),
}


@pytest.mark.parametrize(("argument", "call"), REFUSED.values(), ids=REFUSED)
async def test_invalid_arguments_are_refused_at_once(argument: str, call: Pages) -> None:
    """Before anything is sent, and before the pager is used."""
    async with ScriptedServer([]) as server, campus_of(server) as campus:
        with pytest.raises(ArgumentError, match=r"nothing was sent") as caught:
            call(campus)
    assert caught.value.argument == argument


async def test_a_parameter_named_page_is_allowed_elsewhere() -> None:
    """With paging in the body, the query may have a field of that name."""
    async with campus_with(json_response([])) as (campus, server):
        await campus.request_pages("POST", PATH, params={"page": "x"}, paging="body").collect()
    assert server.requests[0].query[0] == ("page", "x")
