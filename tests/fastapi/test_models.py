"""Models in an application: OpenAPI page, valid and invalid bodies, responses."""

import json
import subprocess
import sys
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

import nexport_campus.fastapi  # noqa: F401 -- makes bodies of models
import nexport_campus.models as models
from nexport_campus.models import (
    ApiEnrollmentItem,
    EnrollmentSearchFilter,
    GetCmiDataResponseItem,
    Phase,
    SectionResponse,
    SetCustomEnrollmentFieldValuesRequest,
)
from nexport_client.enums import OpenIntEnum
from nexport_client.types import Model
from tests.support.spec import SCHEMAS
from tests.support.spec_strategies import damaged, valid

IDENTIFIER = "8ebf2d8d-01eb-4af5-a317-4279e2b752d4"
ENROLLMENT: dict[str, Any] = {"enrollment_id": IDENTIFIER, "user_id": IDENTIFIER, "phase": 2, "result": 1}
ADAPTERS: dict[str, TypeAdapter[Any]] = {
    name: TypeAdapter(getattr(models, name)) for name in SCHEMAS if issubclass(getattr(models, name), Model)
}


class EnrollmentReport(BaseModel):
    """A pydantic model with the vendor's models in it."""

    enrollment: ApiEnrollmentItem
    phases: dict[str, Phase] = {}


def application(**settings: Any) -> FastAPI:
    """Return an application with models as bodies and response models, in lists, nested, and an enum in the query."""
    app = FastAPI(**settings)

    @app.post("/enrollments", response_model=list[ApiEnrollmentItem])
    async def echo(items: list[ApiEnrollmentItem]) -> list[ApiEnrollmentItem]:
        assert all(isinstance(item, ApiEnrollmentItem) for item in items)
        return items

    @app.post("/search")
    async def search(filters: EnrollmentSearchFilter) -> SectionResponse | None:
        assert isinstance(filters, EnrollmentSearchFilter)
        return None

    @app.post("/plain")
    async def plain(section: ApiEnrollmentItem | None = None):  # type: ignore[no-untyped-def] # noqa: ANN202
        return section

    @app.post("/report")
    async def report(report: EnrollmentReport) -> EnrollmentReport:
        return report

    @app.get("/cmi", response_model=GetCmiDataResponseItem)
    async def cmi(phase: Phase) -> dict[str, Any]:
        entity = {"error_code": 0}
        return {"title": phase.label, "sco_id": "1", "cmi_fields": [], "api_error_entity": entity}

    return app


async def request_json(method: str, path: str, **what: Any) -> httpx.Response:
    """Return the application's response."""
    transport = httpx.ASGITransport(application())
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
        return await client.request(method, path, **what)


@pytest.mark.parametrize("separate", [True, False])
def test_openapi_components(separate: bool) -> None:
    """Each model is one component with the vendor's name, formats, required, nullable, enums and references."""
    schemas = application(separate_input_output_schemas=separate).openapi()["components"]["schemas"]
    assert {"ApiEnrollmentItem", "SectionResponse", "ApiErrorEntity", "Phase"} <= schemas.keys()
    item = schemas["ApiEnrollmentItem"]
    assert item["required"] == ["enrollment_id", "result", "phase", "user_id"]
    assert item["additionalProperties"] is True
    properties = item["properties"]
    assert properties["user_id"]["format"] == "uuid"
    assert properties["start_date"]["anyOf"] == [{"type": "string", "format": "date-time"}, {"type": "null"}]
    assert properties["user_id"]["description"] == "Id of the user/student in the enrollment"
    assert properties["phase"]["$ref"] == "#/components/schemas/Phase"
    phase = schemas["Phase"]
    assert (phase["type"], phase["enum"]) == ("integer", [int(member) for member in Phase])
    assert phase["x-enum-varnames"] == [member.name for member in Phase]
    assert phase["x-enum-descriptions"] == [member.label for member in Phase]
    section = schemas["SectionResponse"]["properties"]
    assert section["enrollment_duration"]["format"] == "int32"
    assert {"type": "number", "format": "double"} in section["credit_hours"]["anyOf"]
    assert section["api_error_entity"]["$ref"] == "#/components/schemas/ApiErrorEntity"
    fields = schemas["GetCmiDataResponseItem"]["properties"]["cmi_fields"]
    assert fields["items"] == {"$ref": "#/components/schemas/CmiField"}


