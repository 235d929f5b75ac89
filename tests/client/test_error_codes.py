"""Which error an answer is: by its code first, wherever it stands, and then by its status; over a real socket."""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import pytest

import nexport_campus as sdk
from nexport_campus import APIError
from support.campus import campus_with
from support.scripted import Answer, entity, html_answer, json_answer
from support.spec import SOME_ID, answer_for

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
    400: sdk.InvalidRequestError,
    401: sdk.AuthenticationError,
    403: sdk.PermissionDeniedError,
    404: sdk.NotFoundError,
    422: sdk.InvalidRequestError,
    429: sdk.RateLimitError,
    **dict.fromkeys([500, 501, 502, 503, 504, 520, 599], sdk.ServerError),
    **dict.fromkeys([201, 202, 204, 206, 300, 301, 302, 303, 304, 307, 308], APIError),
    **dict.fromkeys([402, 405, 406, 408, 409, 410, 418, 451, 499, 600, 999], APIError),
}


async def failure_of(answer: Answer, *, listed: bool = False) -> APIError:
    """The error that one answer to a read means."""
    async with campus_with(answer) as (campus, server):
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
    """A code means the same in a 200 as in any status, from an operation whose answer is an object or a list."""
    error = await failure_of(
        json_answer(entity(code, "The reason", ["Careful"]), status, {"X-A": "b"}), listed=listed
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
    """An error in one element of a list is raised, with its index, whether the element holds anything else or not."""
    items = answer_for("LearningApi_GetCustomEnrollmentFields")
    error = await failure_of(
        json_answer([items[0], (items[1] if whole else {}) | entity(code, "No")]), listed=True
    )
    assert (type(error), error.index, error.error_code, error.status_code) == (BY_CODE[code], 1, code, 200)
    assert "[1]" in str(error)


@pytest.mark.parametrize("status", BY_STATUS)
@pytest.mark.parametrize("body", ["html", "json", "no error", "empty"])
async def test_a_status_without_a_code(status: int, body: str) -> None:
    """Without a code the status decides; a body that is none of the campus's own changes nothing."""
    answers = {
        "html": html_answer(status),
        "json": json_answer({"error": "Unauthorized", "api_error_entity": None}, status),
        "no error": json_answer(entity(0), status),
        "empty": Answer(status=status),
    }
    answer = answers[body] if status not in {204, 304} else Answer(status=status)
    error = await failure_of(answer)
    assert type(error) is BY_STATUS[status]
    assert (error.status_code, error.error_code) == (status, None)
    assert f"(HTTP {status})" in str(error)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(status: int) -> None:
    """A redirect is an answer like any other: an APIError, and no further request."""
    answer = Answer(status=status, headers=[("Location", "/api/v1/LearningApi/GetSection?syllabus_id=1")])
    error = await failure_of(answer)
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
async def test_a_rate_limit_tells_how_long_to_wait(header: str | None, seconds: float | None) -> None:
    """`retry_after` is what the server asks for, in seconds; None where it asks for nothing sensible."""
    error = await failure_of(json_answer({}, 429, {} if header is None else {"Retry-After": header}))
    assert isinstance(error, sdk.RateLimitError)
    assert error.retry_after == seconds


async def test_a_rate_limit_until_a_date() -> None:
    """A date that has passed means no wait."""
    error = await failure_of(json_answer({}, 429, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}))
    assert isinstance(error, sdk.RateLimitError)
    assert error.retry_after == 0.0


@pytest.mark.parametrize("code", ["4", None, True, [], 2.5, {"a": 1}])
async def test_what_is_no_code(code: Any) -> None:
    """An entity whose code is no whole number reports none; the status decides."""
    error = await failure_of(json_answer({"api_error_entity": {"error_code": code, "error_message": 7}}, 404))
    assert (type(error), error.error_code, error.message) == (
        sdk.NotFoundError,
        None,
        "the campus gives no reason",
    )


async def test_a_field_error_without_a_code() -> None:
    """SetCustomEnrollmentFieldValues reports an invalid field by `error: true` and code 0: InvalidRequestError."""
    answer = json_answer({"error": True, "message": "Field 'a' is not a date"} | entity(0, "", ["Careful"]))
    async with campus_with(answer) as (campus, _):
        with pytest.raises(sdk.InvalidRequestError, match="Field 'a' is not a date") as caught:
            await campus.learning.set_custom_enrollment_field_values(
                enrollment_id=SOME_ID, custom_enrollment_field_values={"a": "b"}
            )
    error = caught.value
    assert (error.status_code, error.error_code, error.maybe_applied) == (200, None, False)
    assert (error.warnings, "code" in str(error)) == (("Careful",), False)


@pytest.mark.parametrize("body", [entity(5, "No"), entity(0), {}, None])
async def test_a_refused_login_is_an_authentication_error(body: Any) -> None:
    """A login refused with 403 is an AuthenticationError whatever its body."""
    async with campus_with(json_answer(body, 403), auth=sdk.PasswordAuth("u", "secret")) as (campus, server):
        with pytest.raises(sdk.AuthenticationError) as caught:
            await campus.learning.get_section(syllabus_id=SOME_ID)
    assert caught.value.operation_id == "AdminApi_Authenticate"
    assert [request.operation_id for request in server.requests] == ["AdminApi_Authenticate"]


async def test_warnings_of_a_good_answer(caplog: pytest.LogCaptureFixture) -> None:
    """Warnings go to the logger and to `RawResponse.warnings`; the call succeeds."""
    answer = answer_for("LearningApi_GetSection") | entity(0, "", ["Old format", "Slow"])
    async with campus_with(json_answer(answer)) as (campus, _):
        raw = await campus.raw.learning.get_section(syllabus_id=SOME_ID)
    assert raw.warnings == ("Old format", "Slow")
    assert [record.levelname for record in caplog.records if "Slow" in record.getMessage()] == ["WARNING"]
