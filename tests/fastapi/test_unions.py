"""Models in unions, lists, dictionaries and generic classes, pages and results, as responses and as bodies."""

import json
import warnings
from collections.abc import Iterator
from typing import Annotated, Any, Generic, Optional, TypeVar, Union
from uuid import UUID

import fastapi.dependencies.utils
import httpx
import pytest
from fastapi import Body, FastAPI, Query
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

import nexport_campus.fastapi  # noqa: F401 -- makes bodies of models
from nexport_campus import EnsuredEnrollment, Page, SectionsById
from nexport_campus.fastapi.model_types import take_models_from_the_body
from nexport_campus.models import (
    ApiEnrollmentItem,
    CmiField,
    GetSectionsResponse,
    Phase,
    Result,
    SectionResponse,
)
from tests.support.spec import example

T = TypeVar("T")
IDENTIFIER = "8ebf2d8d-01eb-4af5-a317-4279e2b752d4"
ENROLLMENT: dict[str, Any] = {
    "enrollment_id": IDENTIFIER,
    "user_id": IDENTIFIER,
    "phase": 2,
    "result": 1,
    "newer": 1,
}
FIELD: dict[str, Any] = {"cmi_element_name": "cmi.core.exit", "cmi_element_value": ""}
SECTION: dict[str, Any] = example({"$ref": "#/SectionResponse"})
ITEM, CMI = ApiEnrollmentItem.from_dict(ENROLLMENT), CmiField.from_dict(FIELD)
PAGE = Page(items=[ITEM], number=1, size=50, total=None, has_next=False)
PAGED = {"items": [ENROLLMENT], "number": 1, "size": 50, "total": None, "has_next": False}
ENSURED = EnsuredEnrollment(enrollment_id=UUID(IDENTIFIER), created=True, warnings=("w",), existing=ITEM)
MADE = {"enrollment_id": IDENTIFIER, "created": True, "warnings": ["w"], "existing": ENROLLMENT}
SECTIONS = SectionsById(sections=[SectionResponse.from_dict(SECTION)], missing=[UUID(IDENTIFIER)])
BY_ID = {"sections": [SectionResponse.from_dict(SECTION).to_dict()], "missing": [IDENTIFIER]}


class Own(BaseModel):
    """A pydantic model of the application."""

    name: str


class Lookalike(BaseModel):
    """A pydantic model that can be made from a vendor's model by its attributes."""

    model_config = ConfigDict(from_attributes=True)

    user_id: UUID


class Box(BaseModel, Generic[T]):
    """A generic pydantic model."""

    value: T
    more: dict[str, list[T]] = {}


