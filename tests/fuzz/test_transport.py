"""Anything that a server sends around a body: statuses, headers and encodings; some of it over a real socket."""

import asyncio
import gzip
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexport_campus import APIError, NexportCampus, RateLimitError, ResponseDecodeError
from tests.fuzz.fake_campus import CallOutcome, FakeCampus, note_if_testing, outcome, required_arguments
from tests.fuzz.response_strategies import bytes_with_one_defect, dump, valid, with_one_defect
from tests.fuzz.test_responses import EVERY, check_outcome
from tests.support.clients import campus_of
from tests.support.examples import FEW
from tests.support.scripted_server import Request, Response, ScriptedServer
from tests.support.spec import OPERATIONS, SpecOperation, example_response

_SAMPLE = [
    each
    for each in OPERATIONS
    if each.name in {"get_section", "get_catalogs", "get_test_attempts", "drop_enrollment"}
]
_HEADERS = st.sampled_from(
    [b"Retry-After", b"X-Total-Count", b"X-Per-Page", b"X-Page", b"Content-Type", b"Content-Encoding", b"Content-Length",
     b"Location", b"Set-Cookie", b"Transfer-Encoding", b"X-Odd"]
)  # fmt: skip
_HARMLESS = {b"Retry-After", b"Location", b"Set-Cookie", b"X-Odd"}
_WORDS = st.sampled_from(
    [b"0", b"1", b"-1", b"1e9", b"nan", b"inf", b"1_0", b"9" * 5000, "\u0661".encode(), b"Fri, 31 Dec 9999 23:59:59 GMT", b"gzip",
     b"Thu, 01 Jan 0001 00:00:00 GMT", b"Mon, 99 Foo 2026 25:61:61 +9999", b"text/html; charset=utf-7", b"deflate, gzip", b"br",
     b"application/json; charset=utf-16", b"application/json; charset=\xff", b"identity", b"x-gzip", b"", b";", b"=", b"zstd"]
)  # fmt: skip
_VALUES = _WORDS | st.binary(max_size=30).filter(lambda text: not set(text) & {0, 10, 13})
_STATUSES = st.integers(200, 599) | st.sampled_from(
    [200, 200, 200, 201, 204, 301, 304, 401, 403, 409, 422, 429, 500, 503]
)
_TOTALS = ["9" * 5000, "0" * 5000 + "1", "-1", "1e3", "²", "", "1, 1", " 1 "]
_ENCODED: dict[bytes, Callable[[bytes], bytes]] = {
    b"gzip": gzip.compress,
    b"deflate": zlib.compress,
}


@pytest.mark.parametrize("operation", _SAMPLE, ids=str)
@FEW
@given(data=st.data())
def test_any_head(fake: FakeCampus, operation: SpecOperation, data: st.DataObject) -> None:
    """Any status with any headers, around a valid body, one that reports an error, or none."""
    fake.status = data.draw(_STATUSES)
    fake.headers = data.draw(st.lists(st.tuples(_HEADERS, _VALUES), max_size=4))
    entity = {"api_error_entity": {"error_code": 3, "error_message": "no", "warning_messages": []}}
    body = data.draw(st.sampled_from([dump(example_response(operation.id)), dump(entity), b"", b"<html>"]))
    for listed in {False, bool(operation.pages)}:
        (received,) = fake.outcomes(operation, [body], listed=listed)
        if {name for name, _ in fake.headers} <= _HARMLESS and body == dump(entity):
            assert isinstance(received.error, APIError)
            assert received.error.error_code == 3
        if {name for name, _ in fake.headers} <= _HARMLESS and body == dump(example_response(operation.id)):
            assert (received.error is None) is (fake.status == 200)
        if received.error is None:
            assert fake.status == 200
        elif isinstance(received.error, RateLimitError):
            assert received.error.retry_after is None or 0 <= received.error.retry_after < float("inf")
        if isinstance(received.error, APIError):
            assert received.error.status_code == fake.status
            # Only the campus's own errors are final, and a 401, which may be its own.
            said = body == dump(entity) or (fake.status == 401 and body != b"<html>")
            assert received.error.transient or said
            assert received.error.error_code is None or body == dump(entity)


