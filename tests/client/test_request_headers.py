"""`headers=`: sent with every request, merged in views, and checked when the client or the view is made."""

import traceback
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from nexport_campus import (
    AccessToken,
    Attempt,
    ConfigurationError,
    NexportCampus,
    PasswordAuth,
    ServerError,
    StaticToken,
)
from nexport_campus._settings import Settings
from tests.support.clients import TOKEN, campus_of
from tests.support.scripted_server import (
    Request,
    Response,
    ScriptedServer,
    error_entity,
    json_response,
    with_login,
)
from tests.support.spec import SOME_ID
from tests.support.transports import TRANSPORTS

KEY = "gateway-key-0815"
GOOD = json_response({"description": "Safety first"} | error_entity())
REFUSED = [
    "Host",
    "content-type",
    "CONTENT-LENGTH",
    "Content-Anything",
    "Transfer-Encoding",
    "Connection",
    "Accept-Encoding",
    "User-Agent",
]


async def respond(request: Request) -> Response:
    """Return a section's description."""
    return GOOD


def shown(error: BaseException) -> str:
    """Return an error's traceback with the locals of every frame outside these tests."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    return repr(error) + "".join(
        repr(value)
        for frame in frames
        if "/tests/" not in frame.f_code.co_filename
        for value in frame.f_locals.values()
        if not isinstance(value, Settings)  # whose attributes may be incomplete
    )


async def describe(campus: NexportCampus) -> str:
    """Make a call that reads."""
    return (await campus.learning.get_section_description(section_id=SOME_ID)).description


@pytest.mark.parametrize("accept", ["Accept", "accept"])
@pytest.mark.parametrize("make", TRANSPORTS.values(), ids=TRANSPORTS)
async def test_headers_are_sent_with_every_request(make: Any, accept: str) -> None:
    """The login has them too; they appear once, and replace the SDK's `Accept` if they contain one, in any case."""
    headers = {"X-Api-Key": KEY, accept: "application/json, text/json"}
    async with (
        ScriptedServer(with_login(respond)) as server,
        campus_of(server, auth=PasswordAuth("user", "secret"), headers=headers, transport=make()) as campus,
    ):
        for _ in range(2):
            assert await describe(campus) == "Safety first"
    assert [request.operation_id for request in server.requests] == [
        "AdminApi_Authenticate",
        *["LearningApi_GetSectionDescription"] * 2,
    ]
    for request in server.requests:
        assert request.headers["x-api-key"] == KEY
        assert request.headers["accept"] == "application/json, text/json"
        assert request.headers["user-agent"].startswith("nexport-campus/")
        assert request.headers["accept-encoding"] == "gzip, deflate"


@pytest.mark.parametrize("make", TRANSPORTS.values(), ids=TRANSPORTS)
async def test_headers_go_out_with_a_body(make: Any) -> None:
    """A POST has its body, its type and the headers, beside the SDK's own."""
    async with (
        ScriptedServer([json_response(error_entity())]) as server,
        campus_of(server, headers={"A-Key": KEY, "X-Api-Key": KEY}, transport=make()) as campus,
    ):
        await campus.scorm.edit_scorm_data(assignment_status_id=SOME_ID, sco_id="I_SCO0", title="Größe")
    (request,) = server.requests
    assert request.json["title"] == "Größe"
    assert request.headers["a-key"] == request.headers["x-api-key"] == KEY
    assert request.headers["accept"] == request.headers["content-type"] == "application/json"
    assert request.headers["accept-encoding"] == "gzip, deflate"


@pytest.mark.parametrize("make", TRANSPORTS.values(), ids=TRANSPORTS)
async def test_a_view_merges_its_headers(make: Any) -> None:
    """Names are compared without regard to case; None removes a header; the client keeps its own."""
    async with (
        ScriptedServer(respond) as server,
        campus_of(server, headers={"X-Api-Key": KEY, "X-Tenant": "north"}, transport=make()) as campus,
    ):
        view = campus.with_options(headers={"x-tenant": "south", "X-Trace": "7"})
        without = view.with_options(headers={"X-API-KEY": None, "X-Unknown": None})
        for each in (
            view,
            without,
            without.with_options(timeout=5.0),
            view.with_options(headers=None),
            campus,
        ):
            await describe(each)
    names = ("x-api-key", "x-tenant", "x-trace", "x-unknown")
    assert [tuple(request.headers.get(name) for name in names) for request in server.requests] == [
        (KEY, "south", "7", None),
        (None, "south", "7", None),
        (None, "south", "7", None),
        (KEY, "south", "7", None),
        (KEY, "north", None, None),
    ]


async def test_a_login_has_the_headers_of_the_view_that_triggers_it() -> None:
    """The gateway that wants a view's key wants it for the login as well."""
    auth = PasswordAuth("user", "secret")
    async with ScriptedServer(with_login(respond)) as server, campus_of(server, auth=auth) as campus:
        await describe(campus.with_options(headers={"X-Api-Key": KEY}))
        await describe(campus)
    assert [request.headers.get("x-api-key") for request in server.requests] == [KEY, KEY, None]


