"""`campus.request`: any operation of the campus, with everything that the methods of the namespaces have."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from nexport_campus import (
    UNSET,
    APIError,
    ArgumentError,
    AuthenticationError,
    InvalidRequestError,
    NexportError,
    NotFoundError,
    PasswordAuth,
    RateLimitError,
    RequestTimeoutError,
    ResponseDecodeError,
    RetryPolicy,
    ServerError,
    TransportError,
)
from nexport_campus.models import Phase
from nexport_client import OPERATIONS
from tests.support.clients import TOKEN, campus_of, campus_with, needs
from tests.support.manual_clock import ManualClock, campus_on
from tests.support.scripted_server import (
    Request,
    Response,
    ScriptedServer,
    error_entity,
    html_response,
    json_response,
    with_login,
)
from tests.support.spec import SOME_ID, example_response

GET_USER = "/api/v1/AdminApi/GetUser"
UNKNOWN = "/api/v1/AdminApi/FetchAnything"
DROP = "/api/v1/LearningApi/DropEnrollment"
SECTION = "/api/v1/LearningApi/GetSection"
SEARCH = "/api/v1/LearningApi/SearchEnrollments"
GOOD = json_response({"id": 7} | error_entity())


async def respond(request: Request) -> Response:
    """Return a record."""
    return GOOD


async def test_a_request_has_token_and_headers() -> None:
    """It is sent with the client's token and headers, and its response has everything of a raw one."""
    body = json_response({"id": 7} | error_entity(warnings=["a warning"]), headers={"X-Campus": "north"})
    async with campus_with(body, headers={"X-Key": "some-key"}) as (campus, server):
        response = await campus.request("GET", GET_USER, params={"user_id": SOME_ID})
    assert response.status_code == 200
    assert response.parsed["id"] == 7
    assert json.loads(response.content) == response.parsed
    assert response.headers["x-campus"] == "north"
    assert (response.warnings, response.attempts) == (("a warning",), 1)
    (request,) = server.requests
    assert (request.method, request.path) == ("GET", GET_USER)
    assert request.query == [("user_id", SOME_ID), ("access_token", TOKEN)]
    assert request.headers["x-key"] == "some-key"
    assert request.body == b""


@pytest.mark.parametrize("method", ["post", "POST", "Put", "PATCH", "DELETE"])
async def test_every_method_is_sent(method: str) -> None:
    """Every common method works, in any case, with a JSON body."""
    async with campus_with(GOOD) as (campus, server):
        await campus.request(method, UNKNOWN, json={"name": "Größe"})
    (request,) = server.requests
    assert (request.method, request.json) == (method.upper(), {"name": "Größe"})
    assert request.headers["content-type"] == "application/json"


@pytest.mark.parametrize("method", ["CONNECT", "TRACE", "", "GET ", "G\r\nX: 1", None, 7])
async def test_other_methods_are_refused(method: Any) -> None:
    """A method that isn't one, or that proxies treat specially, is an ArgumentError."""
    async with campus_with() as (campus, server):
        with pytest.raises(ArgumentError, match="method must be one of") as caught:
            await campus.request(method, UNKNOWN)
    assert (caught.value.argument, server.requests) == ("method", [])


async def test_many_calls_share_one_login() -> None:
    """Ten requests at once need one login."""
    async with (
        ScriptedServer(with_login(respond)) as server,
        campus_of(server, auth=PasswordAuth("user", "secret")) as campus,
    ):
        await asyncio.gather(*(campus.request("GET", UNKNOWN) for _ in range(10)))
    assert len(server.requests_to("AdminApi_Authenticate")) == 1


async def test_a_refused_token_is_replaced_once() -> None:
    """Code 4 logs in again and sends the request once more, a write too; a second refusal raises."""
    refused = json_response(error_entity(4, "expired"), 403)
    replies = iter([refused, GOOD, refused, refused])

    async def reply(request: Request) -> Response:
        return next(replies)

    async with (
        ScriptedServer(with_login(reply)) as server,
        campus_of(server, auth=PasswordAuth("user", "secret")) as campus,
    ):
        assert (await campus.request("POST", UNKNOWN, json={})).attempts == 2
        with pytest.raises(AuthenticationError) as caught:
            await campus.request("POST", UNKNOWN, json={"other": 1})
    assert caught.value.attempts == 2
    assert len(server.requests_to("AdminApi_Authenticate")) == 3


