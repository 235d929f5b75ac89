"""The records of what has to be asked one by one: all are asked, and one that fails doesn't keep the others from it."""

from collections.abc import AsyncIterator
from typing import Final

import attrs

from nexport_campus._errors import (
    APIError,
    AuthenticationError,
    NotFoundError,
    PaginationError,
    PermissionDeniedError,
    RateLimitError,
    RequestTimeoutError,
    ResponseDecodeError,
)

from .checkpoint import Outcome, Parent
from .children import family_of
from .context import Work
from .server_clock import campus_time
from .worker_thread import at_once

__all__ = ["ask_all"]

_STOP: Final = (AuthenticationError, PermissionDeniedError, RateLimitError)
"""Nobody else would be answered either."""
_OF_ITS_OWN: Final = (APIError, ResponseDecodeError, PaginationError, RequestTimeoutError)
_PATIENCE: Final = 10
_BATCH: Final = 500


async def ask_all(work: Work, title: str) -> None:
    """Store the records of everything that was found; what failed is asked once more at the end.

    Raises:
        NexportError: The campus can't be had, or doesn't let us; what was stored before is where the next run goes on.
    """
    total = await work.desk.do(work.store.count)
    left = await work.desk.do(work.store.count, "open")
    work.progress.stage(title, total, total - left)
    asker = _Asker(work)
    await at_once(work.plan.concurrency, _open_parents(work), asker.ask)
    if again := await work.desk.do(work.store.reopen):
        work.progress.expect(again)
        await at_once(work.plan.concurrency, _open_parents(work), asker.ask)


@attrs.define
class _Asker:
    work: Work
    in_vain: int = 0

    async def ask(self, numbered: tuple[int, Parent]) -> None:
        number, parent = numbered
        outcome: Outcome = "done"
        error = None
        records = []
        try:
            family = await family_of(self.work.campus, self.work.plan, parent)
            records, errors = family.records, family.errors
            self.in_vain = 0
            if errors:
                outcome, error = "failed", "; ".join(errors)
        except NotFoundError:
            outcome = "absent"
        except _STOP:
            raise
        except _OF_ITS_OWN as failed:
            await self._bear()
            outcome, error = "failed", f"{_named(parent)}: {failed}"
        await self.work.desk.do(self.work.store.save_parent, number, records, outcome, error)
        self.work.progress.advance(1)

    async def _bear(self) -> None:
        """After many in a row, see whether it is the campus that fails: then nothing is gained by going on."""
        self.in_vain += 1
        if self.in_vain >= _PATIENCE:
            self.in_vain = 0
            await campus_time(self.work.campus, self.work.plan)


def _named(parent: Parent) -> str:
    """What was asked, such as `enrollment_id 8ebf2d8d-...`."""
    return ", ".join(f"{name} {value}" for name, value in parent.ids.items() if name.endswith("_id"))


async def _open_parents(work: Work) -> AsyncIterator[tuple[int, Parent]]:
    last = 0
    while batch := await work.desk.do(work.store.parents, _BATCH, last):
        for numbered in batch:
            yield numbered
        last = batch[-1][0]
