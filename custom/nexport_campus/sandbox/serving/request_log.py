"""The books: what the server received and what it did about it."""

from __future__ import annotations

import dataclasses
from collections import Counter, deque
from collections.abc import Mapping
from typing import Any, Final

from nexport_campus.sandbox.campus_state import RecordedChange

__all__ = ["Entry", "RequestLog"]

_KEPT: Final = 20_000


@dataclasses.dataclass(slots=True)
class Entry:
    """One request. `status` is 0 until it is answered, and stays so where the connection was reset."""

    number: int
    operation: str
    query: dict[str, str]
    status: int = 0
    fault: int | None = None
    changes: list[RecordedChange] = dataclasses.field(default_factory=list)


class RequestLog:
    """Keeps the latest requests, and counts all of them."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=_KEPT)
        self._counts: Counter[str] = Counter()
        self._in_flight = 0
        self._peak = 0

    def open(self, operation: str, query: Mapping[str, str]) -> Entry:
        """Enter a request as it arrives; its token is not kept."""
        self._counts[operation] += 1
        self._in_flight += 1
        self._peak = max(self._peak, self._in_flight)
        kept = {name: value for name, value in query.items() if name != "access_token"}
        entry = Entry(self._counts.total(), operation, kept)
        self._entries.append(entry)
        return entry

    def close(self) -> None:
        """Note that a request is over."""
        self._in_flight -= 1

    def clear(self) -> None:
        """Forget everything but what is in work right now."""
        self._entries.clear()
        self._counts.clear()
        self._peak = self._in_flight

    def since(self, number: int) -> dict[str, Any]:
        """The entries after that one, the counts of all, and how many requests were in work at most."""
        entries = [dataclasses.asdict(entry) for entry in self._entries if entry.number > number]
        return {"entries": entries, "counts": dict(self._counts), "peak_in_flight": self._peak}
