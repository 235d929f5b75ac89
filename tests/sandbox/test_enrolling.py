"""Changing enrollments: CreateEnrollment, DropEnrollment, DeleteEnrollment, and what others see of it."""

import asyncio
import uuid
from typing import Any

import pytest

from nexport_campus.sandbox import Samples, Sandbox
from tests.sandbox.http_api import HttpApi

CREATE = "LearningApi_CreateEnrollment"
DROP = "LearningApi_DropEnrollment"
DELETE = "LearningApi_DeleteEnrollment"
CERTIFICATE = "LearningApi_GetCertificateUrl"
NOTHING = str(uuid.uuid4())


def request(samples: Samples, **changes: object) -> dict[str, object]:
    """A request that CreateEnrollment accepts, changed."""
    body: dict[str, object] = {
        "org_id": samples.org_id,
        "user_id": samples.user_id,
        "syllabus_id": samples.section_id,
        "membership_group_ids": [],
    }
    return {name: value for name, value in {**body, **changes}.items() if value != "left out"}


async def mine(api: HttpApi, samples: Samples) -> list[dict[str, Any]]:
    """The enrollments of the sample user."""
    found = await api.get("LearningApi_SearchEnrollments", {"user_ids": [samples.user_id]}, per_page=1000)
    enrollments: list[dict[str, Any]] = found["enrollments"]
    return enrollments


async def test_an_enrollment_is_made_and_seen(api: HttpApi, samples: Samples) -> None:
    """A new enrollment is the latest of all, not started, and every other operation knows it."""
    before = await mine(api, samples)
    made = (await api.get(CREATE, request(samples)))["enrollment_id"]
    after = await mine(api, samples)
    assert after[:-1] == before
    assert after[-1]["enrollment_id"] == made
    assert (after[-1]["phase"], after[-1]["result"]) == (0, 0)
    query = {"syllabus_id": samples.section_id, "org_id": samples.org_id}
    newest = (await api.get("LearningApi_GetSectionEnrollments", **query))[0]
    assert newest["enrollment_id"] == made
    assert {
        status["phase"] for status in await api.get("LearningApi_GetAssignmentStatuses", enrollment_id=made)
    } == {0}
    assert (await api.get(CERTIFICATE, enrollment_id=made))["certificate_ready"] is False


async def test_a_duplicate_is_refused(api: HttpApi, samples: Samples) -> None:
    """The same user and syllabus once more in the organization is 409 with code 7."""
    await api.get(CREATE, request(samples))
    assert await api.refusal(CREATE, request(samples)) == (409, 7)
    assert len({each["enrollment_id"] for each in await mine(api, samples)}) == len(await mine(api, samples))


async def test_two_at_the_same_moment(api: HttpApi, samples: Samples) -> None:
    """Of many equal requests at once, one enrolls."""
    answers = await asyncio.gather(*(api.call(CREATE, request(samples)) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7


async def test_by_unique_name(api: HttpApi, samples: Samples) -> None:
    """A syllabus can be named by its unique name instead of its id, not against it."""
    section = await api.get("LearningApi_GetSection", syllabus_id=samples.section_id)
    name = section["unique_name"]
    other = request(samples, syllabus_id=samples.popular_section_id, syllabus_unique_name=name)
    assert await api.refusal(CREATE, other) == (422, 2)
    await api.get(CREATE, request(samples, syllabus_id=None, syllabus_unique_name=name))
    assert await api.refusal(CREATE, request(samples)) == (409, 7)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"org_id": "left out"}, (422, 2)),
        ({"user_id": None}, (422, 2)),
        ({"membership_group_ids": "left out"}, (422, 2)),
        ({"syllabus_id": "left out"}, (422, 2)),
        ({"user_id": "x"}, (422, 2)),
        ({"org_id": NOTHING}, (409, 3)),
        ({"user_id": NOTHING}, (409, 3)),
        ({"syllabus_id": NOTHING}, (409, 3)),
        ({"syllabus_id": None, "syllabus_unique_name": "nothing"}, (409, 3)),
        ({"membership_group_ids": [NOTHING]}, (409, 3)),
    ],
)
async def test_refused_requests(
    api: HttpApi, samples: Samples, changes: dict[str, object], refusal: tuple[int, int]
) -> None:
    """Missing and malformed arguments are 422, unknown ids 409 with code 3; nothing is changed by either."""
    before = await mine(api, samples)
    assert await api.refusal(CREATE, request(samples, **changes)) == refusal
    assert await mine(api, samples) == before


