"""Models as flat rows: each row of a model has the same columns, with values that tables and data frames can hold."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nexport_campus.models as models
from nexport_campus.models import (
    ApiEnrollmentItem,
    ApiErrorEntity,
    CmiField,
    GetCmiDataResponseItem,
    SectionEnrollmentsResponse,
    SectionResponse,
    SetCustomEnrollmentFieldValuesRequest,
)
from nexport_client.enums import OpenIntEnum
from nexport_client.kinds import ANYTHING, STRING, Array, ModelOf
from nexport_client.types import Model, fields_of, wire
from tests.support.examples import FEW
from tests.support.spec import SCHEMAS, SOME_ID, example, model_named
from tests.support.spec_strategies import valid

OBJECTS = sorted(name for name, schema in SCHEMAS.items() if "properties" in schema)
EVERY = pytest.mark.parametrize("name", OBJECTS)
TOKEN = "0fb9d2ee-8a1c-4d3f-9a53-6d4a1c1f7a10"


def make(model: type[Any], **fields: object) -> Any:
    """Return a model made from a complete response of the spec, with some fields changed."""
    return model.from_dict(example({"$ref": f"#/{model.__name__}"}) | fields)


def flatten(model: Any, above: str = "") -> Iterator[tuple[str, object]]:
    """Yield what a row must hold, computed independently: lists and mappings as they are, absent values skipped."""
    for item in attrs.fields(type(model)):
        value = getattr(model, item.name)
        if isinstance(value, Model):
            yield from flatten(value, f"{above}{item.name}_")
        elif item.repr and value is not None and (value or item.name != "additional_properties"):
            yield above + item.name, to_json(value) if not isinstance(value, datetime) else value


def to_json(value: Any) -> Any:
    """Return a value's JSON form."""
    if isinstance(value, list):
        return [to_json(item) for item in value]
    return value.to_dict() if isinstance(value, Model) else str(value) if isinstance(value, UUID) else value


def cell_type(holds: type) -> type:
    """Return the type of a cell in a column of this type."""
    return str if holds is UUID else int if issubclass(holds, OpenIntEnum) else holds


@pytest.mark.sampled(30)
@EVERY
@FEW
@given(data=st.data())
def test_every_model(name: str, data: st.DataObject) -> None:
    """Whatever is missing or unknown, the columns and their types are the same, and hold all values but secrets."""
    model: type[Model] = getattr(models, name)
    columns = model.columns()
    found = model.from_dict(data.draw(valid({"$ref": f"#/{name}"})))
    row, labeled = found.to_row(), found.to_row(labels=True)
    assert list(row) == list(labeled) == list(columns)
    values = dict(flatten(found))
    for column, holds in columns.items():
        cell, value = row[column], values.pop(column, None)
        assert cell is None or type(cell) is cell_type(holds), column
        plain = json.loads(str(cell)) if isinstance(value, list | dict) else cell
        assert plain == (str(value) if holds is str and isinstance(value, int) else value), column
        assert labeled[column] == (holds(cell).label if isinstance(value, OpenIntEnum) else cell), column
    assert not values


def test_a_row_of_an_enrollment() -> None:
    """UUIDs become strings, dates UTC, enums numbers, and unknown fields JSON."""
    item = make(
        ApiEnrollmentItem,
        phase=99,
        result=1,
        start_date="2026-05-26T01:30:00+02:00",
        completion_date=None,
        newer=["ü", 1],
    )
    row = item.to_row()
    assert row["user_id"] == SOME_ID
    assert row["start_date"] == datetime(2026, 5, 25, 23, 30, tzinfo=UTC)
    assert row["completion_date"] is None
    assert (type(row["phase"]), row["phase"], row["result"]) == (int, 99, 1)
    assert row["additional_properties"] == '{"newer": ["ü", 1]}'
    labeled = item.to_row(labels=True)
    assert (labeled["phase"], labeled["result"]) == ("Unknown (99)", "Passed")