@pytest.mark.parametrize("operation", _SAMPLE, ids=str)
@pytest.mark.parametrize("encoding", _ENCODED, ids=bytes.decode)
@FEW
@given(data=st.data())
def test_a_compressed_body(
    fake: FakeCampus, operation: SpecOperation, encoding: bytes, data: st.DataObject
) -> None:
    """A compressed body reads like a plain one; a corrupt or mislabeled one raises an error or reads the same."""
    fake.status, body = 200, dump(data.draw(valid(operation)))
    compressed = _ENCODED[encoding](body)
    fake.headers = [(b"Content-Encoding", encoding)]
    (received,) = fake.outcomes(operation, [compressed])
    assert received.error is None
    check_outcome(operation, body, received)
    at = data.draw(st.integers(0, len(compressed) - 1))
    for corrupt in (compressed[:at], compressed[:at] + b"\x55" + compressed[at + 1 :], body + compressed):
        (corrupt_outcome,) = fake.outcomes(operation, [corrupt])
        assert corrupt_outcome.error is not None or corrupt_outcome == received


@pytest.mark.parametrize("encoding", [b"br", b"zstd", b"gzip, deflate", b"x-unheard-of"], ids=bytes.decode)
@EVERY
def test_an_unrequested_encoding_is_refused(
    fake: FakeCampus, operation: SpecOperation, encoding: bytes
) -> None:
    """An encoding that was not requested is an error whatever the bytes are: nothing is guessed."""
    fake.status, fake.headers = 200, [(b"Content-Encoding", encoding)]
    (received,) = fake.outcomes(
        operation, [zlib.compress(gzip.compress(dump(example_response(operation.id))))]
    )
    assert isinstance(received.error, ResponseDecodeError)


@pytest.mark.parametrize("total", _TOTALS)
@pytest.mark.parametrize("operation", [each for each in OPERATIONS if each.pages], ids=str)
def test_an_invalid_total_is_ignored(fake: FakeCampus, operation: SpecOperation, total: str) -> None:
    """A total that isn't one counts as missing, in whatever header or field it is sent."""
    fake.status = 200
    fake.headers = [(name, total.encode()) for name in (b"X-Total-Count", b"X-Per-Page", b"X-Page")]
    body = dump(example_response(operation.id))
    (received,) = fake.outcomes(operation, [body], listed=True)
    fake.headers = []
    assert fake.outcomes(operation, [body], listed=True) == [received]


class SocketServer:
    """A server on a real socket that sends `response`, with an event loop of the same lifetime."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner()
        self.response = Response()
        self.server = ScriptedServer(self._respond)

    async def _respond(self, request: Request) -> Response:
        return self.response

    def outcome(self, operation: SpecOperation, response: Response) -> CallOutcome:
        """Return a client's outcome for a response."""

        async def one(campus: NexportCampus) -> CallOutcome:
            async with campus:
                return await outcome(campus, operation, required_arguments(operation))

        self.response = response
        return self.runner.run(one(campus_of(self.server, on_drift=lambda drift: None)))


@pytest.fixture(scope="module")
def socket_server() -> Any:
    """Yield the server, with its loop running."""
    socket_server = SocketServer()
    with socket_server.runner:
        socket_server.runner.run(socket_server.server.__aenter__())
        yield socket_server
        socket_server.runner.run(socket_server.server.__aexit__(None, None, None))


@pytest.mark.sampled(19)
@EVERY
@FEW
@given(data=st.data())
def test_over_a_socket(socket_server: SocketServer, operation: SpecOperation, data: st.DataObject) -> None:
    """Valid, defective and broken responses in every framing, over a real socket."""
    valid_body = data.draw(valid(operation))
    body = data.draw(
        st.sampled_from(
            [
                dump(valid_body),
                dump(with_one_defect(data.draw, valid_body)),
                bytes_with_one_defect(data.draw, dump(valid_body)),
            ]
        )
    )
    response = Response(
        status=data.draw(st.sampled_from([200, 200, 200, 204, 301, 409, 503])),
        body=body,
        framing=data.draw(st.sampled_from(["length", "chunked", "none"])),
        cut_after=data.draw(st.none() | st.none() | st.integers(0, 500)),
        ending=data.draw(st.sampled_from(["keep", "close", "reset"])),
    )
    note_if_testing(f"response: {response!r}")
    received = socket_server.outcome(operation, response)
    whole = response.cut_after is None and response.ending != "reset"
    if whole and response.status == 200 and body == dump(valid_body):
        assert received.error is None
    check_outcome(operation, body, received)


@pytest.mark.parametrize("operation", _SAMPLE, ids=str)
@FEW
@given(raw=st.binary(max_size=300) | st.binary(max_size=300).map(lambda body: b"HTTP/1.1 200 OK\r\n" + body))
def test_bytes_that_are_not_http(socket_server: SocketServer, operation: SpecOperation, raw: bytes) -> None:
    """Bytes that aren't HTTP, or only start like it."""
    received = socket_server.outcome(operation, Response(raw=raw, ending="close"))
    assert received.error is not None
    assert received.error.maybe_applied is operation.writes
