"""Errors become problem details: status, members, and nothing confidential."""

import logging
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, WebSocket

from nexport_campus import (
    AlreadyExistsError,
    APIError,
    ArgumentError,
    AuthenticationError,
    ConfigurationError,
    EnrollmentAlreadyExistsError,
    InvalidRequestError,
    NexportCampus,
    NexportError,
    NotFoundError,
    PaginationError,
    PermissionDeniedError,
    RateLimitError,
    RequestTimeoutError,
    ResponseDecodeError,
    ServerError,
    StaticToken,
    SubscriptionNotFoundError,
    TransportError,
)
from nexport_campus.fastapi import Campus, add_exception_handlers, get_campus
from tests.support.clients import campus_with
from tests.support.scripted_server import Response

ANSWER: dict[str, Any] = {
    "path": "/api/v1/LearningApi/GetSection",
    "status_code": 409,
    "error_code": 3,
    "warnings": ("warned of Maria Muster",),
    "headers": {"Set-Cookie": "session=5ecret"},
    "body": b"the record of Maria Muster",
    "operation_id": "LearningApi_GetSection",
}
ERRORS: list[tuple[NexportError, int]] = [
    (NotFoundError("Maria Muster", **ANSWER), 404),
    (SubscriptionNotFoundError("Maria Muster", **ANSWER), 404),
    (AlreadyExistsError("Maria Muster", **ANSWER), 409),
    (EnrollmentAlreadyExistsError("Maria Muster", **ANSWER), 409),
    (RateLimitError("Maria Muster", **ANSWER), 503),
    (RequestTimeoutError("Maria Muster"), 504),
    (TransportError("Maria Muster"), 502),
    (ResponseDecodeError("Maria Muster", path="[2].name", snippet=b"Maria Muster"), 502),
    (PaginationError("Maria Muster"), 502),
    (APIError("Maria Muster", **ANSWER), 502),
    (APIError("Maria Muster", **ANSWER | {"error_code": None}), 502),
    (AuthenticationError("Maria Muster", **ANSWER), 502),
    (PermissionDeniedError("Maria Muster", **ANSWER), 502),
    (InvalidRequestError("Maria Muster", **ANSWER), 502),
    (ServerError("Maria Muster", **ANSWER), 502),
    (ArgumentError("Maria Muster", argument="syllabus_id"), 500),
    (ConfigurationError("Maria Muster"), 500),
    (NexportError("Maria Muster"), 500),
]


async def response_to(error: Exception, **settings: Any) -> httpx.Response:
    """Return the response of an application whose route raises this error."""
    app = FastAPI()
    add_exception_handlers(app, **settings)

    @app.get("/sections/{number}")
    async def fail(number: int) -> None:
        raise error

    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
        return await client.get("/sections/7?token=5ecret")


@pytest.mark.parametrize(("error", "status"), ERRORS, ids=lambda value: type(value).__name__)
async def test_every_error_has_its_status(error: NexportError, status: int) -> None:
    """A problem has the standard's five members, and nothing of the campus's response."""
    response = await response_to(error)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem.keys() >= {"type", "title", "status", "detail", "instance"}
    assert problem["type"].startswith("urn:nexport-campus:")
    assert (problem["status"], problem["instance"]) == (status, "/sections/7")
    whole = response.text + repr(response.headers)
    assert "Muster" not in whole
    assert "5ecret" not in whole


async def test_additional_members() -> None:
    """A problem names operation, error code, argument, and whether a change may have been made."""
    output = (await response_to(NotFoundError("no", **ANSWER))).json()
    assert (output["operation"], output["error_code"]) == ("LearningApi_GetSection", 3)
    assert "maybe_applied" not in output
    lost = TransportError("lost", operation_id="LearningApi_CreateEnrollment", maybe_applied=True)
    output = (await response_to(lost)).json()
    assert output["maybe_applied"] is True
    assert "error_code" not in output
    assert (await response_to(ArgumentError("no", argument="org_id"))).json()["argument"] == "org_id"


@pytest.mark.parametrize(("seconds", "expected"), [(7.0, "7"), (0.2, "1"), (None, "5")])
async def test_retry_after(seconds: float | None, expected: str) -> None:
    """Retry-After is the campus's, in whole seconds, or a few seconds by default."""
    response = await response_to(RateLimitError("busy", retry_after=seconds))
    assert (response.status_code, response.headers["retry-after"]) == (503, expected)