def test_columns_of_an_enrollment() -> None:
    """The columns are in the vendor's order, each with its type, as a table's schema needs them."""
    columns = ApiEnrollmentItem.columns()
    fields = [field.attribute for field in fields_of(ApiEnrollmentItem)]
    assert list(columns) == [*fields, "additional_properties"]
    expected = {
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
    assert columns.items() >= expected.items()


def test_columns_are_copies() -> None:
    """Changing the returned columns doesn't change those of another call."""
    ApiEnrollmentItem.columns().clear()
    assert ApiEnrollmentItem.columns()


def test_a_nested_object_may_be_missing() -> None:
    """A nested object's columns exist without it too, each None."""
    row = make(models.TestAttemptResponseItem, proctor_response_item=None).to_row()
    nested = {key: value for key, value in row.items() if key.startswith("proctor_response_item_")}
    assert nested["proctor_response_item_proctor_code"] is None
    assert set(nested.values()) == {None}
    assert list(row) == list(make(models.TestAttemptResponseItem).to_row())


def test_names_of_nested_columns() -> None:
    """A section's title and an enrollment's title are two columns."""
    section = example({"$ref": "#/SectionResponse"}) | {"title": "Forklifts"}
    row = make(SectionEnrollmentsResponse, section=section, title="Forklifts, in May").to_row()
    assert (row["section_title"], row["title"]) == ("Forklifts", "Forklifts, in May")
    assert row["section_api_error_entity_error_code"] == 0


def test_lists_and_mappings_are_json() -> None:
    """A list of objects has the vendor's keys; an empty list differs from None."""
    item = make(GetCmiDataResponseItem)
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
    """Token and password are in no row and no column; they can only be read by name."""
    token_response = model_named("AuthenticationTokenResponse")
    response = make(token_response, access_token=TOKEN)
    assert str(response.access_token) == TOKEN
    assert "access_token" not in token_response.columns()
    assert TOKEN not in repr(response.to_row(labels=labels))
    assert "password" not in model_named("AuthenticationTokenRequest").columns()


def test_dates_that_utc_cannot_hold() -> None:
    """They become UTC's first or last date, even if set by hand; a date without a zone, set by hand, is UTC."""
    item = make(ApiEnrollmentItem, start_date="0001-01-01T00:00:00+05:00")
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
    """.NET's minimum and maximum dates, with or without an offset, fit into a column with other dates."""
    frames = pytest.importorskip(library)
    rows = [make(ApiEnrollmentItem, start_date=text).to_row() for text in EDGES]
    column = frames.DataFrame(rows)["start_date"]
    assert "UTC" in str(column.dtype)
    found = column.dt.to_pydatetime() if library == "pandas" else column
    assert list(found) == list(EDGES.values())
    assert column.min() == datetime.min.replace(tzinfo=UTC)


@attrs.define(kw_only=True)
class Folder(Model):
    """Shapes that the vendor doesn't have yet: a recursive model, colliding names, and a value of any type."""

    inside: "Folder | None" = attrs.field(default=None, metadata=wire("inside", ModelOf("Folder")))
    others: "list[Folder] | None" = attrs.field(
        default=None, metadata=wire("others", Array(ModelOf("Folder")))
    )
    error: ApiErrorEntity | None = attrs.field(
        default=None, metadata=wire("error", ModelOf("ApiErrorEntity"))
    )
    error_error_code: str | None = attrs.field(default=None, metadata=wire("error_error_code", STRING))
    anything: Any = attrs.field(default=None, metadata=wire("anything", ANYTHING))
    code: str | None = attrs.field(default=None, repr=False, metadata=wire("code", STRING))
    additional_properties: dict[str, Any] = attrs.field(factory=dict)


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> type[Folder]:
    """Register the model where the kinds look it up."""
    monkeypatch.setattr("nexport_client.models.Folder", Folder, raising=False)
    monkeypatch.setattr("nexport_client.models.__all__", [*models.__all__, "Folder"])
    return Folder


def test_a_recursive_model(folder: type[Folder]) -> None:
    """It becomes JSON where it recurs, which hides its secrets too."""
    inner = folder(code="hush", anything=[1])
    row = folder(inside=inner, others=[inner], code="hush").to_row()
    assert row["inside"] == '{"anything": [1]}'
    assert row["others"] == '[{"anything": [1]}]'
    assert "hush" not in repr(row)


def test_colliding_names(folder: type[Folder]) -> None:
    """A model's own field keeps its name; the nested field with the same name gets an underscore."""
    row = folder(error=make(ApiErrorEntity, error_code=3), error_error_code="mine").to_row()
    assert (row["error_error_code"], row["error_error_code_"]) == ("mine", 3)
    assert list(row) == list(folder.columns())


@pytest.mark.parametrize("value", ["a string", 7, 2.5, True, {"a": None}])
def test_a_value_of_any_type_is_json(folder: type[Folder], value: object) -> None:
    """A value of any type becomes JSON, so that its column has one type."""
    assert folder.columns()["anything"] is str
    assert json.loads(str(folder(anything=value).to_row()["anything"])) == value


def test_unknown_keys_collide_with_no_column() -> None:
    """An unknown key named like a column remains among the unknown fields of its object."""
    section = example({"$ref": "#/SectionResponse"}) | {"to_row": 1}
    item = make(SectionEnrollmentsResponse, section=section, section_title="x", columns=[])
    assert isinstance(item.section, SectionResponse)
    row = item.to_row()
    assert row["section_title"] == item.section.title
    assert row["section_additional_properties"] == '{"to_row": 1}'
    assert json.loads(str(row["additional_properties"])) == {"section_title": "x", "columns": []}
