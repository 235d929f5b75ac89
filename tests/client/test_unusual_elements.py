"""A page with unusual elements: only these take the tolerant path, and the decoder learns from them for later pages."""

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
    """Return one valid element."""
    names = {"name": f"Organization {number}", "short_name": f"org-{number}"}
    return (
        {"org_id": f"12345678-1234-5678-9abc-{number:012d}", "api_error_entity": {"error_code": 0}}
        | names
        | more
    )


def page(*items: dict[str, Any]) -> bytes:
    """Return the body of a list."""
    import msgspec

    return msgspec.json.encode(list(items))


def test_unusual_elements_decode_as_on_the_tolerant_path() -> None:
    """Nulls, braced ids, unknown enum numbers and errors in elements decode as on the tolerant path."""
    body = page(
        organization(0),
        organization(1, name=None),
        organization(2) | {"org_id": "{12345678-1234-5678-9abc-000000000002}"},
        organization(3, api_error_entity={"error_code": 77}),
        {"api_error_entity": {"error_code": 3, "error_message": "gone"}},
        organization(5, extra="kept"),
    )
    reported: list[Drift] = []
    decoder = Decoder(DriftReporter(reported.append))
    assert decoder.decode_fast(KIND, body) is NO_MATCH
    parts = decoder.decode_elements(OPERATION, KIND, body)
    assert parts == Decoder(DriftReporter(lambda drift: None)).decode_tolerantly(
        OPERATION, KIND, parse_json(body)
    )
    assert ("missing_required", "[1].name") in {(drift.kind, drift.path) for drift in reported}
    assert ("unknown_field", "[5].extra") in {(drift.kind, drift.path) for drift in reported}


def test_learned_keys_make_the_next_page_fast() -> None:
    """A key in every element is reported once, and later pages take the fast path as a whole."""
    reported: list[Drift] = []
    decoder = Decoder(DriftReporter(reported.append))
    body = page(*(organization(number, region="north") for number in range(50)))
    assert decoder.decode_fast(KIND, body) is NO_MATCH
    assert len(decoder.decode_elements(OPERATION, KIND, body)) == 50
    assert [(drift.kind, drift.path) for drift in reported] == [("unknown_field", "[0].region")]
    again = decoder.decode_fast(KIND, body)
    assert again is not NO_MATCH
    assert [item.additional_properties for item in again] == [{"region": "north"}] * 50


def test_other_bodies_are_left_to_others() -> None:
    """An object, a broken body and a kind without elements are left to the other decoders."""
    decoder = Decoder(DriftReporter(None))
    assert decoder.decode_elements(OPERATION, KIND, b'{"api_error_entity": {}}') is NO_MATCH
    assert decoder.decode_elements(OPERATION, KIND, b'[{"org_id": ') is NO_MATCH
    assert decoder.decode_elements(OPERATION, ModelOf("SectionResponse"), b"[]") is NO_MATCH


def enrollment(**more: Any) -> dict[str, Any]:
    """Return an enrollment."""
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
    """A page whose elements all have a value in an unusual form decodes as usual, later ones on the fast path."""
    kind = Array(ModelOf("ApiEnrollmentItem"))
    decoder = Decoder(DriftReporter(lambda drift: None))
    plain, odd = page(enrollment()), page(*[enrollment(**change)] * 3)
    assert decoder.decode_fast(kind, odd) is NO_MATCH
    [wanted] = cast("list[object]", decoder.decode_fast(kind, plain))
    assert decoder.decode_elements("LearningApi_SearchEnrollments", kind, odd) == [wanted] * 3
    assert decoder.decode_fast(kind, odd) == [wanted] * 3
    assert decoder.decode_fast(kind, plain) == [wanted]


def test_drift_in_a_field_with_unusual_forms() -> None:
    """Where unusual forms were learned, nulls, undeclared numbers and wrong types are still drift or errors."""
    kind = Array(ModelOf("ApiEnrollmentItem"))
    decoder = Decoder(DriftReporter(lambda drift: None))
    decoder.decode_elements("LearningApi_SearchEnrollments", kind, page(enrollment(phase=2.0)))
    for value in (None, 99, 99.0, "2", [2]):
        assert decoder.decode_fast(kind, page(enrollment(phase=value))) is NO_MATCH
    reported: list[Drift] = []
    decoder.drift = DriftReporter(reported.append)
    decoder.decode_elements("LearningApi_SearchEnrollments", kind, page(enrollment(phase=99)))
    assert [(drift.kind, drift.path) for drift in reported] == [("unknown_enum_value", "[0].phase")]
    with pytest.raises(DecodeError, match="phase"):
        decoder.decode_elements("LearningApi_SearchEnrollments", kind, page(enrollment(phase="2")))


def test_elements_without_anything_to_learn() -> None:
    """A page whose elements all lack their error entity decodes completely, with each lack reported."""
    reported: list[Drift] = []
    decoder = Decoder(DriftReporter(reported.append))
    items = [organization(number) for number in range(40)]
    for item in items:
        del item["api_error_entity"]
    parts = decoder.decode_elements(OPERATION, KIND, page(*items, organization(40)))
    assert [part.name for part in parts] == [f"Organization {number}" for number in range(41)]
    assert {drift.kind for drift in reported} == {"missing_required"}
