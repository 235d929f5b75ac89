"""Whatever a server sends around its answer: statuses, headers and encodings; a share of it over a real socket."""

import asyncio
import gzip
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nexport_campus import APIError, NexportCampus, NexportError, RateLimitError, ResponseDecodeError
from tests.fuzz.fake_campus import FakeCampus, Outcome, note_if_testing, outcome, required_arguments
from tests.fuzz.response_strategies import bent_bytes, bent_value, dump, valid
from tests.fuzz.test_responses import EVERY, judge
from tests.support.clients import campus_of
from tests.support.scripted_server import Request, Response, ScriptedServer
from tests.support.spec import OPERATIONS, SpecOperation, example_response

_SOME = [
    each
    for each in OPERATIONS
    if each.name in {"get_section", "get_catalogs", "get_test_attempts", "drop_enrollment"}
]
_HEADERS = st.sampled_from(
    [b"Retry-After", b"X-Total-Count", b"X-Per-Page", b"X-Page", b"Content-Type", b"Content-Encoding", b"Content-Length",
     b"Location", b"Set-Cookie", b"Transfer-Encoding", b"X-Odd"]
)  # fmt: skip
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


@pytest.mark.parametrize("operation", _SOME, ids=str)
@given(data=st.data())
def test_any_head(fake: FakeCampus, operation: SpecOperation, data: st.DataObject) -> None:
    """Any status with any headers, around a good answer, one that reports an error, or none."""
    fake.status = data.draw(_STATUSES)
    fake.headers = data.draw(st.lists(st.tuples(_HEADERS, _VALUES), max_size=4))
    entity = {"api_error_entity": {"error_code": 3, "error_message": "no", "warning_messages": []}}
    body = data.draw(st.sampled_from([dump(example_response(operation.id)), dump(entity), b"", b"<html>"]))
    for listed in {False, bool(operation.pages)}:
        (found,) = fake.outcomes(operation, [body], listed=listed)
        if found.error is None:
            assert fake.status == 200
        elif isinstance(found.error, RateLimitError):
            assert found.error.retry_after is None or 0 <= found.error.retry_after < float("inf")
        if isinstance(found.error, APIError):
            assert found.error.status_code == fake.status
            # Final is only what the campus itself said, and a 401 that may be its own.
            said = body == dump(entity) or (fake.status == 401 and body != b"<html>")
            assert found.error.transient or said
            assert found.error.error_code is None or body == dump(entity)


@pytest.mark.parametrize("operation", _SOME, ids=str)
@pytest.mark.parametrize("encoding", _ENCODED, ids=bytes.decode)
@given(data=st.data())
def test_a_compressed_body(
    fake: FakeCampus, operation: SpecOperation, encoding: bytes, data: st.DataObject
) -> None:
    """A compressed answer reads as the plain one does; one that is spoilt or says what it isn't is an error, or the same."""
    fake.status, body = 200, dump(data.draw(valid(operation)))
    compressed = _ENCODED[encoding](body)
    fake.headers = [(b"Content-Encoding", encoding)]
    (found,) = fake.outcomes(operation, [compressed])
    assert found.error is None
    judge(operation, body, found)
    at = data.draw(st.integers(0, len(compressed) - 1))
    for spoilt in (compressed[:at], compressed[:at] + b"\x55" + compressed[at + 1 :], body + compressed):
        (outcome_of_spoilt,) = fake.outcomes(operation, [spoilt])
        assert outcome_of_spoilt.error is not None or outcome_of_spoilt == found


@pytest.mark.parametrize("encoding", [b"br", b"zstd", b"gzip, deflate", b"x-unheard-of"], ids=bytes.decode)
@EVERY
def test_a_body_compressed_otherwise(fake: FakeCampus, operation: SpecOperation, encoding: bytes) -> None:
    """What was not asked for is told, whatever the bytes are: nothing is guessed."""
    fake.status, fake.headers = 200, [(b"Content-Encoding", encoding)]
    (found,) = fake.outcomes(operation, [zlib.compress(gzip.compress(dump(example_response(operation.id))))])
    assert isinstance(found.error, ResponseDecodeError)


@pytest.mark.parametrize("total", _TOTALS)
@pytest.mark.parametrize("operation", [each for each in OPERATIONS if each.pages], ids=str)
def test_a_total_that_is_none(fake: FakeCampus, operation: SpecOperation, total: str) -> None:
    """A total that can't be one counts as not told, in whatever header or field it stands."""
    fake.status = 200
    fake.headers = [(name, total.encode()) for name in (b"X-Total-Count", b"X-Per-Page", b"X-Page")]
    (found,) = fake.outcomes(operation, [dump(example_response(operation.id))], listed=True)
    assert isinstance(found.error, NexportError) or found.result


class Wire:
    """A server on a real socket that answers with `answer`, and an event loop that lives as long."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner()
        self.answer = Response()
        self.server = ScriptedServer(self._give)

    async def _give(self, request: Request) -> Response:
        return self.answer

    def outcome(self, operation: SpecOperation, answer: Response) -> Outcome:
        """What a client makes of an answer."""

        async def one(campus: NexportCampus) -> Outcome:
            async with campus:
                return await outcome(campus, operation, required_arguments(operation))

        self.answer = answer
        return self.runner.run(one(campus_of(self.server, on_drift=lambda drift: None)))


@pytest.fixture(scope="module")
def wire() -> Any:
    """The server, with its loop."""
    wire = Wire()
    with wire.runner:
        wire.runner.run(wire.server.__aenter__())
        yield wire
        wire.runner.run(wire.server.__aexit__(None, None, None))


@EVERY
@given(data=st.data())
@settings(max_examples=5)
def test_over_a_socket(wire: Wire, operation: SpecOperation, data: st.DataObject) -> None:
    """Right, wrong and broken answers in every framing, over a real socket."""
    right = data.draw(valid(operation))
    body = data.draw(
        st.sampled_from([dump(right), dump(bent_value(data.draw, right)), bent_bytes(data.draw, dump(right))])
    )
    note_if_testing(f"answer: {body!r}")
    found = wire.outcome(
        operation,
        Response(
            status=data.draw(st.sampled_from([200, 200, 200, 204, 301, 409, 503])),
            body=body,
            framing=data.draw(st.sampled_from(["length", "chunked", "none"])),
            cut_after=data.draw(st.none() | st.none() | st.integers(0, 500)),
            ending=data.draw(st.sampled_from(["keep", "close", "reset"])),
        ),
    )
    judge(operation, body, found)


@pytest.mark.parametrize("operation", _SOME, ids=str)
@given(raw=st.binary(max_size=300) | st.binary(max_size=300).map(lambda body: b"HTTP/1.1 200 OK\r\n" + body))
def test_what_is_no_http(wire: Wire, operation: SpecOperation, raw: bytes) -> None:
    """Bytes that aren't HTTP, or begin as if they were."""
    found = wire.outcome(operation, Response(raw=raw, ending="close"))
    assert found.error is not None
    assert found.error.maybe_applied is operation.writes
