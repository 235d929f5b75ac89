"""Through a proxy, the token only reaches the campus: nothing else that the proxy gets shows it."""

import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from nexport_campus import NexportCampus, NexportError, PasswordAuth, RetryPolicy
from tests.support.leak_recorder import LeakRecorder
from tests.support.proxy import Proxy
from tests.support.scripted_server import (
    TOKEN,
    Request,
    Response,
    ScriptedServer,
    error_entity,
    json_response,
)

PASSWORD = "correct-horse-battery-staple"
PROXY_PASSWORD = "the-proxy-knows-this-one"
SECTION = "12345678-1234-5678-9abc-123456789abc"


async def campus_behind(request: Request) -> Response:
    """Accept the login, respond to the first call, and echo the token to all others."""
    if request.operation_id == "AdminApi_Authenticate":
        return json_response(
            {"access_token": TOKEN, "token_type": "bearer", "expires_in": 3600} | error_entity()
        )
    if "section_id" in dict(request.query):
        return json_response({"description": "Safety first"} | error_entity(), headers={"X-Echo": TOKEN})
    return json_response(error_entity(3, f"nothing for {TOKEN}"), status=409)


@pytest.fixture
def tls() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return a server's context and that of a client that trusts it."""
    authority = trustme.CA()
    serving, trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(serving)
    authority.configure_trust(trusting)
    return serving, trusting


@pytest.mark.parametrize("tunnel", [False, True], ids=["http", "CONNECT"])
async def test_a_proxy_and_its_logs(tunnel: bool, tls: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    """Whatever the response, no log, error or repr shows a secret, and no CONNECT line carries one."""
    seen = LeakRecorder()
    async with ScriptedServer(campus_behind, tls=tls[0] if tunnel else None) as server, Proxy() as proxy:
        with seen.watching():
            async with NexportCampus(
                PasswordAuth("user", PASSWORD),
                base_url=server.url,
                proxy=proxy.url.replace("http://", f"http://user:{PROXY_PASSWORD}@"),
                verify=tls[1],
                retry=RetryPolicy(max_attempts=1),
            ) as campus:
                response = await campus.learning.get_section_description(section_id=SECTION)
                with pytest.raises(NexportError) as caught:
                    await campus.learning.get_assignment(assignment_id=SECTION)
                seen.error(caught.value)
                seen.strings.append(repr(campus))
                seen.objects()
    assert response.description == "Safety first"
    assert proxy.request_lines
    assert proxy.credentials
    assert all(("access_token", TOKEN) in request.query for request in server.requests[1:])
    if tunnel:
        assert {line.split(" ")[0] for line in proxy.request_lines} == {"CONNECT"}
        assert TOKEN not in "".join(proxy.request_lines)
    assert seen.show(TOKEN, PASSWORD, PROXY_PASSWORD) == []


@pytest.mark.parametrize("tunnel", [False, True], ids=["http", "CONNECT"])
async def test_the_headers_of_a_proxy(tunnel: bool, tls: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    """An `httpx.Proxy` may have headers, such as a token of the proxy's: they are sent, and no log or error has them."""
    seen = LeakRecorder()
    async with ScriptedServer(campus_behind, tls=tls[0] if tunnel else None) as server, Proxy() as proxy:
        headers = {"Proxy-Authorization": f"Bearer {PROXY_PASSWORD}"}
        with seen.watching():
            async with NexportCampus(
                PasswordAuth("user", PASSWORD),
                base_url=server.url,
                proxy=httpx.Proxy(proxy.url, headers=headers),
                verify=tls[1],
                retry=RetryPolicy(max_attempts=1),
            ) as campus:
                await campus.learning.get_section_description(section_id=SECTION)
                seen.strings.append(repr(campus))
    assert {line.partition(": ")[2] for line in proxy.credentials} == {f"Bearer {PROXY_PASSWORD}"}
    if tunnel:
        assert not [request for request in server.requests if "proxy-authorization" in request.headers]
    assert seen.show(PROXY_PASSWORD) == []


@pytest.mark.parametrize("tunnel", [False, True], ids=["http", "CONNECT"])
@pytest.mark.parametrize("trust", ["nothing is verified", "the campus's authority"])
async def test_verify_is_not_for_the_proxy(
    trust: str,
    tunnel: bool,
    tls: tuple[ssl.SSLContext, ssl.SSLContext],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An https proxy is verified with the system's authorities, whatever `verify` says about the campus."""
    verify = False if trust == "nothing is verified" else tls[1]
    system, untrusted = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trusted = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    system.issue_cert("127.0.0.1").configure_cert(trusted)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(untrusted)
    system.cert_pem.write_to_path(str(tmp_path / "system.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "system.pem"))
    settings: dict[str, Any] = {"verify": verify, "retry": RetryPolicy(max_attempts=1)}
    for context in (trusted, tls[0], untrusted):
        async with (
            ScriptedServer(campus_behind, tls=tls[0] if tunnel else None) as server,
            Proxy(tls=context) as proxy,
            NexportCampus(
                PasswordAuth("user", PASSWORD), base_url=server.url, proxy=proxy.url, **settings
            ) as campus,
        ):
            if context is trusted:
                await campus.learning.get_section_description(section_id=SECTION)
                continue
            with pytest.raises(NexportError, match="certificate verify failed"):
                await campus.learning.get_section_description(section_id=SECTION)
            assert (proxy.request_lines, server.requests) == ([], [])


@pytest.mark.parametrize("tunnel", [False, True], ids=["http", "CONNECT"])
async def test_a_proxy_that_refuses(tunnel: bool, tls: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    """A proxy that echoes its request learns nothing from a tunnel, and its response reaches no log."""
    refusal = Response(
        status=407, headers=(("X-Echo", f"access_token={TOKEN}"),), body=TOKEN.encode(), ending="close"
    )
    seen = LeakRecorder()
    async with (
        ScriptedServer(campus_behind, tls=tls[0] if tunnel else None) as server,
        Proxy(refusal) as proxy,
    ):
        with seen.watching():
            async with NexportCampus(
                PasswordAuth("user", PASSWORD),
                base_url=server.url,
                proxy=proxy.url,
                verify=tls[1],
                retry=RetryPolicy(max_attempts=1),
            ) as campus:
                with pytest.raises(NexportError) as caught:
                    await campus.learning.get_section_description(section_id=SECTION)
                seen.error(caught.value)
    assert server.requests == []
    assert seen.show(PASSWORD) == []