@needs("AdminApi_Authenticate")
async def test_a_known_login_needs_no_token() -> None:
    """The vendor's Authenticate is sent without one, as the method sends it."""
    login = json_response({"access_token": TOKEN, "token_type": "b", "expires_in": 1} | error_entity())
    async with campus_with(login) as (campus, server):
        response = await campus.request(
            "POST", "/api/v1/AdminApi/Authenticate", json={"username": "ada", "password": "a-password"}
        )
    assert response.parsed["access_token"] == TOKEN
    assert TOKEN not in repr(response)
    assert server.requests[0].query == []


# Retries by effect


@pytest.mark.parametrize(
    ("method", "path", "effect", "attempts"),
    [
        ("GET", UNKNOWN, None, 1),
        ("GET", UNKNOWN, "write", 1),
        ("GET", UNKNOWN, "read", 3),
        ("POST", UNKNOWN, "read", 3),
        ("GET", SECTION, None, 3),
        ("GET", SECTION, "write", 1),
        ("POST", SEARCH, None, 3),
        ("GET", DROP, None, 1),
        ("GET", DROP, "write", 1),
        ("GET", DROP.lower(), None, 1),
    ],
)
@pytest.mark.parametrize(
    "failure", [html_response(503), Response(raw=b"", ending="reset")], ids=["503", "reset"]
)
async def test_retries_go_by_the_effect(
    failure: Response, method: str, path: str, effect: Any, attempts: int
) -> None:
    """A read is retried; a write isn't, and its error says that it may have been applied."""
    clock = ManualClock()
    async with (
        ScriptedServer([failure] * attempts) as server,
        campus_on(clock, server, retry=RetryPolicy(max_attempts=3)) as campus,
    ):
        with pytest.raises(NexportError) as caught:
            await campus.request(method, path, effect=effect)
    assert (caught.value.attempts, caught.value.maybe_applied) == (attempts, attempts == 1)
    assert caught.value.transient


async def test_a_write_that_was_not_sent_is_retried() -> None:
    """Only what provably never arrived, and 429, repeats a write."""
    clock = ManualClock()
    busy = json_response({}, 429, {"Retry-After": "3"})
    async with (
        ScriptedServer([busy, GOOD]) as server,
        campus_on(clock, server, retry=RetryPolicy()) as campus,
    ):
        assert (await campus.request("POST", UNKNOWN, json=[])).attempts == 2
    assert clock.waits == [3.0]


@pytest.mark.parametrize(
    "path",
    [
        DROP,
        DROP.lower(),
        DROP.upper(),
        f"{DROP}/",
        DROP.replace("D", "%44"),
        DROP.replace("/v1/", "%2Fv1/"),
    ],
)
async def test_a_known_write_can_not_be_called_a_read(path: str) -> None:
    """However its path is written, as ASP.NET compares paths."""
    async with campus_with() as (campus, server):
        with pytest.raises(ArgumentError, match="LearningApi_DropEnrollment changes data") as caught:
            await campus.request("GET", path, effect="read")
        with pytest.raises(ArgumentError, match="changes data"):
            campus.request_pages("GET", path)
    assert (caught.value.argument, server.requests) == ("effect", [])


async def test_an_effect_must_be_one() -> None:
    """Anything but read, write and None is refused."""
    async with campus_with() as (campus, _):
        for effect in ("reads", True, 1):
            with pytest.raises(ArgumentError, match="effect must be"):
                await campus.request("GET", UNKNOWN, effect=effect)  # type: ignore[arg-type] # the subject


# Errors


