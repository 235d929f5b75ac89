"""No token and no password in logs, errors, tracebacks or reprs, though the server sends back whatever it was sent."""

import asyncio
import json
import logging
import pickle
import traceback
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote, quote_plus

import httpx
import pytest

from nexport_campus import (
    APIError,
    Drift,
    NexportCampus,
    NexportError,
    PasswordAuth,
    ResponseDecodeError,
    StaticToken,
    TransportError,
)
from tests.support.clients import NO_RETRY, campus_with
from tests.support.scripted_server import (
    TOKEN,
    Handler,
    Request,
    Response,
    ScriptedServer,
    error_entity,
    json_response,
    with_login,
)
from tests.support.spec import SOME_ID, example_response

PASSWORD = 'pass"word\\ & ünïcode'
TOKEN_FORMS = [TOKEN, TOKEN.upper(), TOKEN.replace("-", ""), f"{{{TOKEN}}}"]
PASSWORD_FORMS = [
    PASSWORD,
    quote(PASSWORD, safe=""),
    quote(PASSWORD),
    quote_plus(PASSWORD),
    json.dumps(PASSWORD),
]
PASSWORD_FORMS += [json.dumps(PASSWORD, ensure_ascii=False), PASSWORD.swapcase()]
FORMS = [*TOKEN_FORMS, *PASSWORD_FORMS]
SECTION = example_response("LearningApi_GetSection")


def leaks(text: str, forms: Sequence[str] = FORMS) -> list[str]:
    """The secrets in a text, however they are written."""
    lowered = text.lower()
    return [form for form in forms if form.strip("\"'{}").lower() in lowered]


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """All that any logger says at its lowest level, formatted and in pieces."""
    said: list[str] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(self.format(record) + repr(vars(record)))

    keeper = Keeper(0)
    names = ["", "httpx", "httpcore", "nexport_campus", "asyncio", "httpcore.http11", "httpcore.connection"]
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(1)
    loggers[0].addHandler(keeper)
    yield said
    loggers[0].removeHandler(keeper)
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


def echo(status: int, shape: str) -> Handler:
    """A campus that sends back all that it got, in headers and in the body."""

    async def answer(request: Request) -> Response:
        headers = {"X-Echo": request.target, "X-Token": TOKEN, "Set-Cookie": f"t={TOKEN.upper()}"}
        headers |= {"X-Password": quote(PASSWORD), "Location": f"/login?t={TOKEN}"}
        words = f"{request.target} {' '.join(FORMS)}"
        bodies: dict[str, Any] = {
            "entity": error_entity(2, words, [words]),
            "fields": {"syllabus_id": words, **error_entity(0)},
            "key": SECTION | {"title": [], words: words},
            "list": [words] * 9,
        }
        if shape == "html":
            return Response(status=status, headers=headers.items(), body=f"<p>{words}</p>".encode())
        return json_response(bodies[shape], status, headers)

    return answer


def everything_about(error: BaseException) -> str:
    """All that an error shows: texts, attributes, the traceback with locals, causes and contexts, and its pickle."""
    parts = [*_frames(error), str(error), repr(error), repr(error.args), repr(vars(error))]
    parts += [
        everything_about(behind) for behind in (error.__cause__, error.__context__) if behind is not None
    ]
    if isinstance(error, NexportError):
        parts.append(pickle.dumps(error).decode("utf-8", "replace"))
    if isinstance(error, APIError):
        parts += [str(dict(error.headers or {})), (error.body or b"").decode()]
    if isinstance(error, ResponseDecodeError):
        parts.append((error.snippet or b"").decode("utf-8", "replace"))
    if isinstance(error, httpx.RequestError):
        parts += [repr(error.request), str(error.request.url), repr(vars(error.request))]
    return "\n".join(parts)


def _frames(error: BaseException) -> Iterator[str]:
    """The project's own frames, with their locals."""
    for frame in traceback.TracebackException.from_exception(error, capture_locals=True).stack:
        if "/nexport_c" in frame.filename:
            yield f"{frame.name} {frame.line} {frame.locals}"


async def error_of(campus: NexportCampus) -> NexportError:
    """The error that a call meets."""
    with pytest.raises(NexportError) as caught:
        await campus.learning.get_section(syllabus_id=SOME_ID)
    return caught.value


@pytest.mark.parametrize("shape", ["entity", "fields", "key", "list", "html"])
@pytest.mark.parametrize("status", [200, 302, 401, 403, 422, 500])
@pytest.mark.parametrize("logs_in", [False, True], ids=["token", "password"])
async def test_an_echo_of_everything(status: int, shape: str, logs_in: bool, logged: list[str]) -> None:
    """Neither error nor log repeats a secret that came back in headers and body, in whatever form."""
    auth: Any = PasswordAuth("ada", PASSWORD) if logs_in else StaticToken(TOKEN)
    drifts: list[Drift] = []
    async with campus_with(with_login(echo(status, shape)), auth=auth, on_drift=drifts.append) as (campus, _):
        error = await error_of(campus)
    secrets = FORMS if logs_in else TOKEN_FORMS
    shown = everything_about(error) + repr(campus) + repr(vars(campus)) + repr(auth) + repr(drifts)
    assert leaks(shown, secrets) == []
    assert leaks("\n".join(logged), secrets) == []


