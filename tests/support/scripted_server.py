"""An HTTP server on a loopback socket that sends scripted responses, valid or broken, and records the requests."""

import asyncio
import gzip
import json
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import parse_qsl

import attrs

__all__ = [
    "Handler",
    "Request",
    "Response",
    "ScriptedServer",
    "error_entity",
    "gzip_response",
    "html_response",
    "json_response",
    "with_login",
]

TOKEN = "5eed0000-0000-4000-8000-00000000c0de"


@attrs.frozen
class Request:
    """One request as it arrived; `connection` is the number of its connection, from 1.

    The values of a repeated header are joined by commas.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    connection: int

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> list[tuple[str, str]]:
        return parse_qsl(self.target.partition("?")[2], keep_blank_values=True)

    @property
    def json(self) -> Any:
        return json.loads(self.body) if self.body else None

    @property
    def operation_id(self) -> str:
        """The vendor's name of the operation, taken from the path."""
        return "_".join(self.path.split("/")[-2:])


@attrs.frozen(kw_only=True)
class Response:
    """One response, and how its transmission goes wrong.

    `framing`: how the length of the body is announced; "none" ends the body by closing the connection.
    `claimed_length`: a false Content-Length. `ending`: what happens to the connection afterwards.
    `cut_after`: send only this many bytes of the message (a negative number: all but so many), then close.
    `gate`: an event to wait for before the first byte. `body_gate`: an event to wait for between head and
    body. `drip_seconds`: seconds between single bytes of the body. `raw`: the whole message; replaces
    everything else.
    """

    status: int = 200
    headers: Iterable[tuple[str, str]] = ()
    body: bytes = b""
    framing: Literal["length", "chunked", "none"] = "length"
    claimed_length: int | None = None
    cut_after: int | None = None
    ending: Literal["keep", "close", "reset"] = "keep"
    gate: asyncio.Event | None = None
    body_gate: asyncio.Event | None = None
    drip_seconds: float | None = None
    raw: bytes | None = None

    @property
    def keeps_alive(self) -> bool:
        """Whether the connection accepts another request afterwards."""
        return self.ending == "keep" and self.cut_after is None and self.framing != "none"

    def head(self) -> bytes:
        """Return the status line and the headers."""
        lines = [f"HTTP/1.1 {self.status} Scripted", *(f"{name}: {value}" for name, value in self.headers)]
        if self.framing == "chunked":
            lines.append("Transfer-Encoding: chunked")
        elif self.framing == "length" and self.status not in {204, 304}:
            length = len(self.body) if self.claimed_length is None else self.claimed_length
            lines.append(f"Content-Length: {length}")
        return "\r\n".join([*lines, "", ""]).encode("utf-8")

    def payload(self) -> bytes:
        """Return the body with its framing."""
        if self.framing != "chunked":
            return self.body
        parts = [self.body[start : start + 7] for start in range(0, len(self.body), 7)]
        return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


Handler = Callable[[Request], Awaitable[Response]]


def json_response(
    value: Any, status: int = 200, headers: Mapping[str, str] | None = None, **options: Any
) -> Response:
    """Return a response with a JSON body; `options` go to `Response`."""
    content_type = {"Content-Type": "application/json; charset=utf-8"}
    merged = tuple((content_type | dict(headers or {})).items())
    return Response(status=status, headers=merged, body=json.dumps(value).encode(), **options)


def html_response(
    status: int = 200, html: str = "<html><body>Bad gateway</body></html>", **options: Any
) -> Response:
    """Return an HTML page, as gateways send it."""
    return Response(status=status, headers=(("Content-Type", "text/html"),), body=html.encode(), **options)


