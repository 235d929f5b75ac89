"""`ensure_enrollment` with a campus that loses responses, refuses searches, ignores filters or hides duplicates."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
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
from tests.ensure.enrollment_campus import IDS, LOST, NEW, EnrollmentCampus, enrollment, found
from tests.support.clients import campus_with
from tests.support.manual_clock import ManualClock, campus_on
from tests.support.scripted_server import (
    Request,
    Response,
    ScriptedServer,
    error_entity,
    html_response,
    json_response,
)

REFUSED = json_response(error_entity(5, "Not authorized"), status=403)
DUPLICATE = json_response(error_entity(7, "Duplicate"), status=409)
NAMED = {name: value for name, value in IDS.items() if name != "syllabus_id"} | {
    "syllabus_unique_name": "SAFETY"
}


@asynccontextmanager
async def campus_at(
    enrolling: EnrollmentCampus, clock: ManualClock | None = None, **policy: Any
) -> AsyncIterator[NexportCampus]:
    """Return a client of a scripted campus, on a clock that doesn't wait."""
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
    """Whatever happens to the response, a search finds the enrollment: created, without a second create."""
    enrolling = EnrollmentCampus(found(), found(enrollment(7), warnings=["slow"]), create=lost)
    async with campus_at(enrolling) as campus:
        made = await campus.ensure_enrollment(**IDS)
    assert (made.enrollment_id, made.created, made.warnings) == (UUID(int=7), True, ("slow",))
    assert made.existing is not None
    assert made.existing.enrollment_id == made.enrollment_id
    assert (len(enrolling.created), len(enrolling.searched)) == (1, 2)
    for search in enrolling.searched:
        assert {name: search[f"{name}s"] for name in IDS} == {name: [value] for name, value in IDS.items()}


async def test_groups_are_sent() -> None:
    """The create has all groups, in their order, and the three ids; the searches have no groups."""
    groups = ["55555555-5555-4555-8555-555555555555", "66666666-6666-4666-8666-666666666666"]
    enrolling = EnrollmentCampus()
    async with campus_at(enrolling) as campus:
        await campus.ensure_enrollment(**IDS, membership_group_ids=[UUID(groups[0]), groups[1]])
    assert enrolling.created == [IDS | {"membership_group_ids": groups}]
    assert "membership_group_ids" not in enrolling.searched[0]


async def test_an_enrollment_in_another_organization() -> None:
    """It isn't returned instead of the requested one."""
    enrolling = OtherOrganizationCampus()
    async with campus_at(enrolling) as campus:
        made = await campus.ensure_enrollment(**IDS)
    assert (made.enrollment_id, made.created) == (NEW, True)


async def test_an_enrollment_in_another_organization_after_a_lost_response() -> None:
    """It isn't taken for the one that the campus may have created."""
    enrolling = OtherOrganizationCampus(create=LOST)
    async with campus_at(enrolling) as campus:
        with pytest.raises(TransportError) as caught:
            await campus.ensure_enrollment(**IDS)
    assert caught.value.maybe_applied
    assert len(enrolling.created) == 1


class OtherOrganizationCampus(EnrollmentCampus):
    """A campus where the user is only enrolled in another organization, which unfiltered searches find."""

    async def __call__(self, request: Request) -> Response:
        """Return the response to a request."""
        response = await super().__call__(request)
        if request.operation_id == "LearningApi_SearchEnrollments" and "org_ids" not in request.json:
            return found(enrollment(5))
        return response


async def test_searches_follow_the_delays_of_the_policy() -> None:
    """It searches at once and after each delay of the policy; finally the create's error is raised."""
    enrolling, clock = EnrollmentCampus(create=LOST), ManualClock()
    async with campus_at(enrolling, clock) as campus:
        with pytest.raises(TransportError) as caught:
            await campus.ensure_enrollment(**IDS)
    assert caught.value.maybe_applied
    assert caught.value.operation_id == "LearningApi_CreateEnrollment"
    assert clock.waits == [0.5, 1.0, 2.0]
    assert (len(enrolling.created), len(enrolling.searched)) == (1, 1 + 4)


