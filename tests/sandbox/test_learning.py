"""Sections, training plans, organizations, catalogs and their contents."""

import itertools
import uuid

import pytest

from nexport_campus.sandbox import Samples, Sandbox
from tests.sandbox.http_api import HttpApi

SECTIONS = "LearningApi_GetSections"
NOTHING = str(uuid.uuid4())


async def section_ids(api: HttpApi, samples: Samples, count: int) -> list[str]:
    """Return `count` section ids from the catalog with all syllabi."""
    found: list[str] = []
    page = 1
    while len(found) < count:
        syllabi = await api.get(
            "LearningApi_GetCatalogSyllabi", catalog_id=samples.catalog_id, page=page, per_page=1000
        )
        found += [each["syllabus_id"] for each in syllabi if each["syllabus_type"] == 0]
        page += 1
    return found[:count]


@pytest.mark.parametrize(
    ("operation", "name"),
    [("LearningApi_GetSection", "syllabus_id"), ("LearningApi_GetTrainingPlan", "training_plan_id")],
)
async def test_either_id_or_product_id(api: HttpApi, samples: Samples, operation: str, name: str) -> None:
    """A section or training plan is selected by its id or by a product id, and exactly one of them is required."""
    syllabus_type = 0 if name == "syllabus_id" else 1
    syllabi = await api.get("LearningApi_GetCatalogSyllabi", catalog_id=samples.catalog_id, per_page=1000)
    syllabus = next(each for each in syllabi if each["syllabus_type"] == syllabus_type)
    by_id = await api.get(operation, **{name: syllabus["syllabus_id"]})
    assert by_id == await api.get(operation, product_id=syllabus["product_id"])
    assert by_id["id"] == by_id["syllabus_id"] == syllabus["syllabus_id"]
    assert await api.refusal(operation) == (422, 2)
    both = {name: syllabus["syllabus_id"], "product_id": syllabus["product_id"]}
    assert await api.refusal(operation, **both) == (422, 2)
    other = next(each for each in syllabi if each["syllabus_type"] != syllabus_type)
    assert await api.refusal(operation, **{name: other["syllabus_id"]}) == (409, 3)
    assert await api.refusal(operation, product_id=other["product_id"]) == (409, 3)
    assert await api.refusal(operation, product_id=NOTHING) == (409, 3)


async def test_sections_are_returned_once(api: HttpApi, samples: Samples) -> None:
    """GetSections returns a thousand ids at once, and a duplicate once with a warning."""
    ids = await section_ids(api, samples, 1000)
    found = await api.get(SECTIONS, {"sections": ids})
    assert [each["syllabus_id"] for each in found["sections"]] == ids
    twice = await api.get(SECTIONS, {"sections": [ids[0], ids[1], ids[0].upper()]})
    assert [each["syllabus_id"] for each in twice["sections"]] == ids[:2]
    assert twice["api_error_entity"]["warning_messages"]


async def test_lists_that_sections_refuse(api: HttpApi, samples: Samples) -> None:
    """An empty list, a null or empty value, more than 1000 entries and an unknown id are refused, as on the page."""
    one = samples.section_id
    empty_id = "00000000-0000-0000-0000-000000000000"
    wrong = [
        [],
        [one, None],
        [one, empty_id],
        [one] * 1001,
        [one, NOTHING],
        [one, samples.training_plan_id],
        None,
    ]
    for sections in wrong:
        assert await api.refusal(SECTIONS, {"sections": sections}) == (422, 2)


