"""The history of enrollments: assignment statuses, test attempts, student sessions."""

import uuid
from typing import Any

import pytest

from nexport_campus.sandbox import Samples
from tests.sandbox.http_api import HttpApi

STATUSES = "LearningApi_GetAssignmentStatuses"
ATTEMPTS = "LearningApi_GetTestAttempts"
SESSIONS = "LearningApi_GetStudentSessions"
NOTHING = str(uuid.uuid4())


async def test_statuses_by_enrollment_or_subscription(api: HttpApi, samples: Samples) -> None:
    """enrollment_id, or both subscription_id and section_id, select the same statuses, newest first."""
    one = (await api.get("LearningApi_GetSectionEnrollments", subscriber_id=samples.subscription_id))[0]
    by_enrollment = await api.get(STATUSES, enrollment_id=one["enrollment_id"])
    both = {"subscription_id": one["subscription_id"], "section_id": one["syllabus_id"]}
    assert await api.get(STATUSES, **both) == by_enrollment
    dates = [each["utc_creation_date"] for each in by_enrollment]
    assert [date[:19] for date in dates] == sorted((date[:19] for date in dates), reverse=True)
    assert len(by_enrollment) == one["assignment_count"]
    done = sum(each["phase"] == 2 for each in by_enrollment)
    assert done == one["completed_assignment_count"]


async def test_statuses_of_one_assignment(api: HttpApi, samples: Samples) -> None:
    """assignment_id selects one status."""
    query = {"enrollment_id": samples.scorm_enrollment_id, "assignment_id": samples.scorm_assignment_id}
    found = await api.get(STATUSES, **query)
    assert [each["assignment_status_id"] for each in found] == [samples.scorm_assignment_status_id]


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        ({}, (422, 2)),
        ({"subscription_id": "subscription_id"}, (422, 2)),
        ({"section_id": "section_id"}, (422, 2)),
        ({"enrollment_id": "scorm_enrollment_id", "section_id": "section_id"}, (422, 2)),
        ({"enrollment_id": "nothing"}, (409, 3)),
        ({"subscription_id": "nothing", "section_id": "section_id"}, (409, 6)),
        ({"subscription_id": "subscription_id", "section_id": "section_id"}, (409, 3)),
        ({"enrollment_id": "scorm_enrollment_id", "assignment_id": "nothing"}, (409, 3)),
    ],
    ids=str,
)
async def test_refused_statuses(
    api: HttpApi, samples: Samples, arguments: dict[str, str], refusal: tuple[int, int]
) -> None:
    """Other combinations than the page allows are 422, unknown ids 409."""
    query = {name: getattr(samples, sample, NOTHING) for name, sample in arguments.items()}
    assert await api.refusal(STATUSES, **query) == refusal


async def test_a_training_plan_has_no_statuses(api: HttpApi, samples: Samples) -> None:
    """Only section enrollments have statuses."""
    query = {"syllabus_id": samples.training_plan_id, "org_id": samples.root_org_id}
    plan = (await api.get("LearningApi_GetTrainingPlanEnrollments", **query))[0]
    assert await api.refusal(STATUSES, enrollment_id=plan["enrollment_id"]) == (409, 3)


async def test_statuses_need_the_view_permission(
    viewer: HttpApi, instructor: HttpApi, samples: Samples
) -> None:
    """View Enrollments is required in the enrollment's organization or above."""
    assert await viewer.get(STATUSES, enrollment_id=samples.scorm_enrollment_id)
    assert await instructor.refusal(STATUSES, enrollment_id=samples.scorm_enrollment_id) == (403, 5)


async def attempts(api: HttpApi, samples: Samples) -> list[list[dict[str, Any]]]:
    """Return the test attempts of the popular section's students, one list per enrollment."""
    assignments = await api.get("LearningApi_GetAssignments", section_id=samples.popular_section_id)
    test = next(each for each in assignments if each["assignment_type"] == "Test Assignment")
    query = {"syllabus_id": samples.popular_section_id, "org_id": samples.root_org_id}
    enrollments = await api.get("LearningApi_GetSectionEnrollments", **query)
    ids = [each["enrollment_id"] for each in enrollments]
    return [await api.get(ATTEMPTS, enrollment_id=each, assignment_id=test["assignment_id"]) for each in ids]


async def test_attempts_are_latest_first(api: HttpApi, samples: Samples) -> None:
    """Attempts have zero-based indexes from highest to lowest; an incomplete one has no score."""
    lists = await attempts(api, samples)
    assert any(len(found) > 1 for found in lists)
    for found in lists:
        assert [each["attempt_index"] for each in found] == list(range(len(found)))[::-1]
    every = [each for found in lists for each in found]
    assert all((each["score"] is None) == (not each["is_complete"]) for each in every)
    assert any(each["time_left"] == "1.02:30:45" for each in every)


async def test_attempts_of_assessment_api(api: HttpApi, samples: Samples) -> None:
    """AssessmentApi's GetTestAttempts returns what the obsolete operation does."""
    query = {"enrollment_id": samples.test_enrollment_id, "assignment_id": samples.test_assignment_id}
    found = await api.get("AssessmentApi_GetTestAttempts", **query)
    assert found == await api.get(ATTEMPTS, **query)
    assert found


