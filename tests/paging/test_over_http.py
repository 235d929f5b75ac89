"""All operations that page, over real HTTP, from request to model."""

import asyncio
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nexport_campus import APIError, Drift, NexportError, PaginationError, ResponseDecodeError, TransportError
from tests.paging.page_responder import (
    BODY_TOTALS,
    PAGED,
    PageResponder,
    collect_until_error,
    paged_operation,
    pager_for,
    raw_page,
    serials,
    serve_pages,
)
from tests.paging.paged_list import PagedList, honest, sizes
from tests.support.scripted_server import Response, error_entity, html_response, json_response
from tests.support.spec import SOME_ID, SpecOperation

EVERY = pytest.mark.parametrize("operation", PAGED, ids=str)
AHEAD = pytest.mark.parametrize("ahead", [1, 3])
ENROLLMENTS = paged_operation("LearningApi_GetSectionEnrollments")
SEARCH = paged_operation("LearningApi_SearchEnrollments")
SYLLABI = paged_operation("LearningApi_GetCatalogSyllabi")


def test_there_are_14_operations_that_page() -> None:
    """13 by query, and GetStudentSessions in its body."""
    assert len(PAGED) == 14
    assert [operation.name for operation in PAGED if operation.pages == "body"] == ["get_student_sessions"]


@EVERY
@AHEAD
@pytest.mark.parametrize("told", ["body", "headers", None])
async def test_every_operation_gives_every_record(
    operation: SpecOperation, ahead: int, told: Literal["body", "headers"] | None
) -> None:
    """Sequentially and ahead, with totals in the body, in headers or nowhere, from the pages that are needed."""
    if told == "body" and operation.id not in BODY_TOTALS:
        told = "headers"
    listing = PagedList(records=8, most=3, totals=("true",) if told else (None,), reported="asked")
    source = PageResponder(listing, where=told or "headers")
    async with serve_pages(source) as campus:
        records = await pager_for(campus, operation).concurrent(ahead).collect()
    assert serials(records) == list(range(8))
    assert sorted(source.asked)[:3] == [(1, 1000), (2, 1000), (3, 1000)]
    assert len(source.asked) <= (3 if told or ahead == 1 else 3 + ahead)
    assert source.drifts == []


@EVERY
async def test_every_operation_takes_page_and_size(operation: SpecOperation) -> None:
    """`page` and `per_page` are sent as given, and the first page tells what the server told."""
    source = PageResponder(PagedList(records=9, most=3, totals=("true",), reported="applied"))
    async with serve_pages(source) as campus:
        page = await pager_for(campus, operation, page=2, per_page=50)
        assert await pager_for(campus, operation, page=2, per_page=50).total() == 9
    assert (serials(page.items), page.number, page.size, page.total, page.has_next) == (
        [3, 4, 5],
        2,
        3,
        9,
        True,
    )
    assert source.asked == [(2, 50), (2, 50)]


@EVERY
async def test_every_operation_notices_that_page_is_ignored(operation: SpecOperation) -> None:
    """Each record comes once, and drift names the operation; where a total says that more remain it is an error."""
    source = PageResponder(PagedList(records=9, most=3, manner="ignores"))
    async with serve_pages(source) as campus:
        assert serials(await pager_for(campus, operation).collect()) == [0, 1, 2]
    assert [(drift.kind, drift.operation_id) for drift in source.drifts] == [("page_ignored", operation.id)]

    source = PageResponder(PagedList(records=9, most=3, manner="ignores", totals=("true",)))
    async with serve_pages(source) as campus:
        with pytest.raises(PaginationError, match=f"^{operation.id} page 2: "):
            await pager_for(campus, operation).collect()


