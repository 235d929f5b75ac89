"""Execution of one call, and output of its result."""

import warnings
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, nullcontext
from typing import Any

import attrs
import click

from nexport_campus._calling.arguments import LARGE_PAGE
from nexport_client.kinds import Array, Kind
from nexport_client.operation import Operation
from nexport_client.protocols import AsyncPager
from nexport_client.results import Page

from .connection import open_campus
from .known_operations import find_record_kind
from .record_output import Secrecy, make_writer, write_value
from .standard_streams import note_change
from .terminal import note, warn

__all__ = ["OutputOptions", "call", "choose_page_size", "write_pages", "write_result"]


@attrs.frozen(kw_only=True)
class OutputOptions:
    """The output options of a call: format, masking, and which part of a list."""

    form: str
    secrecy: Secrecy
    page: int
    per_page: int | None
    limit: int | None
    all: bool


async def call(
    ctx: click.Context, operation: Operation[Any], arguments: Mapping[str, object], options: OutputOptions
) -> None:
    """Make a call and write its result to stdout. Raises NexportError, OutputError."""
    login = operation.token == "own" or (operation.token == "argument" and not arguments)
    async with open_campus(ctx, login=login) as campus:
        method = getattr(getattr(campus, operation.area), operation.name)
        with warnings.catch_warnings():
            # The command has already warned about obsolete operations.
            warnings.simplefilter("ignore", DeprecationWarning)
            if operation.paging is not None:
                pager = method(**arguments, page=options.page, per_page=choose_page_size(options))
                await write_pages(pager, find_record_kind(operation), options)
            else:
                result = await method(**arguments)
                with note_change(operation.full_name) if operation.effect == "write" else nullcontext():
                    write_result(result, operation.result, options)


def write_result(value: Any, kind: Kind, options: OutputOptions) -> None:
    """Write a whole result: a list as records, anything else as one value."""
    if isinstance(value, list):
        out = make_writer(options.form, kind.item if isinstance(kind, Array) else kind, options.secrecy)
        out.write(value)
        out.end()
    else:
        write_value(options.form, kind, value, options.secrecy)


async def write_pages(pager: AsyncPager[Any], kind: Kind, options: OutputOptions) -> None:
    """Write each page as it arrives: up to the limit, or all pages, or one. `kind` is that of the records."""
    out = make_writer(options.form, kind, options.secrecy)
    count = 0
    async with aclosing(pager.pages()) as pages:
        async for page in pages:
            items = page.items if options.limit is None else page.items[: options.limit - count]
            out.write(items)
            count += len(items)
            if count == options.limit:
                break
            if options.limit is None and not options.all:
                if page.has_next and (page.total is not None or await _has_records(pages)):
                    of = "" if page.total is None else f" of {page.total}"
                    more = f"--page {page.number + 1} has the next ones, --all has all"
                    warn(f"{count}{of} records; there are more: {more}")
                break
    out.end()
    note(f"{count} records")


async def _has_records(pages: AsyncGenerator[Page[Any], None]) -> bool:
    """Return whether the next page has records; without a total, only a request shows that."""
    following = await anext(pages, None)
    return following is not None and bool(following.items)


def choose_page_size(options: OutputOptions) -> int | None:
    """Return the page size: at most the limit, except with --page, whose numbers assume the default size."""
    if options.per_page is None and options.limit is not None and options.page == 1:
        return min(options.limit, LARGE_PAGE)
    return options.per_page
