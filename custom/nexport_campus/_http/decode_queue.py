"""A queue for decoding: large responses are decoded one at a time, those of the oldest calls first."""

import asyncio
import heapq

__all__ = ["DecodeQueue"]

_STEPS_TO_THE_WIRE = 4
"""Loop iterations between creating a request and writing it: its task, the stream's checkpoints, the socket."""


class DecodeQueue:
    """A lock that admits one call at a time, the oldest waiting call first.

    Pages that arrive together were requested in order and are consumed in order, so the consumer waits for the first.
    Decoding them one after another, with a pause before each that is long enough for a new request to leave, blocks the
    loop for one page at a time, and the next request is on its way while the remaining pages are decoded.
    """

    def __init__(self) -> None:
        self._busy = False
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._arrivals = 0

    def take(self, age: int) -> "_Turn":
        """Return an `async with` block that holds the lock. The lowest `age` of the waiting calls goes first."""
        return _Turn(self, age)

    async def enter(self, age: int) -> None:
        """Acquire the lock."""
        if not self._busy:
            self._busy = True
            return
        self._arrivals += 1
        turn = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (age, self._arrivals, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave()
            raise

    def leave(self) -> None:
        """Release the lock and admit the next call."""
        while self._waiting:
            *_, turn = heapq.heappop(self._waiting)
            if not turn.done():
                turn.set_result(None)
                return
        self._busy = False


class _Turn:
    """Asynchronous context manager of one turn.

    Not a generator: at shutdown the event loop closes generators separately, in the middle of their call.
    """

    def __init__(self, queue: DecodeQueue, age: int) -> None:
        self._queue = queue
        self._age = age

    async def __aenter__(self) -> None:
        await self._queue.enter(self._age)
        try:
            for _ in range(_STEPS_TO_THE_WIRE):
                await asyncio.sleep(0)
        except BaseException:
            self._queue.leave()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._queue.leave()