async def test_a_later_login_has_nothing_of_the_view() -> None:
    """After a view has logged in, or failed to, a login of the client's own call in the same task is without it."""
    down, refused = json_response({}, 503), json_response(error_entity(4, "this token has expired"), 403)
    login = json_response({"access_token": TOKEN, "token_type": "bearer"} | error_entity())
    auth, seen = PasswordAuth("user", "secret"), list[Attempt]()
    script = [down, login, GOOD, refused, login, GOOD, refused, down, login, GOOD]
    async with ScriptedServer(script) as server, campus_of(server, auth=auth) as campus:
        view = campus.with_options(headers={"X-Api-Key": KEY}, on_attempt=seen.append)
        with pytest.raises(ServerError):
            await describe(view)
        await describe(campus)
        await describe(campus)
        with pytest.raises(ServerError):
            await describe(view)
        await describe(campus)
    assert [request.headers.get("x-api-key") for request in server.requests_to("AdminApi_Authenticate")] == [
        *(KEY, None, None, KEY, None)
    ]
    assert len(seen) == 3


async def test_an_auth_function_with_another_client_gets_no_headers() -> None:
    """A client whose token comes through a second client never sends its view's headers there."""
    async with ScriptedServer(with_login(respond)) as other, ScriptedServer(respond) as server:
        inner = campus_of(other, auth=PasswordAuth("user", "secret"))

        async def fetch_token() -> Any:
            await describe(inner)
            return AccessToken(TOKEN)

        async with inner, campus_of(server, auth=fetch_token) as campus:
            await describe(campus.with_options(headers={"X-Api-Key": KEY}))
    assert server.requests[0].headers["x-api-key"] == KEY
    assert not [request for request in other.requests if "x-api-key" in request.headers]


@pytest.mark.parametrize("name", REFUSED)
def test_headers_that_the_sdk_needs_are_refused(name: str) -> None:
    """Those that frame a request or name its sender can't be replaced, in a client and in a view."""
    with pytest.raises(ConfigurationError, match=f"headers must not contain {name}"):
        NexportCampus(StaticToken(TOKEN), headers={name: KEY})
    campus = NexportCampus(StaticToken(TOKEN))
    with pytest.raises(ConfigurationError, match=f"headers must not contain {name}"):
        campus.with_options(headers={name: KEY})


WRONG: dict[str, Any] = {
    "a list": [("X-Api-Key", KEY)],
    "a string": f"X-Api-Key: {KEY}",
    "a name with a colon": {f"X-Api-Key: {KEY}": ""},
    "an empty name": {"": KEY},
    "a name with a line break": {"X-A\r\nX-B": KEY},
    "a name that is a number": {7: KEY},
    "a value with a line break": {"X-Api-Key": f"{KEY}\r\nX-Admin: 1"},
    "an empty value": {"X-Api-Key": ""},
    "a value with spaces around it": {"X-Api-Key": f" {KEY}"},
    "a value beyond ASCII": {"X-Api-Key": f"{KEY}ü"},
    "bytes": {"X-Api-Key": KEY.encode()},
    "a number": {"X-Api-Key": 815},
    "None": {"X-Api-Key": None},
    "a name in two cases": {"X-Api-Key": KEY, "x-api-key": KEY},
}


@pytest.mark.parametrize("headers", WRONG.values(), ids=WRONG)
def test_invalid_headers_are_refused(headers: Any) -> None:
    """The error has one line that shows no value, and so do the frames behind it."""
    with pytest.raises(ConfigurationError, match="headers") as caught:
        NexportCampus(StaticToken(TOKEN), headers=headers)
    assert KEY not in shown(caught.value)
    assert "815" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("make", ["client", "view", "from_env"])
def test_another_invalid_setting_shows_no_header(make: str) -> None:
    """When the timeout is wrong, the frames of the error show no header either."""
    headers: Mapping[str, str] = {"X-Api-Key": KEY}
    makers: dict[str, Callable[[], object]] = {
        "client": lambda: NexportCampus(StaticToken(TOKEN), headers=headers, timeout=-1),
        "view": lambda: NexportCampus(StaticToken(TOKEN)).with_options(headers=headers, timeout=-1),
        "from_env": lambda: NexportCampus.from_env(
            {"NEXPORT_ACCESS_TOKEN": TOKEN}, headers=headers, timeout=-1
        ),
    }
    with pytest.raises(ConfigurationError, match="timeout") as caught:
        makers[make]()
    assert KEY not in shown(caught.value)


async def test_from_env_takes_headers() -> None:
    """`from_env` passes them on."""
    async with ScriptedServer(respond) as server:
        environ = {"NEXPORT_ACCESS_TOKEN": TOKEN, "NEXPORT_BASE_URL": server.url}
        async with NexportCampus.from_env(environ, headers={"X-Api-Key": KEY}) as campus:
            await describe(campus)
    assert server.requests[0].headers["x-api-key"] == KEY
