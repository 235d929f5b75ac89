"""The enrollments of a span: the first page of each search, then the rest, cut into parts that are walked at once."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import aclosing
from datetime import datetime
from typing import TypeVar

import attrs

from nexport_client.client import AsyncPager
from nexport_client.models import ApiEnrollmentItem

from .checkpoint import Parent, Scan
from .children import parent_of
from .context import Work
from .datasets import Record
from .date_cursor import Step, walk
from .queries import EDGE, Span, arguments_of, belongs
from .worker_thread import at_once

__all__ = ["search_span"]

T = TypeVar("T")
_PARTS = 2
"""For each call at a time: the parts are of equal time, and some of them hold more than others."""


async def search_span(work: Work, span: Span) -> None:
    """Store all that the searches of a span find: as rows, or as what has to be asked for its records.

    Raises:
        NexportError: A page couldn't be had; what was stored before is where the next run goes on.
    """
    scans = await work.desk.do(work.store.scans)
    searcher = _Searcher(work, span)
    await at_once(work.plan.concurrency, _each(scan for scan in scans if not scan.begun), searcher.begin)
    searcher.resumed = {scan.number for scan in scans if scan.begun}
    scans = await work.desk.do(work.store.scans)
    await at_once(work.plan.concurrency, _each(scans), searcher.walk)


@attrs.define
class _Searcher:
    work: Work
    span: Span
    resumed: set[int] = attrs.field(factory=set)

    async def begin(self, scan: Scan) -> None:
        """The first page of a search, which says how much there is."""
        async with aclosing(self._steps(scan)) as steps:
            async for step in steps:
                self.work.progress.expect(step.total or len(step.items))
                parts = () if step.last else self._parts(scan, step)
                await self._save(scan, step, parts)
                if not step.last:
                    return
        await self.work.desk.do(self.work.store.end_scan, scan)

    async def walk(self, scan: Scan) -> None:
        """The rest of a search."""
        expected = scan.number not in self.resumed
        async with aclosing(self._steps(scan)) as steps:
            async for step in steps:
                if not expected:
                    self.work.progress.expect(step.total or len(step.items))
                    expected = True
                await self._save(scan, step)
        await self.work.desk.do(self.work.store.end_scan, scan)

    def _steps(self, scan: Scan) -> AsyncGenerator[Step, None]:
        arguments = arguments_of(scan.arguments)

        def search(after: datetime | None) -> AsyncPager[ApiEnrollmentItem]:
            bounds = {"utc_enrolled_after": after} if after is not None else {}
            return self.work.campus.learning.search_enrollments(
                **arguments | bounds, per_page=self.work.plan.per_page
            )

        return walk(search, scan.after)

    async def _save(self, scan: Scan, step: Step, parts: Iterable[Scan] = ()) -> None:
        found = [self._found(scan, item) for item in step.items if self._is_wanted(item)]
        await self.work.desk.do(self.work.store.save_page, scan, found, step.after, list(parts))
        self.work.progress.advance(step.fresh)

    def _is_wanted(self, item: ApiEnrollmentItem) -> bool:
        # A session of the span may be of an enrollment that was active after it.
        return self.work.plan.kind.parents == "users" or belongs(item, self.span)

    def _found(self, scan: Scan, item: ApiEnrollmentItem) -> Record | Parent:
        if self.work.plan.kind.parents is None:
            return Record(item)
        return parent_of(self.work.plan, scan.arguments, item, self.span)

    def _parts(self, scan: Scan, step: Step) -> list[Scan]:
        """The rest of a long search, cut by date of enrollment."""
        bound = scan.arguments.get("utc_enrolled_before")
        end = datetime.fromisoformat(bound) if bound else self.work.started
        if step.after is None or step.total is None or self.work.plan.concurrency == 1 or end <= step.after:
            return []
        pages = (step.total - len(step.items)) // len(step.items)
        count = min(pages, _PARTS * self.work.plan.concurrency)
        cuts = [step.after + (end - step.after) * place / count for place in range(1, count)] if count else []
        parts = []
        for begin, cut in zip([None, *cuts], [*cuts, None], strict=True):
            after = step.after if begin is None else max(step.after, begin - EDGE)
            until = {"utc_enrolled_before": cut.isoformat()} if cut else {}
            parts.append(Scan(0, scan.arguments | until, True, after))
        return parts


async def _each(items: Iterable[T]) -> AsyncIterator[T]:
    for item in items:
        yield item
