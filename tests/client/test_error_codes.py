"""The error class of a response: its code decides first, wherever it stands, then its status; over a real socket."""

import json
import pickle
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import attrs
import pytest

import nexport_campus as sdk
from nexport_campus import APIError, RetryPolicy
from nexport_client.api import learning_api
from nexport_client.api.learning_api.learning_api_get_section import OPERATION as GET_SECTION
from tests.support.clients import campus_with
from tests.support.scripted_server import TOKEN, Response, error_entity, html_response, json_response
from tests.support.spec import SOME_ID, example_response

BY_CODE: dict[int, type[APIError]] = {
    1: sdk.ServerError,
    2: sdk.InvalidRequestError,
    3: sdk.NotFoundError,
    4: sdk.AuthenticationError,
    5: sdk.PermissionDeniedError,
    6: sdk.SubscriptionNotFoundError,
    7: sdk.EnrollmentAlreadyExistsError,
    8: sdk.SubscriptionAlreadyExistsError,
    99: APIError,
    -1: APIError,
}
BY_STATUS: dict[int, type[APIError]] = {
    401: sdk.AuthenticationError,
    429: sdk.RateLimitError,
    **dict.fromkeys([500, 501, 502, 503, 504, 520, 599], sdk.ServerError),
    **dict.fromkeys([300, 301, 302, 303, 304, 307, 308, 400, 402, 403, 404, 405, 406], APIError),
    **dict.fromkeys([408, 409, 410, 413, 418, 422, 451, 499, 600, 999], APIError),
}
NOT_THE_CAMPUS = "a gateway, a firewall, IIS or a wrong base_url, and says nothing about a record"


async def failure_of(response: Response, *, listed: bool = False) -> APIError:
    """Return the error that a response to a read leads to."""
    async with campus_with(response) as (campus, server):
        learning = campus.learning
        ask: Callable[[], Coroutine[Any, Any, object]] = partial(learning.get_section, syllabus_id=SOME_ID)
        if listed:
            ask = partial(learning.get_custom_enrollment_fields, org_id=SOME_ID)
        with pytest.raises(APIError) as caught:
            await ask()
    assert len(server.requests) == 1
    return caught.value


@pytest.mark.parametrize("code", BY_CODE)
@pytest.mark.parametrize("listed", [False, True], ids=["object", "list endpoint"])
@pytest.mark.parametrize("status", [200, 403, 409, 422])
async def test_a_code_outranks_the_status(code: int, status: int, listed: bool) -> None:
    """A code means the same in a 200 as in any other status, in an object and in a list."""
    error = await failure_of(
        json_response(error_entity(code, "The reason", ["Careful"]), status, {"X-A": "b"}), listed=listed
    )
    operation = "GetCustomEnrollmentFields" if listed else "GetSection"
    assert type(error) is BY_CODE[code]
    assert (error.status_code, error.error_code, error.message) == (status, code, "The reason")
    assert (error.operation_id, error.method) == (f"LearningApi_{operation}", "GET")
    assert error.path == f"/api/v1/LearningApi/{operation}"
    assert (error.attempts, error.index, error.page, error.maybe_applied) == (1, None, None, False)
    assert error.warnings == ("Careful",)
    assert error.headers is not None
    assert error.headers["x-a"] == error.headers["X-A"] == "b"
    assert b"The reason" in (error.body or b"")
    assert str(error) == f"LearningApi_{operation}: The reason (HTTP {status}, code {code})"


@pytest.mark.parametrize("code", [code for code in BY_CODE if code > 0])
@pytest.mark.parametrize("whole", [True, False], ids=["with all else", "with nothing else"])
async def test_an_element_of_a_list_reports_an_error(code: int, whole: bool) -> None:
    """An error in one element of a list is raised with its index, whether or not the element holds anything else."""
    items = example_response("LearningApi_GetCustomEnrollmentFields")
    error = await failure_of(
        json_response([items[0], (items[1] if whole else {}) | error_entity(code, "No")]), listed=True
    )
    assert (type(error), error.index, error.error_code, error.status_code) == (BY_CODE[code], 1, code, 200)
    assert "[1]" in str(error)


@pytest.mark.parametrize("status", BY_STATUS)
@pytest.mark.parametrize("body", ["html", "json", "no error", "empty"])
async def test_a_status_without_a_code(status: int, body: str) -> None:
    """Without a code few statuses have a meaning; a 401 has one only with an error entity or an empty body."""
    responses = {
        "html": html_response(status),
        "json": json_response({"error": "Unauthorized", "api_error_entity": None}, status),
        "no error": json_response(error_entity(0), status),
        "empty": Response(status=status),
    }
    error = await failure_of(responses[body] if status != 304 else Response(status=status))
    foreign = body in ("html", "json") and status == 401
    assert type(error) is (APIError if foreign else BY_STATUS[status])
    assert (error.status_code, error.error_code) == (status, None)
    assert f"(HTTP {status})" in str(error)
    assert error.transient is (type(error) is not sdk.AuthenticationError)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 407, 409, 413, 422, 451])
