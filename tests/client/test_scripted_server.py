"""The scripted server follows its script."""

import asyncio

import httpx
import pytest

from tests.support.scripted_server import Response, ScriptedServer, gzip_response, json_response


async def test_it_responds_in_order_and_records_requests() -> None:
    """Responses come in the script's order; method, path, query, headers and body of requests are recorded."""
    responses = [json_response([1]), json_response([2], 404, framing="chunked")]
    async with ScriptedServer(responses) as server, httpx.AsyncClient(base_url=server.url) as client:
        first = await client.get("/a?b=%20c&d=")
        second = await client.post("/e", content=b"[3]", headers={"X-F": "g"})
    assert (first.json(), second.status_code, second.json()) == ([1], 404, [2])
    assert server.requests[0].query == [("b", " c"), ("d", "")]
    assert (server.requests[1].method, server.requests[1].json) == ("POST", [3])
    assert server.requests[1].headers["x-f"] == "g"
    assert server.connections == 1


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (json_response({}, ending="reset", cut_after=0), httpx.ReadError),
        (json_response({"a": 1}, cut_after=-1), httpx.RemoteProtocolError),
        (json_response({"a": 1}, claimed_length=1000, ending="close"), httpx.RemoteProtocolError),
        (gzip_response({"a": "b" * 99}, corrupt=True), httpx.DecodingError),
        (Response(raw=b"nonsense\r\n\r\n"), httpx.RemoteProtocolError),
    ],
)
async def test_scripted_faults(response: Response, expected: type[Exception]) -> None:
    """The client sees resets, cuts, wrong lengths and corrupt bodies."""
    async with ScriptedServer([response]) as server, httpx.AsyncClient() as client:
        with pytest.raises(expected):
            await client.get(server.url)


async def test_connections_reset_before_reading() -> None:
    """The first connections can be reset as soon as they are accepted."""
    async with (
        ScriptedServer([json_response(1)], reset_connections=1) as server,
        httpx.AsyncClient() as client,
    ):
        with pytest.raises(httpx.NetworkError):
            await client.get(server.url)
        assert (await client.get(server.url)).json() == 1


async def test_responses_that_wait_for_events() -> None:
    """A response with a gate is sent when the event is set."""
    gate, body_gate = asyncio.Event(), asyncio.Event()
    response = json_response("late", gate=gate, body_gate=body_gate)
    async with ScriptedServer([response]) as server, httpx.AsyncClient() as client:
        call = asyncio.create_task(client.get(server.url))
        gate.set()
        body_gate.set()
        assert (await call).json() == "late"


async def test_a_request_beyond_the_script_fails_the_test() -> None:
    """A request that the script didn't expect raises when the server closes."""
    server = await ScriptedServer([]).__aenter__()
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.HTTPError):
            await client.get(server.url)
    with pytest.raises(ExceptionGroup, match="the script failed"):
        await server.__aexit__(None, None, None)
