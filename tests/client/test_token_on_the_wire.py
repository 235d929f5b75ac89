"""The token is on the wire once, as the query parameter `access_token`, with every transport."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from nexport_campus import ConfigurationError, NexportCampus, NexportError, PasswordAuth, StaticToken
from tests.support.clients import NO_RETRY, TOKEN, campus_with
from tests.support.scripted_server import (
    Request,
    Response,
    ScriptedServer,
    error_entity,
    json_response,
    with_login,
)
from tests.support.spec import SOME_ID, example_response

GOOD = example_response("LearningApi_GetSection")
ODD = "a token&with=odd+characters/ü%20#"


class CustomTransport(httpx.AsyncBaseTransport):
    """A user's transport that builds its request from the URL's string, as aiohttp's does."""

    def __init__(self) -> None:
        self.urls: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.urls.append(str(request.url))
        return httpx.Response(200, json=GOOD)


class WrappingTransport(httpx.AsyncBaseTransport):
    """A transport around another one, as instrumentation and caches are."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._transport = inner
        self.seen: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.seen += [str(request.url), repr(request), repr(request.url)]
        return await self._transport.handle_async_request(request)

    async def aclose(self) -> None:
        await self._transport.aclose()


async def call(transport: httpx.AsyncBaseTransport, token: str = TOKEN) -> None:
    """Make one call over a transport."""
    async with NexportCampus(StaticToken(token), transport=transport, retry=NO_RETRY) as campus:
        assert (await campus.learning.get_section(syllabus_id=SOME_ID)).to_dict() == GOOD


@pytest.mark.parametrize("token", [TOKEN, ODD])
async def test_over_a_socket(token: str) -> None:
    """The default transport sends it once, encoded, and the rest of the query unchanged."""
    async with campus_with(json_response(GOOD), auth=StaticToken(token)) as (campus, server):
        await campus.learning.get_section(syllabus_id=SOME_ID)
    assert server.requests[0].query == [("syllabus_id", SOME_ID), ("access_token", token)]
    assert server.requests[0].target.count(quote(token, safe="")) == 1
    assert token not in str(server.requests[0].headers)


async def test_not_in_a_body() -> None:
    """A POST has it in the query too, not in its body."""
    async with campus_with(json_response(example_response("LearningApi_GetCatalogs"))) as (campus, server):
        await campus.learning.get_catalogs(group_id=SOME_ID)
    (request,) = server.requests
    assert [value for key, value in request.query if key == "access_token"] == [TOKEN]
    assert TOKEN.encode() not in request.body


async def test_with_a_base_path() -> None:
    """The path of base_url is kept, and a slash at its end isn't doubled."""
    async with campus_with(json_response(GOOD)) as (_, server):
        base = f"{server.url}/some%20campus/"
        async with NexportCampus(StaticToken(TOKEN), base_url=base, retry=NO_RETRY) as campus:
            await campus.learning.get_section(syllabus_id=SOME_ID)
    assert server.requests[0].path == "/some%20campus/api/v1/LearningApi/GetSection"


@pytest.mark.parametrize("token", [TOKEN, ODD])
async def test_over_a_mock_transport(token: str) -> None:
    """The handler of a `MockTransport` finds it in the URL's parameters."""
    seen: list[httpx.URL] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.url)
        return httpx.Response(200, json=GOOD)

    await call(httpx.MockTransport(handler), token)
    assert seen[0].params.multi_items() == [("syllabus_id", SOME_ID), ("access_token", token)]


