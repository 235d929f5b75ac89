"""Every paged operation over real HTTP, from request to model."""

import asyncio
from typing import Any, Literal
from unittest.mock import Mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nexport_campus import APIError, Drift, NexportError, PaginationError, ResponseDecodeError, TransportError
from nexport_campus._calling import outcome_converter
from nexport_campus._paging.fingerprint import fingerprint_of_json
from nexport_client import OPERATIONS
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
from tests.support import spec
from tests.support.scripted_server import Response, error_entity, html_response, json_response
from tests.support.spec import SOME_ID, SpecOperation

EVERY = pytest.mark.parametrize("operation", PAGED, ids=str)
AHEAD = pytest.mark.parametrize("ahead", [1, 3])
ENROLLMENTS = paged_operation("LearningApi_GetSectionEnrollments")
SEARCH = paged_operation("LearningApi_SearchEnrollments")
SYLLABI = paged_operation("LearningApi_GetCatalogSyllabi")


def test_operations_that_page() -> None:
    """They are those of the generated data that have a mark, with the place of their page numbers."""
    marked = {each.id for each in spec.OPERATIONS}
    places = {each.id: each.paging.where for each in OPERATIONS.values() if each.paging and each.id in marked}
    assert {each.id: "query" if each.pages == "query" else "body" for each in PAGED} == places
    assert paged_operation("LearningApi_GetStudentSessions").pages == "object"


@EVERY
@AHEAD
@pytest.mark.parametrize("total_in", ["body", "headers", None])
async def test_every_operation_yields_every_record(
    operation: SpecOperation, ahead: int, total_in: Literal["body", "headers"] | None
) -> None:
    """All records arrive sequentially and with prefetching, with totals in the body, in headers or absent."""
    if total_in == "body" and operation.id not in BODY_TOTALS:
        total_in = "headers"
    listing = PagedList(records=8, most=3, totals=("true",) if total_in else (None,), reported="requested")
    source = PageResponder(listing, where=total_in or "headers")
    async with serve_pages(source) as campus:
        records = await pager_for(campus, operation).concurrent(ahead).collect()
    assert serials(records) == list(range(8))
    assert sorted(source.requested)[:3] == [(1, 1000), (2, 1000), (3, 1000)]
    assert len(source.requested) <= (3 if total_in or ahead == 1 else 3 + ahead)
    assert source.drifts == []


@EVERY
async def test_every_operation_sends_page_and_size(operation: SpecOperation) -> None:
    """`page` and `per_page` are sent as given, and `Page` has what the server reported."""
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
    assert source.requested == [(2, 50), (2, 50)]