@pytest.mark.parametrize("name", [name for name in SCHEMAS if issubclass(getattr(models, name), Model)])
@pytest.mark.parametrize("mode", ["validation", "serialization"])
def test_schema_of_every_model(name: str, mode: Any) -> None:
    """The schema has every property; nullable ones may be missing."""
    spec = SCHEMAS[name]
    described = ADAPTERS[name].json_schema(mode=mode)
    described = described.get("$defs", {}).get(name, described)
    assert described["properties"].keys() == spec["properties"].keys()
    nullable = {
        key for key, value in spec["properties"].items() if "null" in json.dumps(value.get("type", ""))
    }
    nullable |= {key for key, value in spec["properties"].items() if value.get("nullable")}
    assert set(described.get("required", ())) == set(spec.get("required", ())) - nullable


@pytest.mark.parametrize("name", [name for name in SCHEMAS if issubclass(getattr(models, name), OpenIntEnum)])
def test_every_enum_accepts_only_its_numbers(name: str) -> None:
    """Numbers of the specification and members are accepted; unknown members too, because responses may have them."""
    enum = getattr(models, name)
    adapter = TypeAdapter(enum)
    described = adapter.json_schema()
    assert dict(zip(described["x-enum-varnames"], described["enum"], strict=True)) == {
        member.name: member.value for member in enum
    }
    for member in enum:
        assert adapter.validate_python(member.value) is member
        assert adapter.validate_json(str(member.value)) is member
        assert adapter.dump_json(member) == str(member.value).encode()
    assert adapter.validate_python(enum(97)).value == 97
    for wrong in (97, True, None, 0.5, "one"):
        with pytest.raises(ValidationError):
            adapter.validate_python(wrong)


async def test_bodies_are_read_like_from_dict() -> None:
    """Dates without an offset are UTC, fractions are cut, unknown keys are kept, null equals missing."""
    body = ENROLLMENT | {
        "enrollment_date": "2024-01-02T03:04:05.1234567",
        "start_date": "2024-01-02T03:04:05+02:00",
        "completion_date": None,
        "brand_new": {"a": [1]},
    }
    response = await request_json("POST", "/enrollments", json=[body])
    assert response.status_code == 200
    assert response.json() == [ApiEnrollmentItem.from_dict(body).to_dict()]
    given = response.json()[0]
    assert given["enrollment_date"] == "2024-01-02T03:04:05.123456+00:00"
    assert given["start_date"] == "2024-01-02T03:04:05+02:00"
    assert given["brand_new"] == {"a": [1]}
    assert "completion_date" not in given


@pytest.mark.parametrize(
    ("change", "place", "kind"),
    [
        ({"phase": 99}, ["body", 0, "phase"], "enum"),
        ({"phase": True}, ["body", 0, "phase"], "enum"),
        ({"phase": None}, ["body", 0, "phase"], "int_type"),
        ({"user_id": "somebody"}, ["body", 0, "user_id"], "uuid_parsing"),
        ({"user_id": None}, ["body", 0, "user_id"], "uuid_type"),
        ({"start_date": "tomorrow"}, ["body", 0, "start_date"], "datetime_type"),
        ({"start_date": 1700000000}, ["body", 0, "start_date"], "datetime_type"),
    ],
)
async def test_invalid_bodies_are_422(change: dict[str, Any], place: list[Any], kind: str) -> None:
    """An invalid value is a 422 in FastAPI's usual form."""
    response = await request_json("POST", "/enrollments", json=[ENROLLMENT | change])
    assert response.status_code == 422
    (error,) = response.json()["detail"]
    assert (error["loc"], error["type"]) == (place, kind)


async def test_places_of_errors() -> None:
    """The place leads through lists and through the application's models."""
    response = await request_json("POST", "/search", json={"user_ids": [IDENTIFIER, "x"], "org_ids": 5})
    places = sorted(error["loc"][1:] for error in response.json()["detail"])
    assert places == [["org_ids"], ["user_ids", 1]]
    response = await request_json("POST", "/report", json={"enrollment": {}, "phases": {"a": 99}})
    assert {tuple(error["loc"]) for error in response.json()["detail"]} == {
        *(("body", "enrollment", key) for key in ENROLLMENT),
        ("body", "phases", "a"),
    }


