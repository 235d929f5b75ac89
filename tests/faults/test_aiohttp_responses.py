"""The aiohttp transport reads the same responses as the default one: two parsers compared on raw bytes."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexport_campus import APIError, NexportCampus, NexportError, StaticToken, TransportError
from nexport_campus.aiohttp import AiohttpTransport
from nexport_campus.aiohttp.lenient_parser import LenientParser
from tests.support.clients import NO_RETRY
from tests.support.spec import SOME_ID
from tests.support.transports import ObservedTransport

BODY = (
    b'{"api_error_entity": {"error_code": 0}, "certificate_ready": true,'
    b' "certificate_url": "x", "certificate_not_assigned": false}'
)
LENGTH = b"Content-Length: %d" % len(BODY)
SIZE = b"%x" % len(BODY)
LAST = b"\r\n0\r\n\r\n"


def message(*headers: bytes, start: bytes = b"HTTP/1.1 200 OK", body: bytes = BODY) -> bytes:
    """Return a response with these headers and no others."""
    return b"\r\n".join([start, *headers, b"", body])


def sized(*headers: bytes, start: bytes = b"HTTP/1.1 200 OK") -> bytes:
    """Return a response whose body has a length."""
    return message(*headers, LENGTH, start=start)


def chunked(body: bytes, *headers: bytes) -> bytes:
    """Return a response in chunks."""
    return message(b"Transfer-Encoding: chunked", *headers, body=body)


def many(count: int, name: bytes = b"X-%d") -> list[bytes]:
    """Return this many headers."""
    return [(name % number if b"%" in name else name) + b": value" for number in range(count)]


ACCEPTED_BY_BOTH = {
    # Lengths.
    "a header of 9,000 bytes": sized(b"X: " + b"x" * 9_000),
    "a header of 100,000 bytes": sized(b"X: " + b"x" * 100_000),
    "a header of 200,000 bytes": sized(b"X: " + b"x" * 200_000),
    "a name of 60,000 bytes": sized(b"X" * 60_000 + b": x"),
    "129 headers": sized(*many(129)),
    "6,000 headers": sized(*many(6_000)),
    "20,000 headers, as short as can be": sized(*[b"X:"] * 20_000),
    "300 cookies": sized(*many(300, b"Set-Cookie")),
    "headers of 400,000 bytes together": sized(*[b"X: " + b"x" * 1_000] * 400),
    "a reason of 60,000 bytes": sized(start=b"HTTP/1.1 200 " + b"x" * 60_000),
    "300 trailers": chunked(SIZE + b"\r\n" + BODY + b"\r\n0\r\n" + b"\r\n".join(many(300)) + b"\r\n\r\n"),
    "a trailer of 60,000 bytes": chunked(SIZE + b"\r\n" + BODY + b"\r\n0\r\nX: " + b"x" * 60_000 + b"\r\n\r\n"),
    "a chunk extension of 60,000 bytes": chunked(SIZE + b";x=" + b"x" * 60_000 + b"\r\n" + BODY + LAST),
    # Status lines.
    "no reason": sized(start=b"HTTP/1.1 200"),
    "an empty reason": sized(start=b"HTTP/1.1 200 "),
    "a reason in Latin-1": sized(start=b"HTTP/1.1 200 Gr\xf6\xdfe"),
    "a reason in UTF-8": sized(start="HTTP/1.1 200 Größe €".encode()),
    "control characters in a reason": sized(start=b"HTTP/1.1 200 a\x01\x1b\x7f\tb"),
    "HTTP/1.0": sized(start=b"HTTP/1.0 200 OK"),
    "HTTP/0.9": sized(start=b"HTTP/0.9 200 OK"),
    "HTTP/2.0": sized(start=b"HTTP/2.0 200 OK"),
    "a status of two digits": sized(start=b"HTTP/1.1 20 OK"),
    "a status of four digits": sized(start=b"HTTP/1.1 2000 OK"),
    "status 299": sized(start=b"HTTP/1.1 299 Odd"),
    "status 600": sized(start=b"HTTP/1.1 600 Odd"),
    "status 999": sized(start=b"HTTP/1.1 999 Odd"),
    "two spaces before the status": sized(start=b"HTTP/1.1  200 OK"),
    "another protocol": sized(start=b"ICY 200 OK"),
    "lower case": sized(start=b"http/1.1 200 OK"),
    "a byte order mark": sized(start=b"\xef\xbb\xbfHTTP/1.1 200 OK"),
    "continue, then a response": b"HTTP/1.1 100 Continue\r\n\r\n" + sized(),
    "early hints, then a response": b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" * 9 + sized(),
    "switching protocols": sized(start=b"HTTP/1.1 101 Switching Protocols"),
    "a redirect": sized(b"Location: http://[", start=b"HTTP/1.1 302 Found"),
    "no content": message(start=b"HTTP/1.1 204 No Content", body=b""),
    "not modified": sized(start=b"HTTP/1.1 304 Not Modified").removesuffix(BODY),
    # Headers.
    "no value": sized(b"X:"),
    "a value of spaces": sized(b"X: \t "),
    "spaces around a value": sized(b"X: \t a \t "),
    "a value in Latin-1": sized(b"X: Gr\xf6\xdfe"),
    "a value in UTF-8": sized("X: Größe €".encode()),
    "control characters in a value": sized(b"X: \x07a\x01\x1b\x1f\x7fb"),
    "NEL and a no-break space in a value": sized(b"X: a\x85b\xa0c"),
    "a zero byte in a value": sized(b"X: a\x00b"),
    "a carriage return in a value": sized(b"X: a\rb"),
    "a folded value": sized(b"X: a", b" b"),
    "every character that a name may have": sized(b"!#$%&'*+-.^_`|~09azAZ: a"),
    "a space before the colon": sized(b"X : a"),
    "a space in a name": sized(b"X Y: a"),
    "a bracket in a name": sized(b"X(Y): a"),
    "a name that isn't ASCII": sized(b"X\xe9: a"),
    "no name": sized(b": a"),
    "no colon": sized(b"X"),
    "two of a kind": sized(b"Server: a", b"Server: b", b"Date: a", b"Date: b", b"Content-Type: a", b"Content-Type: b"),
    "odd cookies": sized(b"Set-Cookie: a\x01=b; ((;;", b"Set-Cookie: a,b@[]=c; max-age=9999999999999999999999"),
    "odd values of known names": sized(b"Link: <<<", b"Keep-Alive: (((", b"Content-Type: ((;;=;", b"Content-Disposition: ((("),
    "an encoding that wasn't requested": sized(b"Content-Encoding: zstd"),
    "an upgrade that wasn't requested": sized(b"Connection: upgrade", b"Upgrade: websocket"),
    # Line ends.
    "line feeds only": sized().replace(b"\r\n", b"\n"),
    "carriage returns only": sized().replace(b"\r\n", b"\r"),
    # Where the body ends.
    "until the connection closes": message(),
    "a length with zeros": message(b"Content-Length: 000%d" % len(BODY)),
    "a length with spaces": message(b"Content-Length: \t%d  " % len(BODY)),
    "a length with a sign": message(b"Content-Length: +%d" % len(BODY)),
    "a negative length": message(b"Content-Length: -5"),
    "a length that isn't a number": message(b"Content-Length: 0x10"),
    "an empty length": message(b"Content-Length:"),
    "a length beyond 64 bits": message(b"Content-Length: 99999999999999999999"),
    "a length that is too large": message(b"Content-Length: %d" % (len(BODY) + 1)),
    "lengths that differ": sized(b"Content-Length: 3"),
    "a list of lengths that differ": message(LENGTH + b", 3"),
    "the same length twice": sized(b"content-length:%d " % len(BODY)),
    "the same length three times": sized(LENGTH, LENGTH),
    "a list of the same length": message(LENGTH + b", %d" % len(BODY)),
    "a length before chunks": message(b"Content-Length: 3", b"Transfer-Encoding: chunked", body=SIZE + b"\r\n" + BODY + LAST),
    "a length after chunks": chunked(SIZE + b"\r\n" + BODY + LAST, LENGTH),
    "no content, in chunks": message(b"Transfer-Encoding: chunked", start=b"HTTP/1.1 204 No Content", body=b"0\r\n\r\n"),
    "no content, and a body": sized(start=b"HTTP/1.1 204 No Content"),
    "not modified, and a body": sized(start=b"HTTP/1.1 304 Not Modified"),
    "a length that is too small": message(b"Content-Length: %d" % (len(BODY) - 4)),
    "a line after the body": sized() + b"\r\n",
    "another response after the body": sized() + sized(start=b"HTTP/1.1 500 Forged"),
    "chunks": chunked(b"5\r\n" + BODY[:5] + b"\r\n%x\r\n" % (len(BODY) - 5) + BODY[5:] + LAST),
    "chunks with extensions": chunked(SIZE + b';a=b;c="d;e"\r\n' + BODY + b"\r\n0;f\r\n\r\n"),
    "chunks with spaces": chunked(SIZE + b"  \r\n" + BODY + LAST),
    "chunks with zeros": chunked(b"0000" + SIZE + b"\r\n" + BODY + b"\r\n000\r\n\r\n"),
    "chunks with trailers": chunked(SIZE + b"\r\n" + BODY + b"\r\n0\r\nX: a\r\nY: b\r\n\r\n"),
    "chunks in line feeds": chunked((SIZE + b"\r\n" + BODY + LAST).replace(b"\r\n", b"\n")),
    "a chunk size that isn't a number": chunked(b"0x" + SIZE + b"\r\n" + BODY + LAST),
    "a chunk without a size": chunked(b"\r\n" + BODY + LAST),
    "a chunk that is too long": chunked(SIZE + b"\r\n" + BODY + b"xx" + LAST),
    "a malformed trailer": chunked(SIZE + b"\r\n" + BODY + b"\r\n0\r\nX\r\n\r\n"),
    "chunks without an end": chunked(SIZE + b"\r\n" + BODY + b"\r\n"),
    "an unknown coding": sized(b"Transfer-Encoding: identity"),
    "a coding with chunks": message(b"Transfer-Encoding: gzip, chunked", body=SIZE + b"\r\n" + BODY + LAST),
    "chunks in chunks": message(b"Transfer-Encoding: chunked, chunked", body=SIZE + b"\r\n" + BODY + LAST),
    "chunks, stated twice": chunked(SIZE + b"\r\n" + BODY + LAST, b"Transfer-Encoding: chunked"),
    "an empty coding": sized(b"Transfer-Encoding:"),
    "HTTP/1.0 that stays open": sized(b"Connection: keep-alive", start=b"HTTP/1.0 200 OK"),
    "nothing": b"",
    "a head without an end": message(LENGTH)[: -len(BODY) - 2],
    "a page": b"<html></html>",
}  # fmt: skip

STRICTER = {
    "a length among the trailers": chunked(SIZE + b"\r\n" + BODY + b"\r\n0\r\nContent-Length: 3\r\n\r\n"),
    "a malformed chunk extension": chunked(SIZE + b";((\r\n" + BODY + LAST),
    "an unknown version": sized(start=b"HTTP/1.2 200 OK"),
    "a header of an obsolete protocol": sized(b"Sec-WebSocket-Key1: a"),
}  # fmt: skip
"""Responses that only the default transport reads; no server is known to send them."""


@asynccontextmanager
async def served(raw: bytes, pieces: int) -> AsyncIterator[str]:
    """Yield the URL of a server that sends these bytes to every request, in this many pieces, and then closes."""

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            size = len(raw) // pieces + 1
            for start in range(0, len(raw), size):
                writer.write(raw[start : start + size])
                await writer.drain()
                await asyncio.sleep(0)
            writer.write_eof()
            await reader.read()
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client has seen enough
        finally:
            writer.transport.abort()

    async with await asyncio.start_server(respond, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def outcome(raw: bytes, pieces: int, transport: httpx.AsyncBaseTransport | None) -> Any:
    """Return what a caller gets: the response with its headers and body, or the error."""
    async with (
        served(raw, pieces) as url,
        NexportCampus(StaticToken("t" * 20), base_url=url, transport=transport, retry=NO_RETRY) as campus,
    ):
        try:
            got = await campus.raw.learning.get_certificate_url(enrollment_id=SOME_ID)
        except APIError as error:
            return type(error), error.status_code, comparable(error.headers), error.body
        except NexportError as error:
            return type(error)
    return got.status_code, comparable(got.headers), got.content


def comparable(headers: Mapping[str, str] | None) -> list[tuple[bytes, bytes]]:
    """Return the headers without those that frame the body, which each transport keeps differently."""
    assert isinstance(headers, httpx.Headers)
    framing = (b"content-length", b"transfer-encoding")
    return [(name.lower(), value) for name, value in headers.raw if name.lower() not in framing]


@pytest.mark.parametrize("pieces", [1, 50], ids=["whole", "in pieces"])
@pytest.mark.parametrize("raw", ACCEPTED_BY_BOTH.values(), ids=ACCEPTED_BY_BOTH)
async def test_both_transports_agree(raw: bytes, pieces: int) -> None:
    """Both return the same response or raise the same error, also if requests use aiohttp's session."""
    default = await outcome(raw, pieces, None)
    assert await outcome(raw, pieces, AiohttpTransport()) == default
    assert await outcome(raw, pieces, ObservedTransport()) == default


