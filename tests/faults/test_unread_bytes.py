"""Bytes after a response: a connection that has some is never reused, however they arrive."""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import anyio
import attrs
import httpcore
import pytest
from anyio.abc import ByteStream
from hypothesis import given
from hypothesis import strategies as st

from nexport_campus import RetryPolicy
from nexport_campus._http.network_backend import Network
from nexport_campus._http.outgoing_request import SendTracker
from nexport_campus._http.secret_insertion import PLACEHOLDER
from nexport_campus._http.streams import HttpStream, SocketStream
from tests.support.fault_cases import CALLS, Call, good_response
from tests.support.manual_clock import ManualClock, campus_on
from tests.support.scripted_server import Request, Response, ScriptedServer, error_entity, json_response

EVERY_CALL = pytest.mark.parametrize("call", CALLS, ids=str)
Contexts = tuple[ssl.SSLContext, ssl.SSLContext]
Framing = Literal["length", "chunked"]
FRAMINGS: list[Framing] = ["length", "chunked"]


class Segments(ByteStream):
    """A network whose bytes arrive in these segments."""

    def __init__(self, segments: list[bytes]) -> None:
        self.segments = segments

    async def receive(self, max_bytes: int = 65536) -> bytes:
        if not self.segments:
            raise anyio.EndOfStream
        return self.segments.pop(0)

    async def send(self, item: bytes) -> None: ...

    async def send_eof(self) -> None: ...

    async def aclose(self) -> None: ...


@contextmanager
def sockets() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Return two connected sockets."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        yield ours, theirs


async def is_usable_after(segments: list[bytes], body: bytes) -> bool:
    """Return whether httpcore's connection could be reused after a response with this body in these segments."""
    network = Network(set())
    network.secrets.expect(b"a=b", SendTracker())
    url = httpcore.URL(f"http://campus.example/?{PLACEHOLDER}")
    stream = Segments(segments)
    with sockets() as (ours, theirs):
        connection = httpcore.AsyncHTTP11Connection(url.origin, HttpStream(network.secrets, ours, stream))
        response = await connection.handle_async_request(
            httpcore.Request("GET", url, headers={"Host": "campus.example"})
        )
        assert await response.aread() == body
        await response.aclose()
        # Bytes that the response didn't need are still in the operating system's buffer.
        theirs.send(b"".join(stream.segments) or b"")
        return connection.is_available() and not connection.has_expired()


def chunked(body: bytes, sizes: list[int], extension: bytes, trailers: bytes) -> bytes:
    """Return a body in chunks of these sizes."""
    message, start = b"", 0
    for size in [*sizes, len(body)]:
        chunk = body[start : start + size]
        if chunk:
            message += b"%x%b\r\n%b\r\n" % (len(chunk), extension, chunk)
        start += size
    return message + b"0\r\n" + trailers + b"\r\n"


@st.composite
def responses(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """Draw a whole response in its wire format, and its body."""
    early = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" * draw(st.integers(0, 1))
    status = draw(st.sampled_from([b"200 OK", b"404 Not Found", b"204 No Content", b"304 Not Modified"]))
    head = early + b"HTTP/1.1 " + status + b"\r\n"
    if status[:3] in (b"204", b"304"):
        return head + b"\r\n", b""
    body = draw(st.binary(max_size=60))
    if draw(st.booleans()):
        return head + b"Content-Length: %d\r\n\r\n" % len(body) + body, body
    sizes = draw(st.lists(st.integers(1, 9), max_size=6))
    extension = draw(st.sampled_from([b"", b";a=b"]))
    trailers = draw(st.sampled_from([b"", b"X-Checksum: 5\r\n"]))
    return head + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(body, sizes, extension, trailers), body


@given(
    response=responses(),
    stray=st.one_of(
        st.just(b""),
        st.sampled_from([b"\r\n", b"\n", b"0\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"]),
        st.binary(max_size=20),
    ),
    data=st.data(),
)
def test_responses_in_any_segments(response: tuple[bytes, bytes], stray: bytes, data: st.DataObject) -> None:
    """A connection is reused exactly if nothing follows the response, whatever its framing and segments."""
    message, body = response[0] + stray, response[1]
    cuts = sorted(data.draw(st.sets(st.integers(1, len(message) - 1), max_size=8)))
    segments = [message[start:end] for start, end in zip([0, *cuts], [*cuts, len(message)], strict=True)]
    assert asyncio.run(is_usable_after(segments, body)) is (stray == b"")


class Chatty(ScriptedServer):
    """Sends bytes after each response of its first connection, separately or together with the response."""

    def __init__(self, reply: Response, stray: bytes, *, together: bool, tls: ssl.SSLContext | None) -> None:
        async def handler(request: Request) -> Response:
            if request.connection > 1:
                return reply
            message = reply.head() + reply.payload()
            if together:
                return Response(raw=message + stray)
            self.writer.write(message)
            return Response(raw=stray)

        super().__init__(handler, tls=tls)

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int
    ) -> None:
        self.writer = writer
        await super()._serve(reader, writer, connection)


@pytest.mark.sampled(12)
@EVERY_CALL
@pytest.mark.parametrize("together", [True, False], ids=["in one record", "in the next record"])
@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_over_a_socket(
    scheme: str, framing: Framing, together: bool, call: Call, tls: Contexts
) -> None:
    """With TLS, too, a forged response behind the real one is never taken for the next response."""
    forged = json_response(error_entity(5, "forged"), 403)
    good = attrs.evolve(good_response(call), framing=framing)
    server_tls = tls[0] if scheme == "https" else None
    async with (
        Chatty(good, forged.head() + forged.payload(), together=together, tls=server_tls) as server,
        campus_on(ManualClock(), server, verify=tls[1], retry=RetryPolicy(max_attempts=1)) as campus,
    ):
        for _ in range(3):
            assert (await call(campus)).attempts == 1
        assert [request.connection for request in server.requests] == [1, 2, 2]


class Fast:
    """A socket that always has bytes to read."""

    def recv(self, size: int) -> bytes:
        return b"x" * size


async def test_a_fast_server_does_not_starve_other_tasks() -> None:
    """Other tasks run while a response arrives without making its reader wait."""
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0)
            ticks += 1

    ticking = asyncio.create_task(tick())
    stream = SocketStream(Fast())  # type: ignore[arg-type] # it only needs recv
    for _ in range(100):
        await stream.receive(65_536)
    ticking.cancel()
    await asyncio.gather(ticking, return_exceptions=True)
    assert ticks >= 20
