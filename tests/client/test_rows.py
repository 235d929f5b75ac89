"""Models as flat rows: the same columns for each row of a model, and values that tables and data frames can hold."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nexport_campus.models as models
from nexport_campus.models import (
    ApiEnrollmentItem,
    ApiErrorEntity,
    AuthenticationTokenResponse,
    CmiField,
    GetCmiDataResponseItem,
    SectionEnrollmentsResponse,
    SectionResponse,
    SetCustomEnrollmentFieldValuesRequest,
)
from nexport_client.kinds import ANYTHING, TEXT, Array, ModelOf
from nexport_client.types import Model, OpenIntEnum, wire
from tests.support.spec import SCHEMAS, SOME_ID, example
from tests.support.spec_strategies import valid

OBJECTS = sorted(name for name, schema in SCHEMAS.items() if "properties" in schema)
EVERY = pytest.mark.parametrize("name", OBJECTS)
TOKEN = "0fb9d2ee-8a1c-4d3f-9a53-6d4a1c1f7a10"


def made(model: type[Any], **fields: object) -> Any:
    """A model out of a whole answer of the spec, with some fields changed."""
    return model.from_dict(example({"$ref": f"#/{model.__name__}"}) | fields)


def flattened(model: Any, above: str = "") -> Iterator[tuple[str, object]]:
    """What a row must hold, found another way: lists and mappings as they are, and only what is there."""
    for item in attrs.fields(type(model)):
        value = getattr(model, item.name)
        if isinstance(value, Model):
            yield from flattened(value, f"{above}{item.name}_")
        elif item.repr and value is not None and (value or item.name != "additional_properties"):
            yield above + item.name, jsonable(value) if not isinstance(value, datetime) else value


def jsonable(value: Any) -> Any:
    """A value as it is in JSON."""
    if isinstance(value, list):
        return [jsonable(item) for item in value]
    return value.to_dict() if isinstance(value, Model) else str(value) if isinstance(value, UUID) else value


def in_a_row(holds: type) -> type:
    """The type of a cell, by what its column holds."""
    return str if holds is UUID else int if issubclass(holds, OpenIntEnum) else holds


@EVERY
@settings(max_examples=10)
@given(data=st.data())
def test_every_model(name: str, data: st.DataObject) -> None:
    """Whatever is missing or unknown: the columns are the same, of their types, and hold each value but the secrets."""
    model: type[Model] = getattr(models, name)
    columns = model.columns()
    found = model.from_dict(data.draw(valid({"$ref": f"#/{name}"})))
    row, labelled = found.to_row(), found.to_row(labels=True)
    assert list(row) == list(labelled) == list(columns)
    values = dict(flattened(found))
    for column, holds in columns.items():
        cell, value = row[column], values.pop(column, None)
        assert cell is None or type(cell) is in_a_row(holds), column
        assert (json.loads(str(cell)) if isinstance(value, list | dict) else cell) == value, column
        assert labelled[column] == (holds(cell).label if isinstance(value, OpenIntEnum) else cell), column
    assert not values


def test_a_row_of_an_enrollment() -> None:
    """Uuids are text, dates in UTC, enums numbers, and what is unknown is JSON."""
    item = made(
        ApiEnrollmentItem,
        phase=17,
        result=1,
        start_date="2026-05-26T01:30:00+02:00",
        completion_date=None,
        newer=["ü", 1],
    )
    row = item.to_row()
    assert row["user_id"] == SOME_ID
    assert row["start_date"] == datetime(2026, 5, 25, 23, 30, tzinfo=UTC)
    assert row["completion_date"] is None
    assert (type(row["phase"]), row["phase"], row["result"]) == (int, 17, 1)
    assert row["additional_properties"] == '{"newer": ["ü", 1]}'
    labelled = item.to_row(labels=True)
    assert (labelled["phase"], labelled["result"]) == ("Unknown (17)", "Passed")


def test_columns_of_an_enrollment() -> None:
    """What a schema of a table is made of: the vendor's order, and what each column holds."""
    assert ApiEnrollmentItem.columns() == {
        "enrollment_id": UUID,
        "enrollment_date": datetime,
        "start_date": datetime,
        "expiration_date": datetime,
        "completion_date": datetime,
        "syllabus_id": UUID,
        "first_activity_date": datetime,
        "last_activity_date": datetime,
        "result": models.Result,
        "phase": models.Phase,
        "user_id": UUID,
        "additional_properties": str,
    }