@pytest.mark.parametrize("make", [AiohttpTransport, ObservedTransport])
@pytest.mark.parametrize("pieces", [1, 20, 40, 50, 100, 200])
@pytest.mark.parametrize("name", ["a chunk that is too long", "a malformed trailer", "chunks without an end"])
async def test_a_malformed_end_of_chunks(
    name: str, pieces: int, make: Callable[[], AiohttpTransport]
) -> None:
    """It is a TransportError at once, wherever the bytes are divided."""
    assert await outcome(ACCEPTED_BY_BOTH[name], pieces, make()) is TransportError


@pytest.mark.parametrize("pieces", [1, 50], ids=["whole", "in pieces"])
@pytest.mark.parametrize("raw", STRICTER.values(), ids=STRICTER)
async def test_responses_that_aiohttp_refuses(raw: bytes, pieces: int) -> None:
    """A response that only the default transport accepts is a TransportError, at once."""
    assert await outcome(raw, pieces, AiohttpTransport()) is TransportError
    assert await outcome(raw, pieces, ObservedTransport()) is TransportError
    assert await outcome(raw, pieces, None) is not TransportError


class Recorder:
    """Stands in for a connection and its parser, and records the bytes that reach the parser."""

    def __init__(self) -> None:
        self.received = b""
        self.closing = False
        self._parser = self

    def feed_data(self, data: bytes) -> tuple[tuple[()], bool, bytes]:
        """Record the bytes, as aiohttp's parser parses them."""
        self.received += data
        return (), False, b""

    def force_close(self) -> None:
        """Record that the connection isn't to be reused."""
        self.closing = True


