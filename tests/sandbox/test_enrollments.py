"""Reading enrollments with SearchEnrollments, GetSectionEnrollments and GetTrainingPlanEnrollments."""

import uuid
from typing import Any

import pytest

from nexport_campus.sandbox import Samples, Sandbox
from tests.sandbox.http_api import HttpApi

SEARCH = "LearningApi_SearchEnrollments"
SECTIONS = "LearningApi_GetSectionEnrollments"
PLANS = "LearningApi_GetTrainingPlanEnrollments"


async def search_all(api: HttpApi, **body: object) -> list[dict[str, Any]]:
    """Return all enrollments that a search finds."""
    found: list[dict[str, Any]] = []
    while True:
        page = await api.get(SEARCH, body, page=len(found) // 1000 + 1, per_page=1000)
        found += page["enrollments"]
        if len(found) >= page["total_count"]:
            return found


async def test_all_pages_have_every_enrollment_once_oldest_first(api: HttpApi, samples: Samples) -> None:
    """The pages of all organizations have every enrollment once, from earliest to latest."""
    found = await search_all(api, org_ids=list(samples.org_ids))
    assert len({each["enrollment_id"] for each in found}) == len(found) == 5000
    dates = [comparable(each["enrollment_date"]) for each in found]
    assert dates == sorted(dates)


def comparable(date: str) -> str:
    """Return a UTC date with all seven fractional digits, so that strings compare like dates."""
    head, _, fraction = date.removesuffix("+00:00").removesuffix("Z").partition(".")
    return f"{head}.{fraction:<07}"


@pytest.mark.parametrize(
    "body", [{}, {"user_ids": [], "org_ids": []}, {"enrollment_ids": [str(uuid.uuid4())]}]
)
async def test_a_user_or_an_organization_is_needed(api: HttpApi, body: dict[str, Any]) -> None:
    """At least one user id or org id is required; an empty list doesn't count."""
    assert await api.refusal(SEARCH, body) == (422, 2)


async def test_filters_narrow_and_empty_filters_are_ignored(api: HttpApi, samples: Samples) -> None:
    """A filter matches any of its values, all filters must match, and an empty list is ignored."""
    mine = await search_all(api, user_ids=[samples.user_id], org_ids=[])
    assert mine
    assert {each["user_id"] for each in mine} == {samples.user_id}
    two = [each["enrollment_id"] for each in mine[:2]]
    both = await search_all(api, user_ids=[samples.user_id], enrollment_ids=two)
    assert [each["enrollment_id"] for each in both] == two
    syllabi = [mine[0]["syllabus_id"]]
    one = await search_all(api, user_ids=[samples.user_id], syllabus_ids=syllabi)
    assert [each["syllabus_id"] for each in one] == syllabi
    none = await search_all(api, user_ids=[samples.user_id], syllabus_unique_names=["nothing is called this"])
    assert none == []
    assert await search_all(api, user_ids=[samples.user_id], syllabus_ids=[], enrollment_ids=[]) == mine


async def test_syllabi_by_unique_name(api: HttpApi, samples: Samples) -> None:
    """A unique name finds the same enrollments as the id of its syllabus."""
    section = await api.get("LearningApi_GetSection", syllabus_id=samples.popular_section_id)
    by_id = await search_all(api, org_ids=[samples.org_id], syllabus_ids=[section["syllabus_id"]])
    by_name = await search_all(api, org_ids=[samples.org_id], syllabus_unique_names=[section["unique_name"]])
    assert by_id == by_name != []


@pytest.mark.parametrize(
    ("name", "field"),
    [("activity", "last_activity_date"), ("enrolled", "enrollment_date"), ("completed", "completion_date")],
)
async def test_date_filters(api: HttpApi, samples: Samples, name: str, field: str) -> None:
    """`before` and `after` exclude the instant itself and enrollments without the date."""
    found = await search_all(api, org_ids=[samples.org_id])
    dated = [each for each in found if field in each]
    middle = dated[len(dated) // 2]
    instant = comparable(middle[field])
    before = await search_all(api, org_ids=[samples.org_id], **{f"utc_{name}_before": middle[field]})
    after = await search_all(api, org_ids=[samples.org_id], **{f"utc_{name}_after": middle[field]})
    assert before == [each for each in dated if comparable(each[field]) < instant]
    assert after == [each for each in dated if comparable(each[field]) > instant]
    assert middle not in before + after


async def test_an_organization_excludes_its_descendants(api: HttpApi, samples: Samples) -> None:
    """Searching an organization finds its own enrollments, not those of organizations below it."""
    each = [(await api.get(SEARCH, {"org_ids": [org]}))["total_count"] for org in samples.org_ids]
    assert sum(each) == 5000
    assert max(each) == each[samples.org_ids.index(samples.org_id)] > 2000


async def test_unknown_users_and_organizations(api: HttpApi, samples: Samples) -> None:
    """Users and organizations that don't exist are 409 with code 3."""
    unknown = str(uuid.uuid4())
    assert await api.refusal(SEARCH, {"user_ids": [unknown]}) == (409, 3)
    assert await api.refusal(SEARCH, {"org_ids": [samples.org_id, unknown]}) == (409, 3)


@pytest.mark.parametrize("value", ["x", "not-a-uuid", 7, None, ["nested"]])
async def test_malformed_ids(api: HttpApi, value: object) -> None:
    """A value that is not a UUID is refused before anything is looked up."""
    assert await api.refusal(SEARCH, {"org_ids": [value]}) == (422, 2)
    assert await api.refusal(SEARCH, {"org_ids": value}) == (422, 2)


async def test_permissions_of_a_search(
    viewer: HttpApi, registrar: HttpApi, instructor: HttpApi, samples: Samples
) -> None:
    """The View permissions are required in every requested organization, or above it."""
    assert (await viewer.get(SEARCH, {"org_ids": [samples.org_id]}))["total_count"] > 2000
    assert await viewer.refusal(SEARCH, {"org_ids": [samples.org_id, samples.root_org_id]}) == (403, 5)
    assert await registrar.refusal(SEARCH, {"org_ids": list(samples.org_ids)}) == (403, 5)
    assert await instructor.refusal(SEARCH, {"user_ids": [samples.user_id]}) == (403, 5)


async def test_a_search_by_user_returns_what_is_visible(
    api: HttpApi, viewer: HttpApi, samples: Samples
) -> None:
    """Without organizations, visibility depends on the user's owner organization or the enrollment's organization."""
    everyone = {each["user_id"] for each in await search_all(api, org_ids=[samples.root_org_id])}
    away = sorted(everyone)[:50]
    all_of_them = await search_all(api, user_ids=away)
    seen = await search_all(viewer, user_ids=away)
    assert len(seen) < len(all_of_them)
    assert await search_all(viewer, user_ids=[samples.user_id]) == await search_all(
        api, user_ids=[samples.user_id]
    )


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"org_id": "org_id"},
        {"user_id": "user_id"},
        {"user_id": "user_id", "org_id": "org_id"},
        {"syllabus_id": "popular_section_id"},
        {"enrollment_id": "finished_enrollment_id"},
        {"subscriber_id": "subscription_id", "user_id": "user_id"},
        {"subscriber_id": "subscription_id", "syllabus_id": "popular_section_id"},
    ],
    ids=str,
)
async def test_combinations_that_section_enrollments_refuse(
    api: HttpApi, samples: Samples, arguments: dict[str, str]
) -> None:
    """GetSectionEnrollments needs a selector, org_id together with ids, and not both user_id and subscriber_id."""
    query = {name: getattr(samples, sample) for name, sample in arguments.items()}
    assert await api.refusal(SECTIONS, **query) == (422, 2)