async def test_a_late_enrollment_is_found() -> None:
    """A campus that is still enrolling when the connection breaks has the retry policy's time to finish."""
    enrolling, clock = (
        EnrollmentCampus(found(), found(), found(), found(enrollment()), create=LOST),
        ManualClock(),
    )
    async with campus_at(enrolling, clock) as campus:
        made = await campus.ensure_enrollment(**IDS)
    assert made.created
    assert clock.waits == [0.5, 1.0]


async def test_a_failed_search_counts_as_an_attempt() -> None:
    """After a lost response, a failed search is repeated like an empty one, and honors Retry-After."""
    busy = json_response({}, status=429, headers={"Retry-After": "7"})
    enrolling = EnrollmentCampus(found(), html_response(403), busy, LOST, found(enrollment()), create=LOST)
    clock = ManualClock()
    async with campus_at(enrolling, clock) as campus:
        made = await campus.ensure_enrollment(**IDS)
    assert made.created
    assert clock.waits == [0.5, 7.0, 2.0]


@pytest.mark.parametrize("response", [REFUSED, json_response(error_entity(2, "Wrong"), status=422)])
async def test_a_refused_search_ends_the_searches(response: Response) -> None:
    """A search that the campus itself refuses isn't repeated: the create's error is raised."""
    enrolling, clock = EnrollmentCampus(found(), response, create=LOST), ManualClock()
    async with campus_at(enrolling, clock) as campus:
        with pytest.raises(TransportError) as caught:
            await campus.ensure_enrollment(**IDS)
    assert caught.value.maybe_applied
    assert (clock.waits, len(enrolling.searched)) == ([], 2)


async def test_without_retries_it_searches_once() -> None:
    """With a policy of one attempt, it searches once."""
    enrolling = EnrollmentCampus(create=LOST)
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


@pytest.mark.parametrize("response", SURE.values(), ids=SURE)
async def test_an_error_that_changed_nothing_is_raised_at_once(response: Response) -> None:
    """If the campus can't have enrolled, it doesn't search."""
    enrolling = EnrollmentCampus(create=response)
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


@pytest.mark.parametrize("response", UNSEARCHED.values(), ids=UNSEARCHED)
async def test_nothing_is_created_without_a_search(response: Response) -> None:
    """If a search fails for another reason than code 5, it is raised, and nothing is created."""
    enrolling = EnrollmentCampus(response)
    async with campus_at(enrolling) as campus:
        with pytest.raises(NexportError) as caught:
            await campus.ensure_enrollment(**IDS)
    assert enrolling.created == []
    assert not caught.value.maybe_applied


async def test_an_account_that_may_not_search_enrolls() -> None:
    """If the campus itself refuses the search, its own check for duplicates decides."""
    enrolling = EnrollmentCampus(REFUSED)
    async with campus_at(enrolling) as campus:
        made = await campus.ensure_enrollment(**IDS)
    assert (made.enrollment_id, made.created, made.existing) == (NEW, True, None)


async def test_a_lost_response_without_search_permission() -> None:
    """Without a search the outcome is unknown: the lost response raises."""
    enrolling = EnrollmentCampus(REFUSED, create=LOST)
    async with campus_at(enrolling) as campus:
        with pytest.raises(TransportError) as caught:
            await campus.ensure_enrollment(**IDS)
    assert caught.value.maybe_applied
    assert (len(enrolling.created), len(enrolling.searched)) == (1, 1)


@pytest.mark.parametrize("first", [found(), REFUSED], ids=["nothing found", "may not search"])
async def test_a_duplicate_reported_by_the_campus(first: Response) -> None:
    """A duplicate is searched in its organization, then in all, and returned as existing."""
    enrolling = EnrollmentCampus(first, found(), found(enrollment(3)), create=DUPLICATE)
    async with campus_at(enrolling) as campus:
        made = await campus.ensure_enrollment(**IDS)
    assert (made.enrollment_id, made.created) == (UUID(int=3), False)
    assert [search.get("org_ids") for search in enrolling.searched] == [[IDS["org_id"]]] * 2 + [None]


