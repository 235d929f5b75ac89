"""Null, absent, new and unknown values in a response: None, drift, or an error with its path; over a real socket."""

import logging
from typing import Any

import pytest

import nexport_campus.models as models
from nexport_campus import Drift, ResponseDecodeError, StaticToken
from nexport_campus.models import Phase
from nexport_client.reader import Reader
from nexport_client.types import Model, fields_of
from tests.support.clients import campus_of, campus_with
from tests.support.scripted_server import ScriptedServer, json_response
from tests.support.spec import SCHEMAS, SOME_ID, example, example_response

OBJECTS = sorted(name for name, schema in SCHEMAS.items() if "properties" in schema)
REMOVED = object()


def change_field(value: dict[str, Any], key: str, to: Any) -> dict[str, Any]:
    """Return the object with one field changed or removed."""
    kept = {name: item for name, item in value.items() if name != key}
    return kept if to is REMOVED else kept | {key: to}


@pytest.mark.parametrize("gap", [None, REMOVED], ids=["null", "absent"])
@pytest.mark.parametrize("name", OBJECTS)
def test_null_and_absent_everywhere(name: str, gap: Any) -> None:
    """Optional fields and required dates become None, other required ones None with drift; ids, lists and objects raise."""
    model: type[Model] = getattr(models, name)
    schema = SCHEMAS[name]
    for field in fields_of(model):
        value, reader = change_field(example({"$ref": f"/{name}"}), field.key, gap), Reader()
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
    """A required date that is null becomes None without drift."""
    drifts: list[Drift] = []
    response = change_field(
        change_field(example_response("LearningApi_GetSection"), "enrollment_end", None),
        "training_end",
        REMOVED,
    )
    async with campus_with(json_response(response), on_drift=drifts.append) as (campus, _):
        section = await campus.learning.get_section(syllabus_id=response["syllabus_id"])
    assert (section.enrollment_end, section.training_end, drifts) == (None, None, [])


async def test_a_missing_string_is_drift() -> None:
    """A required string that is missing becomes None and is reported with operation and path."""
    drifts: list[Drift] = []
    response = change_field(example_response("LearningApi_GetSection"), "title", REMOVED)
    async with campus_with(json_response(response), on_drift=drifts.append) as (campus, _):
        section = await campus.learning.get_section(syllabus_id=response["syllabus_id"])
    assert section.title is None
    assert drifts == [
        Drift("missing_required", "LearningApi_GetSection", "title", "null or missing, and required")
    ]


