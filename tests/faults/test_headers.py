"""Response headers that no server should send: each leads to a result or an SDK error."""

import asyncio
import json
from collections.abc import Callable
from uuid import UUID

import httpx
import pytest

from nexport_campus import (
    NexportCampus,
    NexportError,
    RateLimitError,
    RetryPolicy,
    StaticToken,
    TransportError,
)
from nexport_campus.aiohttp import AiohttpTransport
from nexport_campus.models import GetDescriptionResponse
from tests.support.scripted_server import TOKEN, Response, ScriptedServer, error_entity

ID = UUID("6f9619ff-8b86-4d01-b42d-00cf4fc964ff")
BODY = json.dumps({"description": "Safety"} | error_entity()).encode()
DIGITS = "9" * 5000
DATES = [
    "",
    ",",
    "now",
    "1",
    "Mon, 01 Jan 0001 00:00:00 +2359",
    "Fri, 31 Dec 9999 23:59:59 -2359",
    "Fri, 31 Dec 99999 23:59:59 GMT",
    "Mon, 99999999999999999999 Jan 2020 00:00:00 GMT",
    "Mon, 01 Jan 2020 00:00:00 +99999999999999999999",
    "Mon, 01 Jan 2020 99:99:99 GMT",
    "\x80\xff",
    DIGITS,
]
HEADERS = {
    "Date": DATES,
    "Retry-After": [*DATES, "-1", "1e400", "0x10", "1_000", "NaN", "inf", "9" * 300, "0", "3.5"],
    "Content-Length": ["", "-1", "+5", "x", "1e3", "0x5", "1_0", "5, 6", "\x80", "9" * 19, "9" * 30, DIGITS],
    "Content-Type": ["", "x" * 3000, "application/json; charset=\x80", "text/html; charset=utf-99"],
    "Content-Encoding": ["x", "br", "gzip", "\x80"],
    "Transfer-Encoding": ["x", "gzip, chunked", "\x80"],
    "X-Total-Count": ["-1", "x", DIGITS],
    "Set-Cookie": ["\x80; expires=Fri, 31 Dec 99999 23:59:59 GMT"],
}
Make = Callable[[], httpx.AsyncBaseTransport | None]


def response_with_header(status: int, name: str, value: str) -> Response:
    """Return a response with one such header."""
    head = f"HTTP/1.1 {status} Scripted\r\nConnection: close\r\n{name}: {value}\r\n"
    if name not in ("Content-Length", "Transfer-Encoding"):
        head += f"Content-Length: {len(BODY)}\r\n"
    return Response(raw=head.encode("latin-1") + b"\r\n" + BODY, ending="close")


@pytest.mark.parametrize("make", [lambda: None, AiohttpTransport], ids=["httpx", "aiohttp"])
@pytest.mark.parametrize("status", [200, 429, 503])
@pytest.mark.parametrize("name", HEADERS)
async def test_absurd_headers(make: Make, status: int, name: str) -> None:
    """Whatever a header holds, a call returns its result or raises a NexportError with a printable line."""
    for value in HEADERS[name]:
        async with (
            ScriptedServer([response_with_header(status, name, value)]) as server,
            NexportCampus(
                StaticToken(TOKEN),
                base_url=server.url,
                retry=RetryPolicy(max_attempts=1),
                transport=make(),
            ) as campus,
        ):
            outcome = await asyncio.gather(
                campus.learning.get_section_description(section_id=ID), return_exceptions=True
            )
        (result,) = outcome
        if isinstance(result, GetDescriptionResponse):
            assert (status, result.description) == (200, "Safety")
            continue
        assert isinstance(result, TransportError if name == "Content-Length" else NexportError), value
        assert len(str(result)) < 500
        assert "\n" not in str(result)
        if isinstance(result, RateLimitError):
            assert result.retry_after is None or result.retry_after >= 0


@pytest.mark.sampled(12)
@pytest.mark.parametrize("make", [lambda: None, AiohttpTransport], ids=["httpx", "aiohttp"])
@pytest.mark.parametrize("value", [value for value in HEADERS["Retry-After"] if value != "3.5"])
async def test_retrying_with_an_absurd_retry_after(make: Make, value: str) -> None:
    """An invalid `Retry-After` doesn't prevent the retry; an excessive one ends the call at once."""
    async with (
        ScriptedServer(
            [response_with_header(429, "Retry-After", value), response_with_header(200, "Server", "x")]
        ) as server,
        NexportCampus(
            StaticToken(TOKEN),
            base_url=server.url,
            retry=RetryPolicy(initial_delay=0.0),
            transport=make(),
        ) as campus,
    ):
        if value in ("9" * 300, "Fri, 31 Dec 9999 23:59:59 -2359"):
            with pytest.raises(RateLimitError) as refused:
                await campus.learning.get_section_description(section_id=ID)
            assert refused.value.retry_after is not None
            assert refused.value.retry_after > 10**10
        else:
            found = await campus.learning.get_section_description(section_id=ID)
            assert found.description == "Safety"
