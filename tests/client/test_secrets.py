"""No token and no password in logs, errors, tracebacks or reprs, although the server echoes everything."""

import asyncio
import json
import logging
import pickle
import traceback
from collections.abc import Iterator, Sequence
from html import escape
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
from tests.support.clients import NO_RETRY, campus_with, method_of, needs
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
PASSWORD_FORMS += [escape(PASSWORD), repr(PASSWORD.encode())[2:-1]]
FORMS = [*TOKEN_FORMS, *PASSWORD_FORMS]
SECTION = example_response("LearningApi_GetSection")


def leaks(text: str, forms: Sequence[str] = FORMS) -> list[str]:
    """Return the secrets in a string, in whatever form."""
    lowered = text.lower()
    return [form for form in forms if form.strip("\"'{}").lower() in lowered]


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """Return everything that loggers emit at their lowest level, formatted and raw."""
    records: list[str] = []

    class RecordKeeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(self.format(record) + repr(vars(record)))

    keeper = RecordKeeper(0)
    names = ["", "httpx", "httpcore", "nexport_campus", "asyncio", "httpcore.http11", "httpcore.connection"]
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(1)
    loggers[0].addHandler(keeper)
    yield records
    loggers[0].removeHandler(keeper)
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


def echo(status: int, shape: str) -> Handler:
    """Return a campus that echoes every request in its headers and body."""

    async def respond(request: Request) -> Response:
        headers = {"X-Echo": request.target, "X-Token": TOKEN, "Set-Cookie": f"t={TOKEN.upper()}"}
        headers |= {"X-Password": quote(PASSWORD), "X-UTF-8": PASSWORD, "Location": f"/login?t={TOKEN}"}
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

    return respond


def everything_about(error: BaseException) -> str:
    """Return all that an error shows: strings, attributes, traceback with locals, causes, contexts and pickle."""
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
    """Yield the project's own frames with their locals."""
    for frame in traceback.TracebackException.from_exception(error, capture_locals=True).stack:
        if "/nexport_c" in frame.filename:
            yield f"{frame.name} {frame.line} {frame.locals}"


async def error_of(campus: NexportCampus) -> NexportError:
    """Return the error that a call raises."""
    with pytest.raises(NexportError) as caught:
        await campus.learning.get_section(syllabus_id=SOME_ID)
    return caught.value


@pytest.mark.parametrize("shape", ["entity", "fields", "key", "list", "html"])
@pytest.mark.parametrize("status", [200, 302, 401, 403, 422, 500])
@pytest.mark.parametrize("logs_in", [False, True], ids=["token", "password"])
async def test_an_echo_of_everything(status: int, shape: str, logs_in: bool, logged: list[str]) -> None:
    """Neither error nor log repeats an echoed secret, in whatever form."""
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
    """The error of a refused or broken login repeats no password."""
    async with campus_with(echo(status, shape), auth=PasswordAuth("ada", PASSWORD)) as (campus, _):
        error = await error_of(campus)
    assert leaks(everything_about(error), PASSWORD_FORMS) == []
    assert leaks("\n".join(logged), PASSWORD_FORMS) == []


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param({"expires_in": "soon"}, marks=needs("AdminApi_Authenticate")),
        pytest.param({"token_type": 7}, marks=needs("AdminApi_Authenticate")),
        error_entity(4, "No"),
        error_entity(5, "No"),
    ],
)
async def test_an_invalid_login_response(broken: dict[str, Any], logged: list[str]) -> None:
    """An error about a login's response doesn't hold the token in it."""
    login = {"access_token": TOKEN, "token_type": "bearer", "expires_in": 3600} | error_entity(0) | broken
    async with campus_with(json_response(login), auth=PasswordAuth("ada", PASSWORD)) as (campus, _):
        error = await error_of(campus)
    assert leaks(everything_about(error)) == []
    assert leaks("\n".join(logged)) == []


@pytest.mark.parametrize("shape", ["entity", "fields", "key", "list", "html"])
@pytest.mark.parametrize("status", [200, 302, 403, 422, 500])
async def test_a_direct_login_that_echoes(status: int, shape: str, logged: list[str]) -> None:
    """The password of a call of `admin.authenticate` is in no error of that call and of later ones, and in no log."""
    async with campus_with(echo(status, shape), auth=StaticToken("another-token")) as (campus, _):
        with pytest.raises(NexportError) as caught:
            await method_of(campus, "AdminApi_Authenticate")(
                username="ada", password=PASSWORD, grant_type="password"
            )
        shown = everything_about(caught.value) + everything_about(await error_of(campus))
    assert leaks(shown, PASSWORD_FORMS) == []
    assert leaks("\n".join(logged), PASSWORD_FORMS) == []


@pytest.mark.parametrize("secret", ["x9Q4", "x9Q4w", "x9Q4w7", "x9Q4w7!"])
async def test_a_short_secret(secret: str, logged: list[str]) -> None:
    """A password and a token of four to seven characters are redacted, in messages, headers, bodies and JSON keys."""
    refusal = error_entity(2, f"not ({secret})") | {secret: secret}

    async def respond(request: Request) -> Response:
        return json_response(refusal, 422, {"X-Echo": f"a {secret}"})

    for auth in (PasswordAuth("ada", secret), StaticToken(secret)):
        async with campus_with(with_login(respond), auth=auth) as (campus, _):
            error = await error_of(campus)
        assert isinstance(error, APIError)
        assert error.message == "not (***)"
        assert dict(error.headers or {})["x-echo"] == "a ***"
        assert json.loads(error.body or b"")["***"] == "***"
        assert leaks(everything_about(error), [secret]) == []
    assert leaks("\n".join(logged), [secret]) == []