async def test_a_gateway_is_named(status: int) -> None:
    """The message of a status without an error entity names a gateway as a possible source, and blames no record."""
    assert NOT_THE_CAMPUS in str(await failure_of(html_response(status)))
    assert "HTML" in str(await failure_of(html_response(status)))
    assert NOT_THE_CAMPUS in str(await failure_of(json_response({"message": "no"}, status)))


@pytest.mark.parametrize("status", [500, 502, 503, 599])
async def test_a_server_error_without_details(status: int) -> None:
    """A 5xx without an error entity says in every form that it has no details."""
    for response in (html_response(status), Response(status=status), json_response({}, status)):
        error = await failure_of(response)
        assert str(error).endswith(f": no error details in the response (HTTP {status})")


@pytest.mark.parametrize("status", [201, 202, 203, 204, 205, 206, 207, 226, 299])
@pytest.mark.parametrize("body", ["promised", "html", "empty"])
async def test_a_success_status_that_is_not_documented(status: int, body: str) -> None:
    """It is a ResponseDecodeError that names the status; an error code in it still counts."""
    responses = {
        "promised": json_response(example_response("LearningApi_GetSection"), status),
        "html": html_response(status),
        "empty": Response(status=status),
    }
    async with campus_with(responses[body] if status != 204 else Response(status=204)) as (campus, _):
        with pytest.raises(sdk.ResponseDecodeError, match=f"HTTP {status} instead of HTTP 200") as caught:
            await campus.learning.get_section(syllabus_id=SOME_ID)
    assert (caught.value.attempts, caught.value.transient) == (1, False)
    if status != 204:
        assert type(await failure_of(json_response(error_entity(3), status))) is sdk.NotFoundError


async def test_a_204_that_is_documented(monkeypatch: pytest.MonkeyPatch) -> None:
    """It means None. Any other documented status without a body is a ResponseDecodeError."""
    documented = attrs.evolve(GET_SECTION, success=(200, 202, 204))
    monkeypatch.setattr(learning_api, "GET_SECTION", documented)
    async with campus_with(Response(status=204), Response(status=202), Response()) as (campus, _):
        assert await campus.learning.get_section(syllabus_id=SOME_ID) is None
        for _ in (202, 200):
            with pytest.raises(sdk.ResponseDecodeError, match="empty"):
                await campus.learning.get_section(syllabus_id=SOME_ID)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(status: int) -> None:
    """A redirect is treated as any other response: it raises APIError, and no further request is sent."""
    response = Response(status=status, headers=[("Location", "/api/v1/LearningApi/GetSection?syllabus_id=1")])
    error = await failure_of(response)
    assert type(error) is APIError
    assert "redirect" in str(error)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        ("0", 0.0),
        ("1.5", 1.5),
        ("-1", None),
        ("inf", None),
        ("nan", None),
        ("soon", None),
    ],
)
async def test_the_wait_of_a_rate_limit(header: str | None, seconds: float | None) -> None:
    """`retry_after` is the requested wait in seconds, or None if the header is missing or invalid."""
    error = await failure_of(json_response({}, 429, {} if header is None else {"Retry-After": header}))
    assert isinstance(error, sdk.RateLimitError)
    assert error.retry_after == seconds


async def test_a_rate_limit_until_a_date() -> None:
    """A date that has passed means no wait."""
    error = await failure_of(json_response({}, 429, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}))
    assert isinstance(error, sdk.RateLimitError)
    assert error.retry_after == 0.0


async def test_the_message_of_a_rate_limit() -> None:
    """The message has the seconds, and says that a wait beyond max_retry_after was the reason not to retry."""
    error = await failure_of(json_response({}, 429, {"Retry-After": "3600"}))
    assert str(error).endswith(": too many requests (HTTP 429); retry after 3600 s")
    patient = RetryPolicy(max_retry_after=60.5)
    for status in (429, 503):
        response = json_response({}, status, {"Retry-After": "3600"})
        async with campus_with(response, retry=patient) as (campus, _):
            with pytest.raises(APIError) as caught:
                await campus.learning.get_section(syllabus_id=SOME_ID)
        reason = "not retried: Retry-After (3600 s) is more than max_retry_after (60.5 s)"
        assert str(caught.value).endswith(reason)
        assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    assert "retry after" not in str(await failure_of(json_response({}, 429)))


