"""`ensure_enrollment` against a campus that loses responses, refuses searches, ignores filters or shows no duplicates."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nexport_campus import (
    APIError,
    ArgumentError,
    Drift,
    EnrollmentAlreadyExistsError,
    NexportCampus,
    NexportError,
    PermissionDeniedError,
    RequestTimeoutError,
    ResponseDecodeError,
    RetryPolicy,
    ServerError,
    TransportError,
)
from tests.ensure.enrollment_campus import IDS, LOST, NEW, Enrolling, enrollment, found
from tests.support.clients import campus_with
from tests.support.manual_clock import ManualClock, campus_on
from tests.support.scripted_server import Response, ScriptedServer, error_entity, html_response, json_response

REFUSED = json_response(error_entity(5, "Not authorized"), status=403)
DUPLICATE = json_response(error_entity(7, "Duplicate"), status=409)
NAMED = {name: value for name, value in IDS.items() if name != "syllabus_id"} | {
    "syllabus_unique_name": "SAFETY"
}


@asynccontextmanager
async def campus_at(
    enrolling: Enrolling, clock: ManualClock | None = None, **policy: Any
) -> AsyncIterator[NexportCampus]:
    """A client of a scripted campus, on a clock that waits for nothing."""
    async with (
        ScriptedServer(enrolling) as server,
        campus_on(clock or ManualClock(), server, retry=RetryPolicy(**policy)) as campus,
    ):
        yield campus


LOSSES = {
    "reset": LOST,
    "cut": Response(body=b"{", claimed_length=100, ending="close"),
    "gateway": html_response(504),
    "proxy": html_response(502),
    "page instead of JSON": html_response(200),
    "other JSON": json_response({"enrollment_id": None} | error_entity()),
}


@pytest.mark.parametrize("lost", LOSSES.values(), ids=LOSSES)
async def test_a_lost_response_is_settled(lost: Response) -> None:
    """Whatever becomes of the response, a search settles it: created, and no second create."""
    enrolling = Enrolling(found(), found(enrollment(7), warnings=["slow"]), create=lost)
    async with campus_at(enrolling) as campus:
        made = await campus.ensure_enrollment(**IDS)
    assert (made.enrollment_id, made.created, made.warnings) == (UUID(int=7), True, ("slow",))
    assert made.existing is not None
    assert made.existing.enrollment_id == made.enrollment_id
    assert (len(enrolling.created), len(enrolling.searched)) == (1, 2)


async def test_it_searches_at_the_delays_of_the_policy() -> None:
    """It searches at once, then after each delay of the policy; at last the error of the create is raised."""
    enrolling, clock = Enrolling(create=LOST), ManualClock()
    async with campus_at(enrolling, clock) as campus:
        with pytest.raises(TransportError) as caught:
            await campus.ensure_enrollment(**IDS)
    assert caught.value.maybe_applied
    assert caught.value.operation_id == "LearningApi_CreateEnrollment"
    assert clock.waits == [0.5, 1.0, 2.0]
    assert (len(enrolling.created), len(enrolling.searched)) == (1, 1 + 4)


async def test_a_late_enrollment_is_found() -> None:
    """A campus that is still at work when the connection breaks is given the time of the retry policy."""
    enrolling, clock = Enrolling(found(), found(), found(), found(enrollment()), create=LOST), ManualClock()
    async with campus_at(enrolling, clock) as campus:
        made = await campus.ensure_enrollment(**IDS)
    assert made.created
    assert clock.waits == [0.5, 1.0]


async def test_a_failed_search_counts_as_an_attempt() -> None:
    """While it settles, a search that fails is repeated as one that finds nothing is, and honours Retry-After."""
    busy = json_response({}, status=429, headers={"Retry-After": "7"})
    enrolling = Enrolling(found(), html_response(403), busy, LOST, found(enrollment()), create=LOST)
    clock = ManualClock()
    async with campus_at(enrolling, clock) as campus:
        made = await campus.ensure_enrollment(**IDS)
    assert made.created
    assert clock.waits == [0.5, 7.0, 2.0]


@pytest.mark.parametrize("answer", [REFUSED, json_response(error_entity(2, "Wrong"), status=422)])
async def test_a_search_that_can_not_settle_ends_it(answer: Response) -> None:
    """A search that the campus itself refuses isn't repeated: the error of the create is raised."""
    enrolling, clock = Enrolling(found(), answer, create=LOST), ManualClock()
    async with campus_at(enrolling, clock) as campus:
        with pytest.raises(TransportError) as caught:
            await campus.ensure_enrollment(**IDS)
    assert caught.value.maybe_applied
    assert (clock.waits, len(enrolling.searched)) == ([], 2)