@pytest.mark.parametrize("token", [TOKEN, ODD])
async def test_over_asgi(token: str) -> None:
    """An application behind `ASGITransport` finds it in its query string."""
    seen: list[bytes] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["query_string"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": json_response(GOOD).body})

    await call(httpx.ASGITransport(application), token)
    found = httpx.QueryParams(bytes(seen[0]).decode()).multi_items()
    assert found == [("syllabus_id", SOME_ID), ("access_token", token)]


@pytest.mark.parametrize("token", [TOKEN, ODD])
async def test_over_a_user_transport(token: str) -> None:
    """A transport that reads the URL's string gets it there."""
    transport = CustomTransport()
    await call(transport, token)
    found = httpx.URL(transport.urls[0]).params.multi_items()
    assert found == [("syllabus_id", SOME_ID), ("access_token", token)]


async def test_through_a_wrapped_transport() -> None:
    """A transport around httpx' own sends it, and sees a URL without it."""
    async with ScriptedServer([json_response(GOOD)]) as server:
        wrapping = WrappingTransport(httpx.AsyncHTTPTransport())
        settings: dict[str, Any] = {"base_url": server.url, "transport": wrapping, "retry": NO_RETRY}
        async with NexportCampus(StaticToken(TOKEN), **settings) as campus:
            await campus.learning.get_section(syllabus_id=SOME_ID)
    assert dict(server.requests[0].query)["access_token"] == TOKEN
    assert wrapping.seen
    assert TOKEN not in "".join(wrapping.seen)


async def test_a_proxy_gets_the_token_once() -> None:
    """An http proxy gets the whole request, with the token in it once."""
    async with ScriptedServer([json_response(GOOD)]) as proxy:
        settings: dict[str, Any] = {"base_url": "http://127.0.0.1:9", "proxy": proxy.url, "retry": NO_RETRY}
        async with NexportCampus(StaticToken(TOKEN), **settings) as campus:
            await campus.learning.get_section(syllabus_id=SOME_ID)
    assert proxy.requests[0].target.startswith("http://127.0.0.1:9/api/v1/LearningApi/GetSection?")
    assert proxy.requests[0].target.count(TOKEN) == 1


async def test_a_password_is_only_in_a_logins_body() -> None:
    """The login has name and password in its body and no token; later calls have the token and no password."""

    async def respond(request: Request) -> Response:
        return json_response(GOOD)

    async with campus_with(with_login(respond), auth=PasswordAuth("ada", "hunter2&")) as (campus, server):
        await campus.learning.get_section(syllabus_id=SOME_ID)
    login, section = server.requests
    assert (login.method, login.target) == ("POST", "/api/v1/AdminApi/Authenticate")
    assert login.json == {"username": "ada", "password": "hunter2&", "grant_type": "password"}
    assert dict(section.query)["access_token"] == TOKEN
    assert b"hunter2" not in section.target.encode() + section.body


@pytest.mark.parametrize(
    "address",
    [
        "http://campus.example",
        "http://10.0.0.1:8080",
        "http://localhost.example",
        "http://campus-localhost",
        "http://localhost2",
        "http://127.0.0.1.example",
        "http://1127.0.0.1.example",
        "http://[2001:db8::1]",
    ],
)
def test_not_over_plain_http(address: str) -> None:
    """Plain http to another machine is refused unless the user allows it."""
    with pytest.raises(ConfigurationError, match="https"):
        NexportCampus(StaticToken(TOKEN), base_url=address)
    NexportCampus(StaticToken(TOKEN), base_url=address, allow_insecure_http=True)


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:1", "http://localhost", "http://[::1]:8080", "http://127.9.9.9"]
)
def test_to_loopback(address: str) -> None:
    """Loopback doesn't need https."""
    NexportCampus(StaticToken(TOKEN), base_url=address)


@pytest.fixture
async def elsewhere() -> AsyncIterator[ScriptedServer]:
    """Return a server that must get no request."""
    async with ScriptedServer([]) as server:
        yield server


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_not_to_another_origin(elsewhere: ScriptedServer, status: int) -> None:
    """Wherever the campus redirects, neither token nor password follows."""
    response = json_response(error_entity(0), status, {"Location": f"{elsewhere.url}/api/v1/"})
    for auth in (StaticToken(TOKEN), PasswordAuth("ada", "hunter2")):
        async with campus_with(response, auth=auth) as (campus, _):
            with pytest.raises(NexportError):
                await campus.learning.get_section(syllabus_id=SOME_ID)
    assert elsewhere.connections == 0
