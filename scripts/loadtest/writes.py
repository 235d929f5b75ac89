"""The writing calls: their outcomes go into the ledger, and unknown outcomes are settled by a read."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar
from uuid import UUID

from nexport_campus import AuthenticationError, NexportCampus, NexportError

from .ledger import CREATED, DELETED, DROPPED, EDITED, SET, Write, WriteLedger, WriteOutcome
from .tally import Tally
from .targets import Attempt, Seat

__all__ = ["BatchWriter"]

T = TypeVar("T")
_FIELD = "po_number"
_MOST_ATTEMPTS = 50


class BatchWriter:
    """Makes the writes of one batch; afterwards `settle_unknown` settles those with an unknown outcome.

    `numbers` makes each written value unique, so that reading it back identifies the write.
    """

    def __init__(self, campus: NexportCampus, org_id: str, tally: Tally, numbers: Iterator[int]) -> None:
        self.ledger = WriteLedger()
        self._campus = campus
        self._org_id = org_id
        self._tally = tally
        self._numbers = numbers
        self._unknown: list[Callable[[], Awaitable[None]]] = []

    async def change_seat(self, seat: Seat, number: int) -> None:
        """Drop or delete the seat's enrollment; create one if it has none."""
        learning = self._campus.learning
        if seat.enrollment_id is None:
            await (self._create if number % 2 else self._ensure)(seat)
        elif number % 2:
            await self._leave(seat, DROPPED, learning.drop_enrollment(enrollment_id=seat.enrollment_id))
        else:
            await self._leave(seat, DELETED, learning.delete_enrollment(enrollment_id=seat.enrollment_id))

    async def set_field(self, attempt: Attempt) -> None:
        """Set a custom field."""
        text = f"load {next(self._numbers)}"

        async def is_applied() -> bool:
            values = await self._campus.learning.get_custom_enrollment_field_values(
                enrollment_id=attempt.enrollment_id, key=_FIELD
            )
            return [value.value for value in values] == [text]

        call = self._campus.learning.set_custom_enrollment_field_values(
            enrollment_id=attempt.enrollment_id, custom_enrollment_field_values={_FIELD: text}
        )
        await self._change("set_custom_enrollment_field_values", call, SET, attempt.enrollment_id, is_applied)

    async def edit_scorm(self, attempt: Attempt) -> None:
        """Change the title of a SCO."""
        text = f"load {next(self._numbers)}"

        async def is_applied() -> bool:
            scos = self._campus.scorm.get_cmi_data(
                enrollment_id=attempt.enrollment_id, assignment_id=attempt.assignment_id, cmi_element_names=[]
            )
            return [sco.title for sco in await scos.collect() if sco.sco_id == attempt.sco_id] == [text]

        call = self._campus.scorm.edit_scorm_data(
            assignment_status_id=attempt.status_id, sco_id=attempt.sco_id, title=text
        )
        await self._change("edit_scorm_data", call, EDITED, attempt.status_id, is_applied)

    async def settle_unknown(self) -> None:
        """Settle every write whose outcome is unknown. Raises NexportError if the campus cannot be read."""
        while self._unknown:
            await self._unknown.pop()()

    async def _change(
        self,
        kind: str,
        call: Awaitable[object],
        change: str,
        thing: UUID,
        is_applied: Callable[[], Awaitable[bool]],
    ) -> None:
        reported = await self._report_outcome(kind, call)
        if reported is not None:
            self.ledger.enter(Write(change, str(thing), reported))
            return

        async def settle() -> None:
            outcome = WriteOutcome.DONE if await _persistently(is_applied) else WriteOutcome.NOT_DONE
            self.ledger.enter(Write(change, str(thing), outcome, reported=False))

        self._unknown.append(settle)

    async def _leave(self, seat: Seat, change: str, call: Awaitable[object]) -> None:
        left = seat.enrollment_id
        reported = await self._report_outcome(
            "drop_enrollment" if change == DROPPED else "delete_enrollment", call
        )
        if reported is not None:
            self.ledger.enter(Write(change, str(left), reported))
            seat.enrollment_id = left if reported is WriteOutcome.NOT_DONE else None
            return

        async def settle() -> None:
            await self._occupy(seat)
            outcome = WriteOutcome.NOT_DONE if seat.enrollment_id == left else WriteOutcome.DONE
            self.ledger.enter(Write(change, str(left), outcome, reported=False))
            if outcome is WriteOutcome.DONE:
                self.ledger.enter(Write(CREATED, str(seat.enrollment_id), WriteOutcome.DONE))

        self._unknown.append(settle)

    async def _create(self, seat: Seat) -> None:
        async def created() -> None:
            made = await self._campus.learning.create_enrollment(
                org_id=self._org_id,
                user_id=seat.user_id,
                syllabus_id=seat.section_id,
                membership_group_ids=[],
            )
            seat.enrollment_id = made.enrollment_id

        await self._enroll(seat, "create_enrollment", created())

    async def _ensure(self, seat: Seat) -> None:
        async def ensured() -> None:
            made = await self._campus.ensure_enrollment(
                org_id=self._org_id, user_id=seat.user_id, syllabus_id=seat.section_id
            )
            self._tally.expect(made.created, "ensure_enrollment found an enrollment in a seat that was free")
            seat.enrollment_id = made.enrollment_id

        await self._enroll(seat, "ensure_enrollment", ensured())

    async def _enroll(self, seat: Seat, kind: str, call: Awaitable[None]) -> None:
        reported = await self._report_outcome(kind, call)
        if reported is WriteOutcome.DONE:
            self.ledger.enter(Write(CREATED, str(seat.enrollment_id), reported))
        elif reported is None:

            async def settle() -> None:
                await self._occupy(seat)
                self.ledger.enter(Write(CREATED, str(seat.enrollment_id), WriteOutcome.DONE, reported=False))

            self._unknown.append(settle)

    async def _occupy(self, seat: Seat) -> None:
        """Make sure that the seat is taken, whatever the outcome of the last write, and record its enrollment."""

        async def ensured() -> UUID:
            made = await self._campus.ensure_enrollment(
                org_id=self._org_id, user_id=seat.user_id, syllabus_id=seat.section_id
            )
            return made.enrollment_id

        seat.enrollment_id = await _persistently(ensured)

    async def _report_outcome(self, kind: str, call: Awaitable[object]) -> WriteOutcome | None:
        """Return the outcome of a write: applied, certainly not applied, or None if it is unknown."""
        try:
            await self._tally.count(kind, call)
        except NexportError as error:
            return None if error.maybe_applied else WriteOutcome.NOT_DONE
        return WriteOutcome.DONE


async def _persistently(call: Callable[[], Awaitable[T]], times: int = _MOST_ATTEMPTS) -> T:
    """Return the result of a call, repeating it after errors."""
    for _ in range(times - 1):
        try:
            return await call()
        except AuthenticationError:
            # Two faults in a row can reject a new token. The client takes that for a missing permission and doesn't log
            # in again for this operation, until its token is due for renewal, which is within 20 seconds.
            await asyncio.sleep(1)
        except NexportError:
            continue
    return await call()