async def test_an_error_entity_at_the_top_raises() -> None:
    """The code outranks the status, and the error has everything that a method's has."""
    body = json_response(error_entity(3, "no such user", ["w"]), 200)
    async with campus_with(body) as (campus, _):
        with pytest.raises(NotFoundError) as caught:
            await campus.request("GET", UNKNOWN, effect="read")
    error = caught.value
    assert (error.operation_id, error.method, error.path) == ("AdminApi_FetchAnything", "GET", UNKNOWN)
    assert (error.status_code, error.error_code, error.message) == (200, 3, "no such user")
    assert (error.warnings, error.attempts, error.maybe_applied) == (("w",), 1, False)
    assert str(error) == "AdminApi_FetchAnything: no such user (HTTP 200, code 3)"


async def test_an_error_entity_of_an_element_raises() -> None:
    """The first element of a list with a code raises, with its index; nested entities are data."""
    nested = {"inner": error_entity(3)}
    async with campus_with(
        json_response([error_entity(), nested, error_entity(5, "hidden"), error_entity(3)]),
        json_response([nested, {"api_error_entity": None}, 7, "text", None]),
    ) as (campus, _):
        with pytest.raises(NexportError) as caught:
            await campus.request("GET", UNKNOWN)
        assert (await campus.request("GET", UNKNOWN)).parsed[2:] == [7, "text", None]
    error = caught.value
    assert isinstance(error, APIError)
    assert (type(error).__name__, error.index, error.error_code) == ("PermissionDeniedError", 2, 5)


STATUSES: dict[int, type[NexportError]] = {
    301: APIError,
    400: APIError,
    404: APIError,
    409: APIError,
    429: RateLimitError,
    500: ServerError,
    503: ServerError,
}


@pytest.mark.parametrize("status", STATUSES)
async def test_error_statuses(status: int) -> None:
    """A status without an error entity is what it is for a method: it says nothing about a record."""
    async with campus_with(html_response(status)) as (campus, _):
        with pytest.raises(STATUSES[status]) as caught:
            await campus.request("GET", UNKNOWN, effect="read")
    assert type(caught.value) is STATUSES[status]
    assert caught.value.error_code is None  # type: ignore[attr-defined] # an APIError


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (html_response(200), ResponseDecodeError),
        (Response(body=b'{"a": '), ResponseDecodeError),
        (Response(body=b'{"a": NaN}'), ResponseDecodeError),
        (Response(body=b'{"a": 1' + b"0" * 5000 + b"}"), ResponseDecodeError),
        (Response(body=b"[" * 100_000), ResponseDecodeError),
        (Response(body=b"\xff\xfe"), ResponseDecodeError),
        (Response(body=b"{}", claimed_length=10, ending="close"), TransportError),
    ],
    ids=["HTML", "truncated", "NaN", "a huge number", "deep", "no UTF-8", "cut"],
)
async def test_unreadable_responses(response: Response, error: type[NexportError]) -> None:
    """They name the operation, and may have been applied if the request writes."""
    async with campus_with(response, response) as (campus, _):
        with pytest.raises(error) as written:
            await campus.request("POST", UNKNOWN)
        with pytest.raises(error) as read:
            await campus.request("GET", UNKNOWN, effect="read")
    assert written.value.operation_id == read.value.operation_id == "AdminApi_FetchAnything"
    assert (written.value.maybe_applied, read.value.maybe_applied) == (True, False)


async def test_a_failure_at_code_0_of_a_known_operation() -> None:
    """SetCustomEnrollmentFieldValues reports an invalid field with `error: true`, also to a raw request."""
    body = json_response({"error": True, "message": "no such field"} | error_entity())
    async with campus_with(body, body) as (campus, _):
        with pytest.raises(InvalidRequestError, match="no such field") as caught:
            await campus.request("POST", "/api/v1/LearningApi/SetCustomEnrollmentFieldValues", json={"a": 1})
        assert (await campus.request("POST", UNKNOWN)).parsed["error"] is True
    assert caught.value.error_code == 0


FAILING = {operation.id: operation for operation in OPERATIONS.values() if operation.failures}


