"""Faults that can occur between a request and its response, and what each must lead to."""

import gzip
from collections.abc import Callable
from functools import cache
from typing import Any, Literal

import attrs

from nexport_campus import (
    APIError,
    NexportCampus,
    NexportError,
    RawResponse,
    RequestTimeoutError,
    ResponseDecodeError,
    ServerError,
    TransportError,
)
from tests.support.scripted_server import Response, error_entity, html_response, json_response
from tests.support.spec import SOME_ID, example_response

__all__ = ["CALLS", "FAULTS", "Call", "Fault", "good_response"]


@attrs.frozen
class Call:
    """A call that reads or writes, independent of its HTTP method."""

    operation_id: str
    method: str
    writes: bool
    make: Callable[[NexportCampus], Any]

    def __str__(self) -> str:
        return f"{self.method} that {'writes' if self.writes else 'reads'}"

    async def __call__(self, campus: NexportCampus) -> RawResponse[Any]:
        response: RawResponse[Any] = await self.make(campus)
        return response


CALLS = [
    Call(
        "LearningApi_GetSectionDescription",
        "GET",
        False,
        lambda campus: campus.raw.learning.get_section_description(section_id=SOME_ID),
    ),
    Call(
        "LearningApi_SearchEnrollments",
        "POST",
        False,
        lambda campus: campus.raw.learning.search_enrollments(org_ids=[SOME_ID]),
    ),
    Call(
        "LearningApi_DropEnrollment",
        "GET",
        True,
        lambda campus: campus.raw.learning.drop_enrollment(enrollment_id=SOME_ID),
    ),
    Call(
        "LearningApi_CreateEnrollment",
        "POST",
        True,
        lambda campus: campus.raw.learning.create_enrollment(
            org_id=SOME_ID, user_id=SOME_ID, syllabus_id=SOME_ID, membership_group_ids=[]
        ),
    ),
]


def good_response(call: Call) -> Response:
    """Return the response to a call when nothing goes wrong."""
    return json_response(example_response(call.operation_id))


@attrs.frozen
class Fault:
    """One fault, and how the client must handle it.

    `response`: makes the faulty response to a call. `where`: where the fault occurs; everywhere but at
    "response" no request has been read. `error`: the class that the caller gets. `retried`: which calls are
    retried. `unknown`: whether a write may have been carried out. `seconds`: the client's `timeout`, short
    where the fault is a timeout.
    """

    name: str
    error: type[NexportError]
    retried: Literal["always", "reads", "never"]
    unknown: bool
    response: Callable[[Call], Response] = good_response
    where: Literal["response", "refused", "dns", "reset"] = "response"
    seconds: float = 30.0

    def __str__(self) -> str:
        return self.name


def _bytes(call: Call) -> bytes:
    return good_response(call).body


def _gzipped(
    change: Callable[[bytes], bytes] = bytes, encoding: str = "gzip", **how: Any
) -> Callable[[Call], Response]:
    headers = (("Content-Type", "application/json"), ("Content-Encoding", encoding))
    return lambda call: Response(headers=headers, body=change(gzip.compress(_bytes(call))), **how)


def _raw(message: bytes) -> Callable[[Call], Response]:
    return lambda call: Response(raw=message, ending="close")


def _with_changes(**changes: Any) -> Callable[[Call], Response]:
    return lambda call: attrs.evolve(good_response(call), **changes)


def _body(body: bytes) -> Callable[[Call], Response]:
    return _with_changes(body=body)


def _corrupt(packed: bytes) -> bytes:
    middle = len(packed) // 2
    return packed[:middle] + bytes([packed[middle] ^ 0xFF]) + packed[middle + 1 :]


@cache
def _packed(layers: int) -> bytes:
    body = b"[" + b" " * 50_000_000
    for _ in range(layers):
        body = gzip.compress(body)
    return body


def _bomb(layers: int) -> Callable[[Call], Response]:
    headers = (("Content-Encoding", ", ".join(["gzip"] * layers)),)
    return lambda call: Response(headers=headers, body=_packed(layers))


def _lost(name: str, response: Callable[[Call], Response], **how: Any) -> Fault:
    """Return a fault that loses the response: reads are retried, and writes may have been applied."""
    return Fault(name, TransportError, "reads", True, response, **how)


def _unreadable(name: str, response: Callable[[Call], Response]) -> Fault:
    """Return a fault that makes the response unreadable: nothing is retried, and writes may have been applied."""
    return Fault(name, ResponseDecodeError, "never", True, response)


def _odd_json(name: str, body: bytes) -> Fault:
    return _unreadable(f"odd JSON: {name}", _body(body))


