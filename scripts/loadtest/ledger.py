"""What the client was told about its writes, held against what the sandbox's books say that happened."""

from collections import Counter
from collections.abc import Iterable
from enum import Enum

import attrs

from nexport_campus.sandbox import Change

__all__ = ["CREATED", "DELETED", "DROPPED", "EDITED", "SET", "Ledger", "Outcome", "Write"]

CREATED = "enrollment created"
DROPPED = "enrollment dropped"
DELETED = "enrollment deleted"
EDITED = "SCORM data edited"
SET = "custom field values set"


class Outcome(Enum):
    """What the client said of a write, or what looking afterwards showed."""

    DONE = "done"
    NOT_DONE = "not done"


@attrs.frozen
class Write:
    """One write: the change that it is in the books, the id of what it changes, and whether it was made.

    `told`: False where the client reported `maybe_applied`, and the outcome was found by looking afterwards.
    """

    change: str
    id: str
    outcome: Outcome
    told: bool = True


class Ledger:
    """The writes of one portion of a run."""

    def __init__(self) -> None:
        self._writes: list[Write] = []

    def enter(self, write: Write) -> None:
        """Note a write."""
        self._writes.append(write)

    def mistakes(self, changes: Iterable[Change]) -> list[str]:
        """Where the books differ: done and not exactly once, not done and done all the same, done and not asked for."""
        happened = Counter((change.what, change.id) for change in changes)
        found = []
        for write in self._writes:
            times = happened.pop((write.change, write.id), 0)
            if times != (write.outcome is Outcome.DONE):
                source = "told" if write.told else "found afterwards"
                found.append(
                    f"{write.change} {write.id}: {times} times in the books, {write.outcome.value} as {source}"
                )
        return found + [
            f"{what} {thing}: {times} times, unknown to us" for (what, thing), times in happened.items()
        ]

    def counts(self) -> Counter[str]:
        """How many were told and found to be done or not."""
        return Counter(f"{'told' if write.told else 'maybe'} {write.outcome.value}" for write in self._writes)
