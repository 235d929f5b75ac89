"""The budget of a client: a storm of failures stops retrying instead of multiplying load, and passes."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexport_campus import NexportError, RetryPolicy, ServerError
from nexport_campus._retry import Budget
from tests.support.manual_clock import ManualClock, campus_on
from tests.support.scripted_server import Request, Response, ScriptedServer, error_entity, json_response
from tests.support.spec import SOME_ID

GOOD = json_response({"description": "Safety first"} | error_entity())
DOWN = json_response({}, 503)


@given(st.lists(st.booleans(), max_size=400))
def test_it_never_spends_more_than_it_has(steps: list[bool]) -> None:
    """A hundred retries at most without a success, and none is given back twice."""
    budget, spent, good = Budget(), 0, 0
    for is_retry in steps:
        if is_retry:
            spent += budget.spend()
        else:
            budget.refund()
            good += 1
    assert spent * Budget.COST <= Budget.CAPACITY + good


def test_it_is_never_fuller_than_full() -> None:
    """However many calls succeed: a hundred retries, and no more."""
    budget = Budget()
    for _ in range(1000):
        budget.refund(retries=3)
    assert sum(budget.spend() for _ in range(1000)) == 100


def test_a_call_that_succeeds_in_the_end_costs_nothing() -> None:
    """What its retries took is given back."""
    budget = Budget()
    for _ in range(1000):
        assert budget.spend()
        assert budget.spend()
        budget.refund(retries=2)


async def test_a_storm_of_600_failing_calls() -> None:
    """600 calls of four attempts each make 1,200 requests at most; then the campus is back, and so is the client."""
    down = True

    async def answer(request: Request) -> Response:
        return DOWN if down else GOOD

    async with (
        ScriptedServer(answer) as server,
        campus_on(ManualClock(), server, retry=RetryPolicy()) as campus,
    ):

        async def call() -> int:
            try:
                await campus.learning.get_section_description(section_id=SOME_ID)
            except ServerError as error:
                return error.attempts
            return 0

        attempts = await asyncio.gather(*(call() for _ in range(600)))
        assert sum(attempts) == len(server.requests) == 700
        down = False
        for _ in range(25):
            await campus.learning.get_section_description(section_id=SOME_ID)
        down = True
        with pytest.raises(ServerError) as caught:
            await campus.learning.get_section_description(section_id=SOME_ID)
    assert caught.value.attempts == 4


async def test_views_share_the_budget() -> None:
    """A storm through a view is the client's storm."""
    async with ScriptedServer(_always_down) as server, campus_on(ManualClock(), server) as campus:
        view = campus.with_options(retry=RetryPolicy(max_attempts=500))
        for client in (view, view, campus.with_options(retry=RetryPolicy())):
            with pytest.raises(NexportError):
                await client.learning.get_section_description(section_id=SOME_ID)
    assert len(server.requests) == 101 + 1 + 1


async def _always_down(request: Request) -> Response:
    return DOWN
