"""A client's retry budget: in a storm of failures retrying stops instead of multiplying load, and later recovers."""

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
def test_the_budget_is_never_overdrawn(steps: list[bool]) -> None:
    """Without a success it allows a hundred retries, and none is refunded twice."""
    budget, spent, good = Budget(), 0, 0
    for is_retry in steps:
        if is_retry:
            spent += budget.spend()
        else:
            budget.refund()
            good += 1
    assert spent * Budget.COST <= Budget.CAPACITY + good


def test_the_budget_never_exceeds_its_size() -> None:
    """However many calls succeed, it allows a hundred retries at most."""
    budget = Budget()
    for _ in range(1000):
        budget.refund(retries=3)
    assert sum(budget.spend() for _ in range(1000)) == 100


def test_a_call_that_succeeds_costs_nothing() -> None:
    """Its retries are refunded."""
    budget = Budget()
    for _ in range(1000):
        assert budget.spend()
        assert budget.spend()
        budget.refund(retries=2)


async def test_a_storm_of_600_failing_calls() -> None:
    """600 calls of four attempts each send at most 1,200 requests; once the campus is back, calls succeed again."""
    down = True

    async def respond(request: Request) -> Response:
        return DOWN if down else GOOD

    async with (
        ScriptedServer(respond) as server,
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


async def test_retries_that_lead_to_success_are_free() -> None:
    """On a campus that fails every other request, each call succeeds with its retry, however many there are."""
    async with (
        ScriptedServer([DOWN, GOOD] * 130) as server,
        campus_on(ManualClock(), server, retry=RetryPolicy()) as campus,
    ):
        for _ in range(130):
            await campus.learning.get_section_description(section_id=SOME_ID)
    assert len(server.requests) == 260


async def test_views_share_the_budget() -> None:
    """A storm through a view spends the client's budget."""
    async with ScriptedServer(_always_down) as server, campus_on(ManualClock(), server) as campus:
        view = campus.with_options(retry=RetryPolicy(max_attempts=500))
        for client in (view, view, campus.with_options(retry=RetryPolicy())):
            with pytest.raises(NexportError):
                await client.learning.get_section_description(section_id=SOME_ID)
    assert len(server.requests) == 101 + 1 + 1


async def _always_down(request: Request) -> Response:
    return DOWN