@pytest.mark.parametrize(
    ("operation", "argument", "field", "sample"),
    [
        ("LearningApi_GetSectionDescription", "section_id", "description", "section_id"),
        ("LearningApi_GetSectionObjectives", "section_id", "objectives", "section_id"),
        ("LearningApi_GetTrainingPlanDescription", "training_plan_id", "description", "training_plan_id"),
        ("LearningApi_GetCatalogDescription", "catalog_id", "description", "catalog_id"),
        ("LearningApi_GetCatalogCreditHours", "catalog_id", "credit_hours", "catalog_id"),
        (
            "LearningApi_GetAssignmentInstructions",
            "assignment_id",
            "assignment_instructions",
            "test_assignment_id",
        ),
    ],
)
async def test_descriptions_are_returned_for_known_ids(
    api: HttpApi, samples: Samples, operation: str, argument: str, field: str, sample: str
) -> None:
    """Descriptions and similar strings: the string, 409 for an unknown id, 422 without one."""
    assert (await api.get(operation, **{argument: getattr(samples, sample)}))[field]
    assert await api.refusal(operation, **{argument: NOTHING}) == (409, 3)
    assert await api.refusal(operation) == (422, 2)


async def test_missing_dates_of_a_section(api: HttpApi, samples: Samples) -> None:
    """Some required dates are null, some optional ones are omitted."""
    ids = await section_ids(api, samples, 200)
    found = (await api.get(SECTIONS, {"sections": ids}))["sections"]
    for name in ("enrollment_end", "final_drop_date", "training_end"):
        assert {each[name] is None for each in found} == {True, False}
    assert {"training_start" in each for each in found} == {True, False}


async def test_credit_hours_are_added_up(api: HttpApi, samples: Samples) -> None:
    """A catalog's credit hours are the sum over its sections and training plans."""
    body = {"group_id": samples.root_org_id, "catalog_access_option": 1}
    catalogs = (await api.get("LearningApi_GetCatalogs", body))["catalogs"]
    catalog_id = next(each["catalog_id"] for each in catalogs if each["name"].startswith("Season"))
    syllabi = await api.get("LearningApi_GetCatalogSyllabi", catalog_id=catalog_id)
    sections = await api.get(SECTIONS, {"sections": [each["syllabus_id"] for each in syllabi]})
    total = await api.get("LearningApi_GetCatalogCreditHours", catalog_id=catalog_id)
    assert total["credit_hours"] == sum(each["credit_hours"] for each in sections["sections"])


async def test_organizations_are_listed_with_all_below(api: HttpApi, samples: Samples) -> None:
    """The obsolete GetOrganizations returns an organization and all below it by name, for an id or a short name."""
    everything = await api.get("LearningApi_GetOrganizations", org_id=samples.root_org_id)
    names = [each["name"] for each in everything]
    assert names == sorted(names)
    assert {each["org_id"] for each in everything} == set(samples.org_ids)
    assert all(each["id"] == each["org_id"] for each in everything)
    east = await api.get("LearningApi_GetOrganizations", org_short_name="nw-east")
    assert [each["short_name"] for each in east] == ["boston-evening", "boston", "newyork", "nw-east"]
    assert await api.refusal("LearningApi_GetOrganizations") == (422, 2)
    assert await api.refusal("LearningApi_GetOrganizations", org_short_name="nothing") == (409, 3)
    assert await api.refusal("LearningApi_GetOrganizations", org_id=NOTHING) == (409, 3)


async def test_catalogs_are_filtered(api: HttpApi, samples: Samples) -> None:
    """Shared catalogs by default, owned ones, or both; by name; of all publishing models or one."""

    async def names(**more: object) -> list[str]:
        found = await api.get(
            "LearningApi_GetCatalogs", {"group_id": samples.root_org_id, **more}, per_page=1000
        )
        return [each["name"] for each in found["catalogs"]]

    shared = await names()
    assert shared == await names(catalog_access_option=0)
    assert len(shared) == 3
    owned, both = await names(catalog_access_option=1), await names(catalog_access_option=2)
    assert owned == sorted(owned)
    assert sorted(shared + owned) == both
    split = [await names(catalog_access_option=1, publishing_model=model) for model in (0, 1, 2)]
    assert sorted(itertools.chain.from_iterable(split)) == owned
    assert all(split)
    wrong = {"group_id": samples.root_org_id, "publishing_model": 3}
    assert await api.refusal("LearningApi_GetCatalogs", wrong) == (422, 2)
    assert await api.refusal("LearningApi_GetCatalogs", {}) == (422, 2)
    assert await api.refusal("LearningApi_GetCatalogs", {"group_id": NOTHING}) == (409, 3)


