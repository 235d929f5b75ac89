"""Custom enrollment fields: definitions, default settings and values."""

import uuid
from typing import Any

import pytest

from nexport_campus.sandbox import Samples, Sandbox
from tests.sandbox.http_api import HttpApi

FIELDS = "LearningApi_GetCustomEnrollmentFields"
DEFAULT = "LearningApi_GetDefaultCustomEnrollmentFieldSetting"
VALUES = "LearningApi_GetCustomEnrollmentFieldValues"
SET = "LearningApi_SetCustomEnrollmentFieldValues"
NOTHING = str(uuid.uuid4())


async def values(api: HttpApi, samples: Samples) -> dict[str, Any]:
    """Return the values of the sample enrollment, by key."""
    found = await api.get(VALUES, enrollment_id=samples.finished_enrollment_id)
    return {each["key"]: each["value"] for each in found}


def set_request(samples: Samples, **fields: object) -> dict[str, object]:
    """Return a request that sets fields of the sample enrollment."""
    return {"enrollment_id": samples.finished_enrollment_id, "custom_enrollment_field_values": fields}


async def test_fields_of_an_organization(api: HttpApi, samples: Samples) -> None:
    """An organization has its own fields and its ancestors', and a field can be requested by id."""
    root = await api.get(FIELDS, org_id=samples.root_org_id)
    busy = await api.get(FIELDS, org_id=samples.org_id)
    assert [each for each in busy if each["org_id"] == samples.root_org_id] == root
    assert {each["type"] for each in busy} == {1, 2, 3, 4, 5, 6, 7, 8}
    assert await api.get(FIELDS, org_id=samples.org_id, field_id=samples.field_id) == root[:1]
    own = next(each for each in busy if each["org_id"] == samples.org_id)
    assert await api.refusal(FIELDS, org_id=samples.root_org_id, field_id=own["field_id"]) == (409, 3)
    assert await api.refusal(FIELDS, org_id=NOTHING) == (409, 3)
    assert await api.refusal(FIELDS) == (422, 2)


async def test_default_settings(api: HttpApi, samples: Samples) -> None:
    """The nearest organization's default applies, a syllabus filters, and without a default it is JSON null."""
    field = {"field_id": samples.field_id}
    root = await api.get(DEFAULT, org_id=samples.root_org_id, **field)
    busy = await api.get(DEFAULT, org_id=samples.org_id, **field)
    assert (root["default_value"], root["setting_org_short_name"]) == ("PO-0000", "northwind")
    assert (busy["default_value"], busy["setting_org_short_name"]) == ("PO-EAST", "nw-east")
    assert busy["field_org_short_name"] == "northwind"
    syllabus = await api.get(DEFAULT, org_id=samples.org_id, **field, syllabus_id=samples.popular_section_id)
    assert syllabus["default_value"] == "PO-EAST-1"
    missing = await api.call(DEFAULT, org_id=samples.org_id, **field, syllabus_id=samples.section_id)
    assert (missing.status_code, missing.text) == (200, "null")
    assert await api.refusal(DEFAULT, org_id=samples.org_id, field_id=NOTHING) == (409, 3)
    assert await api.refusal(DEFAULT, org_id=samples.org_id) == (422, 2)


async def test_values_by_enrollment_or_subscription(api: HttpApi, samples: Samples) -> None:
    """enrollment_id, or subscriber_id and syllabus_id, select the same values; a key selects one."""
    one = (await api.get("LearningApi_GetSectionEnrollments", subscriber_id=samples.subscription_id))[0]
    found = await api.get(VALUES, enrollment_id=one["enrollment_id"])
    both = {"subscriber_id": one["subscription_id"], "syllabus_id": one["syllabus_id"]}
    assert await api.get(VALUES, **both) == found
    keyed = await api.get(VALUES, **both, key="shift")
    assert keyed == await api.get(VALUES, enrollment_id=one["enrollment_id"], key="shift")
    assert keyed == [each for each in found if each["key"] == "shift"]


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        ({}, (422, 2)),
        ({"key": "subscription_id"}, (422, 2)),
        ({"subscriber_id": "subscription_id"}, (422, 2)),
        ({"syllabus_id": "section_id"}, (422, 2)),
        ({"enrollment_id": "finished_enrollment_id", "syllabus_id": "section_id"}, (422, 2)),
        ({"enrollment_id": "finished_enrollment_id", "subscriber_id": "subscription_id"}, (422, 2)),
        ({"enrollment_id": "finished_enrollment_id", "key": "nothing"}, (409, 3)),
        ({"enrollment_id": "nothing"}, (409, 3)),
        ({"subscriber_id": "nothing", "syllabus_id": "section_id"}, (409, 6)),
        ({"subscriber_id": "subscription_id", "syllabus_id": "section_id"}, (409, 3)),
    ],
    ids=str,
)
async def test_only_the_listed_combinations_are_accepted(
    api: HttpApi, samples: Samples, arguments: dict[str, str], refusal: tuple[int, int]
) -> None:
    """Only the four combinations that the page lists are accepted."""
    query = {name: getattr(samples, sample, NOTHING) for name, sample in arguments.items()}
    assert await api.refusal(VALUES, **query) == refusal


