"""A campus that responds immediately or after a fixed delay with prepared bytes, in a separate process.

`python page_server.py LATENCY_SECONDS PAGES` prints its port and serves until its standard input closes.
"""

import asyncio
import json
import random
import re
import sys
import uuid
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

__all__ = ["SIZE", "make_repeated_page", "make_section_page"]

ROOT = Path(__file__).resolve().parents[2]
SIZE = 1000
_NO_PAGE = b"-8000-000000000000"
_NO_NUMBER = b'"page": 0,'


def make_section_page(size: int = SIZE) -> bytes:
    """Return a page of section enrollments: the vendor's example with ids, dates and words of each record's own.

    A third isn't completed, and a quarter has nulls. A date that is missing has no key, because the stock client fails on
    null there.
    """
    example = _schemas()["SectionEnrollmentsResponse"]["default"]
    values = random.Random(7)  # noqa: S311 -- the same page in every run
    return json.dumps([_vary(example, number, values) for number in range(size)]).encode()


def make_repeated_page(size: int = SIZE) -> bytes:
    """Return a page that repeats the vendor's example of a section enrollment."""
    return json.dumps([_schemas()["SectionEnrollmentsResponse"]["default"]] * size).encode()


def _template(pages: int) -> bytes:
    """Return a page of SearchEnrollments; `_page` inserts its number into the page and every id."""
    item = {
        "enrollment_date": "2015-12-25T19:25:24.731+00:00",
        "completion_date": "2016-01-25T19:25:24.731+00:00",
        "last_activity_date": "2016-01-25T19:25:24.731+00:00",
        "result": 1,
        "phase": 2,
    }
    names = ("enrollment_id", "syllabus_id", "user_id")
    enrollments = [
        item | {name: f"{number:08x}-{place:04x}-4000{_NO_PAGE.decode()}" for place, name in enumerate(names)}
        for number in range(SIZE)
    ]
    head = {
        "page": 0,
        "page_size": SIZE,
        "total_count": pages * SIZE,
        "api_error_entity": {"error_code": 0},
    }
    return json.dumps(head | {"enrollments": enrollments}).encode()


@lru_cache(maxsize=64)
def _page(template: bytes, number: int) -> bytes:
    numbered = template.replace(_NO_NUMBER, b'"page": %d,' % number)
    return numbered.replace(_NO_PAGE, b"-8000-%012x" % number)


def _schemas() -> dict[str, Any]:
    document = json.loads((ROOT / "openapi" / "nexport.json").read_text(encoding="utf-8"))
    schemas: dict[str, Any] = document["components"]["schemas"]
    return schemas


def _vary(example: dict[str, Any], number: int, values: random.Random) -> dict[str, Any]:
    """Return a record whose values differ from those of other records."""
    activity = dict.fromkeys(("first_activity_date", "last_activity_date"), example["start_date"])
    record: dict[str, Any] = _with_own_values(example | activity, number, values)
    if number % 3 == 0:
        del record["completion_date"], record["last_activity_date"]
    if number % 4 == 0:
        record |= dict.fromkeys(("number", "unique_name", "weighted_score"))
    return record


def _with_own_values(node: Any, number: int, values: random.Random) -> Any:
    if isinstance(node, dict):
        return {key: _with_own_values(value, number, values) for key, value in node.items()}
    if not isinstance(node, str):
        return node
    if re.fullmatch("[0-9a-f-]{36}", node):
        return str(uuid.UUID(int=values.getrandbits(128), version=4))
    if re.match(r"\d{4}-\d\d-\d\dT", node):
        moment = datetime(2015, 1, 1, tzinfo=UTC) + timedelta(milliseconds=values.randrange(2**38))
        return moment.isoformat(timespec="milliseconds")
    return f"{node} {number}"


class _Campus(asyncio.Protocol):
    connections = 0

    def __init__(self, section: bytes, template: bytes, latency: float) -> None:
        self._section = section
        self._template = template
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
        if path.endswith(b"/connections"):
            body = str(_Campus.connections).encode()
        else:
            body = _page(self._template, int(page[1])) if page else self._section
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


async def _serve(latency: float, pages: int) -> None:
    section = json.dumps(_schemas()["SectionResponse"]["default"]).encode()
    template = _template(pages)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: _Campus(section, template, latency), "127.0.0.1", 0, backlog=1024
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1]), int(sys.argv[2])))
