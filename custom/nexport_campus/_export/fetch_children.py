"""Fetching the records of all parents; a parent that fails doesn't stop the others."""

from collections.abc import AsyncIterator
from typing import Final

import attrs

from nexport_campus._errors import (
    APIError,
    AuthenticationError,
    NotFoundError,
    PaginationError,
    PermissionDeniedError,
    RateLimitError,
    RequestTimeoutError,
    ResponseDecodeError,
)

from .checkpoint import Parent, ParentState
from .children import fetch_child_records
from .context import ExportContext
from .server_clock import fetch_campus_time
from .worker_thread import for_each_concurrently

__all__ = ["fetch_children"]

_FATAL_ERRORS: Final = (AuthenticationError, PermissionDeniedError, RateLimitError)
"""Errors that every other request would raise as well."""
_RECORD_ERRORS: Final = (APIError, ResponseDecodeError, PaginationError, RequestTimeoutError)
_MAX_FAILURES_IN_A_ROW: Final = 10
_BATCH: Final = 500


async def fetch_children(context: ExportContext, title: str) -> None:
    """Fetch and store the records of all open parents, and retry each failed one once at the end.

    Raises:
        NexportError: The campus is unavailable or refuses access; the next run resumes after the stored parents.
    """
    total = await context.worker.do(context.checkpoint.count)
    left = await context.worker.do(context.checkpoint.count, "open")
    context.progress.stage(title, total, total - left)
    fetcher = _ChildFetcher(context)
    await for_each_concurrently(context.request.concurrency, _open_parents(context), fetcher.fetch)
    if again := await context.worker.do(context.checkpoint.reopen):
        context.progress.expect(again)
        await for_each_concurrently(context.request.concurrency, _open_parents(context), fetcher.fetch)


@attrs.define
class _ChildFetcher:
    context: ExportContext
    failures_in_a_row: int = 0

    async def fetch(self, numbered: tuple[int, Parent]) -> None:
        number, parent = numbered
        outcome: ParentState = "done"
        error = None
        records = []
        try:
            children = await fetch_child_records(self.context.campus, self.context.request, parent)
            records, errors = children.records, children.errors
            self.failures_in_a_row = 0
            if errors:
                outcome, error = "failed", "; ".join(errors)
        except NotFoundError:
            outcome = "absent"
        except _FATAL_ERRORS:
            raise
        except _RECORD_ERRORS as failed:
            await self._count_failure()
            outcome, error = "failed", f"{_describe(parent)}: {failed}"
        await self.context.worker.do(self.context.checkpoint.save_parent, number, records, outcome, error)
        self.context.progress.advance(1)

    async def _count_failure(self) -> None:
        """After many failures in a row, check the campus with a small request, which raises if the campus is down."""
        self.failures_in_a_row += 1
        if self.failures_in_a_row >= _MAX_FAILURES_IN_A_ROW:
            self.failures_in_a_row = 0
            await fetch_campus_time(self.context.campus, self.context.request)


def _describe(parent: Parent) -> str:
    """Return the ids of a parent, such as `enrollment_id 8ebf2d8d-...`."""
    return ", ".join(f"{name} {value}" for name, value in parent.ids.items() if name.endswith("_id"))


async def _open_parents(context: ExportContext) -> AsyncIterator[tuple[int, Parent]]:
    last = 0
    while batch := await context.worker.do(context.checkpoint.load_parents, _BATCH, last):
        for numbered in batch:
            yield numbered
        last = batch[-1][0]