async def test_attempts_have_their_proctor(api: HttpApi, samples: Samples) -> None:
    """An attempt has its proctor with its own error entity, or null if it was not proctored."""
    proctors = [each["proctor_response_item"] for found in await attempts(api, samples) for each in found]
    assert None in proctors
    present = [each for each in proctors if each is not None]
    assert present
    assert all(each["api_error_entity"]["error_code"] == 0 and each["access_code"] for each in present)


async def test_who_may_see_attempts(
    api: HttpApi, registrar: HttpApi, instructor: HttpApi, viewer: HttpApi, samples: Samples
) -> None:
    """View or Update Section Enrollments is required, or being the section's instructor."""
    query = {"enrollment_id": samples.test_enrollment_id, "assignment_id": samples.test_assignment_id}
    for caller in (api, viewer, registrar):
        assert await caller.get(ATTEMPTS, **query)
    assert await instructor.refusal(ATTEMPTS, **query) == (403, 5)
    assignments = await api.get("LearningApi_GetAssignments", section_id=samples.popular_section_id)
    place = {"syllabus_id": samples.popular_section_id, "org_id": samples.root_org_id}
    taught = (await api.get("LearningApi_GetSectionEnrollments", **place))[0]["enrollment_id"]
    await instructor.get(ATTEMPTS, enrollment_id=taught, assignment_id=assignments[0]["assignment_id"])


async def test_refused_attempts(api: HttpApi, samples: Samples) -> None:
    """Both ids are required, and the assignment must belong to the enrollment's section."""
    enrollment, assignment = samples.test_enrollment_id, samples.test_assignment_id
    assert await api.refusal(ATTEMPTS, enrollment_id=enrollment) == (422, 2)
    assert await api.refusal(ATTEMPTS, assignment_id=assignment) == (422, 2)
    assert await api.refusal(ATTEMPTS, enrollment_id=NOTHING, assignment_id=assignment) == (409, 3)
    assert await api.refusal(ATTEMPTS, enrollment_id=enrollment, assignment_id=NOTHING) == (409, 3)
    elsewhere = await api.get("LearningApi_GetAssignments", section_id=samples.section_id)
    foreign = elsewhere[0]["assignment_id"]
    assert samples.scorm_assignment_id not in {each["assignment_id"] for each in elsewhere}
    assert await api.refusal(ATTEMPTS, enrollment_id=enrollment, assignment_id=foreign) == (409, 3)


def session_request(samples: Samples, **changes: object) -> dict[str, object]:
    """Return a request for all sessions of the sample student, with changes."""
    body: dict[str, object] = {
        "user_id": samples.finished_user_id,
        "org_id": samples.org_id,
        "from_date": "2020-01-01T00:00:00Z",
        "paging": {"page": 1, "per_page": 1000},
    }
    return {**body, **changes}


async def test_sessions_of_a_student(api: HttpApi, samples: Samples) -> None:
    """All sessions since a date have their total in the body, and can be narrowed by section and dates."""
    whole = await api.get(SESSIONS, session_request(samples))
    sessions = whole["sessions"]
    assert whole["total_count"] == len(sessions) > 5
    assert {each["user_id"] for each in sessions} == {samples.finished_user_id}
    starts = [each["utc_start"] for each in sessions]
    assert [start[:19] for start in starts] == sorted(start[:19] for start in starts)
    section = sessions[0]["section_id"]
    narrowed = await api.get(SESSIONS, session_request(samples, section_id=section))
    assert narrowed["sessions"] == [each for each in sessions if each["section_id"] == section]
    middle = starts[len(starts) // 2]
    since = await api.get(SESSIONS, session_request(samples, from_date=middle))
    until = await api.get(SESSIONS, session_request(samples, to_date=middle))
    assert since["total_count"] + until["total_count"] == len(sessions) + 1


async def test_sessions_page_in_the_body(api: HttpApi, samples: Samples) -> None:
    """ApiPaginationOptions selects the page; the total is in the body and in no header."""
    whole = (await api.get(SESSIONS, session_request(samples)))["sessions"]
    body = session_request(samples, paging={"page": 2, "per_page": 3})
    response = await api.call(SESSIONS, body)
    found = response.json()
    assert (found["page"], found["page_size"], found["total_count"]) == (2, 3, len(whole))
    assert found["sessions"] == whole[3:6]
    assert not [name for name in response.headers if name.startswith("x-")]


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"user_id": None}, (422, 2)),
        ({"from_date": None}, (422, 2)),
        ({"from_date": "yesterday"}, (422, 2)),
        ({"paging": None}, (422, 2)),
        ({"paging": {}}, (422, 2)),
        ({"paging": {"page": 1}}, (422, 2)),
        ({"user_id": NOTHING}, (409, 3)),
        ({"org_id": NOTHING}, (409, 3)),
        ({"section_id": NOTHING}, (409, 3)),
    ],
)
async def test_refused_sessions(
    api: HttpApi, samples: Samples, changes: dict[str, object], refusal: tuple[int, int]
) -> None:
    """user_id, org_id, from_date and paging are required, and the ids must exist."""
    assert await api.refusal(SESSIONS, session_request(samples, **changes)) == refusal


async def test_sessions_need_the_permission_in_the_organization_itself(
    registrar: HttpApi, viewer: HttpApi, samples: Samples
) -> None:
    """The page requires it in the given organization itself: a grant above it is not enough."""
    await registrar.get(SESSIONS, session_request(samples))
    assert await viewer.refusal(SESSIONS, session_request(samples)) == (403, 5)
