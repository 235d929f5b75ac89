"""Response bodies in every encoding and framing, and bodies that the campus can't have meant; over a real socket."""

import gzip
import json
import tracemalloc
import zlib
from typing import Any

import pytest

from nexport_campus import ResponseDecodeError, TransportError
from tests.support.clients import campus_with
from tests.support.scripted_server import Response, gzip_response, html_response, json_response
from tests.support.spec import SOME_ID, example_response

SECTION = example_response("LearningApi_GetSection")
CONTENT = json.dumps(SECTION, ensure_ascii=False).encode()


def response_with(
    content: bytes, content_type: str = "application/json", *headers: tuple[str, str], **how: Any
) -> Response:
    """Return a response with these bytes."""
    return Response(headers=[("Content-Type", content_type), *headers], body=content, **how)


def encoded(content: bytes, encoding: str) -> Response:
    """Return a response with these bytes and a `Content-Encoding`."""
    return response_with(content, "application/json", ("Content-Encoding", encoding))


def raw_deflate(level: int, strategy: int = zlib.Z_DEFAULT_STRATEGY) -> Response:
    """Return a response that is compressed without zlib's header, as some servers do."""
    stream = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS, strategy=strategy)
    return encoded(stream.compress(CONTENT) + stream.flush(), "deflate")


VALID = {
    "plain": response_with(CONTENT),
    "byte order mark": response_with(b"\xef\xbb\xbf" + CONTENT),
    "text/json": response_with(CONTENT, "text/json"),
    "no type": Response(body=CONTENT),
    "wrong type": response_with(CONTENT, "text/html; charset=iso-8859-1"),
    "white space": response_with(b"\r\n \t" + CONTENT + b"\n\n"),
    "escaped": response_with(json.dumps(SECTION).encode()),
    "gzip": gzip_response(SECTION),
    "gzip in chunks": gzip_response(SECTION, framing="chunked"),
    "gzip in capitals": encoded(gzip.compress(CONTENT), "GZIP"),
    "gzip by its old name": encoded(gzip.compress(CONTENT), "x-gzip"),
    "gzip in two members": encoded(gzip.compress(CONTENT[:99]) + gzip.compress(CONTENT[99:]), "gzip"),
    "gzip with padding": encoded(gzip.compress(CONTENT) + bytes(100), "gzip"),
    "deflate": encoded(zlib.compress(CONTENT), "deflate"),
    "deflate without a header": raw_deflate(9),
    "deflate without a header, stored": raw_deflate(0),
    "deflate without a header, fixed": raw_deflate(9, zlib.Z_FIXED),
    "identity": encoded(CONTENT, "identity"),
    "identity and gzip": encoded(gzip.compress(CONTENT), "identity, gzip"),
    "an encoding without a name": encoded(CONTENT, ""),
    "chunks": json_response(SECTION, framing="chunked"),
    "until the end": json_response(SECTION, framing="none"),
    "closing": json_response(SECTION, headers={"Connection": "close"}, ending="close"),
}


@pytest.mark.parametrize("name", VALID)
async def test_valid_bodies(name: str) -> None:
    """The section decodes the same whatever the encoding and framing."""
    async with campus_with(VALID[name]) as (campus, _):
        section = await campus.learning.get_section(syllabus_id=SOME_ID)
    assert section.to_dict() == SECTION


UNREADABLE = {
    "HTML": (html_response(), "HTML"),
    "HTML after a mark": (response_with(b"\xef\xbb\xbf\n<!DOCTYPE html><p>Log in</p>"), "HTML"),
    "empty": (Response(), "empty"),
    "only white space": (response_with(b" \r\n"), "empty"),
    "only a mark": (response_with(b"\xef\xbb\xbf"), "empty"),
    "truncated JSON": (response_with(CONTENT[:-20]), "not JSON"),
    "two values": (response_with(CONTENT + CONTENT), "not JSON"),
    "not UTF-8": (response_with(b'{"title": "\xff"}'), "not JSON"),
    "UTF-16": (response_with(CONTENT.decode().encode("utf-16")), "not JSON"),
    "NaN": (response_with(b'{"credit_hours": NaN}'), "not JSON"),
    "binary": (response_with(bytes(range(256)), "application/octet-stream"), "not JSON"),
    "corrupt gzip": (gzip_response(SECTION, corrupt=True), "decompress"),
    "no gzip": (encoded(CONTENT, "gzip"), "decompress"),
    "deflate for gzip": (encoded(zlib.compress(CONTENT), "gzip"), "decompress"),
    "no second member": (encoded(gzip.compress(CONTENT) + b"\0" + CONTENT, "gzip"), "decompress"),
    "br": (encoded(CONTENT, "br"), "wasn't requested"),
    "zstd": (encoded(CONTENT, "zstd"), "wasn't requested"),
    "two encodings": (encoded(zlib.compress(gzip.compress(CONTENT)), "gzip, deflate"), "wasn't requested"),
    "a list": (json_response([SECTION]), "expected an object, got a list"),
    "null": (json_response(None), "expected an object, got null"),
    "a string": (json_response("Service unavailable"), "expected an object, got a string"),
    "another's object": (json_response({"status": "ok"}), "none of the fields"),
}