async def test_one_catalog_equals_its_list_item(api: HttpApi, samples: Samples) -> None:
    """GetCatalog returns the same as GetCatalogs; neither item has an error entity."""
    body = {"group_id": samples.root_org_id, "catalog_access_option": 2}
    found = (await api.get("LearningApi_GetCatalogs", body, per_page=1000))["catalogs"]
    for each in found[:10]:
        assert await api.get("LearningApi_GetCatalog", catalog_id=each["catalog_id"]) == each
        assert "api_error_entity" not in each
    limits = {each["access_time_limit"] for each in found}
    assert limits == {None, "1.02:30:45"}
    assert await api.refusal("LearningApi_GetCatalog", catalog_id=NOTHING) == (409, 3)


async def test_categories_are_newest_first(api: HttpApi, samples: Samples) -> None:
    """Newest first; a category without a parent has .NET's empty id as its parent."""
    found = await api.get("LearningApi_GetCategories", catalog_id=samples.catalog_id, per_page=1000)
    dates = [each["date_created"] for each in found]
    assert [date[:19] for date in dates] == sorted((date[:19] for date in dates), reverse=True)
    parents = {each["parent_category_id"] for each in found}
    assert "00000000-0000-0000-0000-000000000000" in parents
    assert parents - {"00000000-0000-0000-0000-000000000000"} <= {each["category_id"] for each in found}
    assert await api.refusal("LearningApi_GetCategories", catalog_id=NOTHING) == (409, 3)


async def test_syllabi_of_a_category(api: HttpApi, samples: Samples) -> None:
    """A category's syllabi are a part of its catalog's, by title."""
    found = await api.get("LearningApi_GetCategorySyllabi", category_id=samples.category_id)
    assert [each["syllabus_name"] for each in found] == sorted(each["syllabus_name"] for each in found)
    assert len(found) == 20
    catalog = await api.get("LearningApi_GetCatalogSyllabi", catalog_id=samples.catalog_id, per_page=1000)
    assert [each["syllabus_name"] for each in catalog] == sorted(each["syllabus_name"] for each in catalog)
    assert await api.refusal("LearningApi_GetCategorySyllabi", category_id=NOTHING) == (409, 3)


async def test_assignments_are_in_display_order(api: HttpApi, samples: Samples) -> None:
    """By display order, then by the date added, oldest first; GetAssignment returns the same items."""
    found = await api.get("LearningApi_GetAssignments", section_id=samples.popular_section_id)
    order = [(each["display_order"], each["utc_date_added"]) for each in found]
    assert order == sorted(order)
    assert len({display for display, _ in order}) < len(order)
    for each in found:
        assert await api.get("LearningApi_GetAssignment", assignment_id=each["assignment_id"]) == each
        assert each["id"] == each["assignment_id"]
    assert {each["utc_due_date"] is None for each in found} == {True, False}
    assert await api.refusal("LearningApi_GetAssignments", section_id=samples.training_plan_id) == (409, 3)
    assert await api.refusal("LearningApi_GetAssignment", assignment_id=NOTHING) == (409, 3)


async def test_instructions_are_raw_templates(api: HttpApi, samples: Samples) -> None:
    """Instructions are the raw VTL template."""
    found = await api.get("LearningApi_GetAssignmentInstructions", assignment_id=samples.test_assignment_id)
    assert "$!{student.first_name}" in found["assignment_instructions"]


async def test_seeds_differ(server: Sandbox) -> None:
    """Different seeds have different ids and passwords."""
    async with Sandbox(seed=8) as other:
        assert other.password != server.password
        assert (await other.samples()).root_org_id != (await server.samples()).root_org_id
