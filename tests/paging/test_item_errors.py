"""List elements that report their own error, over real HTTP."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from nexport_campus import AsyncPager, NexportError, NotFoundError, PermissionDeniedError
from tests.paging.fake_source import settle
from tests.paging.page_responder import (
    PAGED,
    PageResponder,
    collect_until_error,
    item_error,
    paged_operation,
    pager_for,
    raw_page,
    serials,
    serve_pages,
    wait_until,
)
from tests.paging.paged_list import PagedList
from tests.support.spec import SpecOperation

SYLLABI = paged_operation("LearningApi_GetCatalogSyllabi")
WITH_ENTITY = [
    operation
    for operation in PAGED
    if operation.name
    not in {
        "search_enrollments",
        "get_catalogs",
        "get_categories",
        "get_student_sessions",
        "search_groups_for_permission",
    }
]
AHEAD = pytest.mark.parametrize("ahead", [1, 3])


def responder_with_errors(*numbers: int, records: int = 9) -> PageResponder:
    """Return a list with three records per page in which these records report that they are not found."""
    return PageResponder(
        PagedList(records=records, most=3, totals=("true",)),
        items={number: item_error(3) for number in numbers},
    )


@pytest.mark.parametrize("operation", WITH_ENTITY, ids=str)
@AHEAD
async def test_an_element_error_is_raised(operation: SpecOperation, ahead: int) -> None:
    """It is raised after the elements before it, with page and index; iterating from that page yields the others."""
    source = responder_with_errors(4)
    async with serve_pages(source) as campus:
        records, error = await collect_until_error(aiter(pager_for(campus, operation).concurrent(ahead)))
        assert isinstance(error, NotFoundError)
        assert (error.operation_id, error.page, error.index) == (operation.id, 2, 1)
        assert str(error).startswith(f"{operation.id} page 2 [1]: not this one")
        assert serials(records) == [0, 1, 2, 3]
        source.items = {}
        resumed = serials(await pager_for(campus, operation, page=2).collect())
        assert resumed[1:] == [4, 5, 6, 7, 8]


@pytest.mark.parametrize(
    "operation", [operation for operation in PAGED if operation not in WITH_ENTITY], ids=str
)
async def test_elements_without_an_error_entity_report_nothing(operation: SpecOperation) -> None:
    """Where the vendor's elements have no error entity, a key of that name is data."""
    async with serve_pages(responder_with_errors(4)) as campus:
        assert serials(await pager_for(campus, operation).collect()) == list(range(9))


@AHEAD
async def test_on_item_error_skips_or_yields(ahead: int) -> None:
    """`on_item_error("skip")` omits such elements and "yield" includes them, in records and in pages."""
    async with serve_pages(responder_with_errors(0, 4, 5)) as campus:
        pager = pager_for(campus, SYLLABI).concurrent(ahead)
        skipping, yielding = pager.on_item_error("skip"), pager.on_item_error("yield")
        assert serials(await skipping.collect()) == [1, 2, 3, 6, 7, 8]
        assert serials(await yielding.collect()) == list(range(9))
        assert [serials(page.items) async for page in skipping.pages()] == [[1, 2], [3], [6, 7, 8]]
        assert serials((await skipping).items) == [1, 2]
        assert serials((await yielding).items) == [0, 1, 2]
        assert (await yielding).items[0].api_error_entity.error_code == 3


@pytest.mark.parametrize(
    "choose",
    [
        lambda pager: pager.concurrent(3).on_item_error("skip"),
        lambda pager: pager.on_item_error("skip").concurrent(3),
    ],
    ids=["concurrent first", "on_item_error first"],
)
async def test_both_options_hold_in_either_order(
    choose: Callable[[AsyncPager[Any]], AsyncPager[Any]],
) -> None:
    """A list with both options is fetched ahead, and skips elements with an error."""
    source = responder_with_errors(0, 4, 5, records=18)
    source.held = lambda page: asyncio.Event() if page > 1 else None
    async with serve_pages(source) as campus:
        task = asyncio.create_task(choose(pager_for(campus, SYLLABI)).collect())
        await wait_until(lambda: len(source.requested) == 4)
        source.held = lambda _: None
        source.release_all()
        assert serials(await task) == [1, 2, 3, *range(6, 18)]


async def test_pages_end_before_the_element_error() -> None:
    """A page is cut before the element with the error, which is raised next; an empty page is not yielded."""
    for number, expected in ((4, [[0, 1, 2], [3]]), (3, [[0, 1, 2]])):
        async with serve_pages(responder_with_errors(number)) as campus:
            pages, error = await collect_until_error(pager_for(campus, SYLLABI).pages())
        assert [serials(page.items) for page in pages] == expected
        assert (type(error), error.page, error.index) == (NotFoundError, 2, number - 3)


async def test_awaiting_the_first_page_raises_the_element_error() -> None:
    """`await pager` can't return half a page and an error, so it raises; `total()` still works."""
    async with serve_pages(responder_with_errors(2)) as campus:
        with pytest.raises(NotFoundError) as caught:
            await pager_for(campus, SYLLABI)
        assert (caught.value.page, caught.value.index) == (1, 2)
        assert await pager_for(campus, SYLLABI).total() == 9


@AHEAD
async def test_a_limit_before_the_element_error_avoids_it(ahead: int) -> None:
    """An error beyond the limit doesn't matter, an error within it is raised, and skipped elements don't count."""
    async with serve_pages(responder_with_errors(4)) as campus:
        pager = pager_for(campus, SYLLABI).concurrent(ahead)
        assert serials(await pager.collect(4)) == [0, 1, 2, 3]
        with pytest.raises(NotFoundError):
            await pager.collect(5)
        assert serials(await pager.on_item_error("skip").collect(5)) == [0, 1, 2, 3, 5]


async def test_nothing_is_fetched_after_an_element_error() -> None:
    """A page that ends the iteration with an element's error starts no further requests."""
    source = responder_with_errors(1)
    async with serve_pages(source) as campus:
        pages = pager_for(campus, SYLLABI).concurrent(3).pages()
        await anext(pages)
        await settle()
        with pytest.raises(NotFoundError):
            await anext(pages)
    assert [page for page, _ in source.requested] == [1]


@pytest.mark.parametrize(("code", "kind"), [(3, NotFoundError), (5, PermissionDeniedError)])
async def test_the_error_code_selects_the_class(code: int, kind: type[NexportError]) -> None:
    """An element's code selects the same class as a response's, and a raw page raises it too."""
    async with serve_pages(
        PageResponder(PagedList(records=3, most=3), items={1: item_error(code)})
    ) as campus:
        for call in (pager_for(campus, SYLLABI), raw_page(campus, SYLLABI)):
            with pytest.raises(kind) as caught:
                await call
            assert (caught.value.page, caught.value.index) == (1, 1)