async def test_warnings_come_with_success(api: HttpApi, samples: Samples) -> None:
    """An enrollment past the syllabus's enrollment_end is made, with a warning."""
    catalog = await api.get("LearningApi_GetCatalogSyllabi", catalog_id=samples.catalog_id, per_page=30)
    taken = {each["syllabus_id"] for each in await mine(api, samples)}
    ids = [each["syllabus_id"] for each in catalog if each["syllabus_type"] == 0]
    sections = (await api.get("LearningApi_GetSections", {"sections": ids}))["sections"]
    ended = next(
        each["syllabus_id"]
        for each in sections
        if (each["enrollment_end"] or "2999") < "2027" and each["syllabus_id"] not in taken
    )
    found = await api.get(CREATE, request(samples, syllabus_id=ended))
    assert "ended" in found["api_error_entity"]["warning_messages"][0]


async def partner_section(api: HttpApi, samples: Samples) -> tuple[str, str]:
    """The partner's organization, and a section that it shares with nobody."""
    org = (await api.get("LearningApi_GetOrganizations", org_short_name="harbor"))[0]["org_id"]
    body = {"group_id": org, "catalog_access_option": 1}
    catalog = (await api.get("LearningApi_GetCatalogs", body))["catalogs"][0]["catalog_id"]
    section: str = (await api.get("LearningApi_GetCatalogSyllabi", catalog_id=catalog))[0]["syllabus_id"]
    return org, section


async def test_a_membership_is_required(api: HttpApi, samples: Samples) -> None:
    """Without a membership in the syllabus's organization, or where its catalog is shared to, it is 422."""
    org, section = await partner_section(api, samples)
    assert await api.refusal(CREATE, request(samples, syllabus_id=section)) == (422, 2)
    await api.get(CREATE, request(samples, syllabus_id=section, membership_group_ids=[org]))


async def test_a_subscription_is_made_where_there_is_none(
    api: HttpApi, sandbox: Sandbox, samples: Samples
) -> None:
    """Enrolling in another organization subscribes the user there, by whom that is allowed."""
    before = await sandbox.books()
    await api.get(CREATE, request(samples, org_id=samples.root_org_id))
    made = [change.what for change in (await sandbox.books(before.last)).changes]
    assert made == ["subscription created", "enrollment created"]


async def test_permissions_to_enroll(
    api: HttpApi, registrar: HttpApi, viewer: HttpApi, anyone: HttpApi, samples: Samples
) -> None:
    """Update permits to enroll who is subscribed; subscriptions and memberships need their own permissions."""
    assert await viewer.refusal(CREATE, request(samples)) == (403, 5)
    org, section = await partner_section(api, samples)
    more = {"syllabus_id": section, "membership_group_ids": [org]}
    assert await registrar.refusal(CREATE, request(samples, **more)) == (403, 5)
    evening = (await api.get("LearningApi_GetOrganizations", org_short_name="boston-evening"))[0]["org_id"]
    assert await registrar.refusal(CREATE, request(samples, org_id=evening)) == (403, 5)
    await registrar.get(CREATE, request(samples))