async def test_drift_is_reported_for_each_operation_and_kind() -> None:
    """The same place in another operation, or another kind at the same place, is reported too, and each of them once."""
    drifts: list[Drift] = []
    section = example_response("LearningApi_GetSection")
    described = example_response("LearningApi_GetSectionDescription")
    odd = [
        section | {"newer": 1},
        section | {"newer": 2, "title": None},
        section | {"title": "\ud800"},
    ]
    script = [*odd, described | {"newer": 1}, described | {"newer": 2}]
    async with campus_with(*map(json_response, script), on_drift=drifts.append) as (campus, _):
        for _ in odd:
            await campus.learning.get_section(syllabus_id=SOME_ID)
        for _ in range(2):
            await campus.learning.get_section_description(section_id=SOME_ID)
    assert [(drift.kind, drift.operation_id, drift.path) for drift in drifts] == [
        ("unknown_field", "LearningApi_GetSection", "newer"),
        ("missing_required", "LearningApi_GetSection", "title"),
        ("lone_surrogate", "LearningApi_GetSection", "title"),
        ("unknown_field", "LearningApi_GetSectionDescription", "newer"),
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
async def test_an_unreadable_value_names_its_path(key: str, value: Any, place: str) -> None:
    """An unreadable value is a ResponseDecodeError with operation and path, but without the value."""
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
    """Unknown keys, even one named `additional_properties`, are kept, reported once, and part of `to_dict`."""
    drifts: list[Drift] = []
    more = {"additional_properties": {"a": [1, None]}, "new ☃": "string", 'quo"te\\': 1.5}
    response = example_response("LearningApi_GetSection") | more
    async with campus_with(*[json_response(response)] * 3, on_drift=drifts.append) as (campus, _):
        sections = [await campus.learning.get_section(syllabus_id=response["syllabus_id"]) for _ in range(3)]
    for section in sections:
        assert section.additional_properties == more
        assert section.to_dict() == response
    assert sections[0] == sections[2]
    assert sorted((drift.kind, drift.path) for drift in drifts) == [
        ("unknown_field", key) for key in sorted(more)
    ]


async def test_drift_is_reported_once_per_kind_and_path() -> None:
    """A difference is reported once for all elements and responses; another path or kind is reported too."""
    drifts: list[Drift] = []
    item = example_response("LearningApi_GetSectionEnrollments")[0] | {"phase": 99, "newer": 1}
    async with campus_with(*[json_response([item] * 3)] * 2, on_drift=drifts.append) as (campus, _):
        for _ in range(2):
            page = await campus.learning.get_section_enrollments(enrollment_id=SOME_ID)
            assert [enrollment.phase for enrollment in page.items] == [Phase(99)] * 3
            assert [enrollment.additional_properties for enrollment in page.items] == [{"newer": 1}] * 3
    assert sorted((drift.kind, drift.path) for drift in drifts) == [
        ("unknown_enum_value", "[0].phase"),
        ("unknown_field", "[0].newer"),
    ]


async def test_views_report_drift_once() -> None:
    """Drift is reported once by a client and its views, and once more by each view with another function."""
    drifts: list[Drift] = []
    others: list[Drift] = []
    drifted = json_response(example_response("LearningApi_GetSection") | {"newer": 1})
    async with campus_with(*[drifted] * 6, on_drift=drifts.append) as (campus, _):
        for _ in range(2):
            for view in (campus, campus.with_options(timeout=5), campus.with_options(on_drift=others.append)):
                await view.learning.get_section(syllabus_id=SOME_ID)
    assert [drift.path for drift in drifts] == ["newer"]
    assert [drift.path for drift in others] == ["newer", "newer"]


async def test_drift_shows_no_secret() -> None:
    """A secret that the campus repeats as a key is redacted in what `on_drift` gets, short as it may be."""
    drifts: list[Drift] = []
    response = example_response("LearningApi_GetSection") | {"sh0rt-token": 1}
    settings: dict[str, Any] = {"auth": StaticToken("sh0rt-token"), "on_drift": drifts.append}
    async with campus_with(json_response(response), **settings) as (campus, _):
        await campus.learning.get_section(syllabus_id=response["syllabus_id"])
    assert [(drift.kind, drift.path) for drift in drifts] == [("unknown_field", "***")]
    assert "sh0rt-token" not in repr(drifts)


async def test_drift_is_logged_by_default(caplog: pytest.LogCaptureFixture) -> None:
    """Without `on_drift`, drift is logged as a warning; unknown fields, which are normal, as debug messages."""
    response = change_field(example_response("LearningApi_GetSection"), "title", None) | {"newer": 1}
    with caplog.at_level(logging.DEBUG, "nexport_campus"):
        async with campus_with(json_response(response)) as (campus, _):
            await campus.learning.get_section(syllabus_id=response["syllabus_id"])
    reported = {
        record.getMessage().rsplit(" ", 1)[-1]: record.levelno
        for record in caplog.records
        if "differs" in record.msg
    }
    assert reported == {"(missing_required)": logging.WARNING, "(unknown_field)": logging.DEBUG}


async def test_an_exception_of_on_drift_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """If the user's function raises, the exception is logged and the call succeeds."""

    def fail(drift: Drift) -> None:
        raise RuntimeError(drift.path)

    response = example_response("LearningApi_GetSection") | {"newer": 1}
    async with campus_with(json_response(response), on_drift=fail) as (campus, _):
        section = await campus.learning.get_section(syllabus_id=response["syllabus_id"])
    assert section.additional_properties == {"newer": 1}
    assert "on_drift raised" in caplog.text


@pytest.mark.parametrize("value", [{}, {"a": 1}, {"error": "Unauthorized"}, [], "string", 7, True, None])
async def test_foreign_responses(value: Any) -> None:
    """A JSON value that can't come from the campus is an error, never a model full of None."""
    async with campus_with(json_response(value)) as (campus, _):
        with pytest.raises(ResponseDecodeError) as caught:
            await campus.learning.get_section(syllabus_id=SOME_ID)
    assert caught.value.operation_id == "LearningApi_GetSection"


@pytest.mark.parametrize("value", [{}, {"status": "ok"}])
async def test_a_foreign_response_after_a_null_error_entity(value: Any) -> None:
    """A gateway's object doesn't confirm a write, even if the campus once had null where it reports errors."""
    responses = [json_response({"api_error_entity": None}), json_response(value)]
    async with ScriptedServer(responses) as server, campus_of(server) as campus:
        await campus.scorm.edit_scorm_data(assignment_status_id=SOME_ID, sco_id="I_SCO0")
        with pytest.raises(ResponseDecodeError):
            await campus.scorm.edit_scorm_data(assignment_status_id=SOME_ID, sco_id="I_SCO0")