@pytest.mark.parametrize("name", UNREADABLE)
async def test_unreadable_bodies(name: str) -> None:
    """An unreadable 200 raises a ResponseDecodeError that describes the body and keeps its beginning."""
    response, words = UNREADABLE[name]
    async with campus_with(response) as (campus, server):
        with pytest.raises(ResponseDecodeError, match=words) as caught:
            await campus.learning.get_section(syllabus_id=SOME_ID)
    error = caught.value
    assert (error.operation_id, error.path, error.attempts) == ("LearningApi_GetSection", "", 1)
    unusable = words in ("decompress", "wasn't requested")
    assert error.snippet == (None if unusable else response.body[:200])
    assert str(error).startswith("LearningApi_GetSection: ")
    assert len(server.requests) == 1


CUT = {
    "cut short": json_response(SECTION, cut_after=-10),
    "cut in the head": json_response(SECTION, cut_after=20),
    "a chunk missing": json_response(SECTION, framing="chunked", cut_after=-5),
    "less than claimed": json_response(SECTION, claimed_length=10**6, ending="close"),
    "cut gzip": gzip_response(SECTION, cut_after=-10),
    "reset at once": json_response(SECTION, cut_after=0, ending="reset"),
    "reset inside": json_response(SECTION, cut_after=-100, ending="reset"),
    "no HTTP": Response(raw=b"SSH-2.0-OpenSSH_9.6\r\n", ending="close"),
    "nonsense for a length": Response(raw=b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", ending="close"),
    "a header without a name": Response(raw=b"HTTP/1.1 200 OK\r\n: x\r\n\r\n", ending="close"),
    "no end of headers": Response(raw=b"HTTP/1.1 200 OK\r\nA: " + b"b" * 200_000, ending="close"),
}


@pytest.mark.parametrize("name", CUT)
async def test_incomplete_responses(name: str) -> None:
    """An incomplete response is a TransportError that keeps its cause."""
    async with campus_with(CUT[name]) as (campus, _):
        with pytest.raises(TransportError) as caught:
            await campus.learning.get_section(syllabus_id=SOME_ID)
    assert caught.value.operation_id == "LearningApi_GetSection"
    assert caught.value.__cause__ is not None
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("response", [json_response([SECTION] * 50), gzip_response(["0" * 10**6])])
async def test_a_response_that_is_too_large(response: Response) -> None:
    """More than `max_response_bytes` decompressed bytes raise an error without reading the rest."""
    async with campus_with(response, max_response_bytes=10_000) as (campus, _):
        with pytest.raises(ResponseDecodeError, match="max_response_bytes"):
            await campus.learning.get_section(syllabus_id=SOME_ID)


@pytest.mark.parametrize(
    "response", [response_with(CONTENT), encoded(gzip.compress(CONTENT), "gzip")], ids=["plain", "gzip"]
)
async def test_the_exact_limit(response: Response) -> None:
    """A body of `max_response_bytes` after decompression is accepted, and one more byte isn't."""
    async with campus_with(response, max_response_bytes=len(CONTENT)) as (campus, _):
        assert (await campus.learning.get_section(syllabus_id=SOME_ID)).to_dict() == SECTION
    async with campus_with(response, max_response_bytes=len(CONTENT) - 1) as (campus, _):
        with pytest.raises(ResponseDecodeError, match=f"max_response_bytes, {len(CONTENT) - 1}"):
            await campus.learning.get_section(syllabus_id=SOME_ID)


async def test_a_compression_bomb() -> None:
    """A small response that decompresses to much more than the limit isn't decompressed as a whole."""
    response = encoded(gzip.compress(bytes(64 << 20)), "gzip")
    async with campus_with(response, max_response_bytes=100_000) as (campus, _):
        tracemalloc.start()
        try:
            with pytest.raises(ResponseDecodeError, match="max_response_bytes"):
                await campus.learning.get_section(syllabus_id=SOME_ID)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 16 << 20


async def test_the_next_call_works() -> None:
    """After each broken response, the next call gets its own response on a new connection."""
    responses = [response for broken in CUT.values() for response in (broken, json_response(SECTION))]
    async with campus_with(*responses) as (campus, _):
        for _ in CUT:
            with pytest.raises(TransportError):
                await campus.learning.get_section(syllabus_id=SOME_ID)
            assert (await campus.learning.get_section(syllabus_id=SOME_ID)).to_dict() == SECTION
