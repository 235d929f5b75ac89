"""A consumer of the change feed: it stores batches and cursors together, and may crash after any batch."""

from collections.abc import Callable
from contextlib import aclosing
from datetime import timedelta
from typing import Any
from uuid import UUID

import attrs

from nexport_campus import NexportCampus
from nexport_campus.models import ApiEnrollmentItem
from tests.support.moving_campus import ORG

__all__ = ["Mirror"]


@attrs.define
class Mirror:
    """What a consumer stored. `crashes`: called after each batch; True loses the batch and restarts at the last cursor."""

    campus: NexportCampus
    options: dict[str, Any] = attrs.field(factory=lambda: {"org_ids": [ORG]})
    crashes: Callable[[], bool] = lambda: False
    records: dict[UUID, ApiEnrollmentItem] = attrs.field(factory=dict)
    cursor: str | None = None
    batches: int = 0
    delivered: list[UUID] = attrs.field(factory=list)
    overlap: timedelta = timedelta(hours=1)

    async def run(self, **options: Any) -> None:
        """Complete one run, through any number of crashes."""
        while not await self._attempt(**options):
            pass

    async def _attempt(self, **options: Any) -> bool:
        changes = self.campus.enrollment_changes(
            **self.options, cursor=self.cursor, overlap=self.overlap, **options
        )
        async with aclosing(changes) as batches:
            async for batch in batches:
                lost = self.crashes()
                if lost and self.crashes():
                    return False
                self.batches += 1
                self.records |= {item.enrollment_id: item for item in batch.items}
                self.delivered += [item.enrollment_id for item in batch.items]
                self.cursor = batch.cursor.encode().decode()
                if batch.caught_up:
                    return True
                if lost:
                    return False
        raise AssertionError("the run ended without catching up")
