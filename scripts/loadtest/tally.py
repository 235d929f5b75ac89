"""The figures and mistakes of a run."""

from collections import Counter
from collections.abc import Awaitable
from typing import TypeVar

import attrs

from nexport_campus import APIError, ArgumentError, NexportError, PaginationError

__all__ = ["Tally"]

T = TypeVar("T")
_AMISS = frozenset({2, 3, 5, 6, 7, 8})
"""Error codes that no call can cause: every request is about an existing object, permitted, and not repeated."""


@attrs.define
class Tally:
    """Calls by kind and outcome, and descriptions of mistakes; `read` counts the records read."""

    calls: Counter[str] = attrs.field(factory=Counter)
    failed: Counter[str] = attrs.field(factory=Counter)
    unknown: Counter[str] = attrs.field(factory=Counter)
    errors: Counter[str] = attrs.field(factory=Counter)
    writes: Counter[str] = attrs.field(factory=Counter)
    mistakes: list[str] = attrs.field(factory=list)
    read: int = 0

    async def count(self, kind: str, call: Awaitable[T]) -> T:
        """Await a call and count its outcome. Raises NexportError as the call does."""
        self.calls[kind] += 1
        try:
            return await call
        except NexportError as error:
            (self.unknown if error.maybe_applied else self.failed)[kind] += 1
            self.errors[type(error).__name__] += 1
            amiss = isinstance(error, APIError) and error.error_code in _AMISS
            if amiss or isinstance(error, ArgumentError | PaginationError):
                self.mistakes.append(f"{kind}: {error}")
            raise

    def expect(self, right: bool, words: str) -> None:
        """Record a mistake unless `right`."""
        if not right:
            self.mistakes.append(words)