FAULTS = [
    Fault("refused", TransportError, "always", False, where="refused"),
    Fault("unresolvable host name", TransportError, "always", False, where="dns"),
    _lost("reset before it was read", good_response, where="reset"),
    _lost("reset before the response", _with_changes(cut_after=0, ending="reset")),
    _lost("reset inside the head", _with_changes(cut_after=9, ending="reset")),
    _lost("reset inside the body", _with_changes(cut_after=-3, ending="reset")),
    _lost("closed before the response", _with_changes(cut_after=0)),
    _lost("cut inside the head", _with_changes(cut_after=20)),
    _lost("cut inside the body", _with_changes(cut_after=-1)),
    _lost("a body shorter than its length", _with_changes(claimed_length=9_999, ending="close")),
    _lost("chunks without an end", _with_changes(framing="chunked", cut_after=-5)),
    _lost("a chunk that was cut", _with_changes(framing="chunked", cut_after=-9)),
    _lost("a compressed body that was cut", _gzipped(cut_after=-4)),
    _lost("a chunk of no length", _raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n")),
    _lost("not HTTP", _raw(b"220 mail.example ESMTP\r\n\r\n")),
    _lost("a TLS record where HTTP is spoken", _raw(b"\x15\x03\x01\x00\x02\x02\x28" + b"\r\n\r\n")),
    _lost("a header that isn't one", _raw(b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n")),
    _lost("a head without an end", _raw(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000)),
    _lost("two lengths", _raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}}")),
    _lost("a length that is not a number", _raw(b"HTTP/1.1 200 OK\r\nContent-Length: all\r\n\r\n{}")),
    _lost("only 100 Continue", _raw(b"HTTP/1.1 100 Continue\r\n\r\n")),
    _lost("only 103 Early Hints", _raw(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 3)),
    _lost("a status below 100", _raw(b"HTTP/1.1 099 Odd\r\nContent-Length: 2\r\n\r\n{}")),
    Fault("dripping", RequestTimeoutError, "reads", True, _with_changes(drip_seconds=0.02), seconds=0.2),
    Fault("dripping chunks", RequestTimeoutError, "reads", True, _with_changes(drip_seconds=0.02, framing="chunked"), seconds=0.2),
    _unreadable("corrupt gzip", _gzipped(_corrupt)),
    _unreadable("gzip that isn't", _with_changes(headers=(("Content-Encoding", "gzip"),))),
    _unreadable("gzip that ends early", _gzipped(lambda packed: packed[:-9])),
    _unreadable("gzip with something after it", _gzipped(lambda packed: packed + b"more")),
    _unreadable("an encoding that was not requested", _gzipped(encoding="br")),
    _unreadable("gzip within gzip", _gzipped(gzip.compress, encoding="gzip, gzip")),
    _unreadable("a body shorter than the JSON in it", lambda call: attrs.evolve(good_response(call), claimed_length=len(_bytes(call)) - 4)),
    _unreadable("more than max_response_bytes", _body(b"[" + b" " * 200_000)),
    _unreadable("more than max_response_bytes, in chunks", _with_changes(body=b"[" + b" " * 200_000, framing="chunked")),
    _unreadable("more than max_response_bytes, to the connection's end", _with_changes(body=b"[" + b" " * 200_000, framing="none")),
    _unreadable("a gzip bomb", _bomb(1)),
    _unreadable("a gzip bomb in a gzip bomb", _bomb(2)),
    _unreadable("HTML from a proxy, with status 200", lambda call: html_response()),
    Fault("HTML from a gateway", ServerError, "reads", True, lambda call: html_response(502)),
    Fault("HTML from a proxy that requires authentication", APIError, "never", False, lambda call: html_response(407)),
    Fault("a corrupt body of a failed gateway", ServerError, "reads", True, _gzipped(_corrupt, status=503)),
    _odd_json("nothing", b""),
    _odd_json("blanks", b" \r\n\t "),
    _odd_json("null", b"null"),
    _odd_json("a string", b'"maintenance"'),
    _odd_json("a number", b"42"),
    _odd_json("true", b"true"),
    _odd_json("NaN", b"NaN"),
    _odd_json("cut", b'{"enrollment_id": "'),
    _odd_json("with something after it", b"{} {}"),
    _odd_json("single quotes", b"{'a': 1}"),
    _odd_json("UTF-16", '{"a": 1}'.encode("utf-16")),
    _odd_json("a string that isn't UTF-8", b'{"a": "\xff\xfe"}'),
    _odd_json("nested too deeply", b"[" * 100_000),
    _odd_json("a list in a list", b"[[]]"),
    _odd_json("a list of numbers", b"[1, 2]"),
    _odd_json("XML", b"<?xml version='1.0'?><error/>"),
    Fault("an error of the campus", ServerError, "never", False, lambda call: json_response(error_entity(1, "Unknown"))),
    Fault("an error of the campus, 503", ServerError, "never", False, lambda call: json_response(error_entity(1, "Unknown"), 503)),
    Fault("an unknown error code", APIError, "never", False, lambda call: json_response(error_entity(99, "New"), 409)),
]  # fmt: skip