@settings(max_examples=40)
@given(
    honest(),
    st.sampled_from(PAGED),
    st.integers(1, 3),
    sizes,
    st.integers(1, 4),
    st.none() | st.integers(0, 30),
    st.booleans(),
)
def test_whatever_the_server_does_the_records_come_once_and_in_order(
    listing: PagedList,
    operation: SpecOperation,
    first: int,
    asked: int,
    ahead: int,
    limit: int | None,
    in_body: bool,
) -> None:
    """The properties that were proven in memory hold over sockets."""
    where: Literal["body", "headers"] = "body" if in_body and operation.id in BODY_TOTALS else "headers"
    source = PageResponder(listing, where=where)

    async def run() -> list[Any]:
        async with serve_pages(source) as campus:
            return (
                await pager_for(campus, operation, page=first, per_page=asked)
                .concurrent(ahead)
                .collect(limit)
            )

    expected = listing.rest(first, asked)[:limit]
    assert serials(asyncio.run(run())) == expected
    assert source.drifts == []
    if len(expected) == limit:
        assert len(source.asked) == -(-limit // listing.size(asked))


BROKEN: list[tuple[Response, type[NexportError]]] = [
    (json_response(error_entity(5, "no"), 403), APIError),
    (json_response(error_entity(3, "gone")), APIError),
    (html_response(502), APIError),
    (json_response([], 200, cut_after=40), TransportError),
    (json_response("text"), ResponseDecodeError),
    (json_response(None), ResponseDecodeError),
    (Response(), ResponseDecodeError),
]


@AHEAD
@pytest.mark.parametrize("operation", [ENROLLMENTS, SEARCH], ids=str)
@pytest.mark.parametrize(("answer", "kind"), BROKEN)
async def test_an_error_names_its_page_and_resumes(
    answer: Response, kind: type[NexportError], operation: SpecOperation, ahead: int
) -> None:
    """Whatever goes wrong on page 3, the records before it have come, and `page=error.page` gives the others."""
    source = PageResponder(PagedList(records=11, most=2, totals=("true",)), instead={3: answer})
    async with serve_pages(source) as campus:
        records, error = await collect_until_error(aiter(pager_for(campus, operation).concurrent(ahead)))
        assert isinstance(error, kind)
        assert (error.page, error.operation_id) == (3, operation.id)
        assert f"{operation.id} page 3: " in str(error)
        source.instead = {}
        records += await pager_for(campus, operation, page=3).collect()
    assert serials(records) == list(range(11))


async def test_a_raw_page_that_fails_names_its_page() -> None:
    """`campus.raw` gives one page, and its error says which."""
    async with serve_pages(
        PageResponder(PagedList(records=4, most=2), instead={2: html_response(502)})
    ) as campus:
        with pytest.raises(APIError) as caught:
            await raw_page(campus, ENROLLMENTS, page=2)
    assert caught.value.page == 2


@pytest.mark.parametrize("told", ["", "many", "-1", "1.5", "+3", "0x10", "1_000", "3, 3", "9" * 5000, "²"])
async def test_a_header_that_is_no_number_tells_nothing(told: str) -> None:
    """Without a total that can be read, the records end the run."""
    body = [
        [{"syllabus_id": SOME_ID, "syllabus_name": f"{page}", "syllabus_type": 0} | error_entity()]
        for page in (1, 2)
    ]
    pages = [
        json_response(items, headers={"X-Total-Count": told, "X-Per-Page": told}) for items in (*body, [])
    ]
    source = PageResponder(PagedList(records=0, most=1), instead=dict(enumerate(pages, start=1)))
    async with serve_pages(source) as campus:
        assert [page.total async for page in pager_for(campus, SYLLABI).pages()] == [None] * 3


@pytest.mark.parametrize(("in_body", "total"), [(-5, 2), (None, 2), (0, 0), (2, 2)])
async def test_the_bodys_total_outranks_the_headers(in_body: int | None, total: int) -> None:
    """What can't be a total leaves it to the header."""
    answer = {"enrollments": [], "page": 1, "page_size": 30, "total_count": in_body} | error_entity()
    page = json_response(answer, headers={"X-Total-Count": "2"})
    async with serve_pages(PageResponder(PagedList(records=0, most=1), instead={1: page})) as campus:
        assert await pager_for(campus, SEARCH).total() == total


@pytest.mark.parametrize("jitter", [(9, 10, 8), (9, 3, 3), (9, 99, 9)])
@AHEAD
async def test_a_total_that_changes_is_told_and_loses_nothing(jitter: tuple[int, ...], ahead: int) -> None:
    """Drift says so, once; all records come."""
    source = PageResponder(PagedList(records=9, most=2, totals=jitter))
    async with serve_pages(source) as campus:
        assert serials(await pager_for(campus, SEARCH).concurrent(ahead).collect()) == list(range(9))
    assert [drift.kind for drift in source.drifts] == ["total_changed"]
    assert isinstance(source.drifts[0], Drift)


async def test_records_that_look_alike_all_come() -> None:
    """Attempts at a SCO that were never begun are the same in every field; a total says how many there are."""
    attempt = {
        "title": "Fire safety",
        "sco_id": "a",
        "cmi_fields": [],
        "start_date_utc": None,
    } | error_entity()
    page = json_response([attempt], headers={"X-Total-Count": "3"})
    source = PageResponder(PagedList(records=0, most=1), instead={1: page, 2: page, 3: page})
    async with serve_pages(source) as campus:
        records = await pager_for(campus, paged_operation("ScormApi_GetCmiData"), per_page=1).collect()
    assert len(records) == 3


async def test_records_without_an_id_that_differ_make_a_page_known() -> None:
    """A page of two different attempts, neither begun, is that page again when it comes again."""
    page = json_response(
        [{"title": title, "sco_id": "a", "cmi_fields": []} | error_entity() for title in ("Fire", "Water")],
        headers={"X-Total-Count": "6"},
    )
    source = PageResponder(PagedList(records=0, most=1), instead={1: page, 2: page, 3: page})
    async with serve_pages(source) as campus:
        with pytest.raises(PaginationError) as caught:
            await pager_for(campus, paged_operation("ScormApi_GetCmiData")).collect()
    assert caught.value.page == 2


async def test_pages_that_share_their_ends_are_not_the_same() -> None:
    """Only pages with the same records throughout are one page."""
    dates = ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"]
    pages = [
        [
            {"title": title, "sco_id": "", "cmi_fields": [], "start_date_utc": dates[0]} | error_entity()
            for title in titles
        ]
        for titles in ("axz", "ayz", "")
    ]
    source = PageResponder(
        PagedList(records=0, most=1), instead={n: json_response(p) for n, p in enumerate(pages, start=1)}
    )
    async with serve_pages(source) as campus:
        records = await pager_for(campus, paged_operation("LearningApi_GetCmiData")).collect()
    assert "".join(record.title for record in records) == "axzayz"