async def test_without_retries_it_searches_once() -> None:
    """A policy of one attempt settles with one search."""
    enrolling = Enrolling(create=LOST)
    async with campus_at(enrolling, max_attempts=1) as campus:
        with pytest.raises(TransportError):
            await campus.ensure_enrollment(**IDS)
    assert len(enrolling.searched) == 2


SURE = {
    "code 1": json_response(error_entity(1, "Failed"), status=500),
    "code 3": json_response(error_entity(3, "No such user"), status=409),
    "code 5": REFUSED,
    "firewall": html_response(403),
    "not found by a gateway": html_response(404),
    "busy": json_response({}, status=429, headers={"Retry-After": "3600"}),
}


@pytest.mark.parametrize("answer", SURE.values(), ids=SURE)
async def test_an_error_that_changed_nothing_is_raised_at_once(answer: Response) -> None:
    """Where the campus can't have enrolled, nothing is searched for."""
    enrolling = Enrolling(create=answer)
    async with campus_at(enrolling) as campus:
        with pytest.raises(APIError) as caught:
            await campus.ensure_enrollment(**IDS)
    assert not caught.value.maybe_applied
    assert (len(enrolling.created), len(enrolling.searched)) == (1, 1)


UNSEARCHED = {
    "firewall": html_response(403),
    "empty 403": Response(status=403),
    "foreign JSON": json_response({"Message": "Forbidden"}, status=403),
    "not found by a gateway": html_response(404),
    "code 3": json_response(error_entity(3, "No such user"), status=409),
    "down": html_response(503),
    "lost": LOST,
}


@pytest.mark.parametrize("answer", UNSEARCHED.values(), ids=UNSEARCHED)
async def test_it_does_not_create_without_having_looked(answer: Response) -> None:
    """A search that failed for any other reason than the campus's own code 5 raises, and nothing is created."""
    enrolling = Enrolling(answer)
    async with campus_at(enrolling) as campus:
        with pytest.raises(NexportError) as caught:
            await campus.ensure_enrollment(**IDS)
    assert enrolling.created == []
    assert not caught.value.maybe_applied


async def test_an_account_that_may_not_search_enrolls() -> None:
    """If the campus itself refuses the search, its own check for duplicates decides."""
    enrolling = Enrolling(REFUSED)
    async with campus_at(enrolling) as campus:
        made = await campus.ensure_enrollment(**IDS)
    assert (made.enrollment_id, made.created, made.existing) == (NEW, True, None)


async def test_such_an_account_gets_the_error_of_a_lost_response() -> None:
    """Without a search nothing can be settled: the lost response raises."""
    enrolling = Enrolling(REFUSED, create=LOST)
    async with campus_at(enrolling) as campus:
        with pytest.raises(TransportError) as caught:
            await campus.ensure_enrollment(**IDS)
    assert caught.value.maybe_applied
    assert (len(enrolling.created), len(enrolling.searched)) == (1, 1)


