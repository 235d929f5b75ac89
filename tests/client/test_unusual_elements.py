"""A page with odd elements: these alone are read slowly, and what one of them teaches makes the next ones fast."""

from typing import Any, cast

import pytest

from nexport_campus import Drift
from nexport_campus._decoding.decoder import NO_MATCH, Decoder, parse_json
from nexport_campus._drift import DriftReporter
from nexport_client.errors import DecodeError
from nexport_client.kinds import Array, ModelOf

KIND = Array(ModelOf("OrganizationResponseItem"))
OPERATION = "LearningApi_GetOrganizations"


def organization(number: int, **more: Any) -> dict[str, Any]:
    """One element, as the spec says."""
    names = {"name": f"Organization {number}", "short_name": f"org-{number}"}
    return (
        {"org_id": f"12345678-1234-5678-9abc-{number:012d}", "api_error_entity": {"error_code": 0}}
        | names
        | more
    )


def page(*items: dict[str, Any]) -> bytes:
    """The body of a list."""
    import msgspec

    return msgspec.json.encode(list(items))


def test_odd_elements_are_read_like_a_whole_odd_page() -> None:
    """Null in a required text, a braced id, an unknown enum number and an error's element come as the slow path reads them."""
    body = page(
        organization(0),
        organization(1, name=None),
        organization(2) | {"org_id": "{12345678-1234-5678-9abc-000000000002}"},
        organization(3, api_error_entity={"error_code": 77}),
        {"api_error_entity": {"error_code": 3, "error_message": "gone"}},
        organization(5, extra="kept"),
    )
    told: list[Drift] = []
    decoder = Decoder(DriftReporter(told.append))
    assert decoder.fast(KIND, body) is NO_MATCH
    parts = decoder.elements(OPERATION, KIND, body)
    assert parts == Decoder(DriftReporter(lambda drift: None)).tolerant(OPERATION, KIND, parse_json(body))
    assert ("missing_required", "[1].name") in {(drift.kind, drift.path) for drift in told}
    assert ("unknown_field", "[5].extra") in {(drift.kind, drift.path) for drift in told}


def test_what_one_teaches_makes_the_next_fast() -> None:
    """A key that every element carries is told once, and the whole page is fast from then on."""
    told: list[Drift] = []
    decoder = Decoder(DriftReporter(told.append))
    body = page(*(organization(number, region="north") for number in range(50)))
    assert decoder.fast(KIND, body) is NO_MATCH
    assert len(decoder.elements(OPERATION, KIND, body)) == 50
    assert [(drift.kind, drift.path) for drift in told] == [("unknown_field", "[0].region")]
    again = decoder.fast(KIND, body)
    assert again is not NO_MATCH
    assert [item.additional_properties for item in again] == [{"region": "north"}] * 50


def test_what_is_no_list_is_left_to_others() -> None:
    """An object, a broken body and a kind without elements are not taken apart."""
    decoder = Decoder(DriftReporter(None))
    assert decoder.elements(OPERATION, KIND, b'{"api_error_entity": {}}') is NO_MATCH
    assert decoder.elements(OPERATION, KIND, b'[{"org_id": ') is NO_MATCH
    assert decoder.elements(OPERATION, ModelOf("SectionResponse"), b"[]") is NO_MATCH


def enrollment(**more: Any) -> dict[str, Any]:
    """An enrollment."""
    return {
        "enrollment_id": "12345678-1234-5678-9abc-123456789abc",
        "syllabus_id": "12345678-1234-5678-9abc-123456789abc",
        "user_id": "12345678-1234-5678-9abc-123456789abc",
        "result": 1,
        "phase": 2,
    } | more


@pytest.mark.parametrize(
    "change",
    [
        {"phase": 2.0},
        {"user_id": "{12345678-1234-5678-9abc-123456789abc}"},
        {"user_id": "(12345678-1234-5678-9abc-123456789abc)"},
    ],
)
def test_unusual_forms_are_learned(change: dict[str, Any]) -> None:
    """A page whose every element has a value in an unusual form is read like any other, and is fast from then on."""
    kind = Array(ModelOf("ApiEnrollmentItem"))
    decoder = Decoder(DriftReporter(lambda drift: None))
    plain, odd = page(enrollment()), page(*[enrollment(**change)] * 3)
    assert decoder.fast(kind, odd) is NO_MATCH
    [wanted] = cast("list[object]", decoder.fast(kind, plain))
    assert decoder.elements("LearningApi_SearchEnrollments", kind, odd) == [wanted] * 3
    assert decoder.fast(kind, odd) == [wanted] * 3
    assert decoder.fast(kind, plain) == [wanted]


def test_what_has_to_be_told_is_told_of_a_field_with_unusual_forms_too() -> None:
    """A null, a new enum number and a wrong type are drift or refused where the field is known to be unusual."""
    kind = Array(ModelOf("ApiEnrollmentItem"))
    decoder = Decoder(DriftReporter(lambda drift: None))
    decoder.elements("LearningApi_SearchEnrollments", kind, page(enrollment(phase=2.0)))
    for value in (None, 17, 17.0, "2", [2]):
        assert decoder.fast(kind, page(enrollment(phase=value))) is NO_MATCH
    told: list[Drift] = []
    decoder.drift = DriftReporter(told.append)
    decoder.elements("LearningApi_SearchEnrollments", kind, page(enrollment(phase=17)))
    assert [(drift.kind, drift.path) for drift in told] == [("unknown_enum_value", "[0].phase")]
    with pytest.raises(DecodeError, match="phase"):
        decoder.elements("LearningApi_SearchEnrollments", kind, page(enrollment(phase="2")))


def test_elements_that_teach_nothing() -> None:
    """A page whose every element lacks its error entity comes whole, each told in its place, beyond the first few too."""
    told: list[Drift] = []
    decoder = Decoder(DriftReporter(told.append))
    items = [organization(number) for number in range(40)]
    for item in items:
        del item["api_error_entity"]
    parts = decoder.elements(OPERATION, KIND, page(*items, organization(40)))
    assert [part.name for part in parts] == [f"Organization {number}" for number in range(41)]
    assert {drift.kind for drift in told} == {"missing_required"}
