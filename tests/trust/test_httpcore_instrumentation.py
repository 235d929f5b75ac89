"""Agents that wrap httpcore, such as elastic-apm, see a placeholder for the query; the campus gets the query."""

import ssl
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import httpcore
import httpx
import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from nexport_campus import NexportError, PasswordAuth, TransportError
from nexport_campus._http.outgoing_request import SendTracker
from nexport_campus._http.secret_insertion import PLACEHOLDER, SecretInserter
from tests.support.clients import NO_RETRY, campus_of
from tests.support.proxy import Proxy
from tests.support.scripted_server import (
    TOKEN,
    Request,
    Response,
    ScriptedServer,
    error_entity,
    json_response,
    with_login,
)

PASSWORD = "correct-horse-battery-staple"
STUDENT = "12345678-1234-5678-9abc-123456789abc"
CERTIFICATE = {"certificate_ready": True, "certificate_url": "x", "certificate_not_assigned": False}
GOOD = json_response(CERTIFICATE | error_entity())
Contexts = tuple[ssl.SSLContext, ssl.SSLContext]
RequestEdit = Callable[[httpcore.Request], None]


@pytest.fixture(scope="module")
def tls() -> Contexts:
    """Return a server's context and that of a client that trusts it."""
    authority = trustme.CA()
    serving, trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(serving)
    authority.configure_trust(trusting)
    return serving, trusting


class Agent:
    """Wraps httpcore's public classes that handle requests, and records everything passed to them."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.seen: list[str] = []
        self.change: RequestEdit | None = None
        self.repeats = False
        for cls in (
            httpcore.AsyncConnectionPool,
            httpcore.AsyncHTTPConnection,
            httpcore.AsyncHTTP11Connection,
        ):
            patch.setattr(cls, "handle_async_request", self._wrap(cls))

    def _wrap(self, cls: Any) -> Any:
        wrapped = cls.handle_async_request

        async def handle_async_request(connection: Any, request: httpcore.Request) -> httpcore.Response:
            self.seen += [f"{request.method!r} {bytes(request.url)!r} {request.headers!r} {request!r}"]
            if self.change is not None and cls is httpcore.AsyncHTTP11Connection:
                self.change(request)
            response: httpcore.Response = await wrapped(connection, request)
            if self.repeats and cls is httpcore.AsyncHTTP11Connection:
                await response.aread()
                await response.aclose()
                response = await wrapped(connection, request)
            return response

        return handle_async_request


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> Agent:
    """Run the test with an agent that watches."""
    return Agent(monkeypatch)


async def respond(request: Request) -> Response:
    """Return a certificate for any request."""
    return GOOD


@pytest.mark.parametrize("proxied", ["directly", "through a proxy", "through a proxy with TLS"])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_an_agent_sees_no_secret(proxied: str, scheme: str, agent: Agent, tls: Contexts) -> None:
    """It sees no token, student data or password on any route, and the campus gets them all."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(
            ScriptedServer(with_login(respond), tls=tls[0] if scheme == "https" else None)
        )
        proxy = None
        if proxied != "directly":
            own_tls = tls[0] if proxied == "through a proxy with TLS" else None
            running = await stack.enter_async_context(Proxy(tls=own_tls))
            proxy = httpx.Proxy(running.url, ssl_context=tls[1] if own_tls else None)
        auth = PasswordAuth("ada", PASSWORD)
        async with campus_of(server, auth=auth, verify=tls[1], proxy=proxy) as campus:
            for _ in range(2):
                await campus.learning.get_certificate_url(enrollment_id=STUDENT)
        login, *calls = server.requests
        assert login.json["password"] == PASSWORD
        assert login.target == "/api/v1/AdminApi/Authenticate"
        assert [call.query for call in calls] == [[("enrollment_id", STUDENT), ("access_token", TOKEN)]] * 2
        assert server.connections == 1
    assert sum(PLACEHOLDER in text for text in agent.seen) >= 3
    for secret in (TOKEN, STUDENT, PASSWORD):
        assert not [text for text in agent.seen if secret in text]


def strip_query(request: httpcore.Request) -> None:
    """Remove the query, as agents that redact URLs do."""
    request.url.target = request.url.target.partition(b"?")[0]


def duplicate_query(request: httpcore.Request) -> None:
    """Return a target with two placeholders."""
    request.url.target += b"&again=" + PLACEHOLDER.encode()


def move_placeholder(request: httpcore.Request) -> None:
    """Return a target with the placeholder elsewhere than at the start of the query."""
    request.url.target = b"/" + PLACEHOLDER.encode()


@pytest.mark.parametrize("change", [strip_query, duplicate_query, move_placeholder])
async def test_a_changed_request_line_is_not_sent(change: RequestEdit, agent: Agent) -> None:
    """A request that lost its placeholder raises, and is sent neither without its query nor with a placeholder."""
    agent.change = change
    async with ScriptedServer([]) as server, campus_of(server) as campus:
        with pytest.raises(TransportError, match="was changed") as caught:
            await campus.learning.drop_enrollment(enrollment_id=STUDENT)
        assert server.requests == []
    assert not caught.value.maybe_applied


