"""Every operation over a real socket: requests are those of the vendor's page, and responses decode."""

import contextlib
import inspect
import re
import warnings
from typing import Any

import attrs
import pytest

import nexport_campus.models
import nexport_client
from nexport_campus import NexportCampus, RawResponse
from nexport_campus.models import ApiErrorEntity
from tests.support.clients import TOKEN, campus_with, method_of, needs
from tests.support.scripted_server import json_response
from tests.support.spec import OPERATIONS, VENDOR, SpecOperation, example_response, method_names

EVERY = pytest.mark.parametrize("operation", OPERATIONS, ids=str)


def method(campus: NexportCampus, operation: SpecOperation) -> Any:
    """Return the method of an operation."""
    return getattr(getattr(campus, operation.area), operation.name)


def marked(operation: SpecOperation) -> contextlib.AbstractContextManager[Any]:
    """Return the context that expects the warning of an operation."""
    return pytest.deprecated_call() if operation.deprecated else contextlib.nullcontext()


def given(operation: SpecOperation, *, only_required: bool = False) -> dict[str, Any]:
    """Return the arguments of a call."""
    return {item.name: item.given for item in operation.arguments if item.required or not only_required}


def expected_query(operation: SpecOperation, token: str = TOKEN) -> list[tuple[str, str]]:
    """Return the query of a call with all arguments."""
    query = [(item.key, item.sent) for item in operation.arguments if item.where == "query"]
    query = [pair for pair in query if pair[0] != "access_token"]
    if operation.pages == "query":
        query += [("page", "1"), ("per_page", "1000")]
    if operation.id != "AdminApi_Authenticate":
        query.append(("access_token", token))
    return query


def expected_body(operation: SpecOperation) -> dict[str, Any] | None:
    """Return the body of a call with all arguments."""
    if not operation.has_body:
        return None
    body = {item.key: item.sent for item in operation.arguments if item.where == "body"}
    numbers: dict[str, Any] = {"page": 1, "per_page": 1000}
    return body | {"object": {"paging": numbers}, "fields": numbers}.get(str(operation.pages), {})


def test_no_operation_is_missing() -> None:
    """The client has the operations of the vendor's documents; those without a mark are not called here."""
    known = {operation["operationId"] for item in VENDOR["paths"].values() for operation in item.values()}
    assert known == set(nexport_client.OPERATIONS)
    assert {operation.id for operation in OPERATIONS} <= known


@EVERY
async def test_the_request_is_the_vendors(operation: SpecOperation) -> None:
    """With every argument given, method, path, query and body are those of the vendor's page."""
    async with campus_with(json_response(example_response(operation.id))) as (campus, server):
        with marked(operation):
            call = method(campus, operation)(**given(operation))
        await call
    (request,) = server.requests
    token = given(operation).get("access_token", TOKEN)
    assert (request.method, request.path) == (operation.method, operation.path)
    assert sorted(request.query) == sorted(expected_query(operation, str(token)))
    assert request.json == expected_body(operation)
    assert request.headers.get("content-type") == ("application/json" if operation.has_body else None)


@EVERY
async def test_every_query_parameter_is_declared(operation: SpecOperation) -> None:
    """The vendor's page declares every query parameter that is sent, and every required one is sent."""
    declared = VENDOR["paths"][operation.path][operation.method.lower()].get("parameters", [])
    async with campus_with(json_response(example_response(operation.id))) as (campus, server):
        with marked(operation):
            call = method(campus, operation)(**given(operation, only_required=True))
        await call
    names = [name for name, _ in server.requests[0].query]
    assert len(names) == len(set(names))
    assert set(names) <= {item["name"] for item in declared}
    assert {item["name"] for item in declared if item.get("required")} <= set(names)


@EVERY
async def test_the_response_decodes(operation: SpecOperation) -> None:
    """A response made from the spec decodes to the models of the spec, without drift."""
    drifts: list[Any] = []
    response = example_response(operation.id)
    async with campus_with(json_response(response), on_drift=drifts.append) as (campus, _):
        with marked(operation):
            call = method(campus, operation)(**given(operation))
        result = await call
    if operation.pages:
        items = (
            response
            if isinstance(response, list)
            else next(v for v in response.values() if isinstance(v, list))
        )
        assert [item.to_dict() for item in result.items] == items
    elif isinstance(response, list):
        assert [item.to_dict() for item in result] == response
    else:
        assert result.to_dict() == response
    assert drifts == []