@pytest.mark.parametrize("searches", [[found()], [REFUSED], [found(), REFUSED, REFUSED]])
async def test_a_duplicate_that_the_campus_does_not_show(searches: list[Response]) -> None:
    """The campus's own error is raised: only the caller can find out why."""
    enrolling = EnrollmentCampus(*searches, create=DUPLICATE)
    async with campus_at(enrolling) as campus:
        with pytest.raises(EnrollmentAlreadyExistsError):
            await campus.ensure_enrollment(**IDS)
    assert (len(enrolling.created), len(enrolling.searched)) == (1, 3)


async def test_a_search_for_a_duplicate_that_fails() -> None:
    """The search's error is raised, since calling again may help."""
    enrolling = EnrollmentCampus(found(), html_response(503), create=DUPLICATE)
    async with campus_at(enrolling) as campus:
        with pytest.raises(ServerError):
            await campus.ensure_enrollment(**IDS)


async def test_a_campus_that_ignores_filters() -> None:
    """Enrollments of other users and in other syllabi are not taken for the requested one."""
    other = "99999999-9999-4999-8999-999999999999"
    strangers = [
        enrollment(8, user_id=other),
        enrollment(9, syllabus_id=other),
        enrollment(7, syllabus_id=None),
    ]
    async with campus_at(EnrollmentCampus(found(*strangers))) as campus:
        assert (await campus.ensure_enrollment(**IDS)).created
    async with campus_at(EnrollmentCampus(found(*strangers, enrollment(2)))) as campus:
        assert (await campus.ensure_enrollment(**IDS)).enrollment_id == UUID(int=2)


async def test_a_campus_that_ignores_unique_names() -> None:
    """Enrollments in several syllabi can't all match one unique name: the error says so, and nothing is created."""
    other = "99999999-9999-4999-8999-999999999999"
    enrolling = EnrollmentCampus(found(enrollment(1), enrollment(2, syllabus_id=other)))
    async with campus_at(enrolling) as campus:
        with pytest.raises(ResponseDecodeError, match=r"syllabus_unique_names.*syllabus_id"):
            await campus.ensure_enrollment(**NAMED)
    assert enrolling.created == []


async def test_by_unique_name() -> None:
    """It creates if nothing is found, and finds the enrollment, with the name instead of the id in both requests."""
    enrolling = EnrollmentCampus(found(), found(enrollment(2), enrollment(3)))
    async with campus_at(enrolling) as campus:
        made, again = [await campus.ensure_enrollment(**NAMED) for _ in range(2)]
    assert (made.enrollment_id, made.created) == (NEW, True)
    assert (again.enrollment_id, again.created) == (UUID(int=3), False)
    assert enrolling.created == [NAMED | {"membership_group_ids": []}]
    for search in enrolling.searched:
        assert search["syllabus_unique_names"] == ["SAFETY"]
        assert "syllabus_ids" not in search


@pytest.mark.parametrize("name", ["", "  "])
async def test_an_empty_unique_name_is_refused(name: str) -> None:
    """The campus ignores an empty filter, and would find an enrollment in any syllabus."""
    async with campus_with() as (campus, server):
        with pytest.raises(ArgumentError, match="syllabus_unique_name must not be empty") as caught:
            await campus.ensure_enrollment(**NAMED | {"syllabus_unique_name": name})
    assert caught.value.argument == "syllabus_unique_name"
    assert server.connections == 0


@given(st.permutations([1, 2, 3, 4]), st.booleans())
async def test_the_newest_of_several(order: list[int], undated: bool) -> None:
    """The enrollment with the latest date is returned, whatever the order; one without a date is the oldest."""
    items = [enrollment(number) for number in order]
    if undated:
        items[order.index(4)]["enrollment_date"] = None
    async with campus_at(EnrollmentCampus(found(*items))) as campus:
        existing = await campus.ensure_enrollment(**IDS)
    assert existing.enrollment_id == UUID(int=3 if undated else 4)


async def test_enrollments_of_the_same_date() -> None:
    """Of enrollments with the same date the last one is returned, since the campus lists the earliest first."""
    items = [enrollment(number, enrollment_date="2026-01-01T00:00:00Z") for number in (1, 2, 3)]
    async with campus_at(EnrollmentCampus(found(*items))) as campus:
        existing = await campus.ensure_enrollment(**IDS)
    assert existing.enrollment_id == UUID(int=3)


