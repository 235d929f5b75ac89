"""Changing enrollments with CreateEnrollment, DropEnrollment and DeleteEnrollment, and how other operations see it."""

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
    """Return a request that CreateEnrollment accepts, with changes."""
    body: dict[str, object] = {
        "org_id": samples.org_id,
        "user_id": samples.user_id,
        "syllabus_id": samples.section_id,
        "membership_group_ids": [],
    }
    return {name: value for name, value in {**body, **changes}.items() if value != "omitted"}


async def enrollments_of_user(api: HttpApi, samples: Samples) -> list[dict[str, Any]]:
    """Return the enrollments of the sample user."""
    found = await api.get("LearningApi_SearchEnrollments", {"user_ids": [samples.user_id]}, per_page=1000)
    enrollments: list[dict[str, Any]] = found["enrollments"]
    return enrollments


async def test_a_new_enrollment_is_visible(api: HttpApi, samples: Samples) -> None:
    """A new enrollment is the latest, not started, and visible to every other operation."""
    before = await enrollments_of_user(api, samples)
    made = (await api.get(CREATE, request(samples)))["enrollment_id"]
    after = await enrollments_of_user(api, samples)
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
    """Enrolling the same user in the same syllabus and organization again is 409 with code 7."""
    await api.get(CREATE, request(samples))
    assert await api.refusal(CREATE, request(samples)) == (409, 7)
    assert len({each["enrollment_id"] for each in await enrollments_of_user(api, samples)}) == len(
        await enrollments_of_user(api, samples)
    )


async def test_concurrent_duplicates_are_refused(api: HttpApi, samples: Samples) -> None:
    """Of several equal concurrent requests, exactly one enrolls."""
    responses = await asyncio.gather(*(api.call(CREATE, request(samples)) for _ in range(8)))
    assert sorted(certificate.status_code for certificate in responses) == [200] + [409] * 7


async def test_by_unique_name(api: HttpApi, samples: Samples) -> None:
    """A syllabus can be given by unique name instead of id; a name that contradicts the id is refused."""
    section = await api.get("LearningApi_GetSection", syllabus_id=samples.section_id)
    name = section["unique_name"]
    other = request(samples, syllabus_id=samples.popular_section_id, syllabus_unique_name=name)
    assert await api.refusal(CREATE, other) == (422, 2)
    await api.get(CREATE, request(samples, syllabus_id=None, syllabus_unique_name=name))
    assert await api.refusal(CREATE, request(samples)) == (409, 7)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"org_id": "omitted"}, (422, 2)),
        ({"user_id": None}, (422, 2)),
        ({"membership_group_ids": "omitted"}, (422, 2)),
        ({"syllabus_id": "omitted"}, (422, 2)),
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
    """Missing and malformed arguments are 422, unknown ids 409 with code 3; neither changes anything."""
    before = await enrollments_of_user(api, samples)
    assert await api.refusal(CREATE, request(samples, **changes)) == refusal
    assert await enrollments_of_user(api, samples) == before


async def test_a_success_can_have_warnings(api: HttpApi, samples: Samples) -> None:
    """An enrollment after the syllabus's enrollment_end succeeds with a warning."""
    catalog = await api.get("LearningApi_GetCatalogSyllabi", catalog_id=samples.catalog_id, per_page=30)
    taken = {each["syllabus_id"] for each in await enrollments_of_user(api, samples)}
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
    """Return the partner's organization, and a section that it doesn't share."""
    org = (await api.get("LearningApi_GetOrganizations", org_short_name="harbor"))[0]["org_id"]
    body = {"group_id": org, "catalog_access_option": 1}
    catalog = (await api.get("LearningApi_GetCatalogs", body))["catalogs"][0]["catalog_id"]
    section: str = (await api.get("LearningApi_GetCatalogSyllabi", catalog_id=catalog))[0]["syllabus_id"]
    return org, section


async def test_a_membership_is_required(api: HttpApi, samples: Samples) -> None:
    """Without a membership in the syllabus's organization, or one its catalog is shared with, it is 422."""
    org, section = await partner_section(api, samples)
    assert await api.refusal(CREATE, request(samples, syllabus_id=section)) == (422, 2)
    await api.get(CREATE, request(samples, syllabus_id=section, membership_group_ids=[org]))