async def test_section_enrollments_are_newest_first(api: HttpApi, samples: Samples) -> None:
    """The pages of a section's enrollments have each once, from most recent to least recent."""
    query = {"syllabus_id": samples.popular_section_id, "org_id": samples.root_org_id}
    search = {"org_ids": list(samples.org_ids), "syllabus_ids": [samples.popular_section_id]}
    total = (await api.get(SEARCH, search))["total_count"]
    pages = [await api.get(SECTIONS, **query, page=page) for page in range(1, 7)]
    found = [each for page in pages for each in page]
    assert [len(page) for page in pages] == [30, 30, 30, 30, total - 120, 0]
    assert len({each["enrollment_id"] for each in found}) == total
    dates = [comparable(each["enrollment_date"]) for each in found]
    assert dates == sorted(dates, reverse=True)
    assert {each["syllabus_id"] for each in found} == {samples.popular_section_id}


async def test_section_enrollments_by_each_argument(api: HttpApi, samples: Samples) -> None:
    """Subscription, user, enrollment and unique name each narrow the list."""
    mine = await api.get(SECTIONS, subscriber_id=samples.subscription_id)
    assert {each["subscription_id"] for each in mine} == {samples.subscription_id}
    one = mine[0]
    query = {"enrollment_id": one["enrollment_id"], "org_id": samples.org_id}
    assert await api.get(SECTIONS, **query) == [one]
    named = await api.get(SECTIONS, syllabus_unique_name=one["unique_name"], user_id=one["user_id"])
    assert one in named
    assert {each["user_id"] for each in named} == {one["user_id"]}


