"""Large responses are decoded one at a time, the oldest call's first."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexport_campus._http.decode_queue import DecodeQueue


@given(ages=st.lists(st.integers(0, 20), min_size=1, max_size=12), cancelled=st.sets(st.integers(1, 11)))
def test_the_oldest_call_goes_first(ages: list[int], cancelled: set[int]) -> None:
    """The waiting call with the lowest number decodes next, ties in order of arrival; cancelled calls are skipped."""
    entered: list[int] = []

    async def call(queue: DecodeQueue, place: int) -> None:
        async with queue.take(ages[place]):
            entered.append(place)
            held = len(entered)
            await asyncio.sleep(0)
            assert len(entered) == held

    async def main() -> None:
        queue = DecodeQueue()
        calls = [asyncio.create_task(call(queue, place)) for place in range(len(ages))]
        await asyncio.sleep(0)
        for place in cancelled & set(range(len(ages))):
            calls[place].cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        async with queue.take(0):
            pass

    asyncio.run(main())
    waited = [place for place in range(1, len(ages)) if place not in cancelled]
    assert entered == [0, *sorted(waited, key=lambda place: (ages[place], place))]


async def test_a_turn_of_a_cancelled_call_is_passed_on() -> None:
    """A waiting call that is cancelled just as its turn comes passes the turn on to the next call."""
    queue = DecodeQueue()
    async with queue.take(1):
        second = asyncio.create_task(take_turn(queue, 2))
        third = asyncio.create_task(take_turn(queue, 3))
        await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    assert await third


async def test_an_error_ends_a_turn() -> None:
    """A call that fails during its turn, or is cancelled before it, doesn't block the others."""
    queue = DecodeQueue()
    with pytest.raises(ZeroDivisionError):
        async with queue.take(1):
            raise ZeroDivisionError
    held = asyncio.create_task(take_turn(queue, 2))
    await asyncio.sleep(0)
    held.cancel()
    await asyncio.gather(held, return_exceptions=True)
    assert await take_turn(queue, 3)


async def take_turn(queue: DecodeQueue, age: int) -> bool:
    """Take a turn and return True."""
    async with queue.take(age):
        return True
