"""What is null, absent, new or unknown in an answer: None, drift, or an error with its place; over a real socket."""

import logging
from typing import Any

import pytest

import nexport_campus.models as models
from nexport_campus import Drift, ResponseDecodeError
from nexport_campus.models import Phase
from nexport_client.kinds import Reader
from nexport_client.types import Model, fields_of
from tests.support.clients import campus_with
from tests.support.scripted_server import json_response
from tests.support.spec import SCHEMAS, SOME_ID, example, example_response

OBJECTS = sorted(name for name, schema in SCHEMAS.items() if "properties" in schema)
NOTHING = object()


def changed(value: dict[str, Any], key: str, to: Any) -> dict[str, Any]:
    """The object with a field changed, or taken out."""
    kept = {name: item for name, item in value.items() if name != key}
    return kept if to is NOTHING else kept | {key: to}


@pytest.mark.parametrize("gap", [None, NOTHING], ids=["null", "absent"])
@pytest.mark.parametrize("name", OBJECTS)
def test_null_and_absent_everywhere(name: str, gap: Any) -> None:
    """Optional fields and required dates are None; other required ones None and drift; ids, lists, objects an error."""
    model: type[Model] = getattr(models, name)
    schema = SCHEMAS[name]
    for field in fields_of(model):
        value, reader = changed(example({"$ref": f"/{name}"}), field.key, gap), Reader()
        stated = schema["properties"][field.key]
        required = field.key in schema.get("required", [])
        reference = SCHEMAS.get(str(stated.get("$ref", "")).rsplit("/", 1)[-1], {})
        essential = stated.get("format") == "uuid" or stated.get("type") in ["array", "object"]
        essential = essential or ("properties" in reference and field.key != "api_error_entity")
        dated = isinstance(stated.get("type"), list)
        if required and essential:
            with pytest.raises(ValueError, match=f"{field.key}: null or missing"):
                model._read(value, reader)
            continue
        assert getattr(model._read(value, reader), field.attribute) is None
        kinds = [drift[:2] for drift in reader.drifts]
        assert kinds == ([("missing_required", field.key)] if required and not dated else []), field.key


async def test_a_section_without_an_end() -> None:
    """A required date that is null is None, and no drift."""
    drifts: list[Drift] = []
    answer = changed(
        changed(example_response("LearningApi_GetSection"), "enrollment_end", None), "training_end", NOTHING
    )
    async with campus_with(json_response(answer), on_drift=drifts.append) as (campus, _):
        section = await campus.learning.get_section(syllabus_id=answer["syllabus_id"])
    assert (section.enrollment_end, section.training_end, drifts) == (None, None, [])


async def test_a_missing_text_is_drift() -> None:
    """A required text that is missing is None, and told with operation and place."""
    drifts: list[Drift] = []
    answer = changed(example_response("LearningApi_GetSection"), "title", NOTHING)
    async with campus_with(json_response(answer), on_drift=drifts.append) as (campus, _):
        section = await campus.learning.get_section(syllabus_id=answer["syllabus_id"])
    assert section.title is None
    assert drifts == [
        Drift("missing_required", "LearningApi_GetSection", "title", "null or missing, and required")
    ]


@pytest.mark.parametrize(
    ("key", "value", "place"),
    [
        ("enrollment_id", None, "[1].enrollment_id"),
        ("enrollment_id", "nonsense", "[1].enrollment_id"),
        ("weighted_score", "nonsense", "[1].weighted_score"),
        ("section", {"enrollment_end": "soon"}, "[1].section.enrollment_end"),
        (
            "api_error_entity",
            {"error_code": 0, "warning_messages": ["a", 7]},
            "[1].api_error_entity.warning_messages[1]",
        ),
    ],
)
async def test_an_unreadable_value_names_its_place(key: str, value: Any, place: str) -> None:
    """What can't be read is a ResponseDecodeError with operation and place, and without the value."""
    items = example_response("LearningApi_GetSectionEnrollments")
    base = items[1]
    inner = base[key] | value if isinstance(value, dict) and isinstance(base.get(key), dict) else value
    async with campus_with(json_response([items[0], base | {key: inner}])) as (campus, _):
        with pytest.raises(ResponseDecodeError) as caught:
            await campus.learning.get_section_enrollments(org_id=SOME_ID)
    assert (caught.value.path, caught.value.operation_id) == (place, "LearningApi_GetSectionEnrollments")
    assert place in str(caught.value)
    assert "nonsense" not in str(caught.value)


