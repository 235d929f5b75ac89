"""The enrollments whose records a run loads: those that changed since the last run, or those of a window."""

import logging
from collections.abc import AsyncGenerator, MutableMapping, Sequence
from datetime import datetime
from typing import Any

import attrs

from nexport_campus import ArgumentError, ChangeBatch, NexportCampus
from nexport_campus._changes.date_walk import DateWalk
from nexport_campus._changes.enrollment_dates import EDGE
from nexport_campus._changes.enrollment_search import EnrollmentSearch
from nexport_campus._changes.searches import narrow, split_ids
from nexport_client.models import ApiEnrollmentItem

__all__ = ["EnrollmentBatches"]

_logger = logging.getLogger("nexport_campus")


@attrs.frozen
class EnrollmentBatches:
    """The enrollments of a source.

    `org_ids`: the organizations. `since`: where the first run starts, or the start of the window. `until`: the end of the
    window of enrollment dates; None follows changes from run to run. `cursors`: where the last run ended, by campus and
    organizations; part of the pipeline's state.
    """

    base_url: str
    org_ids: Sequence[str]
    since: datetime | None
    until: datetime | None
    cursors: MutableMapping[str, str]

    def split_by_organization(self) -> list["EnrollmentBatches"]:
        """Return the enrollments of each organization."""
        return [attrs.evolve(self, org_ids=[org_id]) for org_id in self.org_ids]

    async def iterate(self, campus: NexportCampus) -> AsyncGenerator[list[ApiEnrollmentItem], None]:
        """Yield the enrollments, a page at a time; the position is kept once the next batch is requested."""
        if self.until is not None:
            async for items in self._window(campus, self.until):
                yield items
            return
        key = f"{self.base_url} {','.join(sorted(self.org_ids))}"
        async for batch in self._changes(campus, self.cursors.get(key)):
            if batch.items:
                yield batch.items
            self.cursors[key] = batch.cursor

    def _changes(self, campus: NexportCampus, cursor: str | None) -> AsyncGenerator[ChangeBatch, None]:
        """Return the feed after a cursor; without one, or if it can't be read, from the source's start."""
        if cursor is not None:
            try:
                return campus.enrollment_changes(org_ids=self.org_ids, cursor=cursor)
            except ArgumentError as error:
                _logger.warning("loading everything again: %s", error)
        return campus.enrollment_changes(org_ids=self.org_ids, since=self.since)

    async def _window(
        self, campus: NexportCampus, until: datetime
    ) -> AsyncGenerator[list[ApiEnrollmentItem], None]:
        """Yield the enrollments with `since <= enrollment_date < until`."""
        bounds = {"utc_enrolled_after": self.since and self.since - EDGE, "utc_enrolled_before": until + EDGE}
        for ids in split_ids({"org_ids": list(self.org_ids)}):
            walk = DateWalk(EnrollmentSearch(campus, narrow(ids, **bounds)), before=until)
            while (step := await walk.next()) is not None:
                if items := [item for item in step.items if self._is_within(item, until)]:
                    yield items

    def _is_within(self, item: ApiEnrollmentItem, until: datetime) -> bool:
        date: Any = item.enrollment_date
        return date is not None and (self.since is None or self.since <= date) and date < until
