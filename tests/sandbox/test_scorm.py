"""SCORM data: GetCmiData of both areas, and EditScormData."""

import uuid
from typing import Any

import pytest

from nexport_campus.sandbox import Samples
from tests.sandbox.http_api import HttpApi

CMI = "ScormApi_GetCmiData"
EDIT = "ScormApi_EditScormData"
NOTHING = str(uuid.uuid4())
OLD, NEW = "cmi.core.lesson_status", "cmi.completion_status"


def cmi_request(samples: Samples, *names: str, **changes: object) -> dict[str, object]:
    """Return a request for elements of the sample assignment, with changes."""
    body = {"enrollment_id": samples.scorm_enrollment_id, "assignment_id": samples.scorm_assignment_id}
    return {**body, "cmi_element_names": list(names), **changes}


def edit_request(samples: Samples, **changes: object) -> dict[str, object]:
    """Return a request that edits the sample SCO."""
    return {
        "assignment_status_id": samples.scorm_assignment_status_id,
        "sco_id": samples.scorm_sco_id,
        **changes,
    }


async def elements(api: HttpApi, samples: Samples, *names: str) -> dict[str, Any]:
    """Return the values of the sample SCO, by element name."""
    scos = await api.get(CMI, cmi_request(samples, *names))
    sco = next(each for each in scos if each["sco_id"] == samples.scorm_sco_id)
    return {field["cmi_element_name"]: field.get("cmi_element_value") for field in sco["cmi_fields"]}


async def test_scos_are_ordered_by_id(api: HttpApi, samples: Samples) -> None:
    """Results are ordered by SCO ID; LearningApi's obsolete operation returns the same."""
    found = await api.get(CMI, cmi_request(samples, OLD, NEW))
    ids = [each["sco_id"] for each in found]
    assert ids == sorted(ids)
    assert await api.get("LearningApi_GetCmiData", cmi_request(samples, OLD, NEW)) == found


async def test_unknown_elements(api: HttpApi, samples: Samples) -> None:
    """As in the vendor's example, an unknown element has an empty value and a message."""
    found = await api.get(CMI, cmi_request(samples, OLD, "cmi.core.exit", NEW, "cmi.nonsense"))
    fields = [
        field for sco in found for field in sco["cmi_fields"] if field["cmi_element_name"] == "cmi.nonsense"
    ]
    wrong = {
        "cmi_element_name": "cmi.nonsense",
        "cmi_element_value": "",
        "error_message": "401 - Not Implemented Error",
    }
    assert fields == [wrong] * len(found)
    unknown = [field for field in found[0]["cmi_fields"] if "error_message" in field]
    assert len(unknown) in (2, 3)


async def test_a_null_element_has_no_value(api: HttpApi, samples: Samples) -> None:
    """An element without a value is sent without cmi_element_value."""
    found = await api.get(
        CMI, cmi_request(samples, "cmi.student_preference.speed", "cmi.learner_preference.delivery_speed")
    )
    assert {"cmi_element_name": "cmi.student_preference.speed"} in found[0]["cmi_fields"] or {
        "cmi_element_name": "cmi.learner_preference.delivery_speed"
    } in found[0]["cmi_fields"]


async def test_a_stuck_attempt_is_repaired(api: HttpApi, samples: Samples) -> None:
    """Later calls return the edited lesson_status, and elements that were not sent are unchanged."""
    names = (
        "cmi.core.lesson_status",
        "cmi.core.lesson_location",
        "cmi.core.total_time",
        "cmi.core.score.raw",
    )
    before = await elements(api, samples, *names)
    assert before["cmi.core.lesson_status"] == "incomplete"
    await api.get(EDIT, edit_request(samples, lesson_status="passed", raw_score=87.5))
    after = await elements(api, samples, *names)
    assert after == {**before, "cmi.core.lesson_status": "passed", "cmi.core.score.raw": "87.5"}