# Response model, returned value, and expected JSON.
RESPONSES: dict[str, tuple[Any, Any, Any]] = {
    "the first of two": (ApiEnrollmentItem | SectionResponse, ITEM, ENROLLMENT),
    "the second of two": (SectionResponse | ApiEnrollmentItem, ITEM, ENROLLMENT),
    "of three": (Union[CmiField, SectionResponse, ApiEnrollmentItem], ITEM, ENROLLMENT),  # noqa: UP007
    "optional": (Optional[SectionResponse | ApiEnrollmentItem], ITEM, ENROLLMENT),  # noqa: UP045
    "optional, None": (SectionResponse | ApiEnrollmentItem | None, None, None),
    "with an own model": (Own | ApiEnrollmentItem, ITEM, ENROLLMENT),
    "an own model": (ApiEnrollmentItem | Own, Own(name="x"), {"name": "x"}),
    "with one that resembles it": (Lookalike | ApiEnrollmentItem, ITEM, ENROLLMENT),
    "with plain types": (int | str | ApiEnrollmentItem, ITEM, ENROLLMENT),
    "a plain type": (ApiEnrollmentItem | int | str, "x", "x"),
    "with an enum": (Phase | ApiEnrollmentItem, ITEM, ENROLLMENT),
    "an enum": (ApiEnrollmentItem | Phase, Phase.FINISHED, 2),
    "one of two enums": (Phase | Result, Result.PASSED, 1),
    "a number that no enum declares": (Phase | None, Phase(97), 97),
    "a list": (list[SectionResponse | ApiEnrollmentItem | CmiField], [ITEM, CMI], [ENROLLMENT, FIELD]),
    "a dictionary": (dict[str, SectionResponse | ApiEnrollmentItem], {"a": ITEM}, {"a": ENROLLMENT}),
    "deeper": (
        dict[str, list[CmiField | ApiEnrollmentItem | None]],
        {"a": [ITEM, None]},
        {"a": [ENROLLMENT, None]},
    ),
    "a tuple": (tuple[ApiEnrollmentItem, Phase], (ITEM, Phase.FINISHED), [ENROLLMENT, 2]),
    "a generic model": (
        Box[SectionResponse | ApiEnrollmentItem],
        {"value": ITEM},
        {"value": ENROLLMENT, "more": {}},
    ),
    "any value": (Any, [ITEM, Phase.FINISHED], [ENROLLMENT, 2]),
    "any value in a dictionary": (
        dict[str, Any],
        {"a": ITEM, "b": [ENSURED]},
        {"a": ENROLLMENT, "b": [MADE]},
    ),
    "objects for models": (list[ApiEnrollmentItem | CmiField], [ENROLLMENT, FIELD], [ENROLLMENT, FIELD]),
    "a page": (Page[ApiEnrollmentItem], PAGE, PAGED),
    "a page of either": (Page[SectionResponse | ApiEnrollmentItem], PAGE, PAGED),
    "a page of anything": (Page, PAGE, PAGED),
    "a page or sections": (Page[ApiEnrollmentItem] | SectionsById, SECTIONS, BY_ID),
    "an ensured enrollment": (EnsuredEnrollment, ENSURED, MADE),
    "a list of results and models": (
        list[EnsuredEnrollment | ApiEnrollmentItem],
        [ITEM, ENSURED],
        [ENROLLMENT, MADE],
    ),
    "sections by id": (SectionsById, SECTIONS, BY_ID),
    "no response model: a model": (None, ITEM, ENROLLMENT),
    "no response model: a page": (None, PAGE, PAGED),
    "no response model: sections": (None, SECTIONS, BY_ID),
    "no response model: deeper": (None, [ITEM, {"a": ENSURED}], [ENROLLMENT, {"a": MADE}]),
}


async def send(app: FastAPI, method: str, **what: Any) -> httpx.Response:
    """Return the application's response."""
    transport, headers = httpx.ASGITransport(app), {"Content-Type": "application/json"}
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test", headers=headers) as client:
        return await client.request(method, "/", **what)


@pytest.mark.parametrize("name", RESPONSES)
async def test_unions_are_written_like_to_dict(name: str) -> None:
    """The value is written like `to_dict`, and the page describes it."""
    model, value, expected = RESPONSES[name]
    app = FastAPI()

    @app.get("/", **({} if model is None else {"response_model": model}))
    async def give():  # type: ignore[no-untyped-def]  # noqa: ANN202 -- the response model defines it
        return value

    response = await send(app, "GET")
    assert (response.status_code, response.json()) == (200, expected)
    assert app.openapi()["paths"]["/"]["get"]["responses"]["200"]


# Annotation of the body, the body, and the types that the route receives.
BODIES: dict[str, tuple[Any, Any, Any]] = {
    "one": (ApiEnrollmentItem, ENROLLMENT, ApiEnrollmentItem),
    "the first of two": (ApiEnrollmentItem | CmiField, ENROLLMENT, ApiEnrollmentItem),
    "the second of two": (ApiEnrollmentItem | CmiField, FIELD, CmiField),
    "optional": (Optional[Union[SectionResponse, CmiField]], FIELD, CmiField),  # noqa: UP007, UP045
    "with metadata": (Annotated[ApiEnrollmentItem | CmiField, "a note"], FIELD, CmiField),
    "with an own model": (Own | CmiField, FIELD, CmiField),
    "a list": (list[ApiEnrollmentItem | CmiField], [FIELD, ENROLLMENT], [CmiField, ApiEnrollmentItem]),
    "a dictionary": (dict[str, ApiEnrollmentItem | CmiField], {"a": FIELD}, {"a": CmiField}),
    "deeper": (
        dict[str, list[CmiField] | None],
        {"a": [FIELD], "b": None},
        {"a": [CmiField], "b": type(None)},
    ),
    "a generic model": (
        Box[ApiEnrollmentItem | CmiField],
        {"value": FIELD},
        Box[ApiEnrollmentItem | CmiField],
    ),
    "a page": (Page[ApiEnrollmentItem], PAGED, Page),
    "an ensured enrollment": (
        EnsuredEnrollment,
        {"enrollment_id": IDENTIFIER, "created": True},
        EnsuredEnrollment,
    ),
    "sections by id or none": (SectionsById | None, BY_ID, SectionsById),
    "a result or a model": (SectionsById | CmiField, FIELD, CmiField),
    "an enum": (Annotated[Phase, Body()], 2, Phase),
    "either enum": (Annotated[Result | Phase, Body()], 15, Phase),
    "an enum or a string": (Annotated[list[Phase | str], Body()], [15, "x"], [Phase, str]),
    "an enum by enums": (dict[Phase, Result], {"2": 1}, {Phase.FINISHED: Result}),
}


