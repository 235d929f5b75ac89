"""Bodies in every wrapping, and bodies that are no answer of the campus's; over a real socket."""

import gzip
import json
from typing import Any

import pytest

from nexport_campus import ResponseDecodeError, TransportError
from tests.support.clients import campus_with
from tests.support.scripted_server import Response, gzip_response, html_response, json_response
from tests.support.spec import SOME_ID, example_response

SECTION = example_response("LearningApi_GetSection")
CONTENT = json.dumps(SECTION, ensure_ascii=False).encode()


def body(
    content: bytes, content_type: str = "application/json", *headers: tuple[str, str], **how: Any
) -> Response:
    """An answer with these bytes."""
    return Response(headers=[("Content-Type", content_type), *headers], body=content, **how)


GOOD = {
    "plain": body(CONTENT),
    "byte order mark": body(b"\xef\xbb\xbf" + CONTENT),
    "text/json": body(CONTENT, "text/json"),
    "no type": Response(body=CONTENT),
    "wrong type": body(CONTENT, "text/html; charset=iso-8859-1"),
    "white space": body(b"\r\n \t" + CONTENT + b"\n\n"),
    "escaped": body(json.dumps(SECTION).encode()),
    "gzip": gzip_response(SECTION),
    "gzip in chunks": gzip_response(SECTION, framing="chunked"),
    "gzip in two members": body(gzip.compress(CONTENT), "application/json", ("Content-Encoding", "GZIP")),
    "chunks": json_response(SECTION, framing="chunked"),
    "until the end": json_response(SECTION, framing="none"),
    "closing": json_response(SECTION, headers={"Connection": "close"}, ending="close"),
}


@pytest.mark.parametrize("name", GOOD)
async def test_good_bodies(name: str) -> None:
    """The same answer, however it is wrapped."""
    async with campus_with(GOOD[name]) as (campus, _):
        section = await campus.learning.get_section(syllabus_id=SOME_ID)
    assert section.to_dict() == SECTION


UNREADABLE = {
    "HTML": (html_response(), "HTML"),
    "HTML after a mark": (body(b"\xef\xbb\xbf\n<!DOCTYPE html><p>Log in</p>"), "HTML"),
    "empty": (Response(), "empty"),
    "only white space": (body(b" \r\n"), "empty"),
    "only a mark": (body(b"\xef\xbb\xbf"), "empty"),
    "truncated JSON": (body(CONTENT[:-20]), "not JSON"),
    "two values": (body(CONTENT + CONTENT), "not JSON"),
    "not UTF-8": (body(b'{"title": "\xff"}'), "not JSON"),
    "UTF-16": (body(CONTENT.decode().encode("utf-16")), "not JSON"),
    "NaN": (body(b'{"credit_hours": NaN}'), "not JSON"),
    "binary": (body(bytes(range(256)), "application/octet-stream"), "not JSON"),
    "corrupt gzip": (gzip_response(SECTION, corrupt=True), "decompress"),
    "no gzip": (body(CONTENT, "application/json", ("Content-Encoding", "gzip")), "decompress"),
    "a list": (json_response([SECTION]), "expected an object, got a list"),
    "null": (json_response(None), "expected an object, got null"),
    "a text": (json_response("Service unavailable"), "expected an object, got a string"),
    "another's object": (json_response({"status": "ok"}), "none of the fields"),
}


@pytest.mark.parametrize("name", UNREADABLE)
async def test_unreadable_bodies(name: str) -> None:
    """A 200 that is no answer is a ResponseDecodeError that says what it looks like, and keeps how it begins."""
    answer, words = UNREADABLE[name]
    async with campus_with(answer) as (campus, server):
        with pytest.raises(ResponseDecodeError, match=words) as caught:
            await campus.learning.get_section(syllabus_id=SOME_ID)
    error = caught.value
    assert (error.operation_id, error.path, error.attempts) == ("LearningApi_GetSection", "", 1)
    assert error.snippet is None or answer.body.startswith(error.snippet)
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
async def test_cut_answers(name: str) -> None:
    """An answer that doesn't come whole is a TransportError that keeps its cause."""
    async with campus_with(CUT[name]) as (campus, _):
        with pytest.raises(TransportError) as caught:
            await campus.learning.get_section(syllabus_id=SOME_ID)
    assert caught.value.operation_id == "LearningApi_GetSection"
    assert caught.value.__cause__ is not None
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("answer", [json_response([SECTION] * 50), gzip_response(["0" * 10**6])])
async def test_an_answer_that_is_too_large(answer: Response) -> None:
    """More bytes than `max_response_bytes`, decompressed, are an error, and not all read."""
    async with campus_with(answer, max_response_bytes=10_000) as (campus, _):
        with pytest.raises(ResponseDecodeError, match="max_response_bytes"):
            await campus.learning.get_section(syllabus_id=SOME_ID)


async def test_the_next_call_is_not_disturbed() -> None:
    """After every broken answer the next call gets its own, on a connection of its own."""
    answers = [answer for broken in CUT.values() for answer in (broken, json_response(SECTION))]
    async with campus_with(*answers) as (campus, _):
        for _ in CUT:
            with pytest.raises(TransportError):
                await campus.learning.get_section(syllabus_id=SOME_ID)
            assert (await campus.learning.get_section(syllabus_id=SOME_ID)).to_dict() == SECTION
