"""One call from the command line: what is asked of the campus, and how its answer is written."""

import warnings
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

import attrs
import click

from nexport_client.client import AsyncPager, Page
from nexport_client.kinds import Array

from ._connect import open_campus
from ._operations import Described
from ._output import note, warn
from ._records import Secrecy, write_value, writer

__all__ = ["Wishes", "call"]

_LARGE_PAGE = 1000


@attrs.frozen(kw_only=True)
class Wishes:
    """How an answer is wanted: its format, what of it stays out of sight, and which part of a list."""

    form: str
    secrecy: Secrecy
    page: int
    per_page: int | None
    limit: int | None
    all: bool


async def call(
    ctx: click.Context, described: Described, arguments: Mapping[str, object], wishes: Wishes
) -> None:
    """Make a call, and write what it gives to stdout. Raises NexportError."""
    operation = described.operation
    login = operation.token == "own" or (operation.token == "argument" and not arguments)
    async with open_campus(ctx, login=login) as campus:
        method = getattr(getattr(campus, described.area), described.method)
        with warnings.catch_warnings():
            # That it is obsolete has been told.
            warnings.simplefilter("ignore", DeprecationWarning)
            if operation.paging is not None:
                page_size = _page_size(wishes)
                pager = method(**arguments, page=wishes.page, per_page=page_size)
                await _write_pages(pager, described, wishes)
            else:
                _write(await method(**arguments), described, wishes)


def _write(value: Any, described: Described, wishes: Wishes) -> None:
    kind = described.operation.result
    if isinstance(kind, Array) and value is not None:
        out = writer(wishes.form, kind.item, wishes.secrecy)
        out.write(value)
        out.end()
    else:
        write_value(wishes.form, kind, value, wishes.secrecy)


async def _write_pages(pager: AsyncPager[Any], described: Described, wishes: Wishes) -> None:
    """Each page as it comes, up to the limit; without a limit and unless all are wanted, one."""
    out = writer(wishes.form, described.item, wishes.secrecy)
    count = 0
    async with aclosing(pager.pages()) as pages:
        async for page in pages:
            items = page.items if wishes.limit is None else page.items[: wishes.limit - count]
            out.write(items)
            count += len(items)
            if count == wishes.limit:
                break
            if wishes.limit is None and not wishes.all:
                if page.has_next and (page.total is not None or await _has_records(pages)):
                    of = "" if page.total is None else f" of {page.total}"
                    goes_on = f"--page {page.number + 1} goes on, --all gives all"
                    warn(f"{count}{of} records, and there are more: {goes_on}")
                break
    out.end()
    note(f"{count} records")


async def _has_records(pages: AsyncGenerator[Page[Any], None]) -> bool:
    """Whether there is another page with something in it: where no total is told, only the campus knows."""
    following = await anext(pages, None)
    return following is not None and bool(following.items)


def _page_size(wishes: Wishes) -> int | None:
    """No more than are wanted; but a page that is named counts pages of the usual size."""
    if wishes.per_page is None and wishes.limit is not None and wishes.page == 1:
        return min(wishes.limit, _LARGE_PAGE)
    return wishes.per_page