@EVERY
async def test_every_operation_detects_an_ignored_page(operation: SpecOperation) -> None:
    """Each record is yielded once and drift names the operation; if a total says that more remain, it is an error."""
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
def test_records_are_yielded_once_and_in_order(
    listing: PagedList,
    operation: SpecOperation,
    first: int,
    per_page: int,
    ahead: int,
    limit: int | None,
    in_body: bool,
) -> None:
    """What holds for the fake source holds over sockets."""
    where: Literal["body", "headers"] = "body" if in_body and operation.id in BODY_TOTALS else "headers"
    source = PageResponder(listing, where=where)

    async def run() -> list[Any]:
        async with serve_pages(source) as campus:
            return (
                await pager_for(campus, operation, page=first, per_page=per_page)
                .concurrent(ahead)
                .collect(limit)
            )

    expected = listing.rest(first, per_page)[:limit]
    assert serials(asyncio.run(run())) == expected
    assert source.drifts == []
    if len(expected) == limit:
        assert len(source.requested) == -(-limit // listing.size(per_page))


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
@pytest.mark.parametrize(("response", "kind"), BROKEN)
async def test_an_error_names_its_page_and_iteration_resumes_there(
    response: Response, kind: type[NexportError], operation: SpecOperation, ahead: int
) -> None:
    """Whatever fails on page 3, the records before it are yielded, and `page=error.page` yields the others."""
    source = PageResponder(PagedList(records=11, most=2, totals=("true",)), overrides={3: response})
    async with serve_pages(source) as campus:
        records, error = await collect_until_error(aiter(pager_for(campus, operation).concurrent(ahead)))
        assert isinstance(error, kind)
        assert (error.page, error.operation_id) == (3, operation.id)
        assert f"{operation.id} page 3: " in str(error)
        source.overrides = {}
        records += await pager_for(campus, operation, page=3).collect()
    assert serials(records) == list(range(11))


async def test_a_failed_raw_page_names_its_page() -> None:
    """An error of `campus.raw` names the page that was requested."""
    async with serve_pages(
        PageResponder(PagedList(records=4, most=2), overrides={2: html_response(502)})
    ) as campus:
        with pytest.raises(APIError) as caught:
            await raw_page(campus, ENROLLMENTS, page=2)
    assert caught.value.page == 2


@pytest.mark.parametrize("header", ["", "many", "-1", "1.5", "+3", "0x10", "1_000", "3, 3", "9" * 5000, "²"])
async def test_a_header_that_is_not_a_number_is_ignored(header: str) -> None:
    """Without a readable total, an empty page ends the iteration."""
    body = [
        [{"syllabus_id": SOME_ID, "syllabus_name": f"{page}", "syllabus_type": 0} | error_entity()]
        for page in (1, 2)
    ]
    pages = [
        json_response(items, headers={"X-Total-Count": header, "X-Per-Page": header}) for items in (*body, [])
    ]
    source = PageResponder(PagedList(records=0, most=1), overrides=dict(enumerate(pages, start=1)))
    async with serve_pages(source) as campus:
        assert [page.total async for page in pager_for(campus, SYLLABI).pages()] == [None] * 3


@pytest.mark.parametrize(("in_body", "total"), [(-5, 2), (None, 2), (0, 0), (2, 2)])
async def test_the_total_in_the_body_outranks_the_header(in_body: int | None, total: int) -> None:
    """A value that can't be a total is ignored in favor of the header."""
    response = {"enrollments": [], "page": 1, "page_size": 30, "total_count": in_body} | error_entity()
    page = json_response(response, headers={"X-Total-Count": "2"})
    async with serve_pages(PageResponder(PagedList(records=0, most=1), overrides={1: page})) as campus:
        assert await pager_for(campus, SEARCH).total() == total


@pytest.mark.parametrize("jitter", [(9, 10, 8), (9, 3, 3), (9, 99, 9)])
@AHEAD
async def test_a_changed_total_is_reported_and_loses_nothing(jitter: tuple[int, ...], ahead: int) -> None:
    """Drift reports it once, and all records are yielded."""
    source = PageResponder(PagedList(records=9, most=2, totals=jitter))
    async with serve_pages(source) as campus:
        assert serials(await pager_for(campus, SEARCH).concurrent(ahead).collect()) == list(range(9))
    assert [drift.kind for drift in source.drifts] == ["total_changed"]
    assert isinstance(source.drifts[0], Drift)


@pytest.mark.parametrize("operation", [ENROLLMENTS, SEARCH], ids=str)
async def test_a_single_page_is_not_hashed(operation: SpecOperation, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first page or the total, requested by itself, is compared with nothing; iterating compares pages."""
    hashed = Mock(side_effect=fingerprint_of_json)
    monkeypatch.setattr(outcome_converter, "fingerprint_of_json", hashed)
    async with serve_pages(PageResponder(PagedList(records=3, most=3))) as campus:
        pager = pager_for(campus, operation)
        assert serials((await pager).items) == [0, 1, 2]
        await pager.total()
        hashed.assert_not_called()
        assert serials(await pager.collect()) == [0, 1, 2]
        hashed.assert_called()


async def test_identical_records_are_all_yielded() -> None:
    """SCO attempts that were never started are equal in every field; the total says how many there are."""
    attempt = {
        "title": "Fire safety",
        "sco_id": "a",
        "cmi_fields": [],
        "start_date_utc": None,
    } | error_entity()
    page = json_response([attempt], headers={"X-Total-Count": "3"})
    source = PageResponder(PagedList(records=0, most=1), overrides={1: page, 2: page, 3: page})
    async with serve_pages(source) as campus:
        records = await pager_for(campus, paged_operation("ScormApi_GetCmiData"), per_page=1).collect()
    assert len(records) == 3


async def test_a_repeated_page_of_records_without_ids_is_detected() -> None:
    """A page of two different attempts is recognized when it is sent again."""
    page = json_response(
        [{"title": title, "sco_id": "a", "cmi_fields": []} | error_entity() for title in ("Fire", "Water")],
        headers={"X-Total-Count": "6"},
    )
    source = PageResponder(PagedList(records=0, most=1), overrides={1: page, 2: page, 3: page})
    async with serve_pages(source) as campus:
        with pytest.raises(PaginationError) as caught:
            await pager_for(campus, paged_operation("ScormApi_GetCmiData")).collect()
    assert caught.value.page == 2


async def test_pages_with_equal_first_and_last_records_are_different() -> None:
    """Only pages that are equal in every record count as the same page."""
    dates = ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"]
    pages = [
        [
            {"title": title, "sco_id": "", "cmi_fields": [], "start_date_utc": dates[0]} | error_entity()
            for title in titles
        ]
        for titles in ("axz", "ayz", "")
    ]
    source = PageResponder(
        PagedList(records=0, most=1), overrides={n: json_response(p) for n, p in enumerate(pages, start=1)}
    )
    async with serve_pages(source) as campus:
        records = await pager_for(campus, paged_operation("LearningApi_GetCmiData")).collect()
    assert "".join(record.title for record in records) == "axzayz"
