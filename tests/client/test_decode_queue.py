"""Large answers are read one at a time, those of the oldest calls first."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexport_campus._http.decode_queue import DecodeQueue


@given(ages=st.lists(st.integers(0, 20), min_size=1, max_size=12), cancelled=st.sets(st.integers(1, 11)))
def test_the_oldest_goes_first(ages: list[int], cancelled: set[int]) -> None:
    """One at a time; of those that wait the lowest number, of equals the first; who is cancelled takes nobody's turn."""
    entered: list[int] = []

    async def call(turns: DecodeQueue, place: int) -> None:
        async with turns.take(ages[place]):
            entered.append(place)
            held = len(entered)
            await asyncio.sleep(0)
            assert len(entered) == held

    async def main() -> None:
        turns = DecodeQueue()
        calls = [asyncio.create_task(call(turns, place)) for place in range(len(ages))]
        await asyncio.sleep(0)
        for place in cancelled & set(range(len(ages))):
            calls[place].cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        async with turns.take(0):
            pass

    asyncio.run(main())
    waited = [place for place in range(1, len(ages)) if place not in cancelled]
    assert entered == [0, *sorted(waited, key=lambda place: (ages[place], place))]


async def test_a_turn_that_was_given_and_cancelled_at_once_is_passed_on() -> None:
    """A waiting call that is cancelled in the same moment as its turn comes leaves the turn to the next."""
    turns = DecodeQueue()
    async with turns.take(1):
        second = asyncio.create_task(_take(turns, 2))
        third = asyncio.create_task(_take(turns, 3))
        await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    assert await third


async def test_an_error_ends_a_turn() -> None:
    """What fails in its turn, or is cancelled before it begins, doesn't keep the others out."""
    turns = DecodeQueue()
    with pytest.raises(ZeroDivisionError):
        async with turns.take(1):
            raise ZeroDivisionError
    held = asyncio.create_task(_take(turns, 2))
    await asyncio.sleep(0)
    held.cancel()
    await asyncio.gather(held, return_exceptions=True)
    assert await _take(turns, 3)


async def _take(turns: DecodeQueue, age: int) -> bool:
    async with turns.take(age):
        return True