@pytest.mark.parametrize("name", FAILING)
async def test_failures_at_code_0_of_all_known_operations(name: str) -> None:
    """Each sign of a failure raises, and an empty body or a response without any sign doesn't."""
    operation = FAILING[name]
    values = {"true": (True, False), "empty": ([], [1]), "text": ("wrong", "")}
    good = {sign.field: values[sign.when][1] for sign in operation.failures} | error_entity()
    bad = [json_response(good | {sign.field: values[sign.when][0]}) for sign in operation.failures]
    async with campus_with(json_response(good), Response(status=204), *bad) as (campus, _):
        for expected in (good, None):
            assert (await campus.request(operation.method, operation.path)).parsed == expected
        for _ in bad:
            with pytest.raises(InvalidRequestError) as caught:
                await campus.request(operation.method, operation.path)
            assert (caught.value.error_code, caught.value.maybe_applied) == (0, False)


async def test_the_timeout_of_the_client_applies() -> None:
    """The client's timeout applies."""
    gate = asyncio.Event()
    async with campus_with(Response(gate=gate), timeout=0.1) as (campus, _):
        with pytest.raises(RequestTimeoutError):
            await campus.request("GET", UNKNOWN)
        gate.set()


async def test_a_view_has_its_own_settings() -> None:
    """`with_options` applies to raw requests."""
    async with campus_with(GOOD) as (campus, server):
        await campus.with_options(user_agent="mine").request("GET", UNKNOWN)
    assert server.requests[0].headers["user-agent"] == "mine"


# Results


VALUES: dict[bytes, Any] = {
    b"null": None,
    b'"text"': "text",
    b"[]": [],
    b"12345678901234567890123456789": 12345678901234567890123456789,
    b"-9223372036854775809": -9223372036854775809,
    b"9007199254740993": 9007199254740993,
    b"1.5": 1.5,
    b"1.0": 1.0,
    b"0.1": 0.1,
    b"1E3": 1000.0,
    b"0.1234567890123456789": Decimal("0.1234567890123456789"),
    b"12345678901234567.89": Decimal("12345678901234567.89"),
    b"1e400": Decimal("1e400"),
    b'{"a": [1.5, 0.1234567890123456789, {"b": 18446744073709551616}]}': {
        "a": [1.5, Decimal("0.1234567890123456789"), {"b": 18446744073709551616}]
    },
    b'\xef\xbb\xbf{"bom": true}': {"bom": True},
    b'"\\ud800 1"': "\ufffd 1",
    b'["\\ud800", 0.1234567890123456789]': ["\ufffd", Decimal("0.1234567890123456789")],
}


@pytest.mark.parametrize("body", VALUES, ids=[body.decode("utf-8", "replace") for body in VALUES])
async def test_numbers_are_exact(body: bytes) -> None:
    """Integers stay exact, and a number that float can't carry is a Decimal."""
    async with campus_with(Response(body=body)) as (campus, _):
        parsed = (await campus.request("GET", UNKNOWN)).parsed
    assert parsed == VALUES[body]
    assert type(parsed) is type(VALUES[body])


@pytest.mark.parametrize("status", [200, 201, 202, 204])
@pytest.mark.parametrize("path", [UNKNOWN, SECTION])
async def test_an_empty_body_is_none(status: int, path: str) -> None:
    """Whatever the success status is, and whether the operation is known or not."""
    async with campus_with(Response(status=status)) as (campus, _):
        response = await campus.request("GET", path)
    assert (response.status_code, response.parsed, response.content) == (status, None, b"")


async def test_a_known_operation_is_not_decoded_to_a_model() -> None:
    """Its result is JSON too, and missing fields aren't drift."""
    seen: list[object] = []
    async with campus_with(GOOD, on_drift=seen.append) as (campus, _):
        response = await campus.request("GET", SECTION, params={"syllabus_id": UUID(SOME_ID)})
    assert response.parsed == {"id": 7} | error_entity()
    assert seen == []


# Arguments


class Color(Enum):
    """An enum of a user's own."""

    RED = 3


class Word(StrEnum):
    """An enum of strings."""

    ONE = "one word"


