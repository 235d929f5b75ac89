"""Log of the requests that the server received and the changes they made."""

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
    """One request. `status` is 0 until the response is sent, and stays 0 if the connection is reset."""

    number: int
    operation: str
    query: dict[str, str]
    status: int = 0
    fault: int | None = None
    changes: list[RecordedChange] = dataclasses.field(default_factory=list)


class RequestLog:
    """A log that keeps the latest requests and counts all of them."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=_KEPT)
        self._counts: Counter[str] = Counter()
        self._in_flight = 0
        self._peak = 0

    def open(self, operation: str, query: Mapping[str, str]) -> Entry:
        """Add an entry for an arriving request, without its token."""
        self._counts[operation] += 1
        self._in_flight += 1
        self._peak = max(self._peak, self._in_flight)
        kept = {name: value for name, value in query.items() if name != "access_token"}
        entry = Entry(self._counts.total(), operation, kept)
        self._entries.append(entry)
        return entry

    def close(self) -> None:
        """Count a request as finished."""
        self._in_flight -= 1

    def clear(self) -> None:
        """Remove all entries, but still count the requests in progress."""
        self._entries.clear()
        self._counts.clear()
        self._peak = self._in_flight

    def since(self, number: int) -> dict[str, Any]:
        """Return the entries after `number`, the counts of all requests, and the peak of concurrent requests."""
        entries = [dataclasses.asdict(entry) for entry in self._entries if entry.number > number]
        return {"entries": entries, "counts": dict(self._counts), "peak_in_flight": self._peak}