@pytest.mark.parametrize("first", ["lantern", "lantern-harbour"])
async def test_a_secret_that_begins_with_another_one(first: str) -> None:
    """Of two secrets, one a prefix of the other, the longer one is redacted completely, whichever was known first."""
    refusal = json_response(error_entity(2, "lantern-harbour, lantern, lantern-harbour"), 422)
    second = {"lantern": "lantern-harbour", "lantern-harbour": "lantern"}[first]
    async with campus_with(refusal, refusal, auth=StaticToken(first)) as (campus, _):
        await error_of(campus)
        with pytest.raises(APIError) as caught:
            await method_of(campus, "AdminApi_Authenticate")(
                username="ada", password=second, grant_type="password"
            )
    assert caught.value.message == "***, ***, ***"


@pytest.mark.parametrize("before", [150, 180, 195])
async def test_a_secret_at_the_end_of_a_snippet(before: int) -> None:
    """A secret that reaches beyond the bytes that a snippet keeps is redacted before they are cut."""
    page = Response(body=b"<" + b"x" * (before - 1) + TOKEN.upper().encode() + b" " * 500)
    async with campus_with(page) as (campus, _):
        error = await error_of(campus)
    assert isinstance(error, ResponseDecodeError)
    assert error.snippet == (b"<" + b"x" * (before - 1) + b"***" + b" " * 200)[:200]


async def test_the_path_of_an_unreadable_value() -> None:
    """The path in an error is redacted too, if part of it equals a secret."""
    broken = json_response(SECTION | {"title": []})
    async with campus_with(broken, auth=StaticToken("title")) as (campus, _):
        error = await error_of(campus)
    assert isinstance(error, ResponseDecodeError)
    assert error.path == "***"
    assert "title" not in str(error)


async def test_a_successful_response_that_echoes(logged: list[str]) -> None:
    """Warnings and headers of a successful response and all log records are free of secrets."""
    response = SECTION | error_entity(0, "", [f"Old token {TOKEN.upper()}"])
    async with campus_with(json_response(response, headers={"X-Token": TOKEN})) as (campus, _):
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
    """A token that is passed for validation is in no field of the response either."""
    other = "99999999-aaaa-4000-8000-000000000000"
    echoing = json_response({"error_message": f"{other} has expired", "echo": other} | error_entity())
    async with campus_with(echoing) as (campus, _):
        response = await method_of(campus, "AdminApi_ValidateAccessToken")(access_token=other)
    assert (response.error_message or "").endswith(" has expired")
    assert other not in repr(response) + json.dumps(response.to_dict()) + "".join(logged)


@pytest.mark.parametrize("response", LOST, ids=["reset", "cut", "no HTTP"])
async def test_a_lost_connection(response: Response, logged: list[str]) -> None:
    """The transport's exception, its request and its traceback don't show the token."""
    async with campus_with(response) as (campus, _):
        error = await error_of(campus)
    assert isinstance(error, TransportError)
    assert leaks(everything_about(error)) == []
    assert leaks("\n".join(logged)) == []


@pytest.mark.parametrize("kind", [httpx.ConnectError, httpx.ReadTimeout, httpx.InvalidURL, OSError])
async def test_a_transport_that_quotes_the_url(kind: type[Exception], logged: list[str]) -> None:
    """Exception messages of a user's transport are redacted, in the error and in its cause."""

    class LeakingTransport(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            try:
                raise KeyError(str(request.url))
            except KeyError as inner:
                raise kind(f"can't reach {request.url}") from inner

    async with NexportCampus(StaticToken(TOKEN), transport=LeakingTransport(), retry=NO_RETRY) as campus:
        error = await error_of(campus)
    assert isinstance(error, TransportError)
    assert leaks(everything_about(error)) == []
    assert leaks("\n".join(logged)) == []


async def test_many_other_tokens_displace_no_secret() -> None:
    """However many tokens a client validated, its own token and its password stay out of errors."""
    valid = json_response(error_entity(0))
    login = json_response({"access_token": TOKEN, "token_type": "bearer"} | error_entity(0))
    refusal = json_response(error_entity(2, f"{TOKEN} {PASSWORD}"))
    async with campus_with(login, *[valid] * 41, refusal, auth=PasswordAuth("ada", PASSWORD)) as (campus, _):
        await method_of(campus, "AdminApi_ValidateAccessToken")()
        for number in range(40):
            await method_of(campus, "AdminApi_ValidateAccessToken")(
                access_token=f"00000000-0000-4000-8000-{number:012}"
            )
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


async def test_other_clients_logs_are_unchanged(logged: list[str]) -> None:
    """Log records of other httpx clients are unchanged."""
    plain = json_response({}, headers={"X-Plain": "plain words"})
    async with (
        NexportCampus(StaticToken(TOKEN)),
        ScriptedServer([plain]) as server,
        httpx.AsyncClient() as other,
    ):
        await other.get(server.url)
    assert "plain words" in "\n".join(logged)


@pytest.mark.parametrize(
    ("secret", "shown"),
    [("pass-word-12345", "pass-word-12345"), ("pass-word-123456", "0000-0000-000000")],
    ids=["15 bytes", "16 bytes"],
)
async def test_only_long_secrets_are_replaced_in_a_result(secret: str, shown: str) -> None:
    """A short secret may be an ordinary word, which must not be changed where the campus uses it."""

    async def respond(request: Request) -> Response:
        return json_response({"description": f"x{secret}y"} | error_entity())

    async with campus_with(with_login(respond), auth=PasswordAuth("ada", secret)) as (campus, _):
        found = await campus.learning.get_section_description(section_id=SOME_ID)
    assert found.description == f"x{shown}y"
