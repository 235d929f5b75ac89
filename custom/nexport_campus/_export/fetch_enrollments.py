"""Fetching the enrollments of a time range.

The first page of each query shows its length; the rest of a long query is split by date into parts that are fetched
concurrently.
"""

from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from typing import TypeVar

import attrs

from nexport_campus._changes.date_walk import DateWalk, Step
from nexport_campus._changes.enrollment_dates import EDGE
from nexport_campus._changes.enrollment_search import EnrollmentSearch
from nexport_client.models import ApiEnrollmentItem

from .checkpoint import Parent, Query
from .children import to_parent
from .context import ExportContext
from .datasets import Record
from .queries import TimeRange, get_enrollment_bound, is_in_range, to_arguments
from .worker_thread import for_each_concurrently

__all__ = ["fetch_enrollments"]

T = TypeVar("T")
_PARTS = 2
"""Parts per concurrent call: the parts cover equal times, but some hold more enrollments than others."""


async def fetch_enrollments(context: ExportContext, time_range: TimeRange) -> None:
    """Fetch and store the enrollments of a time range, as rows or as parents of the dataset's records.

    Raises:
        NexportError: A page couldn't be fetched; the next run resumes after the stored pages.
    """
    queries = await context.worker.do(context.checkpoint.load_queries)
    fetcher = _EnrollmentFetcher(context, time_range)
    await for_each_concurrently(
        context.request.concurrency, _iterate(query for query in queries if not query.begun), fetcher.begin
    )
    fetcher.resumed = {query.number for query in queries if query.begun}
    queries = await context.worker.do(context.checkpoint.load_queries)
    await for_each_concurrently(context.request.concurrency, _iterate(queries), fetcher.walk)


@attrs.define
class _EnrollmentFetcher:
    context: ExportContext
    time_range: TimeRange
    resumed: set[int] = attrs.field(factory=set)

    async def begin(self, query: Query) -> None:
        """Fetch the first page of a query, and split the rest."""
        walk = self._walk_of(query)
        while (step := await walk.next()) is not None:
            self.context.progress.expect(step.total or step.size)
            parts = () if step.last else self._parts(query, step)
            await self._save(query, step, parts)
            if not step.last:
                return
        await self.context.worker.do(self.context.checkpoint.end_query, query)

    async def walk(self, query: Query) -> None:
        """Fetch the rest of a query."""
        expected = query.number not in self.resumed
        walk = self._walk_of(query)
        while (step := await walk.next()) is not None:
            if not expected:
                self.context.progress.expect(step.total or step.size)
                expected = True
            await self._save(query, step)
        await self.context.worker.do(self.context.checkpoint.end_query, query)

    def _walk_of(self, query: Query) -> DateWalk:
        request = self.context.request
        search = EnrollmentSearch(self.context.campus, to_arguments(query.arguments), request.per_page)
        return DateWalk(
            search,
            query.after,
            before=get_enrollment_bound(request, self.time_range),
            now=lambda: self.context.started,
        )

    async def _save(self, query: Query, step: Step, parts: Iterable[Query] = ()) -> None:
        found = [self._to_record_or_parent(query, item) for item in step.items if self._is_wanted(item)]
        await self.context.worker.do(self.context.checkpoint.save_page, query, found, step.after, list(parts))
        self.context.progress.advance(len(step.items))

    def _is_wanted(self, item: ApiEnrollmentItem) -> bool:
        # A session in the time range may belong to an enrollment that was last active after it.
        return self.context.request.dataset.parents == "users" or is_in_range(item, self.time_range)

    def _to_record_or_parent(self, query: Query, item: ApiEnrollmentItem) -> Record | Parent:
        if self.context.request.dataset.parents is None:
            return Record(item)
        return to_parent(self.context.request, query.arguments, item, self.time_range)

    def _parts(self, query: Query, step: Step) -> list[Query]:
        """Split the rest of a long query by enrollment date."""
        bound = query.arguments.get("utc_enrolled_before")
        end = datetime.fromisoformat(bound) if bound else self._end()
        if (
            step.after is None
            or step.total is None
            or not step.size
            or self.context.request.concurrency == 1
            or end <= step.after
        ):
            return []
        pages = (step.total - step.size) // step.size
        count = min(pages, _PARTS * self.context.request.concurrency)
        cuts = [step.after + (end - step.after) * place / count for place in range(1, count)] if count else []
        parts = []
        for begin, cut in zip([None, *cuts], [*cuts, None], strict=True):
            after = step.after if begin is None else max(step.after, begin - EDGE)
            until = {"utc_enrolled_before": cut.isoformat()} if cut else {}
            parts.append(Query(0, query.arguments | until, True, after))
        return parts

    def _end(self) -> datetime:
        """Return the enrollment date at which the queries end."""
        return get_enrollment_bound(self.context.request, self.time_range) or self.context.started


async def _iterate(items: Iterable[T]) -> AsyncIterator[T]:
    for item in items:
        yield item