@pytest.mark.parametrize("first", [found(), REFUSED], ids=["nothing found", "may not search"])
async def test_a_duplicate_that_only_the_campus_sees(first: Response) -> None:
    """A duplicate is searched for in its organization and in all, and found: not created."""
    enrolling = Enrolling(first, found(), found(enrollment(3)), create=DUPLICATE)
    async with campus_at(enrolling) as campus:
        made = await campus.ensure_enrollment(**IDS)
    assert (made.enrollment_id, made.created) == (UUID(int=3), False)
    assert [search.get("org_ids") for search in enrolling.searched] == [[IDS["org_id"]]] * 2 + [None]


@pytest.mark.parametrize("searches", [[found()], [REFUSED], [found(), REFUSED, REFUSED]])
async def test_a_duplicate_that_the_campus_does_not_show(searches: list[Response]) -> None:
    """Its own error is raised: only the caller can find out why."""
    enrolling = Enrolling(*searches, create=DUPLICATE)
    async with campus_at(enrolling) as campus:
        with pytest.raises(EnrollmentAlreadyExistsError):
            await campus.ensure_enrollment(**IDS)
    assert (len(enrolling.created), len(enrolling.searched)) == (1, 3)


async def test_a_search_for_a_duplicate_that_fails() -> None:
    """Its error is raised, since calling again may help."""
    enrolling = Enrolling(found(), html_response(503), create=DUPLICATE)
    async with campus_at(enrolling) as campus:
        with pytest.raises(ServerError):
            await campus.ensure_enrollment(**IDS)


async def test_a_campus_that_ignores_filters() -> None:
    """Enrollments of other users and in other syllabi are not taken for the one that is searched."""
    other = "99999999-9999-4999-8999-999999999999"
    strangers = [
        enrollment(8, user_id=other),
        enrollment(9, syllabus_id=other),
        enrollment(7, syllabus_id=None),
    ]
    async with campus_at(Enrolling(found(*strangers))) as campus:
        assert (await campus.ensure_enrollment(**IDS)).created
    async with campus_at(Enrolling(found(*strangers, enrollment(2)))) as campus:
        assert (await campus.ensure_enrollment(**IDS)).enrollment_id == UUID(int=2)


async def test_a_campus_that_ignores_unique_names() -> None:
    """Enrollments in several syllabi can't all be those of one unique name: nothing is created, and the error says so."""
    other = "99999999-9999-4999-8999-999999999999"
    enrolling = Enrolling(found(enrollment(1), enrollment(2, syllabus_id=other)))
    async with campus_at(enrolling) as campus:
        with pytest.raises(ResponseDecodeError, match=r"syllabus_unique_names.*syllabus_id"):
            await campus.ensure_enrollment(**NAMED)
    assert enrolling.created == []


@pytest.mark.parametrize("name", ["", "  "])
async def test_an_empty_unique_name_is_refused(name: str) -> None:
    """The campus ignores an empty filter, and would find an enrollment in any syllabus."""
    async with campus_with() as (campus, server):
        with pytest.raises(ArgumentError, match="syllabus_unique_name must not be empty") as caught:
            await campus.ensure_enrollment(**NAMED | {"syllabus_unique_name": name})
    assert caught.value.argument == "syllabus_unique_name"
    assert server.connections == 0


@settings(max_examples=25)
@given(st.permutations([1, 2, 3, 4]), st.booleans())
async def test_the_newest_of_several(order: list[int], undated: bool) -> None:
    """Of several enrollments the one of the latest date counts, whatever the campus's order; one without a date is the oldest."""
    items = [enrollment(number) for number in order]
    if undated:
        items[order.index(4)]["enrollment_date"] = None
    async with campus_at(Enrolling(found(*items))) as campus:
        existing = await campus.ensure_enrollment(**IDS)
    assert existing.enrollment_id == UUID(int=3 if undated else 4)