async def test_every_field_can_be_edited(api: HttpApi, samples: Samples) -> None:
    """Each field of the request sets its CMI element; dates and title are those of the SCO."""
    values = {
        "title": "A new title",
        "start_date_utc": "2026-01-02T03:04:05Z",
        "exit_date_utc": "2026-01-02T05:04:05+01:00",
        "lesson_mode": "review",
        "lesson_location": "page-99",
        "exit_status": "suspend",
        "session_time": "0000:12:00.00",
        "total_time": "0009:12:00.00",
        "suspend_data": "x=1",
        "entry": "",
        "preference_language": "sv",
        "preference_speed": 25,
        "for_credit": False,
    }
    await api.get(EDIT, edit_request(samples, **values))
    names = {
        "cmi.core.lesson_mode": "review",
        "cmi.core.lesson_location": "page-99",
        "cmi.core.exit": "suspend",
        "cmi.core.session_time": "0000:12:00.00",
        "cmi.core.total_time": "0009:12:00.00",
        "cmi.suspend_data": "x=1",
        "cmi.core.entry": "",
        "cmi.student_preference.language": "sv",
        "cmi.student_preference.speed": "25",
        "cmi.core.credit": "no-credit",
    }
    assert await elements(api, samples, *names) == names
    sco = (await api.get(CMI, cmi_request(samples)))[0]
    assert (sco["title"], sco["cmi_fields"]) == ("A new title", [])
    assert (sco["start_date_utc"], sco["exit_date_utc"]) == ("2026-01-02T03:04:05Z", "2026-01-02T04:04:05Z")


async def test_nothing_to_edit(api: HttpApi, samples: Samples) -> None:
    """A request without a field, or with only nulls, changes nothing and warns."""
    found = await api.get(EDIT, edit_request(samples, title=None))
    assert found["api_error_entity"]["warning_messages"]


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"assignment_status_id": None}, (422, 2)),
        ({"sco_id": None}, (422, 2)),
        ({"lesson_status": "done"}, (422, 2)),
        ({"lesson_mode": "fast"}, (422, 2)),
        ({"exit_status": "slam"}, (422, 2)),
        ({"entry": "again"}, (422, 2)),
        ({"raw_score": "high"}, (422, 2)),
        ({"preference_speed": 1.5}, (422, 2)),
        ({"for_credit": "yes"}, (422, 2)),
        ({"start_date_utc": "2026-13-01T00:00:00Z"}, (422, 2)),
        ({"assignment_status_id": NOTHING}, (409, 3)),
        ({"sco_id": "I_SCO99"}, (409, 3)),
    ],
)
async def test_refused_edits(
    api: HttpApi, samples: Samples, changes: dict[str, object], refusal: tuple[int, int]
) -> None:
    """Values that the descriptions don't list are 422, unknown ids 409."""
    body = edit_request(samples, **{"lesson_location": "page-1", **changes})
    assert await api.refusal(EDIT, body) == refusal


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"enrollment_id": None}, (422, 2)),
        ({"cmi_element_names": None}, (422, 2)),
        ({"cmi_element_names": [1]}, (422, 2)),
        ({"enrollment_id": NOTHING}, (409, 3)),
        ({"assignment_id": NOTHING}, (409, 3)),
    ],
)
async def test_refused_cmi_requests(
    api: HttpApi, samples: Samples, changes: dict[str, object], refusal: tuple[int, int]
) -> None:
    """All three fields are required, and the ids must exist."""
    assert await api.refusal(CMI, cmi_request(samples, OLD, **changes)) == refusal


async def test_reading_and_editing_need_permissions(
    viewer: HttpApi, registrar: HttpApi, instructor: HttpApi, samples: Samples
) -> None:
    """Reading needs View, editing needs Update Section Enrollments, in the organization or above."""
    assert await viewer.get(CMI, cmi_request(samples, OLD))
    assert await instructor.refusal(CMI, cmi_request(samples, OLD)) == (403, 5)
    assert await viewer.refusal(EDIT, edit_request(samples, title="x")) == (403, 5)
    await registrar.get(EDIT, edit_request(samples, title="x"))


async def test_both_versions_of_scorm(api: HttpApi, samples: Samples) -> None:
    """Some courseware uses SCORM 1.2, some SCORM 2004; each knows only its own element names."""
    body = {"org_ids": [samples.org_id], "utc_completed_after": "2024-01-01T00:00:00Z"}
    found = (await api.get("LearningApi_SearchEnrollments", body, per_page=40))["enrollments"]
    known = set()
    for each in found:
        response = await api.call("LearningApi_GetAssignments", section_id=each["syllabus_id"])
        if response.status_code != 200:
            continue
        kinds = {assignment["assignment_type"]: assignment["assignment_id"] for assignment in response.json()}
        request = {"enrollment_id": each["enrollment_id"], "assignment_id": kinds["Courseware Assignment"]}
        scos = await api.get(CMI, {**request, "cmi_element_names": [OLD, NEW]})
        known |= {tuple("error_message" in field for field in sco["cmi_fields"]) for sco in scos}
    assert known == {(False, True), (True, False)}