def types_of(value: Any) -> Any:
    """Return the types in a value."""
    if type(value) is list:
        return [types_of(item) for item in value]
    return {key: types_of(item) for key, item in value.items()} if type(value) is dict else type(value)


@pytest.mark.parametrize("name", BODIES)
async def test_unions_are_read_as_models_and_members(name: str) -> None:
    """The route receives models and members, and the page describes the body."""
    annotation, body, expected = BODIES[name]
    app, got = FastAPI(), []

    async def take(body: Any) -> None:
        got.append(body)

    take.__annotations__["body"] = annotation
    app.post("/")(take)
    response = await send(app, "POST", content=json.dumps(body))
    assert (response.status_code, types_of(got[0])) == (200, expected)
    assert app.openapi()["paths"]["/"]["post"]["requestBody"]


# Annotation of the body, the body, and the places and kinds of its errors.
REFUSED: dict[str, tuple[Any, Any, set[tuple[str, ...]]]] = {
    "no object": (ApiEnrollmentItem, 7, {("body", "dict_type")}),
    "a list with an element that isn't an object": (list[CmiField], [FIELD, 7], {("body", "1", "dict_type")}),
    "none of two": (
        CmiField | Own,
        {},
        {
            ("body", "function-wrap[CmiField()]", "cmi_element_name", "missing"),
            ("body", "Own", "name", "missing"),
        },
    ),
    "an undeclared number": (Annotated[Phase, Body()], 97, {("body", "enum")}),
    "an undeclared number for either": (
        Annotated[Phase | Result, Body()],
        97,
        {("body", "function-wrap[Phase()]", "enum"), ("body", "function-wrap[Result()]", "enum")},
    ),
    "an undeclared number in a list": (
        list[ApiEnrollmentItem],
        [ENROLLMENT | {"phase": 3}],
        {("body", "0", "phase", "enum")},
    ),
    "an undeclared number as a key": (dict[Phase, int], {"97": 1}, {("body", "97", "[key]", "enum")}),
    "a result without its fields": (
        EnsuredEnrollment,
        {"enrollment_id": IDENTIFIER},
        {("body", "created", "missing")},
    ),
    "a page of something else": (
        Page[CmiField],
        PAGED,
        {("body", "items", "0", "cmi_element_name", "missing")},
    ),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_invalid_values_are_located(name: str) -> None:
    """An invalid value is a 422 with its place, which names the class if several were possible."""
    annotation, body, expected = REFUSED[name]
    app = FastAPI()

    async def take(body: Any) -> None:
        raise AssertionError(body)

    take.__annotations__["body"] = annotation
    app.post("/")(take)
    response = await send(app, "POST", json=body)
    assert response.status_code == 422
    found = {(*map(str, error["loc"]), error["type"]) for error in response.json()["detail"]}
    assert found >= expected


OTHERS: list[Any] = [
    ITEM,
    CMI,
    ENSURED,
    PAGE,
    Phase.FINISHED,
    7,
    "x",
    b"x",
    None,
    [],
    object(),
    type,
    CmiField,
    [ITEM],
]
TARGETS: list[Any] = [
    SectionResponse, GetSectionsResponse, EnsuredEnrollment, SectionsById, Page[CmiField], Result, SectionResponse | Result,
    dict[str, SectionResponse], list[SectionResponse | EnsuredEnrollment] | SectionsById,
]  # fmt: skip


def values_of_other_types() -> Iterator[tuple[Any, Any]]:
    """Draw types with values of other types."""
    for target in TARGETS:
        for value in OTHERS:
            fits = value is ENSURED and target is EnsuredEnrollment
            fits = (
                fits
                or (value == [] and "list" in str(target))
                or (isinstance(value, Page) and target is Page[CmiField])
            )
            if not fits:
                yield target, value


@pytest.mark.parametrize(("target", "value"), list(values_of_other_types()))
def test_another_class_is_a_validation_error(target: Any, value: Any) -> None:
    """A value that pydantic can't accept is a ValidationError."""
    with pytest.raises(ValidationError):
        TypeAdapter(target).validate_python(value)


def test_an_enum_takes_no_member_of_another() -> None:
    """Members of another enum are refused, because equal numbers have different meanings."""
    with pytest.raises(ValidationError):
        TypeAdapter(Phase).validate_python(Result.PASSED)
    assert TypeAdapter(Phase | Result).validate_python(Result.PASSED) is Result.PASSED


def test_components_of_the_page() -> None:
    """Pages and results have their components, which refer to those of the models."""
    app = FastAPI()

    @app.get("/")
    async def pages() -> (
        Page[ApiEnrollmentItem] | Page[SectionResponse | CmiField] | SectionsById | EnsuredEnrollment | None
    ):
        return None

    schemas = app.openapi()["components"]["schemas"]
    page = schemas["Page_ApiEnrollmentItem_"]
    assert page["properties"]["items"]["items"] == {"$ref": "#/components/schemas/ApiEnrollmentItem"}
    assert page["required"] == ["items", "number", "size", "total", "has_next"]
    (other,) = (value for name, value in schemas.items() if name.startswith("Page_") and value is not page)
    assert len(other["properties"]["items"]["items"]["anyOf"]) == 2
    ensured = schemas["EnsuredEnrollment"]
    assert ensured["properties"]["enrollment_id"]["format"] == "uuid"
    assert {"$ref": "#/components/schemas/ApiEnrollmentItem"} in ensured["properties"]["existing"]["anyOf"]
    assert ensured["required"] == ["enrollment_id", "created"]
    assert schemas["SectionsById"]["properties"]["sections"]["items"]["$ref"].endswith("/SectionResponse")


def test_an_unvalidated_value_is_written() -> None:
    """Pydantic warns, as it does for its models, and doesn't fail."""

    class EnrollmentReport(BaseModel):
        item: ApiEnrollmentItem

    report = EnrollmentReport.model_construct(item={"a": 1})
    with pytest.warns(UserWarning, match="ApiEnrollmentItem"):
        assert json.loads(report.model_dump_json()) == {"item": {"a": 1}}


async def test_lone_surrogates_in_a_body() -> None:
    """A lone surrogate is read like in `from_dict`, and the result can be encoded."""
    app = FastAPI()

    @app.post("/")
    async def echo(item: ApiEnrollmentItem | CmiField) -> ApiEnrollmentItem | CmiField:
        return item

    body = ENROLLMENT | {"odd\ud800": ["\udc00"]}
    response = await send(app, "POST", content=json.dumps(body))
    assert response.json() == ENROLLMENT | {"odd\ufffd": ["\ufffd"]}
    response = await send(app, "POST", content=json.dumps(FIELD | {"cmi_element_value": "a\ud800"}))
    assert response.json()["cmi_element_value"] == "a\ufffd"


async def test_dates_at_the_edges_of_utc_in_a_body() -> None:
    """The first and last dates are read like in `from_dict`."""
    app = FastAPI()

    @app.post("/")
    async def echo(item: ApiEnrollmentItem) -> ApiEnrollmentItem:
        return item

    response = await send(app, "POST", json=ENROLLMENT | {"start_date": "0001-01-01T00:00:00+01:00"})
    assert response.json()["start_date"] == "0001-01-01T00:00:00+00:00"


async def test_sources_of_other_parameters() -> None:
    """Plain types and enums come from the query, pydantic models from the body, as without the SDK."""
    app = FastAPI()

    @app.post("/")
    async def take(
        own: Own, phase: Phase, results: Annotated[list[Result], Query()], limit: int | None = None
    ) -> Any:
        return [own, phase, results, limit]

    response = await send(app, "POST", json={"name": "x"}, params={"phase": 2, "results": [1, 2], "limit": 3})
    assert response.json() == [{"name": "x"}, 2, [1, 2], 3]


def test_an_incompatible_fastapi(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a FastAPI that handles unions differently, the error says what to write instead."""
    with warnings.catch_warnings():
        take_models_from_the_body()  # already registered
    monkeypatch.delattr(fastapi.dependencies.utils, "field_annotation_is_scalar")
    with pytest.warns(RuntimeWarning, match="Body"):
        take_models_from_the_body()
