"""Pages as the vendor serves them: sizes, the silent limit, headers, bodies."""

import itertools

import pytest

from nexport_campus.sandbox import Samples
from tests.sandbox.http_api import HttpApi

SEARCH = "LearningApi_SearchEnrollments"


@pytest.mark.parametrize(
    ("requested", "applied", "reported"),
    [
        (None, 30, 30),
        (0, 30, 0),
        (-5, 30, -5),
        (1, 1, 1),
        (1000, 1000, 1000),
        (1001, 1000, 1001),
        (2**31 - 1, 1000, 2**31 - 1),
    ],
)
async def test_page_sizes_are_limited(
    api: HttpApi, samples: Samples, requested: int | None, applied: int, reported: int
) -> None:
    """Null and less than 1 become 30, more than 1000 becomes 1000, silently: page_size repeats the requested size."""
    response = await api.call(SEARCH, {"org_ids": [samples.org_id]}, per_page=requested)
    found = response.json()
    assert len(found["enrollments"]) == applied
    assert found["page_size"] == reported
    assert response.headers["x-per-page"] == str(applied)
    assert found["api_error_entity"]["warning_messages"] == []


async def test_the_obsolete_spelling(api: HttpApi, samples: Samples) -> None:
    """paer_page still works, with a warning, and per_page takes precedence."""
    body = {"org_ids": [samples.org_id]}
    found = await api.get(SEARCH, body, paer_page=7)
    assert len(found["enrollments"]) == 7
    assert found["api_error_entity"]["warning_messages"]
    assert len((await api.get(SEARCH, body, paer_page=7, per_page=3))["enrollments"]) == 3


async def test_pages_are_one_based(api: HttpApi, samples: Samples) -> None:
    """Page 1 is the first, also for 0 or no page; beyond the last, pages are empty."""
    body = {"org_ids": [samples.org_id]}
    first = await api.get(SEARCH, body, page=1, per_page=50)
    assert await api.get(SEARCH, body, per_page=50) == first
    assert (await api.get(SEARCH, body, page=0, per_page=50))["enrollments"] == first["enrollments"]
    second = await api.get(SEARCH, body, page=2, per_page=50)
    assert second["page"] == 2
    both = await api.get(SEARCH, body, per_page=100)
    assert first["enrollments"] + second["enrollments"] == both["enrollments"]
    beyond = await api.get(SEARCH, body, page=10**6, per_page=50)
    assert (beyond["enrollments"], beyond["total_count"]) == ([], first["total_count"])


@pytest.mark.parametrize("wrong", ["x", "1.5", str(2**31), ""])
async def test_pages_that_are_not_numbers(api: HttpApi, samples: Samples, wrong: str) -> None:
    """A page that is not a 32-bit integer is refused; an empty string counts as missing."""
    if wrong:
        assert await api.refusal(SEARCH, {"org_ids": [samples.org_id]}, page=wrong) == (422, 2)
        assert await api.refusal(SEARCH, {"org_ids": [samples.org_id]}, per_page=wrong) == (422, 2)
    else:
        await api.get(SEARCH, {"org_ids": [samples.org_id]}, page=wrong, per_page=wrong)


async def test_headers_with_totals(api: HttpApi, samples: Samples) -> None:
    """Four operations of LearningApi send the X- headers, and no other one does."""
    owned = {"group_id": samples.root_org_id, "catalog_access_option": 1}
    section = {"syllabus_id": samples.popular_section_id, "org_id": samples.root_org_id}
    with_headers = [
        await api.call(SEARCH, {"org_ids": [samples.org_id]}, page=2),
        await api.call("LearningApi_GetCatalogs", owned, page=2),
        await api.call("LearningApi_GetCatalogSyllabi", catalog_id=samples.catalog_id, page=2),
        await api.call("LearningApi_GetSectionEnrollments", **section, page=2),
    ]
    for response in with_headers:
        assert response.headers["x-page"] == "2"
        assert response.headers["x-per-page"] == "30"
        assert int(response.headers["x-total-count"]) > 30
    assert int(with_headers[0].headers["x-total-count"]) == with_headers[0].json()["total_count"]
    without_headers = [
        await api.call("LearningApi_GetCategories", catalog_id=samples.catalog_id),
        await api.call("LearningApi_GetCategorySyllabi", category_id=samples.category_id),
        await api.call("LearningApi_GetOrganizations", org_id=samples.root_org_id),
        await api.call("LearningApi_GetAssignments", section_id=samples.section_id),
        await api.call("LearningApi_GetTrainingPlanEnrollments", subscriber_id=samples.subscription_id),
        await api.call("LearningApi_GetAssignmentStatuses", enrollment_id=samples.finished_enrollment_id),
    ]
    for response in without_headers:
        assert response.status_code == 200
        assert not [name for name in response.headers if name.startswith("x-")]


@pytest.mark.parametrize(
    ("operation", "argument", "sample"),
    [
        ("LearningApi_GetCategories", "catalog_id", "catalog_id"),
        ("LearningApi_GetCategorySyllabi", "category_id", "category_id"),
        ("LearningApi_GetCatalogSyllabi", "catalog_id", "catalog_id"),
        ("LearningApi_GetOrganizations", "org_id", "root_org_id"),
        ("LearningApi_GetAssignments", "section_id", "popular_section_id"),
        ("LearningApi_GetSectionEnrollments", "subscriber_id", "subscription_id"),
        ("LearningApi_GetAssignmentStatuses", "enrollment_id", "scorm_enrollment_id"),
    ],
)
async def test_lists_page_without_gaps(
    api: HttpApi, samples: Samples, operation: str, argument: str, sample: str
) -> None:
    """Small pages in sequence have the same items as one large page."""
    query = {argument: getattr(samples, sample)}
    whole = await api.get(operation, **query, per_page=1000)
    pages = [await api.get(operation, **query, page=page, per_page=3) for page in (1, 2, 3, 4)]
    assert list(itertools.chain.from_iterable(pages)) == whole[:12]
    assert len(await api.get(operation, **query)) == min(30, len(whole))


async def test_pages_of_cmi_data(api: HttpApi, samples: Samples) -> None:
    """GetCmiData pages its SCOs."""
    body: dict[str, object] = {"enrollment_id": samples.scorm_enrollment_id}
    body |= {"assignment_id": samples.scorm_assignment_id, "cmi_element_names": []}
    whole = await api.get("ScormApi_GetCmiData", body)
    pages = [await api.get("ScormApi_GetCmiData", body, page=page, per_page=1) for page in (1, 2, 3)]
    assert list(itertools.chain.from_iterable(pages)) == whole


async def test_a_page_shows_later_changes(api: HttpApi, samples: Samples) -> None:
    """A list that was requested before no longer has an enrollment dropped since."""
    body = {"user_ids": [samples.finished_user_id]}
    before = await api.get(SEARCH, body)
    await api.get("LearningApi_DropEnrollment", enrollment_id=samples.finished_enrollment_id)
    after = await api.get(SEARCH, body)
    assert after["total_count"] == before["total_count"] - 1