@pytest.mark.parametrize("operation", [DROP, DELETE])
async def test_removing(api: HttpApi, sandbox: Sandbox, samples: Samples, operation: str) -> None:
    """A removed enrollment is gone for every operation, and the user can be enrolled again under a new id."""
    made = (await api.get(CREATE, request(samples)))["enrollment_id"]
    found = await api.get(operation, enrollment_id=made)
    assert (found["enrollment_id"], found["is_dropped_or_deleted"]) == (made, True)
    assert made not in {each["enrollment_id"] for each in await mine(api, samples)}
    for gone in (
        DROP,
        DELETE,
        "LearningApi_GetAssignmentStatuses",
        "LearningApi_GetCustomEnrollmentFieldValues",
    ):
        assert await api.refusal(gone, enrollment_id=made) == (409, 3)
    query = {"enrollment_id": made, "org_id": samples.org_id}
    assert await api.refusal("LearningApi_GetSectionEnrollments", **query) == (409, 3)
    again = (await api.get(CREATE, request(samples)))["enrollment_id"]
    assert again != made


@pytest.mark.parametrize("operation", [DROP, DELETE])
async def test_a_certificate_outlives_its_enrollment(api: HttpApi, samples: Samples, operation: str) -> None:
    """The certificate of a removed enrollment comes from the transcript record."""
    enrollment = samples.finished_enrollment_id
    before = await api.get(CERTIFICATE, enrollment_id=enrollment)
    assert before["certificate_ready"] is True
    assert before["certificate_url"].startswith("http")
    await api.get(operation, enrollment_id=enrollment)
    assert await api.get(CERTIFICATE, enrollment_id=enrollment) == before


async def test_certificates_that_are_not(api: HttpApi, samples: Samples) -> None:
    """A syllabus may have no certificate, an enrollment may not be there."""
    body = {"org_ids": [samples.org_id], "syllabus_unique_names": ["SN 101-09", "SN 101-19", "SN 102-09"]}
    found = (await api.get("LearningApi_SearchEnrollments", body))["enrollments"]
    for each in found:
        answer = await api.get(CERTIFICATE, enrollment_id=each["enrollment_id"])
        assert answer["certificate_not_assigned"] is True
        assert answer["certificate_url"] is None
    assert found
    assert await api.refusal(CERTIFICATE, enrollment_id=NOTHING) == (409, 3)
    assert await api.refusal(CERTIFICATE) == (422, 2)


async def test_drops_that_are_not_allowed(api: HttpApi, samples: Samples) -> None:
    """A section without allow_drops, or after its final_drop_date, gives 403; deleting is not affected."""
    body = {"org_ids": [samples.org_id]}
    search = await api.get("LearningApi_SearchEnrollments", body, per_page=1000)
    sections = {}
    for each in search["enrollments"]:
        response = await api.call("LearningApi_GetSection", syllabus_id=each["syllabus_id"])
        if response.status_code == 200:
            sections[each["enrollment_id"]] = response.json()
        if len(sections) == 60:
            break
    closed = [key for key, each in sections.items() if not each["allow_drops"]]
    late = [key for key, each in sections.items() if (each["final_drop_date"] or "2999") < "2026-08"]
    assert closed
    assert late
    for enrollment in (closed[0], late[0]):
        assert await api.refusal(DROP, enrollment_id=enrollment) == (403, 5)
    await api.get(DELETE, enrollment_id=closed[0])


async def test_permissions_to_remove(registrar: HttpApi, viewer: HttpApi, samples: Samples) -> None:
    """Neither viewing nor updating permits to remove."""
    for caller in (registrar, viewer):
        for operation in (DROP, DELETE):
            assert await caller.refusal(operation, enrollment_id=samples.finished_enrollment_id) == (403, 5)


async def test_head_is_no_get(api: HttpApi, samples: Samples) -> None:
    """HEAD does not run the GETs that change data."""
    path = "/api/v1/LearningApi/DeleteEnrollment"
    query = {"enrollment_id": samples.finished_enrollment_id, "access_token": str(api.token)}
    response = await api.client.head(path, params=query)
    assert response.status_code == 405
    await api.get(DELETE, enrollment_id=samples.finished_enrollment_id)