async def test_fields_of_a_section_enrollment(api: HttpApi, samples: Samples) -> None:
    """They match the vendor's example: an undeclared id, the section with its own error entity, and nulls."""
    query = {"syllabus_id": samples.popular_section_id, "org_id": samples.root_org_id, "per_page": 1000}
    found = await api.get(SECTIONS, **query)
    section = await api.get("LearningApi_GetSection", syllabus_id=samples.popular_section_id)
    for each in found:
        assert each["id"] == each["enrollment_id"]
        assert each["section"] == section
        assert each["api_error_entity"] == {"error_code": 0, "warning_messages": []}
        assert (
            f"{each['enrollment_year']}-{each['enrollment_month']:02}-{each['enrollment_day']:02}"
            == (each["enrollment_date"][:10])
        )
    assert any(each["completion_date"] is None for each in found)
    assert any("start_date" not in each for each in found)


async def test_unknown_ids_in_the_lists(api: HttpApi, samples: Samples) -> None:
    """An unknown subscription has code 6, any other unknown id code 3."""
    nothing = str(uuid.uuid4())
    for operation in (SECTIONS, PLANS):
        assert await api.refusal(operation, subscriber_id=nothing) == (409, 6)
        assert await api.refusal(operation, syllabus_id=nothing, org_id=samples.org_id) == (409, 3)
        assert await api.refusal(operation, enrollment_id=nothing, org_id=samples.org_id) == (409, 3)
        assert await api.refusal(operation, syllabus_id=samples.popular_section_id, org_id=nothing) == (
            409,
            3,
        )
        assert await api.refusal(operation, syllabus_unique_name="nothing") == (409, 3)


async def test_permissions_of_the_lists(
    viewer: HttpApi, instructor: HttpApi, api: HttpApi, samples: Samples
) -> None:
    """It is required in the organization sent or above it, or in that of the subscription or enrollment."""
    query = {"syllabus_id": samples.popular_section_id}
    assert await viewer.get(SECTIONS, **query, org_id=samples.org_id)
    assert await viewer.refusal(SECTIONS, **query, org_id=samples.root_org_id) == (403, 5)
    assert await viewer.get(SECTIONS, subscriber_id=samples.subscription_id)
    assert await instructor.refusal(SECTIONS, subscriber_id=samples.subscription_id) == (403, 5)
    section = await api.get("LearningApi_GetSection", syllabus_id=samples.popular_section_id)
    name = {"syllabus_unique_name": section["unique_name"], "per_page": 1000}
    seen = await viewer.get(SECTIONS, **name)
    assert 0 < len(seen) < len(await api.get(SECTIONS, **name))
    assert await instructor.refusal(SECTIONS, **name) == (403, 5)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"org_id": "org_id"},
        {"syllabus_id": "training_plan_id"},
        {"enrollment_id": "finished_enrollment_id"},
    ],
    ids=str,
)
async def test_combinations_that_training_plan_enrollments_refuse(
    api: HttpApi, samples: Samples, arguments: dict[str, str]
) -> None:
    """GetTrainingPlanEnrollments needs a selector, and org_id together with ids."""
    query = {name: getattr(samples, sample) for name, sample in arguments.items()}
    assert await api.refusal(PLANS, **query) == (422, 2)


async def test_training_plan_enrollments(api: HttpApi, samples: Samples) -> None:
    """They are newest first, with the example's empty student_id; unlike for sections, a user id is enough."""
    query = {"syllabus_id": samples.training_plan_id, "org_id": samples.root_org_id, "per_page": 1000}
    found = await api.get(PLANS, **query)
    dates = [comparable(each["enrollment_date"]) for each in found]
    assert dates == sorted(dates, reverse=True)
    assert {each["student_id"] for each in found} == {"00000000-0000-0000-0000-000000000000"}
    assert {"ed2go_registration_key" in each for each in found} == {True, False}
    one = found[0]
    assert one in await api.get(PLANS, user_id=one["user_id"])
    assert one in await api.get(PLANS, user_id=one["user_id"], subscriber_id=one["subscription_id"])


async def test_a_seed_reproduces_all_histories(server: Sandbox) -> None:
    """Two sandboxes with the same seed have the same histories, whatever is requested first."""
    async with Sandbox(seed=7) as other:
        first, second = await server.samples(), await other.samples()
    assert first == second