async def test_inherited_fields_name_their_organization(api: HttpApi, samples: Samples) -> None:
    """An inherited field names its organization, an own field omits both names, and an unset value is null."""
    found = await api.get(VALUES, enrollment_id=samples.finished_enrollment_id)
    for each in found:
        inherited = each["key"] in ("po_number", "badge_issued", "paid", "seat_price", "supervisor_email")
        assert ("inherited_from_org_id" in each, "inherited_from_org_short_name" in each) == (
            inherited,
            inherited,
        )
        assert each["org_short_name"] == "boston"
    assert (await values(api, samples))["shift"] == "early"
    assert (await values(api, samples))["license_renewal"] is None


async def test_values_are_set(api: HttpApi, sandbox: Sandbox, samples: Samples) -> None:
    """Later calls return the values that were set, with dates in UTC; other fields keep their values."""
    before = await values(api, samples)
    sent = {
        "po_number": "PO-77",
        "badge_issued": "2026-05-01T10:00:00+02:00",
        "paid": "True",
        "seat_price": "99.95",
        "supervisor_email": "ada@example.com",
        "shift": "night",
        "equipment": "boots,vest",
    }
    found = await api.get(SET, set_request(samples, **sent))
    assert found["error"] is False
    stored = {**sent, "badge_issued": "2026-05-01T08:00:00Z", "paid": "true"}
    assert await values(api, samples) == {**before, **stored}
    assert [change.what for change in (await sandbox.books()).changes] == ["custom field values set"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"no_such_field": "x"},
        {"badge_issued": "tomorrow"},
        {"paid": "perhaps"},
        {"seat_price": "much"},
        {"supervisor_email": "not-an-address"},
        {"shift": "noon"},
        {"license_renewal": "2026-02-30"},
        {"equipment": "boots,hat"},
    ],
    ids=str,
)
async def test_an_invalid_field_is_reported_with_status_200(
    api: HttpApi, sandbox: Sandbox, samples: Samples, wrong: dict[str, str]
) -> None:
    """An invalid field gets a 200 with `error: true` and code 0, and no field is set."""
    before = await values(api, samples)
    found = await api.get(SET, set_request(samples, po_number="PO-88", **wrong))
    assert found["error"] is True
    assert next(iter(wrong)) in found["message"]
    assert await values(api, samples) == before
    assert (await sandbox.books()).changes == ()


async def test_refused_requests(api: HttpApi, samples: Samples) -> None:
    """Both fields are required, values are strings, and the enrollment must exist."""
    assert await api.refusal(SET, {"enrollment_id": samples.finished_enrollment_id}) == (422, 2)
    assert await api.refusal(SET, {"custom_enrollment_field_values": {}}) == (422, 2)
    assert await api.refusal(SET, set_request(samples, paid=True)) == (422, 2)
    assert await api.refusal(SET, {**set_request(samples), "enrollment_id": NOTHING}) == (409, 3)


async def test_the_permission_is_needed_in_the_organization_itself(
    registrar: HttpApi, viewer: HttpApi, samples: Samples
) -> None:
    """The permission is required in the enrollment's organization itself: a grant above it is not enough."""
    await registrar.get(VALUES, enrollment_id=samples.finished_enrollment_id)
    assert (await registrar.get(SET, set_request(samples, paid="true")))["error"] is False
    assert await viewer.refusal(VALUES, enrollment_id=samples.finished_enrollment_id) == (403, 5)
    assert await viewer.refusal(SET, set_request(samples, paid="true")) == (403, 5)
