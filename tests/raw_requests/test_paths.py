"""The path of a raw request stays on the campus, after the path of `base_url`, and carries no query and no token."""

from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexport_campus import ArgumentError, NexportCampus, StaticToken
from nexport_campus._auth.redaction import Scrubber
from nexport_campus._calling.raw_arguments import find_operation
from tests.support.clients import TOKEN, campus_of, campus_with
from tests.support.scripted_server import ScriptedServer, error_entity, json_response

GOOD = json_response(error_entity())
REFUSED = [
    "",
    "api/v1/X",
    "//evil.example/api",
    "/\\evil.example",
    "https://evil.example/api/v1/X",
    "/api//v1",
    "/api/v1/X?a=b",
    "/api/v1/X#a",
    "/api/../v1",
    "/..",
    "/api/v1/..",
    "/api/./v1",
    "/api/v1/.",
    "/a..b",
    "/api/v1/X%3Fa=b",
    "/api/v1/X%3fa=b",
    "/api/v1/X%23a",
    "/api/%2e%2e/v1",
    "/api/.%2E/v1",
    "/api/%2E./v1",
    "/api/%2e/v1",
    "/api%2F/v1",
    "/api/%2fv1",
    "/api%2f%2fv1",
    "/api%5Cv1",
    "/api%252e%252e/v1",
    "/api%25252Fx/%25253F",
    "/api/v1/X%253Fa=b",
    "/api/v1/X%0d%0aX-Admin:%201",
    "/api/v1/X\r\nX-Admin: 1",
    "/api/v1/X%00",
    "/api/v1/X\x00",
    "/api/v1/X%",
    "/api/v1/X%zz",
    "/api/v1/X%ff",
    "/api/v1/X\ud800",
    "/api/v1/access_token=abc",
    "/api/v1/Access%5Ftoken=abc",
    f"/api/v1/{TOKEN}",
    f"/api/v1/X%2D{TOKEN}",
    None,
    7,
    b"/api/v1/X",
]


@pytest.mark.parametrize("path", REFUSED, ids=[ascii(path) for path in REFUSED])
async def test_paths_that_are_refused(path: Any) -> None:
    """Whatever could leave the campus, add a query or carry a token, in any encoding; the message shows no value."""
    async with campus_with(GOOD) as (campus, server):
        await campus.request("GET", "/api/v1/Y")
        server.requests.clear()
        for call in (campus.request("GET", path), _pages(campus, path)):
            with pytest.raises(ArgumentError, match=r"path .*nothing was sent") as caught:
                await call
            assert caught.value.argument == "path"
            assert "evil" not in str(caught.value)
            assert "abc" not in str(caught.value)
    assert server.requests == []


async def _pages(campus: NexportCampus, path: Any) -> object:
    return await campus.request_pages("GET", path)


SENT = {
    "/api/v1/AdminApi/GetUser": "/api/v1/AdminApi/GetUser",
    "/": "/",
    "/api/v1/X/": "/api/v1/X/",
    "/api/v1/Größe": "/api/v1/Gr%C3%B6%C3%9Fe",
    "/api/v1/a b": "/api/v1/a%20b",
    "/api/v1/a%20b": "/api/v1/a%20b",
    "/api/v1/100%25": "/api/v1/100%25",
    "/api/v1/a;b=1,2@c:d": "/api/v1/a;b=1,2@c:d",
    "/api/v1/file.txt": "/api/v1/file.txt",
}


@pytest.mark.parametrize("base", ["", "/campus", "/some%20campus/"])
@pytest.mark.parametrize("path", SENT)
async def test_paths_are_sent_below_the_base_url(path: str, base: str) -> None:
    """The path follows that of `base_url`, and is percent-encoded where it has to be."""
    async with (
        ScriptedServer([GOOD]) as server,
        campus_of(server, base_url=server.url + base) as campus,
    ):
        await campus.request("GET", path)
    assert server.requests[0].path == base.rstrip("/") + SENT[path]


@given(path=st.text(st.sampled_from("/.%2eEfF5cC?#\\aA:@\r\n ä"), max_size=12))
def test_an_accepted_path_stays_where_it_is(path: str) -> None:
    """However often a server decodes it, it has one slash at its start and nothing that changes its structure."""
    from urllib.parse import unquote

    try:
        _, sent = find_operation("GET", path, None, Scrubber())
    except ArgumentError:
        return
    assert sent.isascii()
    for _ in range(10):
        assert sent.startswith("/")
        assert not any(part in sent for part in ("//", "..", "?", "#", "\\", "\r", "\n"))
        assert "." not in sent.split("/")
        sent = unquote(sent)


@given(text=st.text(min_size=1, max_size=10).filter(lambda text: text.isprintable()))
def test_a_quoted_segment_is_accepted_or_forbidden(text: str) -> None:
    """Quoting doesn't smuggle a forbidden character through."""
    quoted = quote(text, safe="")
    try:
        find_operation("GET", f"/api/v1/{quoted}", None, Scrubber())
    except ArgumentError:
        assert set(text) & set("/?#\\.%") or "access_token" in text


def test_a_client_needs_no_loop_for_a_refusal() -> None:
    """`request_pages` refuses its arguments at once."""
    campus = NexportCampus(StaticToken(TOKEN))
    with pytest.raises(ArgumentError, match="path"):
        campus.request_pages("GET", "//evil.example")