async def test_a_missing_subscription_is_created(api: HttpApi, sandbox: Sandbox, samples: Samples) -> None:
    """Enrolling in another organization subscribes the user there, if the caller may add subscriptions."""
    before = await sandbox.books()
    await api.get(CREATE, request(samples, org_id=samples.root_org_id))
    made = [change.what for change in (await sandbox.books(before.last)).changes]
    assert made == ["subscription created", "enrollment created"]


async def test_permissions_to_enroll(
    api: HttpApi, registrar: HttpApi, viewer: HttpApi, anyone: HttpApi, samples: Samples
) -> None:
    """Update permits enrolling subscribed users; subscriptions and memberships need their own permissions."""
    assert await viewer.refusal(CREATE, request(samples)) == (403, 5)
    org, section = await partner_section(api, samples)
    more = {"syllabus_id": section, "membership_group_ids": [org]}
    assert await registrar.refusal(CREATE, request(samples, **more)) == (403, 5)
    evening = (await api.get("LearningApi_GetOrganizations", org_short_name="boston-evening"))[0]["org_id"]
    assert await registrar.refusal(CREATE, request(samples, org_id=evening)) == (403, 5)
    await registrar.get(CREATE, request(samples))


@pytest.mark.parametrize("operation", [DROP, DELETE])
async def test_removed_enrollments_are_not_found(
    api: HttpApi, sandbox: Sandbox, samples: Samples, operation: str
) -> None:
    """A removed enrollment is not found by any operation, and the user can be enrolled again under a new id."""
    made = (await api.get(CREATE, request(samples)))["enrollment_id"]
    found = await api.get(operation, enrollment_id=made)
    assert (found["enrollment_id"], found["is_dropped_or_deleted"]) == (made, True)
    assert made not in {each["enrollment_id"] for each in await enrollments_of_user(api, samples)}
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
    """The certificate of a removed enrollment is served from the transcript."""
    enrollment = samples.finished_enrollment_id
    before = await api.get(CERTIFICATE, enrollment_id=enrollment)
    assert before["certificate_ready"] is True
    assert before["certificate_url"].startswith("http")
    await api.get(operation, enrollment_id=enrollment)
    assert await api.get(CERTIFICATE, enrollment_id=enrollment) == before


async def test_missing_certificates(api: HttpApi, samples: Samples) -> None:
    """A syllabus may have no certificate, and the enrollment may not exist."""
    body = {"org_ids": [samples.org_id], "syllabus_unique_names": ["SN 101-09", "SN 101-19", "SN 102-09"]}
    found = (await api.get("LearningApi_SearchEnrollments", body))["enrollments"]
    for each in found:
        certificate = await api.get(CERTIFICATE, enrollment_id=each["enrollment_id"])
        assert certificate["certificate_not_assigned"] is True
        assert certificate["certificate_url"] is None
    assert found
    assert await api.refusal(CERTIFICATE, enrollment_id=NOTHING) == (409, 3)
    assert await api.refusal(CERTIFICATE) == (422, 2)


async def test_drops_by_administrators(api: HttpApi, samples: Samples) -> None:
    """A section without allow_drops, or after its final_drop_date, only keeps its students from dropping it."""
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
        await api.get(DROP, enrollment_id=enrollment)


async def test_permissions_to_remove(registrar: HttpApi, viewer: HttpApi, samples: Samples) -> None:
    """Neither View nor Update permits removing."""
    for caller in (registrar, viewer):
        for operation in (DROP, DELETE):
            assert await caller.refusal(operation, enrollment_id=samples.finished_enrollment_id) == (403, 5)


async def test_head_does_not_run_a_get(api: HttpApi, samples: Samples) -> None:
    """HEAD does not run the GET operations that change data."""
    path = "/api/v1/LearningApi/DeleteEnrollment"
    query = {"enrollment_id": samples.finished_enrollment_id, "access_token": str(api.token)}
    response = await api.client.head(path, params=query)
    assert response.status_code == 405
    await api.get(DELETE, enrollment_id=samples.finished_enrollment_id)
