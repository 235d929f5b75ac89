"""Compares the outcome of each write as the client knows it with the sandbox's request log."""

from collections import Counter
from collections.abc import Iterable
from enum import Enum

import attrs

from nexport_campus.sandbox import Change

__all__ = ["CREATED", "DELETED", "DROPPED", "EDITED", "SET", "Write", "WriteLedger", "WriteOutcome"]

CREATED = "enrollment created"
DROPPED = "enrollment dropped"
DELETED = "enrollment deleted"
EDITED = "SCORM data edited"
SET = "custom field values set"


class WriteOutcome(Enum):
    """The outcome of a write, as the client reported it or as a later read showed it."""

    DONE = "done"
    NOT_DONE = "not done"


@attrs.frozen
class Write:
    """One write: the change in the request log, the id of the changed object, and the outcome.

    `reported`: False if the client raised with `maybe_applied` and a later read showed the outcome.
    """

    change: str
    id: str
    outcome: WriteOutcome
    reported: bool = True


class WriteLedger:
    """The writes of one batch."""

    def __init__(self) -> None:
        self._writes: list[Write] = []

    def enter(self, write: Write) -> None:
        """Record a write."""
        self._writes.append(write)

    def find_mistakes(self, changes: Iterable[Change]) -> list[str]:
        """Return the differences: applied not exactly once, applied although it failed, applied without a request."""
        happened = Counter((change.what, change.id) for change in changes)
        found = []
        for write in self._writes:
            times = happened.pop((write.change, write.id), 0)
            if times != (write.outcome is WriteOutcome.DONE):
                source = "reported" if write.reported else "found afterwards"
                found.append(
                    f"{write.change} {write.id}: {times} times in the books, {write.outcome.value} as {source}"
                )
        return found + [
            f"{what} {thing}: {times} times, unknown to us" for (what, thing), times in happened.items()
        ]

    def count_outcomes(self) -> Counter[str]:
        """Count the writes by how their outcome is known and what it is."""
        return Counter(
            f"{'reported' if write.reported else 'maybe'} {write.outcome.value}" for write in self._writes
        )