PARAMS: dict[str, tuple[Any, list[str]]] = {
    "string": ("Müller & Söhne/1", ["Müller & Söhne/1"]),
    "empty": ("", [""]),
    "int": (7, ["7"]),
    "large": (10**30, [str(10**30)]),
    "float": (1.5, ["1.5"]),
    "decimal": (Decimal("0.10000000000000000001"), ["0.10000000000000000001"]),
    "exponent": (Decimal("1E+2"), ["100.0"]),
    "true": (True, ["true"]),
    "false": (False, ["false"]),
    "none": (None, []),
    "unset": (UNSET, []),
    "uuid": (UUID(SOME_ID), [SOME_ID]),
    "datetime": (datetime(2026, 1, 31, 12, tzinfo=UTC), ["2026-01-31T12:00:00+00:00"]),
    "offset": (
        datetime(2026, 1, 31, 12, tzinfo=timezone(timedelta(hours=-6))),
        ["2026-01-31T12:00:00-06:00"],
    ),
    "vendor_enum": (Phase.FINISHED, ["2"]),
    "enum": (Color.RED, ["3"]),
    "str_enum": (Word.ONE, ["one word"]),
    "list": ([1, 2, UUID(SOME_ID)], ["1", "2", SOME_ID]),
    "tuple": (("a", "b"), ["a", "b"]),
    "empty_list": ([], []),
    "numpy": (np.array([1, 2]), ["1", "2"]),
    "numpy_bool": (np.bool_(True), ["true"]),
    "numpy_float": (np.float64(1.5), ["1.5"]),
}


async def test_params_are_written_as_arguments_are() -> None:
    """A list repeats the name, a boolean is `true`, a datetime has its zone, None is left out."""
    async with campus_with(GOOD) as (campus, server):
        params = {name: value for name, (value, _) in PARAMS.items()}
        params["generator"] = (number for number in (1, 2))
        await campus.request("GET", UNKNOWN, params=params)
    expected = [(name, text) for name, (_, texts) in PARAMS.items() for text in texts]
    expected += [("generator", "1"), ("generator", "2")]
    assert server.requests[0].query == [*expected, ("access_token", TOKEN)]


async def test_a_raw_request_equals_the_methods() -> None:
    """The same arguments give the same bytes on the wire, for a query and for a body."""
    found = json_response({"page": 1, "total_count": 0, "page_size": 9, "enrollments": []} | error_entity())
    section = json_response(example_response("LearningApi_GetSection"))
    since = datetime(2026, 1, 31, 12, 30, tzinfo=timezone(timedelta(hours=2)))
    search: dict[str, Any] = {"org_ids": [UUID(SOME_ID)], "utc_activity_after": since}
    async with campus_with(found, found, section, section) as (campus, server):
        await campus.learning.search_enrollments(**search)
        await campus.request("POST", SEARCH, params={"page": 1, "per_page": 1000}, json=search)
        await campus.learning.get_section(syllabus_id=SOME_ID)
        await campus.request("GET", SECTION, params={"syllabus_id": UUID(SOME_ID)})
    for method, raw in (server.requests[:2], server.requests[2:]):
        assert (raw.target, raw.body, raw.headers) == (method.target, method.body, method.headers)


BODIES: dict[str, tuple[Any, Any]] = {
    "uuid": (UUID(SOME_ID), SOME_ID),
    "datetime": (datetime(2026, 1, 31, tzinfo=UTC), "2026-01-31T00:00:00+00:00"),
    "decimal": (Decimal("0.10000000000000000001"), Decimal("0.10000000000000000001")),
    "large": (10**25, 10**25),
    "enum": (Phase.FINISHED, 2),
    "none": (None, None),
    "nested": ({"a": [{"b": UUID(SOME_ID)}]}, {"a": [{"b": SOME_ID}]}),
    "boolean": (np.bool_(False), False),
}


async def test_json_is_written_as_arguments_are() -> None:
    """UUIDs, datetimes and Decimals are written as in methods; None is null."""
    async with campus_with(GOOD) as (campus, server):
        await campus.request("POST", UNKNOWN, json={name: value for name, (value, _) in BODIES.items()})
    sent = json.loads(server.requests[0].body, parse_float=Decimal)
    assert sent == {name: expected for name, (_, expected) in BODIES.items()}