async def test_unknown_fields_are_kept() -> None:
    """Unknown keys are kept, one named `additional_properties` too; they are told once, and come in `to_dict` again."""
    drifts: list[Drift] = []
    more = {"additional_properties": {"a": [1, None]}, "new ☃": "text", 'quo"te\\': 1.5}
    answer = example_response("LearningApi_GetSection") | more
    async with campus_with(*[json_response(answer)] * 3, on_drift=drifts.append) as (campus, _):
        sections = [await campus.learning.get_section(syllabus_id=answer["syllabus_id"]) for _ in range(3)]
    for section in sections:
        assert section.additional_properties == more
        assert section.to_dict() == answer
    assert sections[0] == sections[2]
    assert sorted((drift.kind, drift.path) for drift in drifts) == [
        ("unknown_field", key) for key in sorted(more)
    ]


async def test_drift_is_told_once_per_kind_and_place() -> None:
    """However many elements and answers have it, a difference is told once; another place or kind is told too."""
    drifts: list[Drift] = []
    item = example_response("LearningApi_GetSectionEnrollments")[0] | {"phase": 17, "newer": 1}
    async with campus_with(*[json_response([item] * 3)] * 2, on_drift=drifts.append) as (campus, _):
        for _ in range(2):
            page = await campus.learning.get_section_enrollments(enrollment_id=SOME_ID)
            assert [enrollment.phase for enrollment in page.items] == [Phase(17)] * 3
            assert [enrollment.additional_properties for enrollment in page.items] == [{"newer": 1}] * 3
    assert sorted((drift.kind, drift.path) for drift in drifts) == [
        ("unknown_enum_value", "[0].phase"),
        ("unknown_field", "[0].newer"),
    ]


async def test_drift_is_logged_by_default(caplog: pytest.LogCaptureFixture) -> None:
    """Without `on_drift` it is a warning, and a debug message for unknown fields, which are normal."""
    answer = changed(example_response("LearningApi_GetSection"), "title", None) | {"newer": 1}
    with caplog.at_level(logging.DEBUG, "nexport_campus"):
        async with campus_with(json_response(answer)) as (campus, _):
            await campus.learning.get_section(syllabus_id=answer["syllabus_id"])
    told = {
        record.getMessage().rsplit(" ", 1)[-1]: record.levelno
        for record in caplog.records
        if "differs" in record.msg
    }
    assert told == {"(missing_required)": logging.WARNING, "(unknown_field)": logging.DEBUG}


async def test_an_exception_of_on_drift_goes_no_further(caplog: pytest.LogCaptureFixture) -> None:
    """A user's function that fails is logged, and the call succeeds all the same."""

    def fail(drift: Drift) -> None:
        raise RuntimeError(drift.path)

    answer = example_response("LearningApi_GetSection") | {"newer": 1}
    async with campus_with(json_response(answer), on_drift=fail) as (campus, _):
        section = await campus.learning.get_section(syllabus_id=answer["syllabus_id"])
    assert section.additional_properties == {"newer": 1}
    assert "on_drift raised" in caplog.text


@pytest.mark.parametrize("value", [{}, {"a": 1}, {"error": "Unauthorized"}, [], "text", 7, True, None])
async def test_foreign_answers(value: Any) -> None:
    """A JSON value that is none of the campus's answers is an error, never a model full of None."""
    async with campus_with(json_response(value)) as (campus, _):
        with pytest.raises(ResponseDecodeError) as caught:
            await campus.learning.get_section(syllabus_id=SOME_ID)
    assert caught.value.operation_id == "LearningApi_GetSection"
