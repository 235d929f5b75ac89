"""Reads every enrollment of the campus, several pages ahead, resuming after each error."""

import time
from datetime import UTC, datetime

import attrs

from nexport_campus import NexportCampus, NexportError
from nexport_campus.models import ApiEnrollmentItem
from nexport_campus.sandbox import Samples

from .memory import Memory

__all__ = ["Walk", "walk"]

_AHEAD = 8
_EARLIEST = datetime.min.replace(tzinfo=UTC)


@attrs.define
class Walk:
    """The result of reading `expected` enrollments; `resumed` counts the restarts after errors."""

    expected: int
    ids: bytearray = attrs.field(repr=False)
    received: int = 0
    resumed: int = 0
    seconds: float = 0.0
    in_order: bool = True
    memory: Memory = attrs.field(factory=Memory)
    _latest: datetime = _EARLIEST

    def take(self, enrollment: ApiEnrollmentItem) -> None:
        """Record one enrollment."""
        start = self.received * 16
        self.ids[start : start + 16] = enrollment.enrollment_id.bytes
        self.received += 1
        enrolled = enrollment.enrollment_date or _EARLIEST
        self.in_order = self.in_order and enrolled >= self._latest
        self._latest = enrolled
        if self.received % 1000 == 0:
            self.memory.sample(self.received / self.expected)

    def count_distinct(self) -> int:
        """The number of distinct enrollments."""
        return len({bytes(self.ids[start : start + 16]) for start in range(0, self.received * 16, 16)})

    def find_mistakes(self) -> list[str]:
        """Return a description of each mistake."""
        found = []
        if not self.received == self.count_distinct() == self.expected:
            found.append(
                f"the walk brought {self.received} records, {self.count_distinct()} different, of {self.expected}"
            )
        if not self.in_order:
            found.append("the walk's records came out of order")
        return found


async def walk(campus: NexportCampus, samples: Samples, expected: int) -> Walk:
    """Read all enrollments of the campus. Raises NexportError if resuming does not help."""
    # Allocated and touched beforehand, so that growth is the list's own.
    done = Walk(expected, bytearray(b"\xff") * (16 * (expected + 1)))
    started = time.monotonic()
    page = 1
    while True:
        enrollments = campus.learning.search_enrollments(org_ids=list(samples.org_ids), page=page)
        try:
            async for enrollment in enrollments.concurrent(_AHEAD):
                done.take(enrollment)
            break
        except NexportError as error:
            if error.page is None or done.resumed > 100:
                raise
            page = error.page
            done.resumed += 1
    done.seconds = time.monotonic() - started
    return done