async def test_custom_statuses() -> None:
    """A status applies to a class and its subclasses; the nearest class wins, defaults included."""
    statuses: dict[type[NexportError], int] = {InvalidRequestError: 422, APIError: 500, ArgumentError: 400}
    expected = [
        (InvalidRequestError("no"), 422),
        (ServerError("no"), 500),
        (NotFoundError("no"), 404),
        (ArgumentError("no"), 400),
        (TransportError("no"), 502),
    ]
    for error, status in expected:
        response = await response_to(error, statuses=statuses)
        assert (response.status_code, response.json()["status"]) == (status, status)
    busy = await response_to(RateLimitError("no", retry_after=3), statuses={RateLimitError: 429})
    assert (busy.status_code, busy.headers["retry-after"]) == (429, "3")


def test_invalid_statuses_are_refused() -> None:
    """A class or status that isn't an error is refused when the application is made."""
    with pytest.raises(TypeError, match="ValueError"):
        add_exception_handlers(FastAPI(), statuses={ValueError: 422})  # type: ignore[dict-item]
    with pytest.raises(ValueError, match="200"):
        add_exception_handlers(FastAPI(), statuses={NotFoundError: 200})


async def test_errors_are_logged_as_they_deserve(caplog: pytest.LogCaptureFixture) -> None:
    """An error of the campus is logged in one line; an application's mistake with its traceback; a 404 not at all."""
    await response_to(ServerError("out of order", **ANSWER))
    await response_to(ArgumentError("org_id must be a UUID", argument="org_id"))
    await response_to(NotFoundError("no", **ANSWER))
    campus, own = (record for record in caplog.records if record.name == "nexport_campus")
    assert (campus.levelno, campus.exc_info) == (logging.WARNING, None)
    assert "out of order" in campus.getMessage()
    assert own.levelno == logging.ERROR
    assert own.exc_info is not None


async def test_errors_of_a_client() -> None:
    """From a response to the problem, neither the token nor the campus's message gets through."""

    def respond(request: httpx.Request) -> httpx.Response:
        entity = {
            "error_code": 3,
            "error_message": f"no such section, token {request.url.params['access_token']}",
        }
        return httpx.Response(409, json={"api_error_entity": entity})

    app = FastAPI()
    add_exception_handlers(app)

    @app.get("/title/{identifier}")
    async def title(identifier: str, campus: Campus) -> str:
        return (await campus.learning.get_section(syllabus_id=identifier)).title

    async with NexportCampus(StaticToken("5ecret"), transport=httpx.MockTransport(respond)) as campus:
        app.dependency_overrides[get_campus] = lambda: campus
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
            missing = await client.get("/title/8ebf2d8d-01eb-4af5-a317-4279e2b752d4")
            wrong = await client.get("/title/nothing")
    assert (missing.status_code, missing.json()["error_code"]) == (404, 3)
    assert "5ecret" not in missing.text
    assert "no such section" not in missing.text
    assert (wrong.status_code, wrong.json()["argument"]) == (500, "syllabus_id")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 410, 413, 422])
@pytest.mark.parametrize("body", [b"<html>Maria Muster</html>", b"", b'{"Message": "Maria Muster"}'])
async def test_a_gateway_decides_nothing(status: int, body: bytes) -> None:
    """Any status without an error entity becomes 502: it says nothing about the requested record."""
    app = FastAPI()
    add_exception_handlers(app, statuses={InvalidRequestError: 422, NotFoundError: 410})

    @app.get("/sections/{identifier}")
    async def title(identifier: str, campus: Campus) -> str:
        return (await campus.learning.get_section(syllabus_id=identifier)).title

    from_gateway = Response(status=status, headers=[("Content-Type", "text/html")], body=body)
    async with campus_with(from_gateway) as (campus, _):
        app.dependency_overrides[get_campus] = lambda: campus
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
            response = await client.get("/sections/8ebf2d8d-01eb-4af5-a317-4279e2b752d4")
    assert response.status_code == 502
    if not (status == 401 and not body):  # an empty 401 may come from the campus
        assert response.json()["type"] == "urn:nexport-campus:gateway"
    assert "error_code" not in response.json()
    assert "Muster" not in response.text


@pytest.mark.parametrize("accepts", [True, False])
async def test_websockets_get_the_problem(accepts: bool) -> None:
    """An open websocket is closed with 1011; one that wasn't accepted gets the problem as response."""
    app = FastAPI()
    add_exception_handlers(app)

    @app.websocket("/live")
    async def live(websocket: WebSocket) -> None:
        if accepts:
            await websocket.accept()
        raise ServerError("out of order")

    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "websocket",
        "path": "/live",
        "query_string": b"",
        "headers": [],
        "subprotocols": [],
        "extensions": {"websocket.http.response": {}},
    }
    await app(scope, receive, send)
    if accepts:
        assert (sent[-1]["type"], sent[-1]["code"]) == ("websocket.close", 1011)
    else:
        assert (sent[0]["type"], sent[0]["status"]) == ("websocket.http.response.start", 502)