def gzip_response(value: Any, *, corrupt: bool = False, **options: Any) -> Response:
    """Return a gzip-compressed JSON response, with one byte in the middle changed if `corrupt`."""
    body = bytearray(gzip.compress(json.dumps(value).encode()))
    if corrupt:
        body[len(body) // 2] ^= 0xFF
    headers = (("Content-Type", "application/json"), ("Content-Encoding", "gzip"))
    return Response(headers=headers, body=bytes(body), **options)


def error_entity(code: int = 0, message: str = "", warnings: Iterable[str] = ()) -> dict[str, Any]:
    """Return an object that holds only an `api_error_entity`, to be merged with the other fields of a response."""
    inner: dict[str, Any] = {"error_code": code, "error_message": message, "warning_messages": list(warnings)}
    return {"api_error_entity": inner}


def with_login(handler: Handler, token: str = TOKEN, expires_in: int = 3600) -> Handler:
    """Return a handler that responds to logins itself and passes other requests to `handler`."""

    async def respond(request: Request) -> Response:
        if request.operation_id != "AdminApi_Authenticate":
            return await handler(request)
        login = {"access_token": token, "token_type": "bearer", "expires_in": expires_in}
        return json_response(login | error_entity())

    return respond


class ScriptedServer:
    """Serves a handler, or a list of responses in turn.

    A request beyond the list, or an exception in the handler, fails the test when the server closes.
    `requests` holds all requests that arrived, `connections` counts the connections opened.
    `reset_connections`, a count from the first or a set of numbers, are reset before anything is read.
    """

    def __init__(
        self,
        responses: Handler | Iterable[Response],
        *,
        reset_connections: int | Collection[int] = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self._respond = responses if callable(responses) else _in_turn(responses)
        self._resets = (
            range(1, reset_connections + 1) if isinstance(reset_connections, int) else reset_connections
        )
        self._tls = tls
        self._arrival = asyncio.Event()
        self._failures: list[Exception] = []
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """The address, as `base_url` takes it."""
        host, port = self._address
        return f"{'https' if self._tls else 'http'}://{host}:{port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, ssl=self._tls, backlog=512)
        self._address = self._server.sockets[0].getsockname()[:2]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        await self._server.wait_closed()
        if self._failures and kind is None:
            raise ExceptionGroup("the script failed", self._failures)

    @property
    def is_listening(self) -> bool:
        """Whether the server accepts connections."""
        return self._server.is_serving()

    async def wait_for_requests(self, count: int) -> None:
        """Wait until `count` requests have arrived."""
        while len(self.requests) < count:
            self._arrival.clear()
            await self._arrival.wait()

    async def wait_until_closed(self, *, but: int = 0) -> None:
        """Wait until at most `but` connections are open. Raise TimeoutError after 5 seconds."""
        async with asyncio.timeout(5):
            while len(self._serving) > but:
                await asyncio.wait(self._serving, return_when=asyncio.FIRST_COMPLETED)

    async def refuse_connections(self) -> None:
        """Stop listening at the address; open connections stay open."""
        self._server.close()

    async def accept_connections(self) -> None:
        """Listen at the same address again."""
        host, port = self._address
        self._server = await asyncio.start_server(self._connected, host, port, ssl=self._tls, backlog=512)

    def requests_to(self, operation_id: str) -> list[Request]:
        """Return the requests for one operation."""
        return [request for request in self.requests if request.operation_id == operation_id]

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        self.connections += 1
        try:
            if self.connections in self._resets:
                _reset(writer)
            else:
                await self._serve(reader, writer, self.connections)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError):
            pass  # The client closed the connection, or the test ended.
        except Exception as failure:  # noqa: BLE001 -- the test gets it when the server closes
            self._failures.append(failure)
        finally:
            self._serving.discard(task)
            writer.transport.abort()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int
    ) -> None:
        while True:
            request = await _read_request(reader, connection)
            self.requests.append(request)
            self._arrival.set()
            response = await self._respond(request)
            await _write(writer, response)
            if response.keeps_alive:
                continue
            if response.ending == "reset":
                _reset(writer)
            else:
                writer.close()
                await writer.wait_closed()
            return


def _in_turn(responses: Iterable[Response]) -> Handler:
    remaining = iter(responses)

    async def respond(request: Request) -> Response:
        found = next(remaining, None)
        if found is None:
            raise AssertionError(f"no response is left for {request.method} {request.path}")
        return found

    return respond


async def _read_request(reader: asyncio.StreamReader, connection: int) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("utf-8", "surrogateescape")
    first, *lines = head.rstrip("\r\n").split("\r\n")
    method, target, _ = first.split(" ")
    headers: dict[str, str] = {}
    for name, _, value in (line.partition(":") for line in lines):
        repeated = headers.get(name.lower())
        headers[name.lower()] = value.strip() if repeated is None else f"{repeated}, {value.strip()}"
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, target, headers, body, connection)


async def _write(writer: asyncio.StreamWriter, response: Response) -> None:
    if response.gate is not None:
        await response.gate.wait()
    head, payload = (response.head(), response.payload()) if response.raw is None else (response.raw, b"")
    if response.cut_after is not None:
        sent = (head + payload)[: response.cut_after]
        head, payload = sent[: len(head)], sent[len(head) :]
    if response.body_gate is None and response.drip_seconds is None:
        head, payload = head + payload, b""
    writer.write(head)
    await writer.drain()
    if response.body_gate is not None:
        await response.body_gate.wait()
    pieces = [payload] if response.drip_seconds is None else [bytes([byte]) for byte in payload]
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(response.drip_seconds or 0)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close the connection with RST instead of FIN."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