@EVERY
async def test_raw_mirrors_the_operation(operation: SpecOperation) -> None:
    """`campus.raw` sends the same request, and returns status, headers, bytes and model."""
    response = json_response(example_response(operation.id), headers={"X-Total-Count": "2"})
    async with campus_with(response, response) as (campus, server):
        with marked(operation):
            call = method(campus, operation)(**given(operation))
        plain = await call
        with marked(operation):
            call = getattr(getattr(campus.raw, operation.area), operation.name)(**given(operation))
        raw = await call
    assert isinstance(raw, RawResponse)
    assert (raw.status_code, raw.content, raw.attempts, raw.warnings) == (200, response.body, 1, ())
    assert raw.headers["x-total-count"] == "2"
    first, second = server.requests
    assert (first.target, first.body) == (second.target, second.body)
    if operation.pages and not isinstance(raw.parsed, list):
        assert plain.items in attrs.asdict(raw.parsed, recurse=False).values()
    else:
        assert raw.parsed == (plain.items if operation.pages else plain)


@EVERY
def test_the_signature_is_flat_and_keyword_only(operation: SpecOperation) -> None:
    """Arguments have the vendor's names, required ones no default; the token and misspelt names aren't arguments."""
    for item in operation.arguments:
        assert item.name.startswith(item.key) or not re.fullmatch("[a-z_]+", item.key)
    campus = NexportCampus(nexport_campus.StaticToken(TOKEN))
    for areas in (campus, campus.raw):
        called = method(areas, operation)  # type: ignore[arg-type]
        parameters = inspect.signature(called).parameters
        paging = {"page", "per_page"} if operation.pages else set()
        assert set(parameters) == {item.name for item in operation.arguments} | paging
        assert all(item.kind is item.KEYWORD_ONLY for item in parameters.values())
        required = {item.name for item in operation.arguments if item.required}
        assert {name for name, item in parameters.items() if item.default is item.empty} == required
        if operation.id != "AdminApi_ValidateAccessToken":
            assert not {"access_token", "paer_page", "paging"} & set(parameters)


def test_no_area_has_a_method_without_an_operation() -> None:
    """Every public name of a namespace is an operation."""
    campus = NexportCampus(nexport_campus.StaticToken(TOKEN))
    for area in {operation.area for operation in nexport_client.OPERATIONS.values()}:
        names = {name for name in dir(getattr(campus, area)) if not name.startswith("_")}
        assert names == method_names(area)


@pytest.mark.parametrize(
    ("name", "replacement"),
    [
        ("LearningApi_GetCmiData", "scorm.get_cmi_data"),
        ("LearningApi_GetOrganizations", "admin.get_organizations"),
        ("LearningApi_GetTestAttempts", "assessment.get_test_attempts"),
    ],
)
async def test_obsolete_operations_name_their_replacement(name: str, replacement: str) -> None:
    """The deprecation message names the replacement, and says so if the SDK doesn't have it yet."""
    operation = next(item for item in OPERATIONS if item.id == name)
    async with campus_with() as (campus, _):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            method(campus, operation)(**given(operation))
    (warning,) = caught
    assert warning.category is DeprecationWarning
    area, _, called = replacement.partition(".")
    known = called in method_names(area)
    assert (f"campus.{replacement}" if known else "not in this SDK yet") in str(warning.message)


async def test_a_default_setting_may_be_none() -> None:
    """`get_default_custom_enrollment_field_setting` returns None for JSON null."""
    operation = next(
        item for item in OPERATIONS if item.name == "get_default_custom_enrollment_field_setting"
    )
    async with campus_with(json_response(None)) as (campus, _):
        assert await method(campus, operation)(**given(operation)) is None


@needs("AdminApi_Authenticate")
async def test_an_expiration_date_is_unset_none_or_a_date() -> None:
    """Omitted, it isn't sent; None is sent as null if the vendor allows null, and is not sent otherwise."""
    response = json_response(example_response("AdminApi_Authenticate"))
    async with campus_with(response, response) as (campus, server):
        required: dict[str, Any] = {"username": "u", "password": "secret", "grant_type": "password"}
        await method_of(campus, "AdminApi_Authenticate")(**required)
        await method_of(campus, "AdminApi_Authenticate")(**required, utc_expiration_date=None)
    parameters = nexport_client.OPERATIONS["AdminApi_Authenticate"].parameters
    (date,) = (item for item in parameters if item.name == "utc_expiration_date")
    expected = required | {"utc_expiration_date": None} if date.nullable else required
    assert [request.json for request in server.requests] == [required, expected]


async def test_validate_access_token_with_the_own_or_another_token() -> None:
    """Without an argument it validates the client's own token; either way the query has the token once."""
    other = "00000000-0000-4000-8000-000000000002"
    response = json_response({"api_error_entity": {"error_code": 0}})
    async with campus_with(response, response) as (campus, server):
        verdict = await method_of(campus, "AdminApi_ValidateAccessToken")()
        await method_of(campus, "AdminApi_ValidateAccessToken")(access_token=other)
    assert verdict.api_error_entity == ApiErrorEntity(error_code=nexport_campus.models.ErrorCode.NO_ERROR)
    assert verdict.utc_expiration_date is None
    assert [request.query for request in server.requests] == [
        [("access_token", TOKEN)],
        [("access_token", other)],
    ]
