"""The scripted server does what its script says."""

import asyncio

import httpx
import pytest

from tests.support.scripted_server import Response, ScriptedServer, gzip_response, json_response


async def test_it_answers_in_turn_and_keeps_what_it_was_asked() -> None:
    """Answers come in the script's order; method, path, query, headers and body are kept."""
    answers = [json_response([1]), json_response([2], 404, framing="chunked")]
    async with ScriptedServer(answers) as server, httpx.AsyncClient(base_url=server.url) as client:
        first = await client.get("/a?b=%20c&d=")
        second = await client.post("/e", content=b"[3]", headers={"X-F": "g"})
    assert (first.json(), second.status_code, second.json()) == ([1], 404, [2])
    assert server.requests[0].query == [("b", " c"), ("d", "")]
    assert (server.requests[1].method, server.requests[1].json) == ("POST", [3])
    assert server.requests[1].headers["x-f"] == "g"
    assert server.connections == 1


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (json_response({}, ending="reset", cut_after=0), httpx.ReadError),
        (json_response({"a": 1}, cut_after=-1), httpx.RemoteProtocolError),
        (json_response({"a": 1}, claimed_length=1000, ending="close"), httpx.RemoteProtocolError),
        (gzip_response({"a": "b" * 99}, corrupt=True), httpx.DecodingError),
        (Response(raw=b"nonsense\r\n\r\n"), httpx.RemoteProtocolError),
    ],
)
async def test_it_goes_wrong_as_told(answer: Response, expected: type[Exception]) -> None:
    """Resets, cuts, lies and corrupt bodies reach the client as such."""
    async with ScriptedServer([answer]) as server, httpx.AsyncClient() as client:
        with pytest.raises(expected):
            await client.get(server.url)


async def test_it_resets_connections_before_reading() -> None:
    """The first connections can be reset as soon as they are there."""
    async with (
        ScriptedServer([json_response(1)], reset_connections=1) as server,
        httpx.AsyncClient() as client,
    ):
        with pytest.raises(httpx.NetworkError):
            await client.get(server.url)
        assert (await client.get(server.url)).json() == 1


async def test_it_waits_for_events() -> None:
    """An answer with a gate comes when the event is set."""
    gate, body_gate = asyncio.Event(), asyncio.Event()
    answer = json_response("late", gate=gate, body_gate=body_gate)
    async with ScriptedServer([answer]) as server, httpx.AsyncClient() as client:
        call = asyncio.create_task(client.get(server.url))
        gate.set()
        body_gate.set()
        assert (await call).json() == "late"


async def test_a_request_beyond_the_script_fails_the_test() -> None:
    """What the script didn't foresee is told when the server closes."""
    server = await ScriptedServer([]).__aenter__()
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.HTTPError):
            await client.get(server.url)
    with pytest.raises(ExceptionGroup, match="the script failed"):
        await server.__aexit__(None, None, None)
