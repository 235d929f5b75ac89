"""Clients, views and calls share connections and caches, but no headers and no cookies."""

from typing import Any

import aiohttp
import httpx
import pytest

from nexport_campus import NexportCampus, StaticToken
from tests.support.clients import campus_of
from tests.support.scripted_server import Request, Response, ScriptedServer, error_entity, json_response
from tests.support.spec import SOME_ID
from tests.support.transports import TRANSPORTS

EVERY_TRANSPORT = pytest.mark.parametrize("make", TRANSPORTS.values(), ids=TRANSPORTS)
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def respond(request: Request) -> Response:
    """Return a section's description, and set a cookie."""
    return json_response(
        {"description": "Safety first"} | error_entity(),
        headers={"Set-Cookie": "session=of-one-account; Path=/"},
    )


async def describe(campus: NexportCampus) -> None:
    """Make a call that reads."""
    await campus.learning.get_section_description(section_id=SOME_ID)


async def edit(campus: NexportCampus) -> None:
    """Make a call with a body."""
    await campus.scorm.edit_scorm_data(assignment_status_id=SOME_ID, sco_id="I_SCO0", title="Welcome")


EVERY_CALL = pytest.mark.parametrize("call", [describe, edit])


@EVERY_TRANSPORT
@EVERY_CALL
async def test_a_clients_headers_stay_with_its_own_calls(make: Any, call: Any) -> None:
    """Another client, whose calls are otherwise the same, sends none of them."""
    given: list[dict[str, str]] = [{"X-Api-Key": "of-north"}, {}, {"X-Tenant": "south"}, {}]
    async with ScriptedServer(respond) as server:
        for headers in given:
            async with campus_of(server, headers=headers, transport=make()) as campus:
                await call(campus)
    names = ("x-api-key", "x-tenant")
    assert [tuple(request.headers.get(name) for name in names) for request in server.requests] == [
        ("of-north", None),
        (None, None),
        (None, "south"),
        (None, None),
    ]


@EVERY_TRANSPORT
@EVERY_CALL
async def test_headers_that_instrumentation_adds_stay_with_their_request(
    make: Any, call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trace header goes out with the request that it was added to, and with no later one."""
    async with ScriptedServer(respond) as server, campus_of(server, transport=make()) as campus:
        with monkeypatch.context() as patch:
            add_trace_header(patch)
            await call(campus)
        await call(campus)
    assert [request.headers.get("traceparent") for request in server.requests] == [TRACE, None]


def add_trace_header(patch: pytest.MonkeyPatch) -> None:
    """Make every transport add a header to the requests that it sends, in the way of instrumentation."""

    def wrap(cls: type[httpx.AsyncBaseTransport]) -> None:
        handle: Any = cls.handle_async_request

        async def traced(self: Any, request: httpx.Request) -> httpx.Response:
            request.headers["traceparent"] = TRACE
            response: httpx.Response = await handle(self, request)
            return response

        patch.setattr(cls, "handle_async_request", traced)

    wrap(httpx.AsyncHTTPTransport)
    wrap(httpx.MockTransport)
    send: Any = aiohttp.ClientSession._request

    async def traced(self: Any, *arguments: Any, **settings: Any) -> Any:
        settings["headers"]["traceparent"] = TRACE
        return await send(self, *arguments, **settings)

    patch.setattr(aiohttp.ClientSession, "_request", traced)


@EVERY_TRANSPORT
async def test_cookies_are_not_sent_back(make: Any) -> None:
    """A cookie may stand for an account's session: no call has one, of whichever client on the same transport."""
    transport = make()
    async with ScriptedServer(respond) as server:
        # A name, because cookie jars ignore the cookies of IP addresses.
        settings = {"base_url": server.url.replace("127.0.0.1", "localhost"), "transport": transport}
        async with (
            campus_of(server, **settings) as first,
            campus_of(server, auth=StaticToken("of-another-account"), **settings) as second,
        ):
            for campus in (first, first, first.with_options(timeout=5.0), second):
                await describe(campus)
    assert len(server.requests) == 4
    assert not [request for request in server.requests if "cookie" in request.headers]