async def test_a_query_that_an_agent_adds_to(agent: Agent) -> None:
    """A query that an agent extends is sent after ours."""

    def add(request: httpcore.Request) -> None:
        request.url.target += b"&trace=7"

    agent.change = add
    async with ScriptedServer([GOOD]) as server, campus_of(server) as campus:
        await campus.learning.get_certificate_url(enrollment_id=STUDENT)
    (request,) = server.requests
    assert request.query == [("enrollment_id", STUDENT), ("access_token", TOKEN), ("trace", "7")]


async def test_a_request_that_an_agent_repeats(agent: Agent) -> None:
    """It is sent once, since two of the vendor's GETs delete data."""
    agent.repeats = True
    async with ScriptedServer([GOOD, GOOD]) as server, campus_of(server) as campus:
        with pytest.raises(TransportError, match="sent again") as caught:
            await campus.learning.drop_enrollment(enrollment_id=STUDENT)
        assert len(server.requests) == 1
    assert caught.value.maybe_applied


async def test_a_body_with_the_placeholder(agent: Agent) -> None:
    """If a user sends the recorded placeholder in a body, it is sent unchanged."""
    words = f"see /api/v1/AdminApi/Authenticate?{PLACEHOLDER} HTTP/1.1\r\n"
    async with ScriptedServer([json_response(error_entity())]) as server, campus_of(server) as campus:
        await campus.scorm.edit_scorm_data(assignment_status_id=STUDENT, sco_id="I_SCO0", title=words)
    assert server.requests[0].json["title"] == words


async def test_the_error_of_a_lost_request_names_no_query(agent: Agent) -> None:
    """The request that an exception holds has neither the query nor a placeholder for it."""
    lost = Response(raw=b"", ending="reset")
    async with ScriptedServer([lost]) as server, campus_of(server, retry=NO_RETRY) as campus:
        with pytest.raises(NexportError) as caught:
            await campus.learning.get_certificate_url(enrollment_id=STUDENT)
    cause = caught.value.__cause__
    assert isinstance(cause, httpx.RequestError)
    assert (cause.request.url.query, cause.request.url.path) == (b"", "/api/v1/LearningApi/GetCertificateUrl")


METHOD = st.sampled_from([b"GET", b"POST"])
TARGET = st.sampled_from([b"/a", b"/some%20campus/api", b"http://campus.example:80/api", b"/" + b"x" * 300])
QUERY = st.sampled_from([b"", b"a=b", b"a=b&access_token=" + TOKEN.encode(), PLACEHOLDER.encode()])
REST = b" HTTP/1.1\r\nHost: campus.example\r\nX-Odd: \r\n\r\n"
BEFORE = st.lists(
    st.sampled_from([b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", b"\x05\x01\x00", b"\x01\x04user\x04word"]),
    max_size=3,
)


def make_inserter(query: bytes) -> tuple[SecretInserter, SendTracker]:
    """Return an inserter that expects a request with this query."""
    made, tracker = SecretInserter(), SendTracker()
    made.expect(query, tracker)
    return made, tracker


@given(BEFORE, METHOD, TARGET, QUERY, st.binary(max_size=60), st.data())
def test_writes_in_any_pieces(
    before: list[bytes], method: bytes, target: bytes, query: bytes, body: bytes, data: st.DataObject
) -> None:
    """However the head is split into writes, the query is sent with it, and nothing is sent before it."""
    made, tracker = make_inserter(query)
    for message in before:
        assert made.insert(message) == message
    assert tracker.provably_not_sent
    written = method + b" " + target + b"?" + PLACEHOLDER.encode() + REST + body
    cuts = sorted(data.draw(st.sets(st.integers(1, len(written) - 1), max_size=8)))
    pieces = [written[start:end] for start, end in zip([0, *cuts], [*cuts, len(written)], strict=True)]
    sent = b""
    for piece in pieces:
        sent += made.insert(piece)
        assert tracker.provably_not_sent is (sent == b"")
    assert sent == method + b" " + target + (b"?" + query if query else b"") + REST + body
    assert not tracker.provably_not_sent


@given(st.binary(min_size=1, max_size=200).filter(lambda data: data[0] >= ord(" ")), st.binary(max_size=50))
def test_a_line_without_the_placeholder(line: bytes, rest: bytes) -> None:
    """If anything else is written in place of a request, nothing is sent, and no secret exposed."""
    made, tracker = make_inserter(b"secret=1")
    whole = line.replace(b"\r\n", b"") + b" /?secret HTTP/1.1\r\n" + rest
    if whole.startswith(b"CONNECT "):
        return
    with pytest.raises(httpcore.LocalProtocolError):
        made.insert(whole)
    assert tracker.provably_not_sent


def test_a_line_without_an_end() -> None:
    """A request line that never ends isn't buffered without limit."""
    made, tracker = make_inserter(b"secret=1")

    def write() -> None:
        while True:
            assert made.insert(b"x" * 10_000) == b""

    with pytest.raises(httpcore.LocalProtocolError):
        write()
    assert tracker.provably_not_sent


def test_writes_do_not_show_their_bytes() -> None:
    """Bytes to be sent have no repr: a traceback with locals shows neither query nor body."""
    made, _ = make_inserter(b"secret=1")
    head = made.insert(b"GET /?" + PLACEHOLDER.encode() + REST)
    assert b"secret" in head
    assert "secret" not in repr(head) + repr(made.insert(b'{"password": "secret"}'))