HEADS = st.sampled_from(
    [
        sized(),
        sized(LENGTH),
        message(LENGTH + b", %d" % len(BODY), b"X: a"),
        message(b"Transfer-Encoding: chunked", LENGTH),
        sized(start=b"HTTP/1.1 204 No Content"),
        b"HTTP/1.1 100 Continue\r\n\r\n" + sized(),
        sized().replace(b"\r\n", b"\n"),
    ]
)


@given(raw=HEADS, after=st.binary(max_size=40), cuts=st.lists(st.integers(1, 300), max_size=8))
def test_however_the_bytes_arrive(raw: bytes, after: bytes, cuts: list[int]) -> None:
    """However the bytes arrive, aiohttp's parser gets the same bytes, none beyond the length in the head."""
    whole, pieces = Recorder(), Recorder()
    LenientParser(whole).feed_data(raw + after)
    parser, data = LenientParser(pieces), raw + after
    for cut in cuts:
        parser.feed_data(data[:cut])
        data = data[cut:]
    if data:
        parser.feed_data(data)
    assert (pieces.received, pieces.closing) == (whole.received, whole.closing)
    head, end, body = whole.received.partition(b"\r\n\r\n" if b"\r\n\r\n" in raw else b"\n\n")
    assert end
    assert head.count(b"Content-Length") <= 1
    if b"chunked" not in head:
        assert body == (b"" if b" 204 " in head else BODY)
        assert whole.closing is (body + after != BODY)
