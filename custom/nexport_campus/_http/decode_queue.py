"""Who may hold the loop: large answers are read one at a time, those of the oldest calls first."""

import asyncio
import heapq

__all__ = ["DecodeQueue"]

_STEPS_TO_THE_WIRE = 4
"""Turns of the loop from a request's being made to its being written: for its task, the stream's checkpoints, the socket."""


class DecodeQueue:
    """Lets one call in at a time; of those that wait, the oldest.

    Pages that arrive together are asked for, and consumed, in order: the first is what the consumer waits for. Read one
    after another, with a pause before each that is long enough for a new request to leave, they hold the loop for one
    page at a time, and the next request is on its way while the rest is still to be read.
    """

    def __init__(self) -> None:
        self._busy = False
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._came = 0

    def take(self, age: int) -> "_Turn":
        """A turn to enter with `async with`; the lower number of two that wait goes first."""
        return _Turn(self, age)

    async def enter(self, age: int) -> None:
        """Wait for a turn."""
        if not self._busy:
            self._busy = True
            return
        self._came += 1
        turn = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (age, self._came, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave()
            raise

    def leave(self) -> None:
        """End a turn; the next one's begins."""
        while self._waiting:
            *_, turn = heapq.heappop(self._waiting)
            if not turn.done():
                turn.set_result(None)
                return
        self._busy = False


class _Turn:
    """Not a generator: one that a loop's end finds would be closed on its own, in the middle of its call."""

    def __init__(self, turns: DecodeQueue, age: int) -> None:
        self._turns = turns
        self._age = age

    async def __aenter__(self) -> None:
        await self._turns.enter(self._age)
        try:
            for _ in range(_STEPS_TO_THE_WIRE):
                await asyncio.sleep(0)
        except BaseException:
            self._turns.leave()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._turns.leave()