NOT_CODES: list[Any] = ["3", None, True, [], 2.5, {}, 1e300]
FOREIGN: dict[str, Any] = {
    **{f"a code that is {code!r}": {"api_error_entity": {"error_code": code}} for code in NOT_CODES},
    "no code": {"api_error_entity": {"error_message": "Not found"}},
    "an entity that is null": {"api_error_entity": None, "error_code": 3},
    "an entity that is a number": {"api_error_entity": 3},
    "an entity that is a list": {"api_error_entity": [{"error_code": 3}]},
    "a code at the top": {"error_code": 3, "error_message": "Not found"},
    "an entity at another place": {"error": {"api_error_entity": {"error_code": 3}}},
    "an entity of another name": {"ApiErrorEntity": {"error_code": 3}, "errorEntity": {"error_code": 3}},
    "an entity as a string": json.dumps(error_entity(3)),
    "a list with an entity": [error_entity(3)],
    "null": None,
    "a number": 3,
}


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
@pytest.mark.parametrize("body", FOREIGN.values(), ids=FOREIGN)
async def test_a_gateways_json_is_not_an_error_entity(body: Any, status: int) -> None:
    """JSON that only resembles an error entity has no code, and implies nothing about a record or an account."""
    error = await failure_of(json_response(body, status))
    assert (type(error), error.error_code, error.transient) == (APIError, None, True)
    assert NOT_THE_CAMPUS in error.message


@pytest.mark.parametrize("page", ["<html>{}</html>", "<!-- {} -->", "{} trailing", "\ufeff<p>{}"])
async def test_an_entity_within_a_page(page: str) -> None:
    """An entity that is only part of the body doesn't count, whatever the status."""
    body = page.format(json.dumps(error_entity(3))).encode()
    assert type(await failure_of(Response(status=404, body=body))) is APIError
    async with campus_with(Response(body=body)) as (campus, _):
        with pytest.raises(sdk.ResponseDecodeError):
            await campus.learning.get_section(syllabus_id=SOME_ID)


@pytest.mark.parametrize("code", [3, 3.0])
async def test_an_entity_with_only_its_code(code: float) -> None:
    """An integer code is enough, as .NET and proxies write it; other parts of the entity may be malformed."""
    body = {"api_error_entity": {"error_code": code, "error_message": 7, "warning_messages": "x"}}
    error = await failure_of(json_response(body, 409))
    assert (type(error), error.error_code) == (sdk.NotFoundError, 3)
    assert error.message == "no error details in the response"
    assert not error.transient


ASP_NET: dict[str, tuple[Any, str]] = {
    "Web API 2": (
        {"Message": "The request is invalid.", "ModelState": {"a": ["b"]}},
        "The request is invalid.",
    ),
    "an exception": (
        {"Message": "An error has occurred.", "ExceptionMessage": "Ada", "StackTrace": "at X"},
        "An error has occurred.",
    ),
    "problem details": ({"title": "Bad Request", "status": 400, "detail": "No body"}, "Bad Request No body"),
    "a title": (
        {"title": "One or more validation errors occurred."},
        "One or more validation errors occurred.",
    ),
}


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 415, 422, 500, 503])
@pytest.mark.parametrize(("body", "words"), ASP_NET.values(), ids=ASP_NET)
async def test_messages_of_asp_net_are_quoted(body: Any, words: str, status: int) -> None:
    """ASP.NET's own error messages are quoted, without parts that may hold data, and don't change the class."""
    error = await failure_of(json_response(body, status))
    assert type(error) is (sdk.ServerError if status >= 500 else APIError)
    assert f'"{words}"' in error.message
    assert f'"{words}"' in str(error)
    assert "Ada" not in str(error)


async def test_messages_of_asp_net_are_bounded_and_redacted() -> None:
    """A URL in them loses its query, which holds the token and ids; long messages are cut, others not quoted."""
    address = f"https://campus.example/api?syllabus_id={SOME_ID}&access_token={TOKEN}"
    error = await failure_of(json_response({"Message": f"No HTTP resource matches '{address}'."}, 404))
    assert "No HTTP resource matches 'https://campus.example/api?...'" in str(error)
    assert SOME_ID not in error.message
    assert TOKEN not in error.message
    long = await failure_of(json_response({"title": "x" * 150 + TOKEN + "y" * 1000}, 404))
    assert len(long.message) < 350
    assert TOKEN[:8] not in long.message
    for odd in ({"Message": 7}, {"Message": ""}, {"message": "no"}, ["Message"]):
        assert (await failure_of(json_response(odd, 404))).message.endswith(NOT_THE_CAMPUS)