async def test_warnings_of_both_calls() -> None:
    """The campus's warnings are carried in order, each once."""
    created = json_response({"enrollment_id": str(NEW)} | error_entity(warnings=["hidden", "ended"]))
    enrolling = Enrolling(found(warnings=["obsolete", "hidden"]), create=created)
    async with campus_at(enrolling) as campus:
        made = await campus.ensure_enrollment(**IDS)
    assert made.warnings == ("obsolete", "hidden", "ended")
    async with campus_at(Enrolling(found(enrollment(), warnings=["obsolete"]))) as campus:
        made = await campus.ensure_enrollment(**IDS)
    assert (made.created, made.warnings) == (False, ("obsolete",))


async def test_total_timeout_bounds_the_whole() -> None:
    """The searches after a lost response stay within total_timeout."""
    enrolling, clock = Enrolling(create=LOST), ManualClock()
    async with campus_at(enrolling, clock, total_timeout=1.2) as campus:
        with pytest.raises(TransportError) as caught:
            await campus.ensure_enrollment(**IDS)
    assert caught.value.maybe_applied
    assert (clock.waits, len(enrolling.searched)) == ([0.5], 3)


async def test_nothing_is_created_when_the_time_is_over() -> None:
    """A search that used up total_timeout is followed by no create, so the outcome is known."""
    clock = ManualClock()

    class Slow(Enrolling):
        async def __call__(self, request: Any) -> Response:
            clock.now += 5
            return await super().__call__(request)

    enrolling = Slow()
    async with campus_at(enrolling, clock, total_timeout=4) as campus:
        with pytest.raises(RequestTimeoutError, match="the 4 s of total_timeout") as caught:
            await campus.ensure_enrollment(**IDS)
    assert not caught.value.maybe_applied
    assert enrolling.created == []


async def test_a_cancellation_while_it_creates() -> None:
    """A call that is cancelled while the campus enrolls is repeated without enrolling twice."""
    enrolling = Enrolling(found(), found(enrollment()), create=Response(gate=asyncio.Event()))
    async with campus_with(enrolling) as (campus, server):
        task = asyncio.create_task(campus.ensure_enrollment(**IDS))
        await server.wait_for_requests(2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        again = await campus.ensure_enrollment(**IDS)
    assert (again.enrollment_id, again.created) == (UUID(int=1), False)
    assert len(enrolling.created) == 1


async def test_a_timeout_while_it_creates() -> None:
    """A campus that doesn't answer in time may have enrolled: a search settles it."""
    enrolling = Enrolling(found(), found(enrollment()), create=Response(gate=asyncio.Event()))
    async with campus_with(enrolling, timeout=0.2) as (campus, _):
        made = await campus.ensure_enrollment(**IDS)
    assert (made.enrollment_id, made.created) == (UUID(int=1), True)


async def test_a_cancellation_while_it_settles() -> None:
    """It can be cancelled between two searches, and leaves nothing behind."""
    enrolling, clock = Enrolling(create=LOST), ManualClock()
    clock.gate = asyncio.Event()
    async with campus_at(enrolling, clock) as campus:
        task = asyncio.create_task(campus.ensure_enrollment(**IDS))
        await clock.waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert len(enrolling.created) == 1


async def test_drift_is_reported_once() -> None:
    """What differs from the spec is reported once to the function of a view, however often it enrolls."""
    reported: list[Drift] = []
    new = found(enrollment(new_field=1))
    async with campus_at(Enrolling(found(), new, create=LOST)) as campus:
        view = campus.with_options(on_drift=reported.append)
        for _ in range(3):
            await view.ensure_enrollment(**IDS)
    assert [drift.path for drift in reported] == ["enrollments[0].new_field"]


async def test_permission_denied_is_raised() -> None:
    """An account that may neither search nor enroll gets the campus's own refusal."""
    async with campus_at(Enrolling(REFUSED, create=REFUSED)) as campus:
        with pytest.raises(PermissionDeniedError):
            await campus.ensure_enrollment(**IDS)