@pytest.mark.parametrize("body", [[], [1, None], "text", 7, False, {}])
async def test_any_json_value_is_a_body(body: Any) -> None:
    """A list, a string, a number and a boolean too; only None sends none."""
    async with campus_with(GOOD, GOOD) as (campus, server):
        await campus.request("POST", UNKNOWN, json=body)
        await campus.request("POST", UNKNOWN, json=None)
    assert json.loads(server.requests[0].body) == body
    assert server.requests[1].body == b""


NAIVE = datetime(2026, 1, 31)  # noqa: DTZ001 -- the subject
WRONG_PARAMS: dict[str, Any] = {
    "naive": {"since": NAIVE},
    "mapping": {"a": {"b": 1}},
    "none in a list": {"a": [1, None]},
    "nested list": {"a": [[1]]},
    "bytes": {"a": b"b"},
    "object": {"a": object()},
    "nan": {"a": float("nan")},
    "surrogate": {"a": "\ud800"},
    "number as name": {1: "a"},
    "empty name": {"": "a"},
    "a list of pairs": [("a", "b")],
    "a string": "a=b",
    "too long": {"a": "x" * 60_001},
}


@pytest.mark.parametrize("params", WRONG_PARAMS.values(), ids=WRONG_PARAMS)
async def test_invalid_params_are_refused(params: Any) -> None:
    """The error names the argument and the operation; nothing is sent."""
    async with campus_with() as (campus, server):
        with pytest.raises(ArgumentError, match=r"params .*nothing was sent") as caught:
            await campus.request("GET", UNKNOWN, params=params)
    assert (caught.value.argument, caught.value.operation_id) == ("params", "AdminApi_FetchAnything")
    assert server.requests == []


@pytest.mark.parametrize("name", ["access_token", "Access_Token", "ACCESS_TOKEN"])
@pytest.mark.parametrize("value", ["abc-def", None, TOKEN])
async def test_a_token_in_params_is_refused(name: str, value: Any) -> None:
    """In any case, since ASP.NET doesn't distinguish, and whatever its value is."""
    async with campus_with() as (campus, server):
        with pytest.raises(ArgumentError, match="access_token") as caught:
            await campus.request("GET", UNKNOWN, params={name: value})
    assert "abc-def" not in str(caught.value)
    assert server.requests == []


@pytest.mark.parametrize("body", [{"a": NAIVE}, {"a": b"b"}, object(), {1: 2}, float("inf")])
async def test_invalid_json_is_refused(body: Any) -> None:
    """A value that JSON can't hold is named before anything is sent."""
    async with campus_with() as (campus, server):
        with pytest.raises(ArgumentError, match=r"json .*nothing was sent"):
            await campus.request("POST", UNKNOWN, json=body)
    assert server.requests == []


def test_known_operations_are_found_by_method_and_path() -> None:
    """Each one finds itself, in any case; another method doesn't."""
    for operation in OPERATIONS.values():
        assert OPERATIONS.find(operation.method, operation.path.upper()) == operation
        assert OPERATIONS.find("TRACE", operation.path) is None


IDS: Mapping[str, str] = {
    "/api/v1/AdminApi/GetUsers": "AdminApi_GetUsers",
    "/api/v2/AdminApi/GetUsers/": "AdminApi_GetUsers",
    "/AdminApi/GetUsers": "AdminApi_GetUsers",
    "/api/v1/getsections": "getsections",
    f"/api/v1/Users/{SOME_ID}/Roles": "Users_id_Roles",
    "/api/v1/Users/4711": "Users_id",
    "/api/v1/Caf%C3%A9/A-b": "Café_A_b",
    "/": "GET",
    "/api": "GET",
    "/API/V1/LEARNINGAPI/GETSECTION": "LearningApi_GetSection",
}


@pytest.mark.parametrize("path", IDS)
async def test_the_operation_id_is_known_or_made_from_the_path(path: str) -> None:
    """Ids of records don't become part of it."""
    async with campus_with(json_response(error_entity(3), 404)) as (campus, _):
        with pytest.raises(NotFoundError) as caught:
            await campus.request("GET", path)
    assert caught.value.operation_id == IDS[path]