async def test_warnings_of_both_calls() -> None:
    """The campus's warnings are returned in order, once each."""
    created = json_response({"enrollment_id": str(NEW)} | error_entity(warnings=["hidden", "ended"]))
    enrolling = EnrollmentCampus(found(warnings=["obsolete", "hidden"]), create=created)
    async with campus_at(enrolling) as campus:
        made = await campus.ensure_enrollment(**IDS)
    assert made.warnings == ("obsolete", "hidden", "ended")
    async with campus_at(EnrollmentCampus(found(enrollment(), warnings=["obsolete"]))) as campus:
        made = await campus.ensure_enrollment(**IDS)
    assert (made.created, made.warnings) == (False, ("obsolete",))


async def test_total_timeout_covers_all_searches() -> None:
    """The searches after a lost response end within total_timeout."""
    enrolling, clock = EnrollmentCampus(create=LOST), ManualClock()
    async with campus_at(enrolling, clock, total_timeout=1.2) as campus:
        with pytest.raises(TransportError) as caught:
            await campus.ensure_enrollment(**IDS)
    assert caught.value.maybe_applied
    assert (clock.waits, len(enrolling.searched)) == ([0.5], 3)


async def test_nothing_is_created_when_the_time_is_over() -> None:
    """If a search used up total_timeout, nothing is created, so the outcome is known."""
    clock = ManualClock()

    class Slow(EnrollmentCampus):
        async def __call__(self, request: Any) -> Response:
            clock.now += 5
            return await super().__call__(request)

    enrolling = Slow()
    async with campus_at(enrolling, clock, total_timeout=4) as campus:
        with pytest.raises(RequestTimeoutError, match="total_timeout, 4 s, has passed") as caught:
            await campus.ensure_enrollment(**IDS)
    assert not caught.value.maybe_applied
    assert enrolling.created == []


async def test_a_cancellation_during_a_create() -> None:
    """After a cancellation while the campus enrolls, calling again doesn't enroll twice."""
    enrolling = EnrollmentCampus(found(), found(enrollment()), create=Response(gate=asyncio.Event()))
    async with campus_with(enrolling) as (campus, server):
        task = asyncio.create_task(campus.ensure_enrollment(**IDS))
        await server.wait_for_requests(2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        again = await campus.ensure_enrollment(**IDS)
    assert (again.enrollment_id, again.created) == (UUID(int=1), False)
    assert len(enrolling.created) == 1


async def test_a_timeout_during_a_create() -> None:
    """A campus that doesn't respond in time may have enrolled: a search decides."""
    enrolling = EnrollmentCampus(found(), found(enrollment()), create=Response(gate=asyncio.Event()))
    async with campus_with(enrolling, timeout=0.2) as (campus, _):
        made = await campus.ensure_enrollment(**IDS)
    assert (made.enrollment_id, made.created) == (UUID(int=1), True)


async def test_a_cancellation_between_searches() -> None:
    """It can be cancelled between two searches, and leaves nothing behind."""
    enrolling, clock = EnrollmentCampus(create=LOST), ManualClock()
    clock.gate = asyncio.Event()
    async with campus_at(enrolling, clock) as campus:
        task = asyncio.create_task(campus.ensure_enrollment(**IDS))
        await clock.waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert len(enrolling.created) == 1


async def test_drift_is_reported_once() -> None:
    """Drift is reported once to the function of a view, however often it enrolls."""
    reported: list[Drift] = []
    new = found(enrollment(new_field=1))
    async with campus_at(EnrollmentCampus(found(), new, create=LOST)) as campus:
        view = campus.with_options(on_drift=reported.append)
        for _ in range(3):
            await view.ensure_enrollment(**IDS)
    assert [drift.path for drift in reported] == ["enrollments[0].new_field"]


async def test_permission_denied_is_raised() -> None:
    """An account that may neither search nor enroll gets the campus's own refusal."""
    async with campus_at(EnrollmentCampus(REFUSED, create=REFUSED)) as campus:
        with pytest.raises(PermissionDeniedError):
            await campus.ensure_enrollment(**IDS)