def test_columns_are_nobody_elses() -> None:
    """Who changes the columns that were given changes those of nobody else."""
    ApiEnrollmentItem.columns().clear()
    assert ApiEnrollmentItem.columns()


def test_a_nested_object_may_be_missing() -> None:
    """The columns of a nested object are there without it too, each None."""
    row = made(models.TestAttemptResponseItem, proctor_response_item=None).to_row()
    nested = {key: value for key, value in row.items() if key.startswith("proctor_response_item_")}
    assert nested["proctor_response_item_proctor_code"] is None
    assert set(nested.values()) == {None}
    assert list(row) == list(made(models.TestAttemptResponseItem).to_row())


def test_names_of_nested_columns() -> None:
    """A section's title and an enrollment's own are two columns."""
    section = example({"$ref": "#/SectionResponse"}) | {"title": "Forklifts"}
    row = made(SectionEnrollmentsResponse, section=section, title="Forklifts, in May").to_row()
    assert (row["section_title"], row["title"]) == ("Forklifts", "Forklifts, in May")
    assert row["section_api_error_entity_error_code"] == 0


def test_lists_and_mappings_are_json() -> None:
    """A list of objects has the vendor's keys; an empty one isn't the same as none."""
    item = made(GetCmiDataResponseItem)
    item.cmi_fields = [CmiField(cmi_element_name="cmi.core.lesson_location", cmi_element_value="Straße")]
    expected = '[{"cmi_element_name": "cmi.core.lesson_location", "cmi_element_value": "Straße"}]'
    assert item.to_row()["cmi_fields"] == expected
    item.cmi_fields = []
    assert item.to_row()["cmi_fields"] == "[]"
    item.cmi_fields = None
    assert item.to_row()["cmi_fields"] is None
    request = SetCustomEnrollmentFieldValuesRequest(
        enrollment_id=UUID(SOME_ID), custom_enrollment_field_values={"badge": "7"}
    )
    assert request.to_row()["custom_enrollment_field_values"] == '{"badge": "7"}'


@pytest.mark.parametrize("labels", [False, True])
def test_a_secret_has_no_column(labels: bool) -> None:
    """The token is in no row and no column, nor the password: they are had by name only."""
    answer = made(AuthenticationTokenResponse, access_token=TOKEN)
    assert answer.access_token == UUID(TOKEN)
    assert "access_token" not in AuthenticationTokenResponse.columns()
    assert TOKEN not in repr(answer.to_row(labels=labels))
    assert "password" not in models.AuthenticationTokenRequest.columns()


def test_dates_that_utc_cannot_hold() -> None:
    """They are the first or the last one of UTC, set by hand too; a date without a zone, set by hand, is UTC."""
    item = made(ApiEnrollmentItem, start_date="0001-01-01T00:00:00+05:00")
    assert item.to_row()["start_date"] == datetime.min.replace(tzinfo=UTC)
    item.start_date = datetime.max.replace(tzinfo=timezone(timedelta(hours=-6)))
    assert item.to_row()["start_date"] == datetime.max.replace(tzinfo=UTC)
    item.start_date = datetime(2026, 5, 1)  # noqa: DTZ001 -- what a user may set
    assert item.to_row()["start_date"] == datetime(2026, 5, 1, tzinfo=UTC)