@pytest.mark.parametrize("encoding", ["gzip", "br"])
async def test_an_unreadable_body_is_not_an_empty_one(encoding: str) -> None:
    """A 401 with an unreadable body isn't taken for the campus's empty 401: it causes no login and no hold."""
    broken = Response(status=401, headers=[("Content-Encoding", encoding)], body=b"<html>")
    assert type(await failure_of(broken)) is APIError
    large = Response(status=401, body=b"<html>" + b" " * 5000)
    async with campus_with(large, max_response_bytes=1000) as (campus, _):
        with pytest.raises(APIError) as caught:
            await campus.learning.get_section(syllabus_id=SOME_ID)
    assert type(caught.value) is APIError


async def set_field_values(response: Response) -> sdk.NexportError:
    """Return the error that a response to SetCustomEnrollmentFieldValues leads to."""
    async with campus_with(response) as (campus, _):
        with pytest.raises(sdk.NexportError) as caught:
            await campus.learning.set_custom_enrollment_field_values(
                enrollment_id=SOME_ID, custom_enrollment_field_values={"a": "b"}
            )
    return caught.value


async def test_a_field_error_without_a_code() -> None:
    """SetCustomEnrollmentFieldValues reports an invalid field by `error: true` and code 0: InvalidRequestError."""
    body = {"error": True, "message": "Field 'a' is not a date"} | error_entity(0, "", ["Careful"])
    error = await set_field_values(json_response(body))
    assert isinstance(error, sdk.InvalidRequestError)
    assert (error.status_code, error.error_code, error.maybe_applied) == (200, 0, False)
    assert (error.message, error.warnings) == ("Field 'a' is not a date", ("Careful",))
    assert (error.transient, "code" in str(error)) == (False, False)


@pytest.mark.parametrize("given", [{}, {"api_error_entity": None}, {"api_error_entity": {}}])
async def test_a_field_error_without_an_entity(given: dict[str, Any]) -> None:
    """An `{"error": true}` from elsewhere isn't the campus's refusal: the change may have been made."""
    error = await set_field_values(json_response({"error": True, "message": "Maintenance"} | given))
    assert isinstance(error, sdk.ResponseDecodeError)
    assert error.maybe_applied


@pytest.mark.parametrize(
    ("response", "refused"),
    [
        (json_response(error_entity(5, "No"), 403), True),
        (json_response(error_entity(4, "No"), 403), True),
        (json_response(error_entity(0), 403), True),
        (Response(status=403), True),
        (Response(status=403, body=b" \r\n"), True),
        (json_response(error_entity(4, "No"), 401), True),
        (Response(status=401), True),
        (html_response(403), False),
        (html_response(401), False),
        (html_response(404), False),
        (json_response({}, 403), False),
        (json_response(None, 403), False),
        (json_response({"Message": "Forbidden"}, 403), False),
        (Response(status=403, headers=[("Content-Encoding", "gzip")], body=b"<html>"), False),
    ],
)
async def test_a_refused_login(response: Response, refused: bool) -> None:
    """A login refused with 403 is an AuthenticationError if the campus can have refused it, not a gateway."""
    async with campus_with(response, auth=sdk.PasswordAuth("u", "secret")) as (campus, server):
        with pytest.raises(APIError) as caught:
            await campus.learning.get_section(syllabus_id=SOME_ID)
    assert type(caught.value) is (sdk.AuthenticationError if refused else APIError)
    assert caught.value.transient is not refused
    assert ("the credentials or the token" in str(caught.value)) is (refused and b"No" not in response.body)
    assert caught.value.operation_id == "AdminApi_Authenticate"
    assert [request.operation_id for request in server.requests] == ["AdminApi_Authenticate"]


async def test_warnings_of_a_successful_response(caplog: pytest.LogCaptureFixture) -> None:
    """Warnings go to the logger and to `RawResponse.warnings`; the call succeeds."""
    response = example_response("LearningApi_GetSection") | error_entity(0, "", ["Old format", "Slow"])
    async with campus_with(json_response(response)) as (campus, _):
        raw = await campus.raw.learning.get_section(syllabus_id=SOME_ID)
    assert raw.warnings == ("Old format", "Slow")
    assert [record.levelname for record in caplog.records if "Slow" in record.getMessage()] == ["WARNING"]


async def test_warnings_of_all_elements_of_a_list(caplog: pytest.LogCaptureFixture) -> None:
    """Those of each element are logged and in `RawResponse.warnings`, in order, also of one without a declared entity."""
    (element, *_) = example_response("LearningApi_GetAssignmentStatuses")
    texts = [[], ["Old format"], ["Slow", "Late"], [], ["Moved"]]
    response = [element | error_entity(0, "", warnings) for warnings in texts]
    async with campus_with(json_response(response)) as (campus, _):
        raw = await campus.raw.learning.get_assignment_statuses(enrollment_id=SOME_ID)
    assert raw.warnings == ("Old format", "Slow", "Late", "Moved")
    assert [record.getMessage().rpartition(": ")[2] for record in caplog.records] == list(raw.warnings)
