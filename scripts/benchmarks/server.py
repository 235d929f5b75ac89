"""A campus that answers at once, or after a fixed time: bytes made beforehand, in a process of its own.

`python server.py LATENCY_SECONDS` prints its port and serves until its standard input closes.
"""

import asyncio
import json
import re
import sys
import uuid
from pathlib import Path
from typing import Any

__all__ = ["page_of", "section_page"]

ROOT = Path(__file__).resolve().parents[2]
PAGES = 40
SIZE = 1000


def section_page(size: int = SIZE) -> bytes:
    """A page of section enrollments, the vendor's own example as the item, each with ids of its own."""
    example = _schemas()["SectionEnrollmentsResponse"]["default"]
    return json.dumps([_with_fresh_ids(example) for _ in range(size)]).encode()


def page_of(number: int) -> bytes:
    """One page of enrollments, as SearchEnrollments answers."""
    item = {
        "enrollment_id": "12345678-1234-5678-9abc-123456789abc",
        "enrollment_date": "2015-12-25T19:25:24.731+00:00",
        "completion_date": "2016-01-25T19:25:24.731+00:00",
        "syllabus_id": "12345678-1234-5678-9abc-123456789abc",
        "last_activity_date": "2016-01-25T19:25:24.731+00:00",
        "result": 1,
        "phase": 2,
        "user_id": "12345678-1234-5678-9abc-123456789abc",
    }
    head = {
        "page": number,
        "page_size": SIZE,
        "total_count": PAGES * SIZE,
        "api_error_entity": {"error_code": 0},
    }
    return json.dumps({"enrollments": [_with_fresh_ids(item) for _ in range(SIZE)]} | head).encode()


def _schemas() -> dict[str, Any]:
    document = json.loads((ROOT / "openapi" / "nexport.json").read_text(encoding="utf-8"))
    schemas: dict[str, Any] = document["components"]["schemas"]
    return schemas


def _with_fresh_ids(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _with_fresh_ids(value) for key, value in node.items()}
    return str(uuid.uuid4()) if isinstance(node, str) and re.fullmatch("[0-9a-f-]{36}", node) else node


class _Campus(asyncio.Protocol):
    connections = 0

    def __init__(self, answers: dict[bytes, bytes], latency: float) -> None:
        self._answers = answers
        self._latency = latency
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        _Campus.connections += 1

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end]
            length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._buffer) < whole:
                return
            self._buffer = self._buffer[whole:]
            self._answer(head.split(b" ", 2)[1])

    def _answer(self, target: bytes) -> None:
        path, _, query = target.partition(b"?")
        page = re.search(rb"(?:^|&)page=(\d+)", query)
        key = path.rsplit(b"/", 1)[-1]
        if key == b"connections":
            body = str(_Campus.connections).encode()
        else:
            body = self._answers.get(
                key + (b"/" + page[1] if page and key == b"SearchEnrollments" else b""), b"{}"
            )
        answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
            len(body),
            body,
        )
        if self._latency:
            asyncio.get_running_loop().call_later(self._latency, self._send, answer)
        else:
            self._send(answer)

    def _send(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)


async def _serve(latency: float) -> None:
    answers = {b"GetSection": json.dumps(_schemas()["SectionResponse"]["default"]).encode()}
    if latency:
        answers |= {b"SearchEnrollments/%d" % number: page_of(number) for number in range(1, PAGES + 1)}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Campus(answers, latency), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1])))