@pytest.mark.parametrize("shape", ["entity", "fields", "list", "html"])
@pytest.mark.parametrize("status", [200, 302, 403, 422, 500])
async def test_a_login_that_echoes(status: int, shape: str, logged: list[str]) -> None:
    """A refused or broken login repeats no password."""
    async with campus_with(echo(status, shape), auth=PasswordAuth("ada", PASSWORD)) as (campus, _):
        error = await error_of(campus)
    assert leaks(everything_about(error), PASSWORD_FORMS) == []
    assert leaks("\n".join(logged), PASSWORD_FORMS) == []


@pytest.mark.parametrize(
    "broken", [{"expires_in": "soon"}, {"token_type": 7}, error_entity(4, "No"), error_entity(5, "No")]
)
async def test_a_login_that_is_half_good(broken: dict[str, Any], logged: list[str]) -> None:
    """An error about a login's answer doesn't hold the token that the answer had."""
    login = {"access_token": TOKEN, "token_type": "bearer", "expires_in": 3600} | error_entity(0) | broken
    async with campus_with(json_response(login), auth=PasswordAuth("ada", PASSWORD)) as (campus, _):
        error = await error_of(campus)
    assert leaks(everything_about(error)) == []
    assert leaks("\n".join(logged)) == []


async def test_a_good_answer_that_echoes(logged: list[str]) -> None:
    """Warnings and headers of a good answer are free of secrets, and so is every log record."""
    answer = SECTION | error_entity(0, "", [f"Old token {TOKEN.upper()}"])
    async with campus_with(json_response(answer, headers={"X-Token": TOKEN})) as (campus, _):
        raw = await campus.raw.learning.get_section(syllabus_id=SOME_ID)
    assert raw.warnings == ("Old token ***",)
    assert raw.headers["x-token"] == "***"
    assert leaks(repr(raw) + "\n".join(logged)) == []


LOST = [
    Response(cut_after=0, ending="reset"),
    json_response({}, cut_after=-1),
    Response(raw=b"?\r\n\r\n", ending="close"),
]


async def test_anothers_token_that_is_echoed(logged: list[str]) -> None:
    """A token that was given to be validated is in no field of the answer either."""
    other = "99999999-aaaa-4000-8000-000000000000"
    answer = json_response({"error_message": f"{other} has expired", "echo": other} | error_entity())
    async with campus_with(answer) as (campus, _):
        response = await campus.admin.validate_access_token(access_token=other)
    assert (response.error_message or "").endswith(" has expired")
    assert other not in repr(response) + json.dumps(response.to_dict()) + "".join(logged)


@pytest.mark.parametrize("answer", LOST, ids=["reset", "cut", "no HTTP"])
async def test_a_lost_connection(answer: Response, logged: list[str]) -> None:
    """The transport's exception, its request and its traceback don't show the token."""
    async with campus_with(answer) as (campus, _):
        error = await error_of(campus)
    assert isinstance(error, TransportError)
    assert leaks(everything_about(error)) == []
    assert leaks("\n".join(logged)) == []


@pytest.mark.parametrize("kind", [httpx.ConnectError, httpx.ReadTimeout, httpx.InvalidURL, OSError])
async def test_a_transport_that_tells_the_url(kind: type[Exception], logged: list[str]) -> None:
    """What a user's own transport says in its exceptions is cleaned, in the error and in its cause."""

    class Talking(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            try:
                raise KeyError(str(request.url))
            except KeyError as inner:
                raise kind(f"can't reach {request.url}") from inner

    async with NexportCampus(StaticToken(TOKEN), transport=Talking(), retry=NO_RETRY) as campus:
        error = await error_of(campus)
    assert isinstance(error, TransportError)
    assert leaks(everything_about(error)) == []
    assert leaks("\n".join(logged)) == []


async def test_many_other_tokens_push_no_secret_out() -> None:
    """However many tokens a client was asked about, its own and its password stay out of errors."""
    good = json_response(error_entity(0))
    login = json_response({"access_token": TOKEN, "token_type": "bearer"} | error_entity(0))
    refusal = json_response(error_entity(2, f"{TOKEN} {PASSWORD}"))
    async with campus_with(login, *[good] * 41, refusal, auth=PasswordAuth("ada", PASSWORD)) as (campus, _):
        await campus.admin.validate_access_token()
        for number in range(40):
            await campus.admin.validate_access_token(access_token=f"00000000-0000-4000-8000-{number:012}")
        error = await error_of(campus)
    assert leaks(everything_about(error)) == []


async def test_a_cancelled_call(logged: list[str]) -> None:
    """The traceback of a cancelled call doesn't show the token either."""
    gate, arrived = asyncio.Event(), asyncio.Event()

    async def wait(request: Request) -> Response:
        arrived.set()
        return json_response({}, gate=gate)

    async with campus_with(wait) as (campus, _):
        call = asyncio.create_task(campus.learning.get_section(syllabus_id=SOME_ID))
        await arrived.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await call
    assert leaks(everything_about(caught.value)) == []
    assert leaks("\n".join(logged)) == []


async def test_the_logs_of_others_are_left_alone(logged: list[str]) -> None:
    """What another client of httpx logs stays as it is."""
    plain = json_response({}, headers={"X-Plain": "plain words"})
    async with (
        NexportCampus(StaticToken(TOKEN)),
        ScriptedServer([plain]) as server,
        httpx.AsyncClient() as other,
    ):
        await other.get(server.url)
    assert "plain words" in "\n".join(logged)