async def test_models_inside_pydantic_models() -> None:
    """Models and enums can be fields of pydantic models."""
    report = {"enrollment": ENROLLMENT, "phases": {"now": 15}}
    response = await request_json("POST", "/report", json=report)
    assert response.json() == report
    made = EnrollmentReport.model_validate(report)
    assert made.phases["now"] is Phase.TO_BE_GRADED
    assert made.model_dump()["phases"]["now"] is Phase.TO_BE_GRADED
    assert EnrollmentReport.model_validate_json(made.model_dump_json()) == made


async def test_without_a_response_model() -> None:
    """A route without a response model returns `to_dict()`; an optional body may be omitted."""
    response = await request_json("POST", "/plain", json=ENROLLMENT)
    assert response.json() == ENROLLMENT
    assert (await request_json("POST", "/plain")).json() is None
    made = ApiEnrollmentItem.from_dict(ENROLLMENT)
    assert dict(made) == made.to_dict()
    assert ApiEnrollmentItem.from_dict(dict(made)) == made


async def test_an_enum_in_the_query() -> None:
    """A number as string is accepted, as in queries; an undeclared one is refused."""
    assert (await request_json("GET", "/cmi", params={"phase": "16"})).json()["title"] == "Resubmit Required"
    assert (await request_json("GET", "/cmi", params={"phase": "99"})).status_code == 422


def test_drift_in_a_response() -> None:
    """A model with drift is a valid response, and written like `to_dict()`."""
    drifted = ApiEnrollmentItem.from_dict({**ENROLLMENT, "phase": 97, "result": None, "brand_new": 1})
    adapter = TypeAdapter(list[ApiEnrollmentItem])
    assert adapter.validate_python([drifted])[0] is drifted
    assert json.loads(adapter.dump_json([drifted])) == [drifted.to_dict()]
    assert TypeAdapter(ApiEnrollmentItem).dump_python(drifted, include={"phase"}) == {"phase": 97}
    assert "phase" not in TypeAdapter(ApiEnrollmentItem).dump_python(drifted, exclude={"phase"})


def test_string_maps_and_json() -> None:
    """An object with free keys accepts strings only; JSON is validated like objects."""
    adapter = TypeAdapter(SetCustomEnrollmentFieldValuesRequest)
    body = {"enrollment_id": IDENTIFIER, "custom_enrollment_field_values": {"Badge": "17"}}
    assert adapter.validate_json(json.dumps(body)) == SetCustomEnrollmentFieldValuesRequest.from_dict(body)
    with pytest.raises(ValidationError, match=r"custom_enrollment_field_values\.Badge"):
        adapter.validate_python(body | {"custom_enrollment_field_values": {"Badge": 17}})
    made = TypeAdapter(ApiEnrollmentItem).validate_json(json.dumps(ENROLLMENT))
    assert made == ApiEnrollmentItem.from_dict(ENROLLMENT)
    assert made.user_id == UUID(IDENTIFIER)


@given(st.data())
def test_valid_data_round_trips(data: st.DataObject) -> None:
    """Valid data is read like `from_dict`, for every model, and the output of `to_dict` is accepted again."""
    name = data.draw(st.sampled_from(sorted(ADAPTERS)))
    value = data.draw(valid(SCHEMAS[name]))
    made = ADAPTERS[name].validate_python(value)
    assert made == getattr(models, name).from_dict(value)
    written = json.loads(ADAPTERS[name].dump_json(made))
    assert written == made.to_dict()
    assert ADAPTERS[name].validate_python(written) == made


@given(st.data())
def test_damaged_data(data: st.DataObject) -> None:
    """Data with one damaged value is a ValidationError or is read like `from_dict`."""
    name = data.draw(st.sampled_from(sorted(ADAPTERS)))
    value = data.draw(damaged(valid(SCHEMAS[name])))
    try:
        made = ADAPTERS[name].validate_python(value)
    except ValidationError:
        return
    assert made == getattr(models, name).from_dict(value)


def test_no_import_of_pydantic() -> None:
    """Neither the package, its models nor a client import pydantic or FastAPI."""
    code = (
        "import sys, nexport_campus; from nexport_campus.models import SectionResponse, Phase;"
        "nexport_campus.NexportCampus(nexport_campus.StaticToken('t'));"
        "print(*({'pydantic', 'pydantic_core', 'fastapi', 'starlette'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")