EDGES = {
    "0001-01-01T00:00:00": datetime.min.replace(tzinfo=UTC),
    "0001-01-01T00:00:00+01:00": datetime.min.replace(tzinfo=UTC),
    "9999-12-31T23:59:59.9999999": datetime.max.replace(tzinfo=UTC),
    "9999-12-31T23:59:59.9999999-06:00": datetime.max.replace(tzinfo=UTC),
    "2026-05-01T12:00:00-05:30": datetime(2026, 5, 1, 17, 30, tzinfo=UTC),
}


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_dates_at_the_edges_in_data_frames(library: str) -> None:
    """.NET's first and last dates, with an offset or without, stand in one column with other dates."""
    frames = pytest.importorskip(library)
    rows = [made(ApiEnrollmentItem, start_date=text).to_row() for text in EDGES]
    column = frames.DataFrame(rows)["start_date"]
    assert "UTC" in str(column.dtype)
    found = column.dt.to_pydatetime() if library == "pandas" else column
    assert list(found) == list(EDGES.values())
    assert column.min() == datetime.min.replace(tzinfo=UTC)


@attrs.define(kw_only=True)
class Folder(Model):
    """What the vendor doesn't have yet: an object in one of its kind, names that meet, and a value of any type."""

    inside: "Folder | None" = attrs.field(default=None, metadata=wire("inside", ModelOf("Folder")))
    others: "list[Folder] | None" = attrs.field(
        default=None, metadata=wire("others", Array(ModelOf("Folder")))
    )
    error: ApiErrorEntity | None = attrs.field(
        default=None, metadata=wire("error", ModelOf("ApiErrorEntity"))
    )
    error_error_code: str | None = attrs.field(default=None, metadata=wire("error_error_code", TEXT))
    anything: Any = attrs.field(default=None, metadata=wire("anything", ANYTHING))
    code: str | None = attrs.field(default=None, repr=False, metadata=wire("code", TEXT))
    additional_properties: dict[str, Any] = attrs.field(factory=dict)


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> type[Folder]:
    """The model, where the kinds look for it."""
    monkeypatch.setattr("nexport_client.models.Folder", Folder, raising=False)
    return Folder


def test_a_model_within_itself(folder: type[Folder]) -> None:
    """It becomes JSON where it comes again, and its secrets stay out of that as well."""
    inner = folder(code="hush", anything=[1])
    row = folder(inside=inner, others=[inner], code="hush").to_row()
    assert row["inside"] == '{"anything": [1]}'
    assert row["others"] == '[{"anything": [1]}]'
    assert "hush" not in repr(row)


def test_names_that_meet(folder: type[Folder]) -> None:
    """A field of the model's own keeps its name, and the nested one that would have it gets an underscore."""
    row = folder(error=made(ApiErrorEntity, error_code=3), error_error_code="mine").to_row()
    assert (row["error_error_code"], row["error_error_code_"]) == ("mine", 3)
    assert list(row) == list(folder.columns())


@pytest.mark.parametrize("value", ["a text", 7, 2.5, True, {"a": None}])
def test_a_value_of_any_type_is_json(folder: type[Folder], value: object) -> None:
    """So that its column has one type."""
    assert folder.columns()["anything"] is str
    assert json.loads(str(folder(anything=value).to_row()["anything"])) == value


def test_unknown_keys_meet_no_column() -> None:
    """A key of the campus's that looks like a column stays where the unknown ones are, nested ones at their place."""
    section = example({"$ref": "#/SectionResponse"}) | {"to_row": 1}
    item = made(SectionEnrollmentsResponse, section=section, section_title="x", columns=[])
    assert isinstance(item.section, SectionResponse)
    row = item.to_row()
    assert row["section_title"] == item.section.title
    assert row["section_additional_properties"] == '{"to_row": 1}'
    assert json.loads(str(row["additional_properties"])) == {"section_title": "x", "columns": []}
